"""Folding forgets nothing that matters: on every database, whatever is folded when, the gate is answered as if nothing was."""

import os
from collections.abc import Iterator

import pytest
from gatework import EPCS, GTIN_OF, GTINS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_stores import server, shop_url  # noqa: F401  (fixtures)
from sqlalchemy import Connection, delete

from rfidguard import schema
from rfidguard.clock import SystemClock
from rfidguard.effects import BindCredit
from rfidguard.epc import Identity, identify
from rfidguard.events import Ledger
from rfidguard.forget import ledger_keys
from rfidguard.item_state import CODES, folded_record, packed_key, packed_state, unpacked_key, unpacked_state
from rfidguard.ledger import LEFT_KINDS, Policy, RecordSet, answer, binding, record_key
from rfidguard.ledger_db import bind_credit, export_records, records_for, store_records
from rfidguard.ledger_fold import DAY_S, SETTLE_S, fold
from rfidguard.store import Store

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HISTORIES = settings(
    max_examples=2000 if LONG else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
OLD = 1_750_000_000.0
FOLD_DAYS = 400.0
NOW = OLD + 1000 * DAY_S
YOUNG = NOW - 100 * DAY_S
POLICY = Policy(unknown_epc="strict")


@pytest.fixture(scope="module")
def store(shop_url: str) -> Iterator[Store]:  # noqa: F811
    with Store(shop_url, SystemClock()) as opened:
        yield opened


def emptied(store: Store) -> Store:
    tables = (schema.ledger_records, schema.credit_bindings, schema.ledger_items, schema.ledger_folded_ids, schema.ledger_folds)
    store.write(lambda conn: [conn.execute(delete(table)) for table in tables] and None).result(30)
    return store


@st.composite
def old_records(draw: st.DrawFn) -> Ledger:
    at = OLD + draw(st.integers(0, 6)) * 100.0
    name = f"d{draw(st.integers(0, 9))}"
    shape = draw(st.sampled_from(["item", "item", "item", "credit", "back", "void"]))
    if shape == "item":
        return Ledger(at=at, id=f"{name}/i", kind=draw(st.sampled_from(sorted(CODES))), epc=draw(st.sampled_from(EPCS)))
    if shape == "void":
        ref = name + draw(st.sampled_from(["", "/i", "/c"]))
        return Ledger(at=at, id=f"v{name}", kind="void", ref=ref)
    kind, line = ("sold", "c") if shape == "credit" else ("returned", "r")
    return Ledger(at=at, id=f"{name}/{line}", kind=kind, gtin=draw(st.sampled_from(GTINS)), quantity=draw(st.integers(1, 2)))


old = st.lists(old_records(), max_size=10, unique_by=lambda record: record.id)
young = st.lists(
    st.builds(
        lambda number, kind, epc, age: Ledger(at=YOUNG + age, id=f"y{number}/i", kind=kind, epc=epc),
        st.integers(0, 9), st.sampled_from(sorted(CODES)), st.sampled_from(EPCS), st.integers(0, 5).map(float),
    ),
    max_size=4, unique_by=lambda record: record.id,
)  # fmt: skip
used = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(EPCS), st.integers(0, 6)), max_size=3, unique_by=lambda use: use[:2])
"""Credits and the EPCs that left on them."""


def bindings(history: list[Ledger], used: list[tuple[int, str, int]]) -> list[BindCredit]:
    sales = {record.id: record for record in history if record.id.endswith("/c")}
    uses = [(sales.get(f"d{number}/c"), epc, OLD + 100.0 * place) for number, epc, place in used]
    return [BindCredit(sale.id, 0, epc, at) for sale, epc, at in uses if sale is not None and sale.gtin == GTIN_OF[epc]]


def told(store: Store, at: float) -> dict[str, str]:
    return {
        epc: _state(store.read(lambda conn, epc=epc: records_for(conn, ledger_keys(epc), at - 3600)), epc, at) for epc in EPCS
    }


def _state(records: list[Ledger], epc: str, at: float) -> str:
    known = answer(records, identify(epc), POLICY, at)
    return "leaves" if known.state == "sold" else "rings"


def expected(history: list[Ledger], uses: list[BindCredit], at: float) -> dict[str, str]:
    whole = RecordSet()
    for record in [*history, *(binding(use.credit, use.unit, use.epc, use.at) for use in uses)]:
        whole.add(record)
    return {epc: _state(list(whole.find(ledger_keys(epc))), epc, at) for epc in EPCS}


def keep(store: Store, records: list[Ledger], at: float) -> list[str]:
    return store.write(lambda conn: store_records(conn, records, at)).result(30)


def log_ids(store: Store) -> list[str]:
    def job(conn: Connection) -> list[str]:
        return sorted(record.id for record in export_records(conn) if record.source != "folded")

    return store.read(job)


