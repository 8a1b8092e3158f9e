"""Databases for tests that have to hold on each kind: a SQLite file, SQLite in memory, a real PostgreSQL server."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import Server, postgres
from sqlalchemy import create_engine, text

KINDS = ("file", "memory", "postgres")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A PostgreSQL server for a module; its tests on PostgreSQL are skipped where this machine has none."""
    with postgres() as running:
        yield running


@pytest.fixture(scope="module", params=KINDS)
def shop_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database of each kind; `emptied` makes it fresh."""
    match request.param:
        case "file":
            return f"sqlite:///{tmp_path_factory.mktemp('shop') / 'shop.db'}"
        case "memory":
            return "sqlite://"
        case _:
            fresh_database(request.getfixturevalue("server"), "shop")
            return str(request.getfixturevalue("server").url("shop"))


def fresh_database(server: Server, name: str) -> str:
    """An empty database of this name on the server, its URL."""
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        conn.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.url(name)


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    """The server is down inside."""
    server.stop()
    try:
        yield
    finally:
        server.start()


def file_url(folder: Path, name: str = "shop") -> str:
    return f"sqlite:///{folder / f'{name}.db'}"
