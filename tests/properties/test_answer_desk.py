"""Answers in: stored before they are judged, judged once, told once; whatever comes in is answered."""

import json
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from rfidguard import schema
from rfidguard.alarm import OUTCOMES
from rfidguard.answer_db import unjudged
from rfidguard.answer_desk import AnswerDesk
from rfidguard.answer_document import MAX_ANSWER_BYTES, read_answer
from rfidguard.clock import SystemClock
from rfidguard.effects import AnswerJudged
from rfidguard.errors import RefusedInput
from rfidguard.events import ANSWER_ACTIONS, Answer, Event
from rfidguard.store import Store

ALARM = "01KAN7Q3M2W1C3Y0V9T8R7S6P5"


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


class Core:
    """Hears answers as the core does, and judges when told to."""

    def __init__(self, store: Store) -> None:
        self.heard: list[Event] = []
        self.desk = AnswerDesk(store, self.heard.append, SystemClock())

    def judge(self, status: str = "accepted", reason: str | None = None) -> None:
        answer = self.heard[-1]
        assert isinstance(answer, Answer)
        self.desk.judged(AnswerJudged(answer.id, answer.by, status, reason))


@pytest.fixture
def core(store: Store) -> Core:
    return Core(store)


def answer(**fields: Any) -> bytes:
    body = {"id": "a1", "alarm": ALARM, "action": "acknowledge", **fields}
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()


def test_an_answer_is_stored_when_the_core_hears_of_it(store: Store) -> None:
    seen: list[tuple[Event, list[Answer]]] = []
    desk = AnswerDesk(store, lambda event: seen.append((event, store.read(unjudged))), SystemClock())
    desk.submit(answer(), "staff-1")
    assert [(event, stored) for event, stored in seen] == [(seen[0][0], [seen[0][0]])]


def test_the_verdict_reaches_who_asked_after_it_is_stored(store: Store, core: Core) -> None:
    verdict = core.desk.submit(answer(), "staff-1")
    assert not verdict.done()
    core.judge("rejected", "already acknowledged by staff-2")
    assert verdict.result(10) == AnswerJudged("a1", "staff-1", "rejected", "already acknowledged by staff-2")
    assert store.read(unjudged) == []


def test_a_repeat_gets_the_first_verdict_and_the_core_hears_nothing(core: Core) -> None:
    first = core.desk.submit(answer(), "staff-1")
    core.judge()
    first.result(10)
    again = core.desk.submit(answer(action="resolve", outcome="recovered"), "staff-1")
    assert again.result(0) == first.result(0)
    assert len(core.heard) == 1


def test_a_repeat_before_the_verdict_waits_for_the_same_one(core: Core) -> None:
    first, again = core.desk.submit(answer(), "staff-1"), core.desk.submit(answer(), "staff-1")
    core.judge()
    assert first.result(10) == again.result(10)
    assert len(core.heard) == 1


def test_two_people_may_use_the_same_id(core: Core) -> None:
    core.desk.submit(answer(), "staff-1")
    core.desk.submit(answer(), "staff-2")
    assert [event.by for event in core.heard if isinstance(event, Answer)] == ["staff-1", "staff-2"]


def test_answers_that_nobody_judged_are_told_again_after_a_restart(store: Store, core: Core) -> None:
    core.desk.submit(answer(), "staff-1")
    after = Core(store)
    assert after.desk.pending() == 1
    assert after.heard == core.heard
    repeat = after.desk.submit(answer(), "staff-1")
    after.judge()
    assert repeat.result(10).status == "accepted"
    assert after.desk.pending() == 0
    assert len(after.heard) == 1


def test_an_answer_on_its_way_is_not_told_twice(core: Core) -> None:
    core.desk.submit(answer(), "staff-1")
    assert core.desk.pending() == 0
    assert len(core.heard) == 1


def test_a_retained_message_never_acts(store: Store, core: Core) -> None:
    verdict = core.desk.submit(answer(), "staff-1", retained=True).result(0)
    assert (verdict.status, verdict.reason, verdict.id) == ("rejected", "retained", "a1")
    assert core.heard == []
    assert store.read(unjudged) == []
    assert core.desk.rejects["retained"] == 1


def test_who_answers_is_never_read_from_the_payload(core: Core) -> None:
    core.desk.submit(answer(by="the manager"), "staff-1")
    assert isinstance(core.heard[0], Answer)
    assert core.heard[0].by == "staff-1"


def test_an_answer_keeps_everything_that_was_said() -> None:
    event = read_answer(
        answer(action="resolve", outcome="recovered", items=[{"epc": "30ab", "outcome": "paid_late"}], note="two shirts\nred"),
        "staff-1",
        100.0,
    )
    assert (event.action, event.outcome, event.items, event.note) == (
        "resolve",
        "recovered",
        ({"epc": "30AB", "outcome": "paid_late"},),
        "two shirts\nred",
    )
    assert (event.at, event.received) == (100.0, None)


