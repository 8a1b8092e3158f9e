"""The plain cases that must be right, on hand-made walks (tests/walks.py): no simulator, no wires."""

import pytest
from walks import T0, alarms, config, crossing_of, decisions, foreign, leave, own, run, stand, walk

from rfidguard.effects import SwitchOutput
from rfidguard.events import Count, Eas, Ledger
from rfidguard.ledger import RecordSet

ITEM = own(1)


def sold(epc: str, at: float = -60.0) -> Ledger:
    return Ledger(at=T0 + at, id=f"doc/{epc}", kind="sold", epc=epc)


def known(*records: Ledger) -> RecordSet:
    ledger = RecordSet()
    for record in records:
        ledger.add(record)
    return ledger


@pytest.mark.parametrize("speed", [0.6, 1.2, 2.0, 3.0])
def test_unpaid_item_rings_once_within_reach_of_the_person(speed: float) -> None:
    raised = alarms(run(leave(ITEM, speed=speed)))
    assert [[item.epc for item in change.alarm.items] for change in raised] == [[ITEM]]
    assert -0.5 <= raised[0].event_at - crossing_of(speed=speed) <= 4.0


@pytest.mark.parametrize("rate_hz", [4, 10, 60, 200])
def test_unpaid_item_rings_at_any_read_rate(rate_hz: float) -> None:
    assert len(alarms(run(leave(ITEM, rate_hz=rate_hz)))) == 1


def test_paid_item_leaves_silently() -> None:
    effects = run(leave(ITEM), ledger=known(sold(ITEM)))
    assert alarms(effects) == []
    assert decisions(effects, ITEM)[-1].reason == "sold"


def test_sale_that_comes_just_before_the_decision_counts() -> None:
    sale = Ledger(at=crossing_of(), id="doc/1", kind="sold", epc=ITEM)
    assert alarms(run([*leave(ITEM), sale])) == []


def test_voided_sale_does_not_pay() -> None:
    void = Ledger(at=T0 - 30, id="void-1", kind="void", ref=f"doc/{ITEM}")
    assert len(alarms(run(leave(ITEM), ledger=known(sold(ITEM), void)))) == 1


def test_returned_item_rings_again() -> None:
    returned = Ledger(at=T0 - 30, id="doc-2/1", kind="returned", epc=ITEM)
    assert len(alarms(run(leave(ITEM), ledger=known(sold(ITEM), returned)))) == 1


def test_credit_of_an_article_pays_for_one_item_only() -> None:
    credit = Ledger(at=T0 - 30, id="doc/1", kind="sold", gtin="80614141123458")
    effects = run([*leave(own(1)), *leave(own(2), at=0.2)], ledger=known(credit))
    assert [len(change.alarm.items) for change in alarms(effects)] == [1]


def test_shelf_never_rings() -> None:
    shelf = [read for n in range(8) for read in stand(own(n), 60.0, place=-1.0 - 0.2 * n, seed=n)]
    assert alarms(run(shelf)) == []


def test_shelf_tag_that_is_carried_out_rings() -> None:
    path = walk(ITEM, [(0, -1.5), (20, -1.5), (24, 3.0)])
    raised = alarms(run(path))
    assert len(raised) == 1
    assert raised[0].event_at > T0 + 20


@pytest.mark.parametrize("points", [[(0, 3), (5, -3)], [(0, 3), (4, -1.5), (30, -1.5)]], ids=["through", "to the shelf"])
def test_walking_in_never_rings(points: list[tuple[float, float]]) -> None:
    assert alarms(run(walk(ITEM, points))) == []


def test_turning_back_never_rings() -> None:
    assert alarms(run(walk(ITEM, [(0, -3), (2.3, -0.1), (4.6, -3)]))) == []


def test_pausing_in_the_gate_rings_only_when_the_person_goes_on() -> None:
    raised = alarms(run(walk(ITEM, [(0, -3), (2.3, -0.1), (8.3, -0.1), (11, 3)])))
    assert [change.event_at > T0 + 8.3 for change in raised] == [True]


def test_pausing_in_the_gate_and_going_back_never_rings() -> None:
    assert alarms(run(walk(ITEM, [(0, -3), (2.3, 0.1), (8.3, 0.1), (11, -3)]))) == []


def test_lingering_outside_after_leaving_does_not_ring_again() -> None:
    assert len(alarms(run(walk(ITEM, [(0, -3), (4, 1.5), (40, 1.5), (42, 3)])))) == 1


def test_second_passage_of_the_same_item_rings_again() -> None:
    there_and_back = walk(ITEM, [(0, -3), (5, 3), (30, 3), (35, -3), (60, -3), (65, 3)])
    assert len(alarms(run(there_and_back))) == 2


def test_foreign_goods_never_ring() -> None:
    effects = run(leave(foreign(7)))
    assert alarms(effects) == []
    assert decisions(effects, foreign(7))[-1].reason == "foreign"


def test_items_that_leave_together_make_one_growing_alarm() -> None:
    effects = run([read for n in range(5) for read in leave(own(n), at=0.15 * n, seed=n)])
    assert len(alarms(effects)) == 1
    last = (alarms(effects, "updated") or alarms(effects))[-1]
    assert {item.epc for item in last.alarm.items} == {own(n) for n in range(5)}


