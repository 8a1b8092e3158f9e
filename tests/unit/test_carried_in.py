"""What came in with somebody goes out with them in silence, by policy and for a time; what was taken before does not."""

import pytest
from walks import T0, alarms, config, decisions, leave, own, run, walk

from rfidguard.config import Config
from rfidguard.effects import AlarmChanged, SwitchOutput
from rfidguard.events import Answer, Ledger, Read
from rfidguard.ledger import RecordSet

ITEM = own(1)


def shop(policy: str = "silent", seconds: float = 43_200.0) -> Config:
    reader = {"id": "front-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}
    side = {"id": "side-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}
    output = {"id": "light", "reader": "front-1", "pin": 1}
    return config(
        ledger={"unknown_epc": "strict", "carried_in": policy, "carried_in_s": seconds},
        gate=[{"id": "front", "mode": "light", "reader": [reader], "output": [output]}, {"id": "side", "reader": [side]}],
    )


def bring(at: float = 0.0) -> list[Read]:
    return walk(ITEM, [(at, 3.0), (at + 5.0, -3.0)])


def elsewhere(reads: list[Read]) -> list[Read]:
    import msgspec

    return [msgspec.structs.replace(read, gate="side", reader="side-1") for read in reads]


def stock(at: float = -9000.0) -> RecordSet:
    ledger = RecordSet()
    ledger.add(Ledger(at=T0 + at, id="k/1", kind="stock_in", epc=ITEM))
    return ledger


@pytest.mark.parametrize("later_s", [60.0, 1200.0, 7200.0])
def test_own_clothes_go_out_in_silence(later_s: float) -> None:
    effects = run([*bring(), *leave(ITEM, at=later_s)], shop())
    assert alarms(effects) == []
    assert decisions(effects, ITEM)[-1].reason == "carried_in"


def test_in_at_one_gate_and_out_at_another() -> None:
    assert alarms(run([*bring(), *elsewhere(leave(ITEM, at=1200.0))], shop())) == []


def test_after_its_time_it_is_forgotten() -> None:
    assert len(alarms(run([*bring(), *leave(ITEM, at=1200.0)], shop(seconds=600.0)))) == 1
    assert len(alarms(run([*bring(), *leave(ITEM, at=60.0)], shop(seconds=30.0)))) == 1


def test_a_site_may_want_to_be_told() -> None:
    effects = run([*bring(), *leave(ITEM, at=1200.0)], shop("note"))
    told = alarms(effects)
    assert [(change.alarm.severity, change.alarm.items[0].state, change.alarm.items[0].reason) for change in told] == [
        ("info", "unverified", "carried_in")
    ]
    assert not [effect for effect in effects if isinstance(effect, SwitchOutput)]


def test_a_site_may_want_it_to_ring() -> None:
    assert len(alarms(run([*bring(), *leave(ITEM, at=1200.0)], shop("alarm")))) == 1


def test_what_left_unpaid_and_is_brought_back_rings_when_it_leaves_again() -> None:
    for gap_s in (60.0, 3 * 86_400.0):
        effects = run([*leave(ITEM), *bring(gap_s), *leave(ITEM, at=gap_s + 1200.0)], shop())
        assert len(alarms(effects)) == 2


def test_what_staff_called_somebodys_own_is_their_own_the_next_day() -> None:
    first = run(leave(ITEM), shop())
    raised = alarms(first)[0].alarm
    answer = Answer(at=T0 + 10, id="a", alarm=raised.id, action="resolve", by="staff-1", outcome="own_property")
    again = [*bring(86_400.0), *leave(ITEM, at=87_000.0)]
    changes = [effect for effect in run([*leave(ITEM), answer, *again], shop()) if isinstance(effect, AlarmChanged)]
    assert {change.alarm.id for change in changes} == {raised.id}


def test_goods_in_stock_that_are_brought_in_are_the_shops_and_ring_unless_sold() -> None:
    assert len(alarms(run([*bring(), *leave(ITEM, at=1200.0)], shop(), stock()))) == 1


def test_a_sold_item_that_is_brought_for_a_return_may_leave_again_until_it_is_returned() -> None:
    def again(*more: Ledger) -> int:
        ledger = stock()
        ledger.add(Ledger(at=T0 - 5000, id="s/1", kind="sold", epc=ITEM))
        return len(alarms(run([*bring(), *more, *leave(ITEM, at=1200.0)], shop(), ledger)))

    assert again() == 0
    assert again(Ledger(at=T0 + 600, id="r/1", kind="returned", epc=ITEM)) == 1
