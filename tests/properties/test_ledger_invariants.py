"""The ledger's invariants on the real core: histories of sales, credits, voids, returns and exits, early, late, twice.

`unpaid` is what stands at the end: alarms less retractions, and items that were let go and are doubted since.
"""

import os

import msgspec
from gatework import EPCS, GTIN_OF, GTINS, LEAVES, WAITS, Gate, offline
from hypothesis import example, given, settings
from hypothesis import strategies as st
from walks import T0

from rfidguard.effects import BindCredit
from rfidguard.events import Ledger

SPAN_S = 1500
LATEST_S = 1790.0
"""The core follows who left for 30 minutes (`ledger_view.DEPARTED_KEPT_S`); what is heard later changes only the ledger."""
KINDS = ("sold", "sold", "returned", "stock_in", "reserved", "shipped", "released", "retired")
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HISTORIES = settings(max_examples=2000 if LONG else 40, deadline=None)

Heard = tuple[float, Ledger]
"""When a record was heard (seconds after T0), and the record."""

Step = Heard | tuple[float, str]
"""A record is heard, or an item leaves."""

times = st.integers(0, SPAN_S).map(float)
delays = st.sampled_from([0.0, 0.0, 1.0, 5.0, 30.0, 200.0, 700.0])


@st.composite
def records(draw: st.DrawFn) -> Heard:
    at = draw(times)
    name = f"d{draw(st.integers(0, 7))}"
    shape = draw(st.sampled_from(["item", "item", "credit", "credit", "back", "void"]))
    if shape == "item":
        record = Ledger(at=T0 + at, id=f"{name}/i", kind=draw(st.sampled_from(KINDS)), epc=draw(st.sampled_from(EPCS)))
    elif shape == "void":
        part = draw(st.sampled_from(["", "", "/i", "/c", "/r"]))
        record = Ledger(at=T0 + at, id=f"v{draw(st.integers(0, 7))}", kind="void", ref=name + part)
    else:
        kind, line = ("sold", "c") if shape == "credit" else ("returned", "r")
        gtin, quantity = draw(st.sampled_from(GTINS)), draw(st.integers(1, 3))
        record = Ledger(at=T0 + at, id=f"{name}/{line}", kind=kind, gtin=gtin, quantity=quantity)
    return min(at + draw(delays), LATEST_S), record


histories = st.lists(records(), max_size=10, unique_by=lambda heard: heard[1].id)
exits = st.lists(st.tuples(st.integers(0, 20).map(lambda n: 75.0 * n), st.sampled_from(EPCS)), max_size=6, unique=True)


def in_order(heard: list[Heard], left: list[tuple[float, str]]) -> list[Step]:
    """As the shop hears of it; at one moment the till comes first."""
    return [*sorted([*heard, *left], key=lambda step: (step[0], isinstance(step[1], str), getattr(step[1], "id", step[1])))]


def play(gate: Gate, steps: list[Step]) -> Gate:
    for at, what in steps:
        if isinstance(what, Ledger):
            gate.hear(what, at)
        else:
            gate.leave(what, at)
    return gate


def played(heard: list[Heard], left: list[tuple[float, str]], **changes: object) -> Gate:
    return play(Gate(**changes), in_order(heard, left))


def sold_by_name(gate: Gate, epc: str) -> bool:
    return any(record.epc == epc and record.kind in LEAVES for record in gate.heard)


def units(gate: Gate, gtin: str) -> int:
    return sum(record.quantity for record in gate.heard if record.gtin == gtin and record.kind == "sold")


@HISTORIES
@given(histories, exits)
def test_online_verdicts_and_retractions_are_the_offline_verdict_over_everything(heard, left) -> None:
    """I11, the main one."""
    gate = played(heard, left)
    assert gate.unpaid() == offline(gate.heard, gate.exits)


@HISTORIES
@given(histories, exits)
def test_where_every_sale_names_its_item_the_same_holds_without_credits(heard, left) -> None:
    gate = played(heard, left, mode="serialised")
    assert gate.unpaid() == offline([record for record in gate.heard if record.gtin is None], gate.exits)


@HISTORIES
@given(histories, exits)
@example([(0.0, Ledger(at=T0, id="d0/c", kind="sold", gtin=GTINS[0]))], [(975.0, EPCS[0])])
def test_an_item_whose_sale_was_known_in_time_never_alarms(heard, left) -> None:
    """I1. `unverified` (its article was sold today, its feed is stale) rings no siren, but is not sold either."""
    gate = Gate()
    for step in in_order(heard, left):
        play(gate, [step])
        if isinstance(step[1], str):
            sold = gate.exits[-1] not in offline(gate.heard, gate.exits)
            assert (gate.verdicts()[-1] in WAITS) != sold


@HISTORIES
@given(histories, exits)
def test_each_credit_is_used_at_most_once(heard, left) -> None:
    """I2: items that only credits can have paid for are no more than the units sold."""
    once = list({epc: (at, epc) for at, epc in left}.values())
    gate = played(heard, once)
    paid = {leaving for leaving in gate.exits if leaving not in gate.unpaid() and not sold_by_name(gate, leaving[0])}
    for gtin in GTINS:
        assert sum(GTIN_OF[epc] == gtin for epc, _ in paid) <= units(gate, gtin)
    assert sum(isinstance(effect, BindCredit) for effect in gate.effects) >= len(paid)


