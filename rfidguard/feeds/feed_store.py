"""What a feed brings goes to disk in one transaction: records, what was refused with its reason, and where the feed goes on."""

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
from sqlalchemy import Connection, select

from rfidguard import crash_points
from rfidguard.catalogue_db import leave_word
from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.events import Ledger
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.intake import hear, not_in_the_future
from rfidguard.record_intake import BATCH, RecordCounts, store_batch
from rfidguard.schema import feed_cursors
from rfidguard.store import Store
from rfidguard.upsert import insert_into

MOST_LETTERS = 20
"""Refusals of one page that are kept one by one; the rest is one letter."""
NEWS_S = 26 * 3600.0
"""Older records are no news for the gates one by one: they are told once that something was imported."""


class FeedCursor(msgspec.Struct, frozen=True):
    """How a feed stands (Unix seconds). `lag_s`: how late the newest of its last records was heard of."""

    feed: str
    cursor: str | None = None
    moved_at: float | None = None
    polled_at: float | None = None
    newest_at: float | None = None
    lag_s: float | None = None


def feed_cursors_of(conn: Connection) -> dict[str, FeedCursor]:
    """Every feed that ever answered."""
    return {row.feed: FeedCursor(*row) for row in conn.execute(select(*feed_cursors.c))}


def cursor_of(conn: Connection, feed: str) -> str | None:
    """Where a feed goes on; None: from the start."""
    return conn.execute(select(feed_cursors.c.cursor).where(feed_cursors.c.feed == feed)).scalar()


def take_page(
    store: Store, taken: Sequence[Taken], *, feed: str, cursor: str | None, now: float, emit: Emit, alive: bool
) -> RecordCounts:
    """Stores what a feed brought and, with the last of it, its cursor; then the core hears of what is new.

    `alive`: the feed proves by this that its system lives. Raises StoreUnavailable: bring the same again.
    """
    records = _named([one.record for one in taken if one.record is not None], feed, now)
    refused = [one for one in taken if one.reason is not None]
    counts = RecordCounts()
    for start in range(0, max(len(records), 1), BATCH):
        batch, last = records[start : start + BATCH], start + BATCH >= len(records)
        job = partial(
            _store,
            feed=feed,
            records=batch,
            refused=refused if last else [],
            cursor=cursor if last else None,
            now=now,
            alive=alive,
        )
        crash_points.reached("feed_before_commit")
        fresh, reused = store.write(job).result()
        crash_points.reached("feed_after_commit")
        for record in fresh:
            if now - record.at < NEWS_S:
                emit(record)
        counts = RecordCounts(
            counts.stored + len(fresh),
            counts.duplicate + len(batch) - len(fresh) - len(reused),
            (*counts.reused, *reused),
            counts.fresh + tuple(fresh),
        )
    return counts


def _named(records: list[Ledger], feed: str, now: float) -> list[Ledger]:
    return not_in_the_future([msgspec.structs.replace(record, source=feed) for record in records], now)


def _store(
    conn: Connection, *, feed: str, records: list[Ledger], refused: Sequence[Taken], cursor: str | None, now: float, alive: bool
) -> tuple[list[Ledger], list[str]]:
    fresh, reused = store_batch(conn, records=records, source=feed, now=now)
    wrong = [*refused, *(Taken(0, reason="id_reused", text=f"{name}: stands for something else already") for name in reused)]
    for one in wrong[:MOST_LETTERS]:
        place = f"line {one.line}: " if one.line else ""
        bury(conn, feed, one.reason or "", f"{place}{one.text}", b"", now)
    if len(wrong) > MOST_LETTERS:
        bury(conn, feed, "more", f"and {len(wrong) - MOST_LETTERS} more of the same page", b"", now)
    if alive:
        hear(conn, source=feed, lane="", now=now, column="heartbeat_at")
    if any(now - record.at >= NEWS_S for record in fresh):
        leave_word(conn, now)
    move(conn, feed, cursor, now, fresh)
    return fresh, reused


def move(conn: Connection, feed: str, cursor: str | None, now: float, fresh: Iterable[Ledger]) -> None:
    row: dict[str, object] = {"polled_at": now}
    newest = max((record.at for record in fresh), default=None)
    if cursor is not None:
        row |= {"cursor": cursor}
    if newest is not None:
        row |= {"moved_at": now, "newest_at": newest, "lag_s": max(now - newest, 0.0)}
    statement = insert_into(conn, feed_cursors).values(feed=feed, **row)
    conn.execute(statement.on_conflict_do_update(index_elements=["feed"], set_=row))
