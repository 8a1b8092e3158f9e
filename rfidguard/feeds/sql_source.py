"""Another program's database, opened so that nothing is written there and no question lasts for ever.

SQLite and PostgreSQL are held to reading by themselves; of any other kind the user's rights have to see to it.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rfidguard.errors import DeviceLost

CONNECT_S = 10


def source_engine(address: str, timeout_s: float) -> Engine:
    """The engine of an SQLAlchemy address. Connects to nothing yet. Raises DeviceLost where the address cannot be used."""
    try:
        url = make_url(address)
        if url.get_backend_name() == "sqlite":
            return _sqlite(url, timeout_s)
        return create_engine(url, poolclass=NullPool, connect_args=_limits(url, timeout_s))
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        raise DeviceLost(f"the address of the database cannot be used: {_first_line(error)}") from error


@contextmanager
def reading(engine: Engine, timeout_s: float) -> Iterator[Connection]:
    """A connection for one question. Raises DeviceLost for whatever the database says."""
    try:
        with engine.connect() as conn:
            if engine.dialect.name == "postgresql":
                conn.execute(text("SET TRANSACTION READ ONLY"))
                conn.execute(text(f"SET LOCAL statement_timeout = {int(timeout_s * 1000)}"))
            yield conn
    except SQLAlchemyError as error:
        raise DeviceLost(f"the database cannot be asked: {_first_line(error)}") from error


def _sqlite(url: URL, timeout_s: float) -> Engine:
    """SQLAlchemy's own way would make a file that is missing."""
    place = f"file:{quote(str(Path(url.database or '').absolute()))}?mode=ro"
    return create_engine("sqlite://", poolclass=NullPool, creator=lambda: sqlite3.connect(place, timeout_s, uri=True))


def _limits(url: URL, timeout_s: float) -> dict[str, Any]:
    """A server that vanished without a word is noticed."""
    if url.get_backend_name() != "postgresql" or url.get_driver_name() not in ("psycopg", "psycopg2"):
        return {}
    limits = {"connect_timeout": CONNECT_S, "tcp_user_timeout": int(timeout_s * 1000)}
    return {name: value for name, value in limits.items() if name not in url.query}


def _first_line(error: Exception) -> str:
    """Without the statement; addresses with passwords do not stand in it."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:300]