@HISTORIES
@given(old, young, used, st.integers(0, 10))
def test_the_gate_is_answered_as_if_nothing_had_been_folded(store: Store, history, later, used, cut) -> None:
    """Some records come in after the first fold, late by years; the second fold takes them too."""
    emptied(store)
    uses = bindings(history[:cut], used)
    keep(store, history[:cut], OLD + 1000)
    store.write(lambda conn: [bind_credit(conn, use) for use in uses]).result(30)
    voids = [record for record in history[cut:] if record.kind == "void"]
    keep(store, voids, OLD + 1000)  # what comes years after its sale undoes nothing: see the test below
    fold(store, FOLD_DAYS, NOW)
    keep(store, [*history[cut:], *later], NOW - SETTLE_S - 1)
    want = expected([*history, *later], uses, NOW)
    assert told(store, NOW) == want
    fold(store, FOLD_DAYS, NOW)
    assert told(store, NOW) == want
    assert log_ids(store) == sorted(record.id for record in [*history, *later] if record.kind == "void" or record.at > OLD + 1e6)


@HISTORIES
@given(old, used)
def test_what_was_folded_is_known_and_hearing_it_again_changes_nothing(store: Store, history, used) -> None:
    emptied(store)
    keep(store, history, OLD + 1000)
    fold(store, FOLD_DAYS, NOW)
    before = told(store, NOW)
    assert keep(store, history, NOW) == ["duplicate"] * len(history)
    assert told(store, NOW) == before
    assert log_ids(store) == sorted(record.id for record in history if record.kind == "void")


@HISTORIES
@given(old, st.lists(st.sampled_from([0.0, 400.0, 700.0, 999.9]), max_size=3))
def test_no_fold_ever_makes_a_sold_item_ring(store: Store, history, ages) -> None:
    emptied(store)
    keep(store, history, OLD + 1000)
    sold = {epc for epc, state in told(store, NOW).items() if state == "leaves"}
    for age in ages:
        fold(store, age, NOW)
        assert {epc for epc, state in told(store, NOW).items() if state == "leaves"} == sold


def test_a_void_of_a_sale_that_is_folded_undoes_nothing_and_a_return_does(store: Store) -> None:
    emptied(store)
    keep(store, [Ledger(at=OLD, id="d/i", kind="sold", epc=EPCS[0])], OLD)
    fold(store, FOLD_DAYS, NOW)
    keep(store, [Ledger(at=NOW - 9, id="v", kind="void", ref="d")], NOW)
    assert told(store, NOW)[EPCS[0]] == "leaves"
    keep(store, [Ledger(at=NOW - 8, id="r/i", kind="returned", epc=EPCS[0])], NOW)
    assert told(store, NOW)[EPCS[0]] == "rings"


def test_what_came_in_late_waits_a_week_for_its_void(store: Store) -> None:
    emptied(store)
    keep(store, [Ledger(at=OLD, id="d/i", kind="sold", epc=EPCS[0])], NOW - DAY_S)
    assert fold(store, FOLD_DAYS, NOW).records == 0
    assert fold(store, FOLD_DAYS, NOW + SETTLE_S).records == 1


def test_an_export_of_a_folded_ledger_is_a_ledger(store: Store) -> None:
    emptied(store)
    keep(store, [Ledger(at=OLD + n, id=f"d{n}/i", kind="sold", epc=epc) for n, epc in enumerate(EPCS)], OLD)
    fold(store, FOLD_DAYS, NOW)
    exported = store.read(lambda conn: list(export_records(conn)))
    assert {record.kind for record in exported} == {"sold"}
    assert {record_key(record) for record in exported} == {identify(epc).key for epc in EPCS}
    emptied(store)
    keep(store, exported, NOW)
    assert set(told(store, NOW).values()) == {"leaves"}


times = st.floats(2**30, 2**31, exclude_max=True)
serials = st.one_of(st.integers(0, 1 << 40).map(str), st.text(min_size=1, max_size=20), st.integers(0, 99).map(lambda n: f"0{n}"))
keys = st.one_of(
    st.tuples(st.sampled_from(GTINS), serials).map(".".join),
    st.binary(min_size=1, max_size=16).map(lambda data: f"epc:{data.hex().upper()}"),
)


@given(keys, keys)
def test_a_packed_key_is_the_key_and_no_two_items_share_one(one: str, other: str) -> None:
    assert unpacked_key(packed_key(one)) == one
    assert (packed_key(one) == packed_key(other)) == (one == other)


@given(st.lists(st.tuples(st.sampled_from(sorted(CODES)), times), min_size=1, max_size=5))
def test_the_greatest_state_is_that_of_the_record_that_decides(story: list[tuple[str, float]]) -> None:
    last = max(story, key=lambda entry: (entry[1], entry[0] in LEFT_KINDS))
    kind, at = unpacked_state(max(packed_state(*entry) for entry in story))
    assert at == last[1]
    assert (kind in LEFT_KINDS) == (last[0] in LEFT_KINDS)
    record = folded_record(packed_key("epc:AB"), packed_state(kind, at))
    assert (record.kind, record.at, Identity("AB", "other").key) == (kind, at, record_key(record))