def test_observing_site_does_not_ring() -> None:
    effects = run(leave(ITEM), config(ledger={"unknown_epc": "observe"}))
    assert alarms(effects) == []
    assert decisions(effects, ITEM)[-1].verdict == "observed"


def test_stock_only_rings_for_stock_and_not_for_strangers() -> None:
    stock = Ledger(at=T0 - 9000, id="stock/1", kind="stock_in", epc=own(1))
    effects = run([*leave(own(1)), *leave(own(2))], config(ledger={"unknown_epc": "stock_only"}), known(stock))
    assert [[item.epc for item in change.alarm.items] for change in alarms(effects)] == [[own(1)]]


def test_light_is_ordered_with_the_alarm() -> None:
    effects = run(leave(ITEM))
    orders = [effect for effect in effects if isinstance(effect, SwitchOutput)]
    assert [(order.reader, order.pin) for order in orders] == [("front-1", 1)]
    assert effects.index(orders[0]) < effects.index(alarms(effects)[0])


def test_late_sale_clears_the_alarm() -> None:
    sale = Ledger(at=T0 + 9, id="doc/1", kind="sold", epc=ITEM)
    cleared = alarms(run([*leave(ITEM), sale]), "cleared")
    assert [(change.alarm.state, change.alarm.outcome, change.alarm.items[0].state) for change in cleared] == [
        ("cleared", "paid_late", "cleared")
    ]


def test_held_item_is_pending_and_silent_until_the_hold_ends() -> None:
    effects = run(leave(ITEM), config(ledger={"unknown_epc": "strict", "late_sale_hold_s": 5.0}))
    assert [change.alarm.items[0].state for change in alarms(effects)] == ["pending"]
    assert alarms(effects, "updated")[0].alarm.items[0].state == "unpaid"
    assert effects.index(next(e for e in effects if isinstance(e, SwitchOutput))) > effects.index(alarms(effects)[0])


def test_sale_within_the_hold_never_makes_a_noise() -> None:
    sale = Ledger(at=T0 + 5, id="doc/1", kind="sold", epc=ITEM)
    effects = run([*leave(ITEM), sale], config(ledger={"unknown_epc": "strict", "late_sale_hold_s": 5.0}))
    assert not [effect for effect in effects if isinstance(effect, SwitchOutput)]
    assert len(alarms(effects, "cleared")) == 1


def test_pedestal_alarm_joins_the_unpaid_item() -> None:
    effects = run([*leave(ITEM), Eas(at=crossing_of(), gate="front", pedestal="p", kind="alarm")])
    assert [change.alarm.kind for change in alarms(effects)] == ["unpaid_items"]
    assert alarms(effects, "updated")[0].alarm.evidence["eas"] == "p"


def test_pedestal_alarm_with_a_sold_item_says_not_deactivated() -> None:
    eas = Eas(at=crossing_of(), gate="front", pedestal="p", kind="alarm")
    raised = alarms(run([*leave(ITEM), eas], ledger=known(sold(ITEM))))
    assert [(change.alarm.kind, change.alarm.items[0].epc) for change in raised] == [("tag_not_deactivated", ITEM)]


def test_pedestal_alarm_without_a_tag_is_unidentified() -> None:
    raised = alarms(run([Eas(at=T0, gate="front", pedestal="p", kind="alarm")]))
    assert [(change.alarm.kind, change.alarm.items) for change in raised] == [("eas_unidentified", ())]


def test_pedestal_alarm_of_somebody_coming_in_is_silent() -> None:
    assert alarms(run([Eas(at=T0, gate="front", pedestal="p", kind="alarm_in")])) == []


def test_gate_without_zones_takes_the_direction_from_a_people_counter() -> None:
    gate = {
        "id": "front",
        "reader": [{"id": "front-1", "driver": "replay", "antennas": {1: "threshold", 2: "threshold"}}],
        "counter": [{"id": "c", "driver": "replay"}],
    }
    coming = Count(at=crossing_of(), gate="front", counter="c", direction="in")
    going = Count(at=crossing_of(), gate="front", counter="c", direction="out")
    assert alarms(run([*leave(ITEM), coming], config(gate=[gate]))) == []
    assert len(alarms(run([*leave(ITEM), going], config(gate=[gate])))) == 1


def test_gate_without_zones_and_counters_rings_for_any_passage_unless_told_otherwise() -> None:
    reader = {"id": "front-1", "driver": "replay", "antennas": {1: "threshold", 2: "threshold"}}
    assert len(alarms(run(leave(ITEM), config(gate=[{"id": "front", "reader": [reader]}])))) == 1
    quiet = config(gate=[{"id": "front", "reader": [reader], "unknown_direction": "ignore"}])
    assert alarms(run(leave(ITEM), quiet)) == []


def test_reads_without_phase_are_enough() -> None:
    import msgspec

    blind = [msgspec.structs.replace(read, phase_rad=None, channel=None) for read in leave(ITEM)]
    assert len(alarms(run(blind))) == 1


def test_backlog_of_an_outage_never_rings() -> None:
    import msgspec

    late = [msgspec.structs.replace(read, received=read.at + 300) for read in leave(ITEM)]
    assert alarms(run(late)) == []
