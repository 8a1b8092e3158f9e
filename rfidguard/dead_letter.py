"""Input that was refused is kept for a while, with the reason: who looks for a lost sale finds it here."""

from sqlalchemy import Connection, delete, func, insert, select

from rfidguard.schema import dead_letters

KEEP = 1_000
MAX_PAYLOAD_BYTES = 4_096
MAX_DETAIL = 2_000


def bury(conn: Connection, source: str, reason: str, detail: str, payload: bytes, at: float) -> None:
    """Keeps the newest KEEP refused inputs, each up to MAX_PAYLOAD_BYTES. `at`: Unix seconds."""
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
    conn.execute(delete(dead_letters).where(dead_letters.c.id <= number - KEEP))


def buried(conn: Connection) -> dict[str, int]:
    """How many refused inputs are kept, by reason."""
    statement = select(dead_letters.c.reason, func.count()).group_by(dead_letters.c.reason)
    return {row[0]: row[1] for row in conn.execute(statement)}
