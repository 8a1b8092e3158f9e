"""The store on a SQLite file: what is committed, what is undone, and what the file is."""

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, inspect, select, text

from rfidguard import migrations, schema
from rfidguard.clock import SystemClock
from rfidguard.errors import RfidguardError
from rfidguard.store import Store, StoreUnavailable
from rfidguard.store_engine import APPLICATION_ID


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(path: Path):
    with Store(f"sqlite:///{path}", SystemClock()) as opened:
        yield opened


def put(name: str):
    def job(conn: Connection) -> str:
        conn.execute(insert(schema.snapshots).values(name=name, at=1.0, body=b"x"))
        return name

    return job


def names(conn: Connection) -> list[str]:
    return sorted(conn.execute(select(schema.snapshots.c.name)).scalars())


def test_a_job_is_done_only_after_its_commit(store: Store, path: Path) -> None:
    assert store.write(put("a")).result(10) == "a"
    with sqlite3.connect(path) as outside:
        assert outside.execute("SELECT name FROM snapshots").fetchall() == [("a",)]
    outside.close()


def test_a_failing_job_undoes_only_its_own_work(store: Store) -> None:
    def half_done(conn: Connection) -> None:
        put("half")(conn)
        raise ValueError("no")

    held = threading.Event()
    first = store.write(lambda conn: (held.wait(10), put("first")(conn)))
    bad, good = store.write(half_done), store.write(put("good"))
    held.set()
    first.result(10)
    assert isinstance(bad.exception(10), ValueError)
    assert good.result(10) == "good"
    assert store.read(names) == ["first", "good"]


def test_jobs_that_wait_together_share_one_commit(store: Store) -> None:
    inside, held = threading.Event(), threading.Event()
    first = store.write(lambda conn: (inside.set(), held.wait(10)))
    inside.wait(10)
    waiting = [store.write(put(f"{number:03}")) for number in range(100)]
    before = store.counts["commits"]
    held.set()
    first.result(10)
    assert [future.result(10) for future in waiting] == [f"{number:03}" for number in range(100)]
    assert store.counts["commits"] - before == 2


def test_a_statement_in_error_is_its_callers_affair(store: Store) -> None:
    bad = store.write(lambda conn: conn.execute(text("INSERT INTO no_such_table VALUES (1)")))
    assert "no_such_table" in str(bad.exception(10))
    assert store.healthy()
    assert store.last_error is None


def test_nothing_that_a_reader_writes_is_kept(store: Store) -> None:
    store.read(put("by mistake"))
    assert store.read(names) == []


def test_readers_read_while_a_write_is_under_way(store: Store) -> None:
    inside, leave = threading.Event(), threading.Event()

    def slow(conn: Connection) -> None:
        put("slow")(conn)
        inside.set()
        leave.wait(10)

    written = store.write(slow)
    inside.wait(10)
    assert store.read(names) == []
    leave.set()
    written.result(10)
    assert store.read(names) == ["slow"]


def test_listeners_hear_of_a_commit_when_it_can_be_read(store: Store) -> None:
    heard: list[list[str]] = []
    done = threading.Event()
    store.after_commit(lambda: (heard.append(store.read(names)), done.set()))
    store.write(put("a")).result(10)
    assert done.wait(10)
    assert heard[0] == ["a"]


def test_a_listener_that_fails_stops_nothing(store: Store) -> None:
    def bad() -> None:
        raise RuntimeError("listener")

    store.after_commit(bad)
    store.write(put("a")).result(10)
    assert store.write(put("b")).result(10) == "b"
    assert store.counts["listener_failed"] >= 1
    assert store.healthy()


def test_close_commits_what_waits(path: Path) -> None:
    store = Store(f"sqlite:///{path}", SystemClock())
    store.open()
    held = threading.Event()
    store.write(lambda conn: held.wait(10))
    last = store.write(put("last"))
    held.set()
    store.close()
    assert last.result(0) == "last"
    with Store(f"sqlite:///{path}", SystemClock()) as again:
        assert again.read(names) == ["last"]


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    assert not store.healthy()
    with pytest.raises(RfidguardError):
        store.write(put("late"))


