"""Two people in the gate at once: each thing is judged by what it does itself."""

import pytest
from walks import T0, alarms, config, crossing_of, decisions, leave, own, run, walk

from rfidguard.events import Count, Ledger
from rfidguard.ledger import RecordSet

PAID, UNPAID = own(1), own(2)


def sold(epc: str) -> RecordSet:
    ledger = RecordSet()
    ledger.add(Ledger(at=T0 - 60, id=f"doc/{epc}", kind="sold", epc=epc))
    return ledger


@pytest.mark.parametrize("apart_s", [0.0, 0.3, 1.0])
def test_of_two_abreast_only_what_is_unpaid_rings(apart_s: float) -> None:
    effects = run([*leave(PAID), *leave(UNPAID, at=apart_s, seed=2, side_m=1.0)], ledger=sold(PAID))
    (raised,) = alarms(effects)
    assert [item.epc for item in raised.alarm.items] == [UNPAID]
    assert decisions(effects, PAID)[-1].verdict == "sold"


@pytest.mark.parametrize("apart_s", [0.0, 0.5])
@pytest.mark.parametrize("unsold", [True, False])
def test_one_comes_in_while_one_goes_out(apart_s: float, unsold: bool) -> None:
    comes = walk(own(3), [(apart_s, 3), (5 + apart_s, -3)], seed=3, side_m=1.1)
    effects = run([*leave(UNPAID), *comes], ledger=None if unsold else sold(UNPAID))
    assert [item.epc for change in alarms(effects) for item in change.alarm.items] == ([UNPAID] if unsold else [])
    assert "in" in (directions := [told.direction for told in decisions(effects, own(3))])
    assert "out" not in directions


def test_counters_that_saw_both_name_neither() -> None:
    """A counter's "in" belongs to the other person: what leaves rings all the same."""
    counts = [
        Count(at=crossing_of() + at, gate="front", counter="front-count", direction=way)
        for at, way in ((0.05, "in"), (0.1, "out"))
    ]
    cfg = config(gate=[{
        "id": "front", "mode": "siren",
        "reader": [{"id": "front-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}],
        "counter": [{"id": "front-count", "driver": "replay"}],
    }])  # fmt: skip
    comes = walk(own(3), [(0, 3), (5, -3)], seed=3, side_m=1.1)
    effects = run([*leave(UNPAID), *comes, *counts], cfg)
    assert [item.epc for change in alarms(effects) for item in change.alarm.items] == [UNPAID]


def test_two_who_leave_unpaid_well_apart_make_two_alarms_and_close_together_one() -> None:
    apart = run([*leave(own(1)), *leave(own(2), at=20.0, seed=2)])
    together = run([*leave(own(1)), *leave(own(2), at=0.5, seed=2)])
    assert (len(alarms(apart)), len(alarms(together))) == (2, 1)
