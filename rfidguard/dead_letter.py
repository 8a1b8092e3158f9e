"""Input that was refused is kept for a while, with the reason: who looks for a lost sale finds it here."""

from sqlalchemy import Connection, delete, func, insert, select

from rfidguard.schema import dead_letters

KEEP = 1_000
"""Of each source: one that sends nonsense does not push out what others need to look at."""
KEEP_OF_ALL = 10_000
MAX_PAYLOAD_BYTES = 4_096
MAX_DETAIL = 2_000


def bury(conn: Connection, source: str, reason: str, detail: str, payload: bytes, at: float) -> None:
    """Keeps the newest KEEP refused inputs of each source, each up to MAX_PAYLOAD_BYTES. `at`: Unix seconds."""
    number = conn.execute(
        insert(dead_letters)
        .values(
            at=at,
            source=source[:64],
            reason=reason[:64],
            detail=detail.replace("\0", "\\0")[:MAX_DETAIL],
            payload=payload[:MAX_PAYLOAD_BYTES],
        )
        .returning(dead_letters.c.id)
    ).scalar_one()
    same = dead_letters.c.source == source[:64]
    oldest = select(dead_letters.c.id).where(same).order_by(dead_letters.c.id.desc()).offset(KEEP).limit(1).scalar_subquery()
    conn.execute(delete(dead_letters).where(same, dead_letters.c.id <= oldest))
    conn.execute(delete(dead_letters).where(dead_letters.c.id <= number - KEEP_OF_ALL))


def letters_of(conn: Connection, source: str) -> list[tuple[str, str]]:
    """Reason and detail of what is kept of a source, oldest first."""
    columns = (dead_letters.c.reason, dead_letters.c.detail)
    return [
        (row[0], row[1])
        for row in conn.execute(select(*columns).where(dead_letters.c.source == source).order_by(dead_letters.c.id))
    ]


def buried(conn: Connection) -> dict[str, int]:
    """How many refused inputs are kept, by reason."""
    statement = select(dead_letters.c.reason, func.count()).group_by(dead_letters.c.reason)
    return {row[0]: row[1] for row in conn.execute(statement)}
