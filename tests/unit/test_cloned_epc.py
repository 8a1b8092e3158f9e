"""One number on two tags: sold twice, or gone twice. Told quietly; whoever carries it has paid."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import T0, alarms, config, decisions, leave, own, run, walk

from rfidguard.effects import SwitchOutput
from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.ledger import Policy, RecordSet, answer

ITEM = own(1)
RULES = config(rule=[{"use": "cloned_epc"}, {"use": "unpaid"}])
THERE_AND_BACK = walk(ITEM, [(0, -3), (5, 3), (30, 3), (35, -3), (60, -3), (65, 3)])
TWO_WALKS_OUT = [*leave(ITEM), *leave(ITEM, at=300.0, seed=2)]


def record(kind: str, at: float, name: str) -> Ledger:
    return Ledger(at=T0 + at, id=name, kind=kind, epc=ITEM)


def known(*records: Ledger) -> RecordSet:
    ledger = RecordSet()
    for one in records:
        ledger.add(one)
    return ledger


def told(ledger: RecordSet, reads: Any = None) -> list[tuple[str, str, str, str]]:
    raised = alarms(run(leave(ITEM) if reads is None else reads, RULES, ledger))
    return [(a.alarm.kind, a.alarm.severity, a.alarm.items[0].state, a.alarm.items[0].reason) for a in raised]


def test_an_item_sold_on_two_receipts_an_hour_apart_is_told_and_let_go() -> None:
    ledger = known(record("sold", -7200, "a/1"), record("sold", -60, "b/1"))
    assert told(ledger) == [("cloned_epc", "info", "sold", "sold_twice")]
    effects = run(leave(ITEM), RULES, ledger)
    assert not [effect for effect in effects if isinstance(effect, SwitchOutput)]
    assert decisions(effects, ITEM)[-1].verdict == "sold"


@pytest.mark.parametrize(
    "records",
    [
        [("sold", -7200, "a/1"), ("returned", -3600, "r/1"), ("sold", -60, "b/1")],
        [("sold", -70, "till/1"), ("sold", -60, "backoffice/1")],
        [("sold", -7200, "a/1"), ("sold", -60, "a/2")],
        [("sold", -60, "a/1")],
    ],
    ids=["came back", "two feeds tell one sale", "two lines of one document", "once"],
)
def test_other_sales_of_an_item_are_nothing_to_tell(records: list[tuple[str, float, str]]) -> None:
    assert told(known(*(record(*one) for one in records))) == []


def test_a_void_of_the_first_sale_takes_the_wonder_away() -> None:
    void = Ledger(at=T0 - 7000, id="v", kind="void", ref="a/1")
    assert told(known(record("sold", -7200, "a/1"), void, record("sold", -60, "b/1"))) == []


def test_an_item_that_leaves_twice_without_coming_back_is_told() -> None:
    assert told(known(record("sold", -60, "a/1")), TWO_WALKS_OUT) == [("cloned_epc", "info", "sold", "left_twice")]


def test_an_item_that_was_carried_in_between_is_not() -> None:
    assert told(known(record("sold", -60, "a/1")), THERE_AND_BACK) == []


def test_by_default_nobody_is_told() -> None:
    assert alarms(run(TWO_WALKS_OUT, ledger=known(record("sold", -60, "a/1")))) == []


@given(
    times=st.lists(st.floats(-1e6, -1), min_size=1, max_size=6, unique_by=lambda at: T0 + at),
    back=st.integers(0, 6),
)
def test_sold_before_is_the_first_sale_since_it_last_came_back(times: list[float], back: int) -> None:
    """The order in which records are heard of does not matter, and a sale is never before itself."""
    ordered = sorted(times)
    records = [record("returned" if number == back else "sold", at, f"{number}/1") for number, at in enumerate(ordered)]
    said = answer(records[::-1], identify(ITEM), Policy(), T0)
    since = [one.at for one in records[back + 1 if back < len(records) else 0 :] if one.kind == "sold"]
    if said.state == "sold":
        assert said.sold_before == (min(since) if len(since) > 1 else None)
