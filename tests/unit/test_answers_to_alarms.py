"""The first valid answer wins; the second person is told who was first."""

import pytest
from walks import T0, alarms, config, leave, own, run

from rfidguard.answer import judge_answer
from rfidguard.effects import AlarmChanged, AnswerJudged
from rfidguard.events import Answer, Command
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner

ALARM = alarms(run(leave(own(1))))[0].alarm


def answer(action: str, by: str = "staff-1", **more: object) -> Answer:
    return Answer(at=T0 + 10, id=f"{action}-{by}", alarm=ALARM.id, action=action, by=by, **more)  # type: ignore[arg-type]


def test_acknowledging_takes_the_alarm() -> None:
    alarm, event_type, judged = judge_answer(ALARM, answer("acknowledge"), T0 + 10)
    assert alarm is not None
    assert (alarm.state, alarm.acknowledged_by, alarm.revision, event_type) == ("acknowledged", "staff-1", 2, "acknowledged")
    assert judged.status == "accepted"


def test_second_person_is_told_who_was_first() -> None:
    taken, _, _ = judge_answer(ALARM, answer("acknowledge"), T0 + 10)
    alarm, _, judged = judge_answer(taken, answer("acknowledge", "staff-2"), T0 + 11)
    assert alarm is None
    assert (judged.status, judged.reason) == ("rejected", "already acknowledged by staff-1")


def test_resolved_alarm_takes_no_more_answers() -> None:
    done, _, _ = judge_answer(ALARM, answer("resolve", outcome="recovered"), T0 + 10)
    assert done is not None
    assert (done.state, done.outcome, done.items[0].outcome) == ("resolved", "recovered", "recovered")
    assert judge_answer(done, answer("resolve", "staff-2"), T0 + 11)[2].reason == "already resolved by staff-1"


def test_outcomes_belong_to_items_and_the_alarms_is_their_summary() -> None:
    told = answer("resolve", items=({"epc": own(1).lower(), "outcome": "paid_late"},))
    done, _, _ = judge_answer(ALARM, told, T0 + 10)
    assert done is not None
    assert (done.outcome, done.items[0].outcome) == ("paid_late", "paid_late")


@pytest.mark.parametrize(
    "wrong", [answer("resolve", outcome="arrested"), answer("resolve", items=({"epc": "AA", "outcome": "stray"},))]
)
def test_unknown_outcomes_and_items_are_rejected(wrong: Answer) -> None:
    assert judge_answer(ALARM, wrong, T0 + 10)[2].status == "rejected"


def test_unknown_alarm_is_rejected() -> None:
    assert judge_answer(None, answer("acknowledge"), T0)[2].status == "rejected"


def test_only_the_first_receipt_counts_as_delivery() -> None:
    told, event_type, _ = judge_answer(ALARM, answer("received"), T0 + 10)
    assert event_type == "delivered"
    assert judge_answer(told, answer("received", "staff-2"), T0 + 11)[1] is None


def ringing() -> Runner:
    runner = Runner(layout_from(config()), RecordSet().find)
    for read in leave(own(1)):
        runner.feed(read)
    return runner


def test_repeat_of_an_answer_changes_nothing_and_is_accepted_again() -> None:
    runner = ringing()
    first = runner.feed(answer("acknowledge"))
    again = runner.feed(answer("acknowledge"))
    assert [type(effect) for effect in first] == [AlarmChanged, AnswerJudged]
    assert again == [AnswerJudged("acknowledge-staff-1", "staff-1", "accepted")]


def test_acknowledged_alarm_does_not_escalate() -> None:
    runner = ringing()
    runner.feed(answer("acknowledge"))
    assert alarms(runner.finish(), "escalated") == []


def test_unanswered_alarm_escalates_and_then_expires_without_response() -> None:
    effects = run(leave(own(1)))
    kinds = [effect.event_type for effect in effects if isinstance(effect, AlarmChanged)]
    assert kinds == ["raised", "escalated", "expired"]
    assert alarms(effects, "expired")[0].alarm.outcome == "no_response"


def test_muted_gate_stays_silent_and_says_so() -> None:
    mute = Command(at=T0 - 1, id="c1", name="mute", gate="front", seconds=60)
    assert alarms(run([mute, *leave(own(1))])) == []


def test_mute_ends_by_itself() -> None:
    mute = Command(at=T0 - 100, id="c1", name="mute", gate="front", seconds=60)
    assert len(alarms(run([mute, *leave(own(1))]))) == 1


def test_test_alarm_is_marked_as_a_drill() -> None:
    raised = alarms(run([Command(at=T0, id="c1", name="test", gate="front")]))
    assert [(change.alarm.kind, change.alarm.drill) for change in raised] == [("test", True)]
