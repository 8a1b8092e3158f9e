"""The same promises on every database: a SQLite file, SQLite in memory, and a real PostgreSQL server of our own."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from alarms import T0, a_change, an_alarm
from postgres_server import Server, postgres
from sqlalchemy import Connection, create_engine, insert, select, text
from wait import wait_for

from rfidguard import schema
from rfidguard.alarm import Alarm, alarm_id
from rfidguard.alarm_db import get_alarm, open_alarms, store_change
from rfidguard.answer_db import judgement, store_answer, store_judgement, unjudged
from rfidguard.clock import SystemClock
from rfidguard.dead_letter import buried
from rfidguard.effects import AlarmChanged, AnswerJudged, BindCredit
from rfidguard.epc import Identity, credit_key, encode_sgtin_96, identify
from rfidguard.events import Answer, Event, Ledger
from rfidguard.intake import last_heard, last_sales, take_heartbeat, take_sale
from rfidguard.ledger_db import bind_credit, export_records, records_for, store_records, tallies
from rfidguard.ledger_gate import alarms_of
from rfidguard.outbox import OutboxRow
from rfidguard.service_db import DAEMON, beat, is_alive
from rfidguard.store import FOR_EVER, Store, StoreUnavailable

EPC = encode_sgtin_96("0614141", "012345", 6789)
KEY = identify(EPC).key
GTIN = identify(EPC).gtin or ""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def fresh(server: Server) -> str:
    """A database of its own for one test."""
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text("DROP DATABASE IF EXISTS shop WITH (FORCE)"))
        conn.execute(text("CREATE DATABASE shop"))
    engine.dispose()
    return server.url("shop")


@pytest.fixture(params=["file", "memory", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    match request.param:
        case "file":
            return f"sqlite:///{tmp_path / 'shop.db'}"
        case "memory":
            return "sqlite://"
        case _:
            return str(request.getfixturevalue("fresh"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with Store(url, SystemClock()) as opened:
        yield opened


def put(name: str) -> Callable[[Connection], str]:
    def job(conn: Connection) -> str:
        conn.execute(insert(schema.snapshots).values(name=name, at=1.0, body=b"x"))
        return name

    return job


def names(conn: Connection) -> list[str]:
    return sorted(conn.execute(select(schema.snapshots.c.name)).scalars())


def sold(name: str, **fields: object) -> Ledger:
    return Ledger(**{"id": name, "kind": "sold", "at": 100.0, **fields})


def make_alarm(revision: int = 1, state: str = "open") -> Alarm:
    return Alarm(
        id=alarm_id(1000.0, "0001", "front", EPC, 999.0), revision=revision, site="0001", gate="front", kind="unpaid_items",
        state=state, severity="warning", raised_at=1000.0, updated_at=1000.0, currency="EUR",
    )  # fmt: skip


def test_a_failing_job_undoes_only_its_own_work(store: Store) -> None:
    held = threading.Event()
    store.write(lambda conn: held.wait(10))
    first, twice, last = store.write(put("a")), store.write(put("a")), store.write(put("b"))
    held.set()
    assert (first.result(20), last.result(20)) == ("a", "b")
    assert "UNIQUE" in str(twice.exception(20)).upper()
    assert store.read(names) == ["a", "b"]
    assert store.healthy()


@pytest.mark.parametrize("url", ["file", "postgres"], indirect=True)
def test_opening_again_finds_everything(url: str, store: Store) -> None:
    store.write(put("a")).result(20)
    with Store(url, SystemClock()) as again:
        assert again.read(names) == ["a"]


def test_many_stores_may_create_one_database_at_once(url: str) -> None:
    stores = [Store(url, SystemClock()) for _ in range(4)]
    threads = [threading.Thread(target=store.open) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    healthy = [store.healthy() for store in stores]
    for store in stores:
        store.close()
    assert healthy == [True] * 4


def test_the_schema_is_what_the_migrations_make(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    assert store.read(lambda conn: compare_metadata(MigrationContext.configure(conn), schema.metadata)) == []


def test_records_are_kept_once_by_id(store: Store) -> None:
    records = [sold("A/1", epc=EPC), sold("A/2", gtin=GTIN, quantity=2), sold("A/1", epc=EPC)]
    assert store.write(lambda conn: store_records(conn, records, 160.0)).result(20) == ["stored", "stored", "duplicate"]
    assert store.write(lambda conn: store_records(conn, records, 170.0)).result(20) == ["duplicate"] * 3
    assert [record.id for record in store.read(lambda conn: list(export_records(conn)))] == ["A/1", "A/2"]
    assert [tally.records for tally in store.read(tallies)] == [2]


def test_records_voids_and_used_credits_are_found_together(store: Store) -> None:
    def job(conn: Connection) -> tuple[bool, bool]:
        void = Ledger(id="V/1", kind="void", at=120.0, ref="A")
        store_records(conn, [sold("A/1", epc=EPC), sold("B/1", gtin=GTIN, quantity=2), void], 160.0)
        bound = BindCredit("B/1", 0, EPC, 130.0)
        return bind_credit(conn, bound), bind_credit(conn, bound)

    assert store.write(job).result(20) == (True, False)
    found = store.read(lambda conn: records_for(conn, [KEY, credit_key(GTIN)], 5000.0))
    assert [(record.id, record.kind) for record in found] == [
        ("A/1", "sold"),
        ("B/1", "sold"),
        ("V/1", "void"),
        (f"B/1#0@{EPC}:130.0", "bound"),
    ]


def test_a_sale_is_taken_once(store: Store) -> None:
    heard: list[Event] = []
    payload = b'{"id":"D1","at":"2026-11-22T10:14:02Z","kind":"sale","lines":[{"gtin":"00614141123452","quantity":2}]}'
    statuses = [take_sale(store, payload, source="pos/3", lane="3", now=1.9e9, emit=heard.append).status for _ in range(2)]
    assert statuses == ["stored", "duplicate"]
    assert len(heard) == 1
    assert store.read(last_sales) == {"3": 1.9e9}


def test_refused_sales_and_heartbeats_are_kept(store: Store) -> None:
    take_sale(store, b'{"id":"a\\u0000b","\\u0000":1}', source="pos/3", lane="3", now=5.0, emit=lambda event: None)
    take_heartbeat(store, b"", "pos/3", "3", 5.0)
    take_heartbeat(store, b"", "pos/3", "3", 6.0)
    assert store.read(buried) == {"invalid": 1}
    assert store.read(last_heard) == {"3": 6.0}


def test_alarms_and_their_rows_come_together_and_once(store: Store) -> None:
    def job(alarm: Alarm, event_type: str) -> Callable[[Connection], bool]:
        return lambda conn: store_change(conn, AlarmChanged(alarm, event_type, 1000.0), [OutboxRow("event/alarm", b"x", False)])

    first, later = make_alarm(), make_alarm(2, "resolved")
    done = [store.write(job(*change)).result(20) for change in ((first, "raised"), (first, "raised"), (later, "resolved"))]
    assert done == [True, False, True]
    assert store.read(open_alarms) == []
    assert store.read(lambda conn: get_alarm(conn, first.id)) == later
    assert store.read(lambda conn: len(conn.execute(select(schema.outbox)).all())) == 2


def test_answers_are_judged_once(store: Store) -> None:
    answer = Answer(at=100.0, id="a1", alarm="01X", action="acknowledge", by="staff-1", note="Ärmel ✓")
    assert store.write(lambda conn: (store_answer(conn, answer), store_answer(conn, answer))).result(20) == (True, False)
    assert store.read(unjudged) == [answer]
    verdicts = [AnswerJudged("a1", "staff-1", "accepted"), AnswerJudged("a1", "staff-1", "rejected", "too late")]
    assert [store.write(lambda conn, v=v: store_judgement(conn, v)).result(20) for v in verdicts] == [True, False]
    assert store.read(lambda conn: judgement(conn, "staff-1", "a1")) == verdicts[0]


def test_a_beat_is_seen(store: Store) -> None:
    for at in (100.0, 101.0):
        store.write(lambda conn, at=at: beat(conn, DAEMON, "s1", 1, at)).result(20)
    assert store.read(lambda conn: is_alive(conn, DAEMON, 103.0))


def test_a_server_that_goes_away_is_waited_for_and_nothing_is_lost(server: Server, fresh: str) -> None:
    with Store(fresh, SystemClock()) as store:
        store.write(put("before")).result(20)
        server.stop()
        try:
            waiting = store.write(put("during"), FOR_EVER)
            wait_for(lambda: not store.healthy(), what="the loss to be noticed")
            with pytest.raises(StoreUnavailable):
                store.read(names)
        finally:
            server.start()
        assert waiting.result(30) == "during"
        assert store.healthy()
        assert store.read(names) == ["before", "during"]


def test_a_server_that_is_not_there_at_the_start_may_come_later(server: Server, fresh: str) -> None:
    server.stop()
    store = Store(fresh, SystemClock())
    try:
        with pytest.raises(StoreUnavailable, match="lost"):
            store.open()
    finally:
        server.start()
    store.open()
    assert store.write(put("a")).result(20) == "a"
    store.close()


def test_alarms_are_found_by_an_item_of_theirs_on_every_database(store: Store) -> None:
    first, other = an_alarm(1), an_alarm(2, at=T0 + 10)
    tagless = msgspec.structs.replace(first.items[0], epc="E2801160000000000001", gtin=None, serial=None)
    hard_tag = an_alarm(3, at=T0 + 20, items=(tagless,))
    for alarm in (first, other, hard_tag):
        store.write(lambda conn, alarm=alarm: store_change(conn, a_change(alarm), [])).result(20)

    def found(identity: Identity, until: float = T0 + 60) -> list[str]:
        return [alarm.id for alarm in store.read(lambda conn: alarms_of(conn, identity, until))]

    one = Identity(first.items[0].epc, "sgtin-96", gtin="00614141123452", serial="1")
    article = Identity("", "article", gtin="00614141123452")
    assert found(one) == [first.id]
    assert found(article) == [first.id, other.id]
    assert found(article, until=T0 + 5) == [first.id]
    assert found(Identity(tagless.epc, "other")) == [hard_tag.id]
    assert found(Identity("E2801160000000000002", "other")) == []
