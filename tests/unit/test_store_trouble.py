"""The store while the database fails: it reports, tries again, keeps its promises and goes on by itself."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import OperationalError
from wait import wait_for

from rfidguard import schema
from rfidguard.clock import SystemClock
from rfidguard.store import FOR_EVER, Store, StoreUnavailable
from rfidguard.store_engine import condition_of


@pytest.fixture
def store(tmp_path: Path):
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as opened:
        opened.write(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 50")).result(10)
        yield opened


def put(name: str, size: int = 1):
    def job(conn: Connection) -> str:
        conn.execute(insert(schema.snapshots).values(name=name, at=1.0, body=b"x" * size))
        return name

    return job


def names(conn: Connection) -> list[str]:
    return sorted(conn.execute(select(schema.snapshots.c.name)).scalars())


@pytest.fixture
def lock(store: Store):
    """Somebody else who holds the write lock until told to let go."""
    other = sqlite3.connect(store.path or "", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def test_a_locked_database_is_tried_until_it_is_free(store: Store, lock: sqlite3.Connection) -> None:
    written = store.write(put("a"), FOR_EVER)
    wait_for(lambda: store.counts["locked"] >= 2, what="two tries")
    assert not store.healthy()
    assert "locked" in (store.last_error or "")
    lock.execute("ROLLBACK")
    assert written.result(20) == "a"
    assert store.healthy()
    assert store.read(names) == ["a"]


def test_patience_ends_with_a_reason_and_nothing_written(store: Store, lock: sqlite3.Connection) -> None:
    with pytest.raises(StoreUnavailable, match="locked"):
        store.write(put("a"), patience_s=0.1).result(20)
    lock.execute("ROLLBACK")
    assert store.write(put("b")).result(20) == "b"
    assert store.read(names) == ["b"]


def test_readers_go_on_while_the_database_is_locked(store: Store, lock: sqlite3.Connection) -> None:
    assert store.read(names) == []


def test_a_full_disk_is_reported_and_survived(store: Store) -> None:
    pages = store.read(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar())
    limit = store.write(lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}").scalar())
    assert limit.result(10) == pages + 20
    with pytest.raises(StoreUnavailable, match="disk_full"):
        store.write(put("big", 1_000_000), patience_s=0.1).result(20)
    assert not store.healthy()
    assert store.write(put("small")).result(20) == "small"
    assert store.healthy()
    assert store.read(names) == ["small"]


def test_a_full_disk_fails_nobodys_job_who_has_patience(store: Store) -> None:
    pages = store.read(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar())
    store.write(lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}").scalar()).result(10)
    held = threading.Event()
    store.write(lambda conn: held.wait(10))
    hasty = store.write(put("hasty", 1_000_000), patience_s=0.0)
    patient = store.write(put("patient"), FOR_EVER)
    held.set()
    assert isinstance(hasty.exception(20), StoreUnavailable)
    assert patient.result(20) == "patient"


def test_closing_while_locked_fails_the_jobs_and_ends(store: Store, lock: sqlite3.Connection) -> None:
    written = store.write(put("a"), FOR_EVER)
    wait_for(lambda: store.counts["locked"] >= 1, what="one try")
    store.close()
    assert isinstance(written.exception(0), StoreUnavailable)


def test_a_bug_in_the_commit_itself_ends_no_thread(store: Store) -> None:
    def ends_the_transaction(conn: Connection) -> None:
        conn.exec_driver_sql("ROLLBACK")

    broken = store.write(ends_the_transaction)
    assert broken.exception(20) is not None
    assert store.write(put("after")).result(20) == "after"
    assert store.healthy()


def test_a_table_that_is_missing_is_no_state_of_the_world(store: Store) -> None:
    with pytest.raises(Exception, match="no such table") as caught:
        store.read(lambda conn: conn.execute(text("SELECT * FROM no_such_table")))
    assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.parametrize("kind", ["OperationalError", "InterfaceError"])
def test_a_server_that_is_away_is_known_by_any_kind_of_that_error(kind: str) -> None:
    """psycopg tells of a connection that takes too long by a kind of OperationalError that is all its own."""
    psycopg = pytest.importorskip("psycopg")
    late = type("ConnectionTimeout", (getattr(psycopg, kind),), {})("connection timeout expired")
    assert condition_of(OperationalError("select 1", {}, late)) == "lost"
