"""Which services use the database now: the daemon leaves a beat, so that commands know whether it judges answers."""

from sqlalchemy import Connection, delete, insert, select

from rfidguard.schema import services

DAEMON = "daemon"
ALIVE_S = 5.0
"""A beat older than this is a daemon that stopped or died."""


def beat(conn: Connection, name: str, session: str, pid: int, at: float) -> str | None:
    """Says that service `name` is alive at `at` (Unix seconds). Returns the session that said so last; None: nobody did."""
    before: str | None = conn.execute(select(services.c.session).where(services.c.name == name)).scalar()
    conn.execute(delete(services).where(services.c.name == name))
    conn.execute(insert(services).values(name=name, session=session, pid=pid, beat_at=at))
    return before


def rest(conn: Connection, name: str, session: str) -> None:
    """Says that service `name` ends in order. Another session's beat is left alone."""
    conn.execute(delete(services).where(services.c.name == name, services.c.session == session))


def is_alive(conn: Connection, name: str, now: float) -> bool:
    """True where `name` gave a beat within ALIVE_S."""
    at = conn.execute(select(services.c.beat_at).where(services.c.name == name)).scalar()
    return at is not None and abs(now - at) <= ALIVE_S
