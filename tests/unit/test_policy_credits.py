"""Credits: one unit pays for one item, whoever is heard of first; policies of armed, reserved and personal items."""

import pytest
from gatework import EPCS, GTINS, Gate
from walks import T0, alarms, config, decisions, own, run, walk

from rfidguard.effects import Noted
from rfidguard.events import Ledger
from rfidguard.ledger import RecordSet

FIRST, SECOND = EPCS[:2]


def credit(name: str, at: float, quantity: int = 1) -> Ledger:
    return Ledger(at=T0 + at, id=f"{name}/1", kind="sold", gtin=GTINS[0], quantity=quantity)


def item(name: str, kind: str, at: float, epc: str = FIRST) -> Ledger:
    return Ledger(at=T0 + at, id=f"{name}/1", kind=kind, epc=epc)


def told(gate: Gate) -> list[tuple[str, str]]:
    return [(e.body["kind"], e.body["epc"]) for e in gate.effects if isinstance(e, Noted) and "epc" in e.body]


def test_a_credit_is_used_once_and_then_counts_for_good() -> None:
    gate = Gate()
    gate.hear(credit("c", 0), 0)
    for at in (10.0, 300.0, 1700.0):
        gate.leave(FIRST, at)
    gate.leave(SECOND, 1720.0)
    assert gate.verdicts() == ["sold", "sold", "sold", "unpaid"]


def test_a_late_sale_of_the_item_itself_frees_the_credit_that_it_had_used_for_the_next() -> None:
    gate = Gate()
    gate.hear(credit("c", 0), 0)
    gate.leave(FIRST, 10)
    gate.leave(SECOND, 90)
    gate.hear(item("s", "sold", 5), 100)
    assert gate.verdicts() == ["sold", "unpaid"]
    assert gate.unpaid() == []


def test_an_older_credit_that_comes_late_makes_room_for_who_needs_the_newer_one() -> None:
    gate = Gate()
    gate.hear(credit("new", 800), 800)
    gate.leave(FIRST, 820)
    gate.leave(SECOND, 1100)
    gate.hear(credit("old", 150), 1110)
    assert gate.verdicts() == ["sold", "unpaid"]
    assert gate.unpaid() == []


def test_the_next_customers_purchase_does_not_clear_a_theft_of_long_ago() -> None:
    gate = Gate()
    gate.leave(FIRST, 0)
    gate.hear(credit("c", 600), 600)
    gate.leave(SECOND, 660)
    assert gate.verdicts() == ["unpaid", "sold"]
    assert [epc for epc, _ in gate.unpaid()] == [FIRST]


def test_who_left_before_a_sale_gives_it_up_to_the_buyer_who_leaves_after_it() -> None:
    gate = Gate()
    gate.leave(FIRST, 0)
    gate.hear(credit("c", 60), 60)
    assert gate.unpaid() == []
    gate.leave(SECOND, 100)
    assert gate.verdicts() == ["unpaid", "sold"]
    assert [epc for epc, _ in gate.unpaid()] == [FIRST]
    assert told(gate) == [("sale_undone", FIRST)]


def test_who_gave_up_a_sale_to_its_buyer_is_let_go_again_by_the_next_one() -> None:
    gate = Gate()
    gate.leave(FIRST, 0)
    gate.hear(credit("c", 60), 60)
    gate.leave(SECOND, 100)
    gate.hear(credit("late", 90), 110)
    assert gate.unpaid() == []
    assert told(gate) == [("sale_undone", FIRST), ("sale_restored", FIRST)]


def test_an_item_that_a_void_leaves_unpaid_and_another_credit_pays_keeps_it_on_its_next_visit() -> None:
    gate = Gate()
    gate.hear(credit("c", 0), 0)
    gate.hear(item("s", "sold", 0), 0)
    gate.leave(FIRST, 1)
    gate.hear(Ledger(at=T0 + 2, id="v", kind="void", ref="s"), 2)
    gate.leave(FIRST, 1200)
    assert gate.verdicts() == ["sold", "sold"]
    assert told(gate) == []


def test_a_void_after_the_exit_is_told_to_people_without_an_alarm() -> None:
    gate = Gate()
    gate.hear(item("s", "sold", 0), 0)
    gate.leave(FIRST, 10)
    gate.hear(Ledger(at=T0 + 20, id="v", kind="void", ref="s"), 20)
    assert told(gate) == [("sale_undone", FIRST)]
    assert gate.changes("raised") == []
    gate.hear(item("again", "sold", 5), 30)
    assert told(gate) == [("sale_undone", FIRST), ("sale_restored", FIRST)]


