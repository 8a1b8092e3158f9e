"""A silent feed makes every customer look like a thief: items are then unverified, without light or siren."""

import pytest
from gatework import EPCS, GTINS, Gate
from walks import T0, alarms, config, leave, own, run

from rfidguard.effects import Decided, Effect, Noted, SwitchOutput
from rfidguard.events import Feed, Ledger

ITEM = own(1)


def stale(at: float, state: str = "stale") -> Feed:
    return Feed(at=T0 + at, source="mqtt:3", lane="3", state=state, reason="silent" if state == "stale" else None)


def noted(effects: list[Effect]) -> list[str]:
    return [effect.body["kind"] for effect in effects if isinstance(effect, Noted) and effect.topic == "ledger"]


def test_unsold_item_is_unverified_while_a_feed_is_stale_and_staff_are_told_without_noise() -> None:
    effects = run([stale(-10), *leave(ITEM)])
    (change,) = alarms(effects)
    item = change.alarm.items[0]
    assert (change.alarm.kind, change.alarm.severity, change.notify) == ("unpaid_items", "info", True)
    assert (item.state, item.reason) == ("unverified", "ledger_stale")
    assert not [effect for effect in effects if isinstance(effect, SwitchOutput)]
    assert noted(effects) == ["stale"]


def test_sold_item_leaves_silently_while_a_feed_is_stale() -> None:
    sale = Ledger(at=T0 - 60, id="doc/1", kind="sold", epc=ITEM, received=T0 + 1)
    assert alarms(run([stale(-10), sale, *leave(ITEM)])) == []


def test_a_feed_that_is_back_is_believed_again() -> None:
    effects = run([stale(-10), stale(-5, "fresh"), *leave(ITEM)])
    assert [change.alarm.items[0].state for change in alarms(effects)] == ["unpaid"]
    assert noted(effects) == ["stale", "fresh"]


def test_the_same_news_twice_is_told_once() -> None:
    assert noted(run([stale(-10), stale(-9), stale(-8, "fresh"), stale(-7, "fresh")])) == ["stale", "fresh"]


def test_the_backlog_of_a_feed_clears_what_was_unverified() -> None:
    late = Ledger(at=T0 - 60, id="doc/1", kind="sold", epc=ITEM, received=T0 + 20)
    effects = run([stale(-10), *leave(ITEM), stale(19, "fresh"), late])
    assert [change.alarm.items[0].state for change in alarms(effects, "cleared")] == ["cleared"]


def test_a_site_may_ask_to_alarm_all_the_same() -> None:
    loud = config(ledger={"unknown_epc": "strict", "on_stale": "alarm"})
    assert [change.alarm.items[0].state for change in alarms(run([stale(-10), *leave(ITEM)], loud))] == ["unpaid"]


def test_what_is_stale_survives_a_restart() -> None:
    gate = Gate()
    gate.runner.feed(stale(0))
    gate.restart()
    gate.leave(EPCS[0], 10)
    assert gate.verdicts() == ["unverified"]


def customers(gate: Gate, count: int, start: float, sold: bool) -> float:
    """`count` items leave, one a minute. Gives the time after them."""
    for number in range(count):
        at = start + 60.0 * number
        epc = own(1000 + round(at))
        if sold:
            gate.hear(Ledger(at=T0 + at - 30, id=f"c{at}/1", kind="sold", epc=epc), at - 30)
        gate.leave(epc, at)
    return start + 60.0 * count


def test_many_items_in_a_row_that_suddenly_leave_unsold_make_the_feed_suspect() -> None:
    gate = Gate()
    at = customers(gate, 40, 100, sold=True)
    at = customers(gate, 8, at, sold=False)
    assert gate.verdicts()[40:] == ["unpaid"] * 5 + ["unverified"] * 3
    customers(gate, 1, at, sold=True)
    customers(gate, 1, at + 60, sold=False)
    assert gate.verdicts()[-1] == "unpaid"
    assert noted(gate.effects) == ["suspect", "fresh"]


@pytest.mark.parametrize("before", [0, 20])
def test_a_gate_where_little_was_ever_sold_has_thieves_and_no_suspect_feed(before: int) -> None:
    gate = Gate()
    at = customers(gate, before, 100, sold=True)
    customers(gate, 30, at, sold=False)
    assert set(gate.verdicts()[before:]) == {"unpaid"}


def test_a_bag_full_of_unpaid_items_is_a_thief_and_no_suspect_feed() -> None:
    gate = Gate()
    at = customers(gate, 40, 100, sold=True)
    for serial in range(12):
        gate.leave(own(serial), at + 0.1 * serial)
    assert set(gate.verdicts()[40:]) == {"unpaid"}


def test_credits_are_not_used_up_by_unverified_items() -> None:
    gate = Gate()
    gate.runner.feed(stale(0))
    gate.leave(EPCS[0], 10)
    gate.hear(Ledger(at=T0 + 5, id="c/1", kind="sold", gtin=GTINS[0]), 20)
    gate.leave(EPCS[1], 30)
    decided = [effect for effect in gate.effects if isinstance(effect, Decided) and effect.direction == "out"]
    assert [effect.verdict for effect in decided] == ["unverified", "unverified"]
    assert [epc for epc, _ in gate.unpaid()] == [EPCS[1]]
