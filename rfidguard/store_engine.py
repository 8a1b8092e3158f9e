"""How the database is reached: engines, SQLite's settings, the first table and every migration, and what a database error means.

SQLite runs in WAL with synchronous=FULL: what was committed survives a power cut. Transactions that write start with
BEGIN IMMEDIATE (execution option WRITER), because one that reads first and writes later fails at once when another came between.
"""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from rfidguard import migrations
from rfidguard.errors import RfidguardError

APPLICATION_ID = 0x52464944
"""SQLite's application_id of our files: the letters RFID."""

WRITER = "rfidguard_writer"
BUSY_TIMEOUT_S = 5.0
_FULL = 2
_WAL_TRIES = 100
_MIGRATION_LOCK = 0x52464944
_SETTINGS = (
    f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT_S * 1000)}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA journal_size_limit = 67108864",
)
_SQLITE_CONDITIONS = {
    "BUSY": "locked",
    "LOCKED": "locked",
    "FULL": "disk_full",
    "IOERR": "disk_error",
    "READONLY": "read_only",
    "CANTOPEN": "cannot_open",
    "CORRUPT": "corrupt",
    "NOTADB": "corrupt",
    "NOMEM": "no_memory",
    "PROTOCOL": "locked",
}
_POSTGRES_CONDITIONS = {
    "08": "lost", "57": "lost", "53": "disk_full", "40": "locked", "55": "locked", "25": "read_only", "58": "disk_error",
}  # fmt: skip


class StoreUnavailable(RfidguardError):
    """The database cannot take or give anything now: locked, disk full, server away. The same call may work later.

    `condition` is the word of `condition_of`, where there is one.
    """

    def __init__(self, text: str, condition: str | None = None) -> None:
        super().__init__(text)
        self.condition = condition


def build_engine(url: str) -> Engine:
    """An engine for `url`, nothing opened yet. Raises RfidguardError for a URL that cannot be used."""
    parsed = _parsed(url)
    try:
        if parsed.get_backend_name() == "postgresql":
            return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": 5, "keepalives_idle": 10})
        options: dict[str, Any] = {"poolclass": StaticPool} if is_memory(parsed) else {"pool_size": 8, "max_overflow": 24}
        engine = create_engine(parsed, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S}, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise RfidguardError(
            f'database.url: the driver of {parsed.drivername} is not installed ({error}); pip install "rfidguard[postgres]"'
        ) from error
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def is_memory(url: URL) -> bool:
    """True for sqlite:// and sqlite:///:memory:, a database that lives in this process only."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def prepare(engine: Engine) -> None:
    """Makes the database ready: created or migrated, and in WAL where it is a file. Fast where nothing is to do.

    Raises StoreUnavailable where it cannot be reached now, RfidguardError where it is somebody else's or too new.
    """
    try:
        if engine.dialect.name == "sqlite":
            _check_file(engine.url)
            _enter_wal(engine)
        with engine.connect() as conn:
            current = _version(conn)
        if current != migrations.HEAD:
            _migrate(engine)
    except DBAPIError as error:
        raise unavailable(error, "the database cannot be opened", engine.url) from error


def condition_of(error: BaseException) -> str | None:
    """The state of the world behind a database error (locked, disk_full, lost, …); None where the statement is at fault."""
    if isinstance(error, StoreUnavailable):
        return error.condition
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error.orig, sqlite3.Error):
        name = getattr(error.orig, "sqlite_errorname", None) or ""
        return _SQLITE_CONDITIONS.get(name.removeprefix("SQLITE_").partition("_")[0])
    if error.connection_invalidated:
        return "lost"
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        names = {kind.__name__ for kind in type(error.orig).__mro__}
        return "lost" if names & {"OperationalError", "InterfaceError"} else None
    return _POSTGRES_CONDITIONS.get(state[:2])


def unavailable(error: DBAPIError, what: str, url: URL) -> StoreUnavailable:
    """`error` in the words of a person."""
    condition = condition_of(error) or "error"
    return StoreUnavailable(f"{what} ({condition}): {error.orig}; {url.render_as_string(hide_password=True)}", condition)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise RfidguardError(f"database.url: {url!r} is no database URL; like sqlite:///rfidguard.db") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise RfidguardError(
            f"database.url: {parsed.drivername} is not supported; use sqlite:///FILE, sqlite:// or postgresql+psycopg://…"
        )
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def _set_up_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # sqlite3 sends no BEGIN of its own; _begin_sqlite does
    try:
        for setting in _SETTINGS:
            connection.execute(setting)
    except sqlite3.Error:
        connection.close()
        raise


def _begin_sqlite(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get(WRITER) else "BEGIN")


def _check_file(url: URL) -> None:
    if is_memory(url):
        return
    path = Path(str(url.database))
    if not path.parent.is_dir():
        raise RfidguardError(f"database.url: the folder {path.parent.absolute()} does not exist; make it, or name another")
    if path.is_dir():
        raise RfidguardError(f"database.url: {path.absolute()} is a folder; name a file in it")


def _enter_wal(engine: Engine) -> None:
    """Marks the file as ours and turns it to WAL, once, before any other thread uses it.

    SQLite does not wait by itself when two processes do this at once, so this does.
    """
    pause = threading.Event()
    try:
        with closing(engine.raw_connection()) as raw:
            for _ in range(_WAL_TRIES):
                try:
                    return _set_wal(raw.cursor(), engine.url)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorname != "SQLITE_BUSY":
                        raise
                pause.wait(0.05)
            _set_wal(raw.cursor(), engine.url)
    except sqlite3.DatabaseError as error:
        raise unavailable(DBAPIError("open", None, error), "the database cannot be opened", engine.url) from error


def _set_wal(cursor: Any, url: URL) -> None:
    """Asks back what it set: SQLite refuses these silently."""
    _refuse_strangers(cursor, url)
    (mode,) = cursor.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != ("memory" if is_memory(url) else "wal"):
        raise RfidguardError(f"database.url: {url.database}: its file system allows no WAL (journal_mode is {mode})")
    (level,) = cursor.execute("PRAGMA synchronous").fetchone()
    if level != _FULL:
        raise RfidguardError(f"database.url: {url.database}: synchronous is {level}, not FULL")


def _refuse_strangers(cursor: Any, url: URL) -> None:
    # In this order: another process that starts now sets the id first and makes tables afterwards.
    (tables,) = cursor.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (found,) = cursor.execute("PRAGMA application_id").fetchone()
    if found == APPLICATION_ID:
        return
    if found or tables:
        raise RfidguardError(f"database.url: {url.database} is a database of another program; name another file")
    cursor.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _version(conn: Connection) -> str | None:
    """The version the database says it has; None where it has no tables of ours yet."""
    if not inspect(conn).has_table("alembic_version"):
        return None
    found: str | None = conn.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(engine: Engine) -> None:
    """Creates or updates the tables, alone: whoever else starts at this moment waits and then finds it done."""
    with engine.connect().execution_options(**{WRITER: True}) as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        current = _version(conn)
        if current is not None and current > migrations.HEAD:
            raise RfidguardError(
                f"database.url: the database has version {current}, this rfidguard knows {migrations.HEAD} at most; "
                "install the newer rfidguard again"
            )
        if current != migrations.HEAD:
            migrations.upgrade(conn)
