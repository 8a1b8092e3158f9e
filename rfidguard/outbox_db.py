"""The outbox in the database: what must still reach the broker, in order, and what became of the rest.

A retained topic holds a state, so its newest row takes the place of the older ones, and is kept as long as it holds
something: the outbox itself knows what the broker should know (`reopen_retained`). No question grows with what waits.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, delete, func, insert, select, update

from rfidguard.alarm import OPEN_STATES
from rfidguard.outbox import OutboxRow
from rfidguard.schema import alarms, outbox

MAX_ROWS = 250_000
MAX_BYTES = 256 * 1024 * 1024
"""What may wait: some days of alarms of a large shop whose broker is gone, and a small part of the disk."""
KEEP_DONE_S = 86_400.0
_BATCH = 500

_open = outbox.c.done_at.is_(None)
_APPENDED = insert(outbox)
_REPLACED = delete(outbox).where(outbox.c.topic == bindparam("replaced"), outbox.c.retain.is_(True))
_HELD = select(outbox.c.id).where(
    outbox.c.topic == bindparam("topic"), outbox.c.retain.is_(True), func.length(outbox.c.payload) > 0
)


class StoredRow(msgspec.Struct, frozen=True):
    """A row that still waits. `created_at`: Unix seconds."""

    id: int
    row: OutboxRow
    created_at: float
    attempts: int


class Depth(msgspec.Struct, frozen=True):
    """What waits: `rows` in all (parked ones too), since when the oldest (Unix seconds), and parked ones by reason."""

    rows: int
    oldest_at: float | None
    parked: dict[str, int]


def append(conn: Connection, rows: Sequence[OutboxRow], now: float) -> None:
    """Adds rows at `now` (Unix seconds), in the caller's transaction.

    An empty retained row for a topic that never held anything is left out: there is nothing to take away.
    """
    for row in rows:
        if row.retain:
            if not row.payload and not _holds(conn, row.topic):
                continue
            conn.execute(_REPLACED, {"replaced": row.topic})
        conn.execute(_APPENDED, {**msgspec.structs.asdict(row), "created_at": now})


def open_rows(
    conn: Connection, limit: int, without: Collection[int] = (), topics_held: Collection[str] = (), live_from: str | None = None
) -> list[StoredRow]:
    """The next rows to send, oldest first, parked ones apart. `without`: ids already on their way; `topics_held`: not now.
    Alarms from the id `live_from` on go before all others: who is at the gate now does not wait for a backlog.
    """
    statement = select(outbox).where(_open, outbox.c.parked.is_(None)).order_by(outbox.c.id)
    if topics_held:
        statement = statement.where(outbox.c.topic.not_in(topics_held))
    live = [] if live_from is None else _rows(conn, statement.where(outbox.c.alarm >= live_from), limit, without)
    return live + _rows(conn, statement, limit - len(live), {*without, *(row.id for row in live)})


def newest(conn: Connection, topic: str) -> bytes | None:
    """The newest payload of a topic; None where it never held one (or was forgotten since)."""
    statement = select(outbox.c.payload).where(outbox.c.topic == topic).order_by(outbox.c.id.desc()).limit(1)
    payload: bytes | None = conn.execute(statement).scalar()
    return payload


def mark_done(conn: Connection, ids: Iterable[int], now: float) -> None:
    """These reached who they had to reach."""
    for batch in _batches(ids):
        conn.execute(update(outbox).where(outbox.c.id.in_(batch)).values(done_at=now, parked=None))


def count_attempt(conn: Connection, ids: Iterable[int]) -> None:
    """These were sent once more, in vain."""
    for batch in _batches(ids):
        conn.execute(update(outbox).where(outbox.c.id.in_(batch)).values(attempts=outbox.c.attempts + 1))


def park(conn: Connection, row_id: int, reason: str) -> None:
    """Takes a row out of the way until `unpark`: the broker refuses it for a reason that sending again does not mend."""
    attempts = outbox.c.attempts + 1
    conn.execute(update(outbox).where(outbox.c.id == row_id, _open).values(parked=reason[:32], attempts=attempts))


def unpark(conn: Connection) -> int:
    """Parked rows are to be tried again. Returns how many."""
    return conn.execute(update(outbox).where(_open, outbox.c.parked.is_not(None)).values(parked=None)).rowcount


def reopen_retained(conn: Connection) -> int:
    """The newest row of every retained topic is to be sent again: the broker may have forgotten it, or what took it away."""
    return conn.execute(update(outbox).where(outbox.c.id.in_(_newest_retained())).values(done_at=None, parked=None)).rowcount


def reopen_transitions(conn: Connection, since: float) -> int:
    """Transitions that the broker took since then (Unix seconds) are to be sent again: it may have lost them on their way."""
    sent = outbox.c.retain.is_(False) & outbox.c.alarm.is_not(None) & (outbox.c.done_at >= since)
    return conn.execute(update(outbox).where(sent).values(done_at=None)).rowcount


def depth(conn: Connection) -> Depth:
    """What waits now."""
    rows, first = conn.execute(select(func.count(), func.min(outbox.c.id)).where(_open)).one()
    oldest = conn.execute(select(outbox.c.created_at).where(outbox.c.id == first)).scalar()
    parked = select(outbox.c.parked, func.count()).where(_open, outbox.c.parked.is_not(None)).group_by(outbox.c.parked)
    return Depth(rows, oldest, {row[0]: row[1] for row in conn.execute(parked)})


def expire(conn: Connection, now: float) -> int:
    """Gives up on rows whose time is over. Returns how many."""
    over = outbox.c.created_at + outbox.c.expiry_s < now
    return conn.execute(update(outbox).where(_open, outbox.c.expiry_s.is_not(None), over).values(done_at=now)).rowcount


def purge(conn: Connection, now: float) -> int:
    """Forgets rows done for longer than KEEP_DONE_S, the state of retained topics that still hold something apart."""
    old = outbox.c.done_at < now - KEEP_DONE_S
    held = outbox.c.id.in_(_newest_retained()) & (func.length(outbox.c.payload) > 0)
    return conn.execute(delete(outbox).where(old, ~held)).rowcount


def trim(conn: Connection, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> Counter[str]:
    """Keeps what waits within bounds: oldest first, what speaks of no alarm before transitions of closed alarms.

    States and transitions of open alarms are never dropped. Returns how many went, by reason.
    """
    dropped: Counter[str] = Counter()
    rows, size = conn.execute(select(func.count(), func.coalesce(func.sum(func.length(outbox.c.payload)), 0)).where(_open)).one()
    still_open = select(alarms.c.id).where(alarms.c.state.in_(OPEN_STATES))
    loose = _open & outbox.c.retain.is_(False)
    for reason, which in (
        ("outbox_full", outbox.c.alarm.is_(None)),
        ("outbox_full_closed_alarm", outbox.c.alarm.not_in(still_open)),
    ):
        chosen: list[int] = []
        for row_id, length in conn.execute(
            select(outbox.c.id, func.length(outbox.c.payload)).where(loose, which).order_by(outbox.c.id)
        ):
            if rows <= max_rows and size <= max_bytes:
                break
            chosen.append(row_id)
            rows, size = rows - 1, size - length
        for batch in _batches(chosen):
            conn.execute(delete(outbox).where(outbox.c.id.in_(batch)))
        dropped[reason] += len(chosen)
    return +dropped


def _rows(conn: Connection, statement: Select[Any], limit: int, without: Collection[int]) -> list[StoredRow]:
    return [
        StoredRow(row.id, OutboxRow(row.topic, row.payload, row.retain, row.expiry_s, row.alarm), row.created_at, row.attempts)
        for row in conn.execute((statement.where(outbox.c.id.not_in(without)) if without else statement).limit(limit))
    ]


def _holds(conn: Connection, topic: str) -> bool:
    """Whether the broker may hold something under this retained topic that is not being taken away yet."""
    return conn.execute(_HELD, {"topic": topic}).first() is not None


def _newest_retained() -> Select[tuple[int]]:
    return select(func.max(outbox.c.id)).where(outbox.c.retain.is_(True)).group_by(outbox.c.topic)


def _batches(ids: Iterable[int]) -> list[list[int]]:
    listed = list(ids)
    return [listed[start : start + _BATCH] for start in range(0, len(listed), _BATCH)]
