"""An alarm that nobody takes up goes to the next group of handhelds, then to everybody and to the siren."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import ANTENNAS, T0, alarms, config, leave, own

from rfidguard.alarm import Alarm
from rfidguard.config import Config
from rfidguard.effects import AlarmChanged, Effect, SwitchOutput
from rfidguard.escalation import Groups, first_told, next_at, rings_out, steps, steps_behind, widened
from rfidguard.events import Answer, Command
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner

GROUPS = [{"id": "floor", "users": ["ann", "bob"]}, {"id": "lead", "users": ["eve"]}]
QUIET = [{"kind": "unpaid_items", "do": ["handheld"]}]


def shop(mode: str = "siren", **changes: object) -> Config:
    gate = {
        "id": "front",
        "mode": mode,
        "reader": [{"id": "front-1", "driver": "replay", "antennas": dict.fromkeys(ANTENNAS, "inside") | {2: "outside"}}],
        "output": [{"id": "front-light", "reader": "front-1", "pin": 1}, {"id": "front-siren", "reader": "front-1", "pin": 2}],
    }
    return config(**({"gate": [gate], "action": QUIET} | changes))


def played(shop: Config, *answers: tuple[str, str, float]) -> tuple[list[tuple[str, tuple[str, ...]]], list[int]]:
    """What became of one theft: event type and whose handhelds ring, for each transition; and the pins that were switched.
    `answers`: who, what, seconds after the alarm; of a command the name, an empty text, and when.
    """
    runner = Runner(layout_from(shop), RecordSet().find)
    effects: list[Effect] = []
    for read in leave(own(1)):
        effects += runner.feed(read)
    raised = alarms(effects)[0].alarm
    for by, action, after_s in answers:
        at = raised.raised_at + after_s
        answer = Answer(at=at, id=f"{by}-{action}", alarm=raised.id, action=action, by=by)
        effects += runner.feed(answer if action else Command(at=at, id=by, name=by))
    effects += runner.finish()
    told = [(effect.event_type, effect.alarm.to) for effect in effects if isinstance(effect, AlarmChanged)]
    return told, [effect.pin for effect in effects if isinstance(effect, SwitchOutput)]


def test_alarm_that_no_handheld_received_reaches_group_after_group_and_then_the_siren() -> None:
    told, pins = played(shop(group=GROUPS))
    assert told == [
        ("raised", ("ann", "bob")), ("escalated", ("ann", "bob", "eve")), ("escalated", ()), ("expired", ()),
    ]  # fmt: skip
    assert pins == [1, 2]


def test_without_groups_everybody_is_told_at_once_and_the_siren_follows() -> None:
    told, pins = played(shop())
    assert told == [("raised", ()), ("escalated", ()), ("expired", ())]
    assert pins == [1, 2]


def test_receipt_keeps_the_siren_silent_and_one_more_group_hears_that_nobody_acknowledged() -> None:
    told, pins = played(shop(group=GROUPS), ("ann", "received", 1.0))
    assert [event for event, _ in told] == ["raised", "delivered", "escalated", "expired"]
    assert told[2][1] == ("ann", "bob", "eve")
    assert pins == []


def test_receipt_of_a_handheld_that_does_not_ring_is_none() -> None:
    told, pins = played(shop(group=GROUPS), ("eve", "received", 1.0))
    assert "delivered" not in [event for event, _ in told]
    assert pins == [1, 2]


def test_acknowledged_alarm_goes_no_further() -> None:
    told, pins = played(shop(group=GROUPS), ("ann", "received", 1.0), ("ann", "acknowledge", 2.0))
    assert [event for event, _ in told][:3] == ["raised", "delivered", "acknowledged"]
    assert "escalated" not in [event for event, _ in told]
    assert pins == []


def test_person_who_asks_for_help_gets_the_next_group() -> None:
    told, _ = played(shop(group=GROUPS), ("ann", "received", 1.0), ("ann", "escalate", 2.0))
    assert told[2] == ("escalated", ("ann", "bob", "eve"))


def test_gate_is_never_louder_than_its_mode_and_the_policy() -> None:
    assert played(shop("handheld"))[1] == []
    assert played(shop("light"))[1] == [1]
    assert played(shop(alarms={"escalate_to": "light"}))[1] == [1]
    assert played(shop(alarms={"escalate_to": "handheld"}))[1] == []


@pytest.mark.parametrize("command", ["mute", "disarm"])
def test_gate_made_quiet_after_the_ring_escalates_without_light_and_siren(command: str) -> None:
    told, pins = played(shop(group=GROUPS), (command, "", 1.0))
    assert [event for event, _ in told] == ["raised", "escalated", "escalated", "expired"]
    assert pins == []


def test_gate_that_is_armed_again_before_the_last_resort_sounds_it() -> None:
    assert played(shop(group=GROUPS), ("mute", "", 1.0), ("unmute", "", 30.0))[1] == [1, 2]


def test_what_a_mute_held_back_sounds_once_it_is_over_and_nobody_has_the_alarm() -> None:
    held = shop(group=GROUPS, action=[], ledger={"unknown_epc": "strict", "late_sale_hold_s": 5.0})
    assert played(held, ("mute", "", 1.0))[1] == []
    assert played(held, ("mute", "", 1.0), ("unmute", "", 30.0))[1] == [1, 2]


users = st.text("abcdef", min_size=1, max_size=2)
groups = st.lists(st.lists(users, min_size=1, max_size=3, unique=True).map(tuple), max_size=4)


def alarm(to: tuple[str, ...]) -> Alarm:
    return Alarm(
        id="1", revision=1, site="0001", gate="front", kind="unpaid_items", state="open", severity="warning",
        raised_at=T0, updated_at=T0, currency="EUR", to=to,
    )  # fmt: skip


@given(groups)
def test_undelivered_alarm_only_ever_reaches_more_people_and_in_the_end_everybody(groups: Groups) -> None:
    standing, done, at = alarm(first_told(groups)), 0, T0
    while (due := next_at(groups, standing, done, 20.0)) is not None:
        assert due == T0 + 20.0 * (done + 1)
        assert not rings_out(groups, standing, done)
        wider = widened(groups, standing)
        assert not wider.to or set(wider.to) > set(standing.to)
        standing, done, at = wider, done + 1, due
    assert done == steps(groups)
    assert at == T0 + 20.0 * steps(groups)
    assert not standing.to
    assert rings_out(groups, standing, done)
    assert steps_behind(groups, standing) == (done if groups else 0)