def test_an_answer_from_the_past_keeps_its_time_and_one_from_the_future_does_not() -> None:
    past = read_answer(answer(at="2026-11-22T10:14:02Z"), "staff-1", 1_800_000_000.0)
    assert (past.at, past.received) == (1795342442.0, 1_800_000_000.0)
    future = read_answer(answer(at="2036-11-22T10:14:02Z"), "staff-1", 1_800_000_000.0)
    assert (future.at, future.received) == (1_800_000_000.0, None)


def test_the_alarm_of_the_address_counts() -> None:
    assert read_answer(answer(alarm=None), "staff-1", 1.0, alarm=ALARM).alarm == ALARM
    with pytest.raises(RefusedInput, match="its address says"):
        read_answer(answer(), "staff-1", 1.0, alarm="01OTHER")


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"", "not_json: the answer is not JSON"),
        (b"[]", "not_an_object: an answer is one JSON object"),
        (b"{" * 10_000, "not_json"),
        (b" " * (MAX_ANSWER_BYTES + 1), "too_large: an answer has at most 16000 bytes, this one has 16001"),
        (answer(id=None), "invalid: id: is missing"),
        (answer(id="x" * 65), "invalid: id: string should have at most 64 characters"),
        (answer(alarm=None), "invalid: alarm: is missing"),
        (answer(action="ack"), "invalid: action: must be one of 'received', 'acknowledge', 'resolve' or 'escalate', not 'ack'"),
        (
            answer(action="resolve", outcome="recoverd"),
            "invalid: outcome: no outcome is called 'recoverd'; did you mean 'recovered'?",
        ),
        (answer(items=[{"epc": "30A", "outcome": "stray"}]), "invalid: items[0].epc: an EPC is an even number of hex digits"),
        (answer(note="x" * 501), "invalid: note: string should have at most 500 characters"),
        (answer(note="a\0b"), "invalid: note: holds characters that are no text"),
        (answer(at="now"), "invalid: at: must be an RFC 3339 time with zone"),
        (answer(outcom="stray"), "invalid: outcom: is no field of this document; did you mean 'outcome'?"),
    ],
)
def test_what_is_no_answer_is_refused_with_the_reason_and_kept(store: Store, core: Core, payload: bytes, said: str) -> None:
    verdict = core.desk.submit(payload, "staff-1").result(0)
    assert verdict.status == "rejected"
    assert (verdict.reason or "").startswith(said)
    store.write(lambda conn: None).result(10)
    kept = store.read(lambda conn: conn.execute(select(schema.dead_letters.c.source, schema.dead_letters.c.reason)).all())
    assert [tuple(row) for row in kept] == [("answer:staff-1", said.split(":")[0])]
    assert core.heard == []


@pytest.mark.parametrize("by", ["", "x" * 65, "a\nb"])
def test_a_name_that_is_none_is_refused(core: Core, by: str) -> None:
    assert (core.desk.submit(answer(), by).result(0).reason or "").startswith("bad_name")


def test_many_threads_with_one_answer_are_one_answer(core: Core) -> None:
    verdicts: list[Any] = []
    threads = [threading.Thread(target=lambda: verdicts.append(core.desk.submit(answer(), "staff-1"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    core.judge()
    assert {verdict.result(10).status for verdict in verdicts} == {"accepted"}
    assert len(core.heard) == 1


@settings(max_examples=settings().max_examples // 2)  # each one makes a database
@given(
    st.fixed_dictionaries(
        {
            "id": st.text(min_size=1, max_size=10),
            "alarm": st.text(max_size=30),
            "action": st.sampled_from([*ANSWER_ACTIONS, "x"]),
        },
        optional={
            "outcome": st.sampled_from([*OUTCOMES, "stolen"]),
            "note": st.text(max_size=600),
            "at": st.sampled_from(["2026-11-22T10:14:02Z", "2026-11-22T10:14:02", ""]),
            "items": st.lists(st.dictionaries(st.sampled_from(["epc", "outcome", "x"]), st.text(max_size=4)), max_size=2),
        },
    )
)
def test_any_object_is_an_answer_that_can_be_stored_or_is_refused(body: dict[str, Any]) -> None:
    with Store("sqlite://", SystemClock()) as store:
        core = Core(store)
        verdict = core.desk.submit(json.dumps(body).encode(), "staff-1")
        if verdict.done():
            assert verdict.result(0).status == "rejected"
            assert verdict.result(0).reason
        else:
            core.judge()
            assert verdict.result(10) == AnswerJudged(body["id"], "staff-1", "accepted")


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_words(payload: bytes) -> None:
    with pytest.raises(RefusedInput) as caught:
        read_answer(payload, "staff-1", 1.0)
    assert str(caught.value)