def test_the_file_is_in_wal_synced_at_each_commit_and_marked_as_ours(store: Store, path: Path) -> None:
    def pragma(name: str) -> object:
        return store.read(lambda conn: conn.exec_driver_sql(f"PRAGMA {name}").scalar())

    assert pragma("journal_mode") == "wal"
    assert pragma("synchronous") == 2
    assert pragma("foreign_keys") == 1
    assert pragma("busy_timeout") == 5000
    assert pragma("application_id") == APPLICATION_ID


def test_migrations_make_exactly_the_tables_of_the_schema(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(conn: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(conn, opts={"compare_type": True}), schema.metadata)

    assert store.read(differences) == []
    without_rowid = "SELECT count(*) FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'"
    assert store.read(lambda conn: conn.execute(text(without_rowid)).scalar()) == 4


def test_head_names_the_newest_migration() -> None:
    assert migrations.heads() == [migrations.HEAD]


def test_an_empty_file_is_a_new_database(path: Path) -> None:
    path.touch()
    with Store(f"sqlite:///{path}", SystemClock()) as store:
        assert store.read(lambda conn: inspect(conn).has_table("ledger_records"))


def test_two_stores_may_create_the_same_file_at_once(path: Path) -> None:
    stores = [Store(f"sqlite:///{path}", SystemClock()) for _ in range(4)]
    failures: list[Exception] = []

    def start(store: Store) -> None:
        try:
            store.open()
        except RfidguardError as error:
            failures.append(error)

    threads = [threading.Thread(target=start, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for store in stores:
        store.close()
    assert failures == []


def test_memory_is_one_database_for_all_threads() -> None:
    with Store("sqlite://", SystemClock()) as store:
        store.write(put("a")).result(10)
        seen: list[list[str]] = []
        thread = threading.Thread(target=lambda: seen.append(store.read(names)))
        thread.start()
        thread.join(10)
        assert seen == [["a"]]
        assert store.path is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "no database URL"),
        ("mysql://localhost/shop", "not supported"),
        ("sqlite:////no/such/folder/shop.db", "the folder /no/such/folder does not exist"),
        ("sqlite:////tmp", "is a folder"),
    ],
)
def test_a_url_that_cannot_be_used_is_explained(url: str, said: str) -> None:
    with pytest.raises(RfidguardError, match=said):
        Store(url, SystemClock()).open()


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE holiday_photos (name TEXT)")
    other.close()
    store = Store(f"sqlite:///{path}", SystemClock())
    with pytest.raises(RfidguardError, match="another program"):
        store.open()
    store.close()


def test_a_file_that_is_no_database_is_reported_and_left_alone(path: Path) -> None:
    path.write_bytes(b"not a database, far longer than one page header" * 100)
    store = Store(f"sqlite:///{path}", SystemClock())
    with pytest.raises(StoreUnavailable, match="corrupt"):
        store.open()
    store.close()
    assert path.read_bytes().startswith(b"not a database")


def test_a_database_of_a_newer_version_is_refused(store: Store, path: Path) -> None:
    store.write(lambda conn: conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))).result(10)
    store.close()
    newer = Store(f"sqlite:///{path}", SystemClock())
    with pytest.raises(RfidguardError, match="9999"):
        newer.open()
    newer.close()


def test_a_database_that_is_up_to_date_opens_without_alembic(path: Path) -> None:
    import subprocess
    import sys

    Store(f"sqlite:///{path}", SystemClock()).__enter__().close()
    program = (
        "import sys; from rfidguard.clock import SystemClock; from rfidguard.store import Store\n"
        f"Store('sqlite:///{path}', SystemClock()).__enter__().close()\n"
        "sys.exit('alembic' in sys.modules)"
    )
    folder = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", program], cwd=folder, timeout=60, check=False).returncode == 0


def test_the_ledger_counts(store: Store) -> None:
    assert store.read(lambda conn: conn.execute(select(func.count()).select_from(schema.ledger_records)).scalar()) == 0