def test_a_void_that_comes_before_its_sale_undoes_it() -> None:
    gate = Gate()
    gate.leave(SECOND, 0)
    gate.hear(Ledger(at=T0 + 20, id="v", kind="void", ref="s"), 20)
    gate.hear(item("s", "sold", 15, SECOND), 25)
    assert [epc for epc, _ in gate.unpaid()] == [SECOND]


def test_a_void_of_a_whole_document_still_holds_when_one_of_its_items_is_forgotten() -> None:
    ledger = RecordSet()
    void = Ledger(at=T0, id="v", kind="void", ref="d")
    for record in (item("d", "sold", 0), Ledger(at=T0, id="d/2", kind="sold", epc=SECOND), void):
        ledger.add(record)
    keys = list(ledger.by_key)
    ledger.drop(keys[0])
    assert [record.kind for record in ledger.find(keys[1:])] == ["sold", "void"]
    ledger.drop(keys[1])
    assert not ledger.records


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        (["stock_in"], "unpaid"),
        (["sold"], "sold"),
        (["sold", "stock_in"], "unpaid"),
        (["stock_in", "reserved"], "unpaid"),
        (["reserved", "sold"], "sold"),
        (["stock_in", "shipped"], "sold"),
        (["sold", "returned", "sold"], "sold"),
        (["retired", "stock_in"], "unpaid"),
    ],
    ids="-".join,
)
def test_the_last_record_of_an_item_decides(kinds: list[str], verdict: str) -> None:
    gate = Gate()
    for number, kind in enumerate(kinds):
        gate.hear(item(f"r{number}", kind, number), number)
    gate.leave(FIRST, 100)
    assert gate.verdicts() == [verdict]


def test_a_reused_hard_tag_is_armed_again_by_a_stock_count() -> None:
    tag = "4854000000000042"
    shop = config(site={"id": "0001", "own_epcs": ["4854"]})
    known = RecordSet()
    known.add(item("s", "sold", -9000, tag))
    path = walk(tag, [(0, -3), (5, 3)])
    assert alarms(run(path, shop, known)) == []
    known.add(item("count", "stock_in", -60, tag))
    assert [change.alarm.items[0].epc for change in alarms(run(path, shop, known))] == [tag]


def test_what_was_sold_long_ago_stays_cleared() -> None:
    known = RecordSet()
    known.add(item("s", "sold", -5 * 365 * 86_400.0, own(1)))
    assert alarms(run(walk(own(1), [(0, -3), (5, 3)]), ledger=known)) == []


def test_what_somebody_carried_in_leaves_with_them_hours_later() -> None:
    gate = Gate()
    gate.leave(FIRST, 0, direction="in")
    gate.pass_by(500, 1)
    gate.leave(FIRST, 5000)
    assert gate.verdicts() == ["silent"]


def test_what_somebody_carried_in_uses_no_credit() -> None:
    gate = Gate()
    gate.leave(FIRST, 0, direction="in")
    gate.hear(credit("c", 100), 100)
    gate.leave(FIRST, 200)
    gate.leave(SECOND, 300)
    assert gate.verdicts() == ["silent", "sold"]


def test_an_item_that_had_rung_is_not_personal_because_it_was_brought_back() -> None:
    gate = Gate()
    gate.leave(FIRST, 0)
    gate.leave(FIRST, 60, direction="in")
    gate.leave(FIRST, 200)
    assert gate.verdicts() == ["unpaid", "unpaid"]


def test_an_item_of_this_shop_is_never_personal() -> None:
    gate = Gate()
    gate.hear(item("count", "stock_in", 0), 0)
    gate.leave(FIRST, 10, direction="in")
    gate.leave(FIRST, 100)
    assert gate.verdicts() == ["unpaid"]


def test_in_a_shop_that_goes_by_its_stock_an_unknown_item_takes_nobodys_credit() -> None:
    gate = Gate(unknown_epc="stock_only")
    gate.hear(credit("c", 0), 0)
    gate.hear(item("count", "stock_in", -60, SECOND), 0)
    gate.leave(FIRST, 10)
    gate.leave(SECOND, 90)
    assert gate.verdicts() == ["silent", "sold"]


def test_a_sale_by_gtin_and_serial_pays_for_the_item_whatever_its_tag_looks_like() -> None:
    known = RecordSet()
    known.add(Ledger(at=T0 - 60, id="d/1", kind="sold", gtin="80614141123458", serial="1"))
    effects = run(walk(own(1), [(0, -3), (5, 3)]), ledger=known)
    assert decisions(effects, own(1))[-1].reason == "sold"
