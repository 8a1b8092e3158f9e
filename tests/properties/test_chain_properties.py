"""Sharing loses nothing and invents nothing: whatever fails when, every box ends with what concerns it, and with that only."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

import msgspec
import pytest
from gatework import EPCS, GTINS
from hand_clock import HandClock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from rfidguard import chain_outbox, schema
from rfidguard.chain.chain_store import Member, take_shared
from rfidguard.chain.contract import Shared
from rfidguard.chain.sharing import EVERYWHERE, as_told, own_name
from rfidguard.chain.teller import Teller
from rfidguard.effects import BindCredit
from rfidguard.epc import identify
from rfidguard.errors import DeviceLost
from rfidguard.events import Event, Ledger, ReadBatch
from rfidguard.ledger import BOUND, Policy, RecordSet, answer, binding
from rfidguard.ledger_db import bind_credit, export_records, store_records
from rfidguard.store import Store

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HISTORIES = settings(
    max_examples=2000 if LONG else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
T = 1_790_000_000.0
SERIALISED = Policy(mode="serialised", unknown_epc="strict")
KINDS = ("sold", "returned", "stock_in", "reserved", "shipped", "released", "retired")


@st.composite
def records(draw: st.DrawFn) -> Ledger:
    at, name = T + draw(st.integers(0, 6)), f"d{draw(st.integers(0, 9))}"
    shape = draw(st.sampled_from(["item", "item", "credit", "void"]))
    if shape == "item":
        return Ledger(at=at, id=f"{name}/i", kind=draw(st.sampled_from(KINDS)), epc=draw(st.sampled_from(EPCS)))
    if shape == "void":
        return Ledger(at=at, id=f"v{name}", kind="void", ref=name + draw(st.sampled_from(["", "/i"])))
    return Ledger(at=at, id=f"{name}/c", kind="sold", gtin=draw(st.sampled_from(GTINS)), quantity=draw(st.integers(1, 2)))


histories = st.lists(records(), max_size=10, unique_by=lambda record: record.id)


@given(histories)
def test_another_shop_calls_a_record_by_a_name_of_its_own_and_tells_it_on_under_its_first(history: list[Ledger]) -> None:
    for record in history:
        there = own_name(Shared("a", "box", "all", record), "b")
        if there is not None:
            back = as_told(there, "b", "box", "all")
            assert (back.site, msgspec.structs.replace(back.record, source=record.source)) == ("a", record)
            assert own_name(back, "c") == own_name(Shared("a", "box", "all", record), "c")
        assert own_name(Shared("a", "box", "all", record), "a") == record


@HISTORIES
@given(histories)
def test_an_item_sold_by_its_number_may_leave_any_shop_and_what_came_back_may_not(history: list[Ledger]) -> None:
    here, there = RecordSet(), RecordSet()
    for record in history:
        if record.kind in (*EVERYWHERE, "void"):
            here.add(record)
        if (heard := own_name(Shared("a", "box", "all", record), "b")) is not None:
            there.add(heard)
    for epc in EPCS:
        identity = identify(epc)
        states = [answer(known.find([identity.key]), identity, SERIALISED, T + 9).state for known in (here, there)]
        assert states[0] == states[1]


class Listed:
    """A centre in memory that can be away, and can lose its answer or everything."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Shared] = {}
        self.mood = "well"

    def tell(self, shared: Sequence[Shared]) -> None:
        if self.mood == "away":
            raise DeviceLost("away")
        for one in shared:
            self.kept.setdefault((one.site, one.record.id), one)
        if self.mood == "no answer":
            raise DeviceLost("told, but who told does not know")


@pytest.fixture(scope="module")
def stores() -> Iterator[tuple[Store, Store, Store]]:
    clock = HandClock(T)
    with Store("sqlite://", clock) as one, Store("sqlite://", clock) as two, Store("sqlite://", clock) as other:
        yield one, two, other


def emptied(stores: tuple[Store, Store, Store]) -> None:
    here = ("ledger_records", "credit_bindings", "chain_outbox", "chain_link", "feed_cursors", "snapshots")
    tables = [schema.metadata.tables[name] for name in here]
    for store in stores:
        store.write(lambda conn: [conn.execute(delete(table)) for table in tables] and None).result(30)


steps = st.lists(
    st.one_of(
        records(),
        st.tuples(st.integers(0, 9), st.sampled_from(EPCS)),
        st.sampled_from(["tell", "tell", "reboot", "away", "no answer", "well", "lost"]),
    ),
    max_size=25,
)


@HISTORIES
@given(steps, st.sets(st.integers(0, 25)))
def test_whatever_fails_every_box_ends_with_what_concerns_it(stores, steps, noticed_later) -> None:
    emptied(stores)
    home, sister, other = stores
    clock, me, centre = HandClock(T + 100.0), Member("a", "one", "all"), Listed()
    teller = Teller(home, centre, me, 400.0, clock)
    unnoticed = False
    for place, step in enumerate(steps):
        clock.at += 1.0
        if isinstance(step, Ledger):
            home.write(lambda conn, record=step: store_records(conn, [record], clock.at)).result(30)
        elif isinstance(step, tuple):
            use(home, step, clock.at)
        elif step == "tell":
            attempt(teller)
        elif step == "reboot":
            teller = Teller(home, centre, me, 400.0, clock)
        elif step == "lost":
            centre.kept.clear()
            unnoticed = unnoticed or place in noticed_later
            if place not in noticed_later:
                teller.again()
        else:
            centre.mood = step
    centre.mood = "well"
    if unnoticed:
        teller.again()
    for _ in range(20):
        attempt(teller)
    assert home.read(chain_outbox.backlog) == 0
    shared = list(centre.kept.values())
    hear(sister, Member("a", "two", "all"), shared)
    hear(other, Member("b", "box", "all"), shared)
    assert whole(sister) == whole(home)
    assert {record.id for record in log(other)} == {name for record in log(home) if (name := abroad(record)) is not None}
    assert other.read(lambda conn: conn.execute(schema.credit_bindings.select()).all()) == []


def attempt(teller: Teller) -> None:
    with suppress(DeviceLost):
        teller.turn()


def use(store: Store, step: tuple[int, str], at: float) -> None:
    store.write(lambda conn: bind_credit(conn, BindCredit(f"d{step[0]}/c", 0, step[1], at))).result(30)


def hear(store: Store, me: Member, shared: list[Shared]) -> None:
    heard: list[Event | ReadBatch] = []
    for _ in range(2):
        take_shared(store, shared, me, "place", T + 200.0, heard.append)


def log(store: Store) -> list[Ledger]:
    return store.read(lambda conn: list(export_records(conn)))


def whole(store: Store) -> tuple[set[str], set[str]]:
    bound = store.read(lambda conn: [binding(*row) for row in conn.execute(_USES)])
    return {record.id for record in log(store)}, {record.id for record in bound}


def abroad(record: Ledger) -> str | None:
    heard = own_name(Shared("a", "one", "all", record), "b")
    return None if heard is None or heard.kind == BOUND else heard.id


_B = schema.credit_bindings.c
_USES = schema.credit_bindings.select().with_only_columns(_B.credit, _B.unit, _B.epc, _B.at)