@HISTORIES
@given(histories, exits)
def test_hearing_everything_twice_changes_nothing(heard, left) -> None:
    """I3."""
    assert played([*heard, *heard], left).unpaid() == played(heard, left).unpaid()


@HISTORIES
@given(histories, exits, st.randoms(use_true_random=False))
def test_any_order_of_arrival_ends_the_same(heard, left, rng) -> None:
    """I4: the same records, each heard whenever."""
    whenever = [(rng.uniform(record.at - T0, SPAN_S + 200.0), record) for _, record in heard]
    assert played(whenever, left).unpaid() == played(heard, left).unpaid()


@HISTORIES
@given(histories, exits, st.lists(st.integers(0, 16), max_size=3), st.integers(0, 16))
def test_restarts_and_hearing_a_part_again_change_nothing(heard, left, cuts, again) -> None:
    """I5: the state is written as JSON and read again, and tills repeat themselves."""
    gate = Gate()
    for place, step in enumerate(in_order(heard, left)):
        play(gate, [step])
        if place in cuts:
            gate.restart()
            for record in gate.heard[:again]:
                gate.hear(record, step[0])
    assert gate.unpaid() == offline(gate.heard, gate.exits)


@HISTORIES
@given(histories, st.sampled_from(EPCS))
def test_a_returned_item_alarms_until_it_is_sold_again(heard, epc) -> None:
    """I6."""
    back = Ledger(at=T0 + SPAN_S + 1000.0, id="back/i", kind="returned", epc=epc)
    gate = played([*heard, (SPAN_S + 1000.0, back)], [(SPAN_S + 1001.0, epc)])
    assert [item for item, _ in gate.unpaid()] == [epc]


@HISTORIES
@given(histories, exits, records(), st.sampled_from(EPCS))
def test_one_more_sale_of_an_item_adds_no_alarm(heard, left, more, epc) -> None:
    """I7, as a set."""
    sale = Ledger(at=more[1].at, id="new/i", kind="sold", epc=epc)
    assert set(played([*heard, (more[0], sale)], left).unpaid()) <= set(played(heard, left).unpaid())


@HISTORIES
@given(histories, exits, records(), st.sampled_from(GTINS))
def test_one_more_credit_adds_no_alarm(heard, left, more, gtin) -> None:
    """I8, as a set."""
    sale = Ledger(at=more[1].at, id="new/c", kind="sold", gtin=gtin)
    assert set(played([*heard, (more[0], sale)], left).unpaid()) <= set(played(heard, left).unpaid())


@HISTORIES
@given(histories, exits)
def test_where_more_leaves_than_was_paid_for_something_alarms(heard, left) -> None:
    """I9, per article."""
    gate = played(heard, left)
    alarmed = {epc for epc, _ in gate.unpaid()}
    for gtin in GTINS:
        out = {epc for epc, _ in gate.exits if GTIN_OF[epc] == gtin and not sold_by_name(gate, epc)}
        assert len(alarmed & out) >= len(out) - units(gate, gtin)


@HISTORIES
@given(histories, exits, st.sampled_from(EPCS))
def test_where_every_sale_names_its_item_one_more_exit_changes_no_other(heard, left, epc) -> None:
    """I10: false once there are credits."""
    after = played(heard, [*left, (SPAN_S + 200.0, epc)], mode="serialised")
    before = played(heard, left, mode="serialised").unpaid()
    assert [leaving for leaving in after.unpaid() if leaving != after.exits[-1]] == before


@HISTORIES
@given(histories, exits, st.integers(1, 30))
def test_forgetting_what_is_long_gone_changes_nothing(heard, left, pause) -> None:
    """Other goods pass by and the core makes room, again and again: what is known of open alarms and of credits stays."""
    gate = Gate()
    for at, what in in_order(heard, left):
        gate.pass_by(at, pause)
        play(gate, [(at, what)])
    assert gate.unpaid() == offline(gate.heard, gate.exits)


@HISTORIES
@given(histories, exits)
def test_foreign_goods_never_alarm(heard, left) -> None:
    gate = Gate(company_prefixes=["9999999"])
    play(gate, in_order(heard, left))
    assert gate.unpaid() == []
    assert set(gate.verdicts()) <= {"silent"}


@HISTORIES
@given(histories, exits, st.floats(0, 3600))
def test_two_sites_whose_clocks_differ_from_utc_agree(heard, left, shift) -> None:
    """Everything a while later is the same, a while later."""
    moved = [(at + shift, msgspec.structs.replace(record, at=record.at + shift)) for at, record in heard]
    there = played(moved, [(at + shift, epc) for at, epc in left])
    here = played(heard, left)
    assert [epc for epc, _ in there.unpaid()] == [epc for epc, _ in here.unpaid()]
