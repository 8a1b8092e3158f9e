"""Input that was refused is kept for a while, with the reason: who looks for a lost sale finds it here."""

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from rfidguard.schema import dead_letters

KEEP = 1_000
"""Of each source: one that sends nonsense does not push out what others need to look at."""
KEEP_OF_ALL = 10_000
MAX_PAYLOAD_BYTES = 4_096
MAX_DETAIL = 2_000


class Letter(msgspec.Struct, frozen=True):
    """One refused input: when it came (Unix seconds), from whom, why."""

    at: float
    source: str
    reason: str
    detail: str


class Refusals(msgspec.Struct, frozen=True):
    """What is kept of one source: how many by reason; when the newest came, and why that one was refused."""

    reasons: dict[str, int]
    at: float
    reason: str
    detail: str

    @property
    def total(self) -> int:
        return sum(self.reasons.values())


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


def newest_letters(conn: Connection, source: str | None, limit: int) -> list[Letter]:
    """The newest of a source (None: of all), oldest first."""
    columns = [dead_letters.c[name] for name in Letter.__struct_fields__]
    statement = select(*columns).order_by(dead_letters.c.id.desc()).limit(limit)
    if source is not None:
        statement = statement.where(dead_letters.c.source == source)
    return [Letter(*row) for row in conn.execute(statement)][::-1]


def refusals(conn: Connection) -> dict[str, Refusals]:
    """By source."""
    counts: dict[str, dict[str, int]] = {}
    grouped = select(dead_letters.c.source, dead_letters.c.reason, func.count())
    for row in conn.execute(grouped.group_by(dead_letters.c.source, dead_letters.c.reason)):
        counts.setdefault(row[0], {})[row[1]] = row[2]
    newest = select(func.max(dead_letters.c.id)).group_by(dead_letters.c.source)
    columns = [dead_letters.c[name] for name in Letter.__struct_fields__]
    letters = [Letter(*row) for row in conn.execute(select(*columns).where(dead_letters.c.id.in_(newest)))]
    return {one.source: Refusals(counts[one.source], one.at, one.reason, one.detail) for one in letters}
