"""What `doctor` looks at in the audit trail: is the chain whole, and where does it end?"""

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from rfidguard.audit import verify
from rfidguard.doctor import Finding, fail, ok, warn
from rfidguard.errors import RfidguardError
from rfidguard.schema import audit
from rfidguard.store_engine import build_engine

DEADLINE_S = 60.0


def trail(url: str, path: Path | None) -> Iterator[Finding]:
    """`path`: the file of a SQLite database, which is opened for reading only."""
    if path is not None and not path.exists():
        return
    try:
        engine = build_engine(url) if path is None else _reading(path)
        try:
            with engine.connect() as conn:
                yield _looked_at(conn)
        finally:
            engine.dispose()
    except (SQLAlchemyError, RfidguardError) as error:
        yield warn("audit", f"cannot be read now: {error}", "see what is said of the database")


def _looked_at(conn: Connection) -> Finding:
    if not inspect(conn).has_table(audit.name):
        return ok("audit", "no trail yet: the database is of an older version, the next start makes it")
    newest, fault = verify(conn)
    if fault is not None:
        todo = "someone changed the database by hand: keep this file, and compare with a backup"
        return fail("audit", f"{fault}; {newest.rows} rows before it are whole", todo)
    return ok("audit", f"{newest.rows} rows, whole, ending in {newest.hash[:16]}")


def _reading(path: Path) -> Engine:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return create_engine("sqlite://", creator=partial(sqlite3.connect, uri, uri=True, timeout=5, check_same_thread=False))
