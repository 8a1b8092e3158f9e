"""The audit trail on PostgreSQL, where several processes write at once: still one chain."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from postgres_server import Server, postgres
from sqlalchemy import create_engine, text

from rfidguard import audit
from rfidguard.clock import SystemClock
from rfidguard.doctor_audit import trail
from rfidguard.store import Store


@pytest.fixture
def url() -> Iterator[str]:
    with postgres() as server:
        yield fresh(server)


def fresh(server: Server) -> str:
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text("CREATE DATABASE trail"))
    engine.dispose()
    return server.url("trail")


def test_writers_in_several_processes_make_one_chain(url: str) -> None:
    with ExitStack() as stack:
        stores = [stack.enter_context(Store(url, SystemClock())) for _ in range(3)]

        def write(number: int) -> None:
            entry = audit.Entry(at=1e9 + number / 7, kind="answer", who=f"staff-{number}", action="received", result="accepted")
            stores[number % 3].write(lambda conn: audit.append(conn, entry)).result(30)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(write, range(90)))
        newest, fault = stores[0].read(audit.verify)
        assert (newest.rows, fault) == (90, None)
    assert [finding.level for finding in trail(url, None)] == ["ok"]
