"""Ledger records of whole feeds come in here: stored batch by batch, then told to the core. Beside `intake` of sales."""

import logging
from collections.abc import Sequence
from functools import partial

import msgspec
from sqlalchemy import Connection

from rfidguard.driver import Emit
from rfidguard.events import Ledger
from rfidguard.intake import MAX_SOURCE, hear, meaning, not_in_the_future
from rfidguard.ledger_db import records_by_id, store_records
from rfidguard.store import Store

log = logging.getLogger(__name__)

BATCH = 1_000
"""Records in one commit: a sale that comes meanwhile waits for no more than that."""


class RecordCounts(msgspec.Struct, frozen=True):
    """What became of records. `reused`: ids that stand for something else already; those records were not stored.

    `fresh`: the new ones, where the caller wants them.
    """

    stored: int = 0
    duplicate: int = 0
    reused: tuple[str, ...] = ()
    fresh: tuple[Ledger, ...] = ()


def take_records(store: Store, records: Sequence[Ledger], *, source: str, now: float, emit: Emit) -> RecordCounts:
    """Stores each record whose id is new, and returns after all are on disk; `emit` hears of a batch's new ones once it is.

    `source`: who brought them; it becomes theirs. `now`: Unix seconds; no record is later than that. Raises
    StoreUnavailable where the database takes nothing now: send the same again, what was stored is then a duplicate.
    """
    stored, duplicate, reused = 0, 0, []
    for start in range(0, len(records), BATCH):
        named = [msgspec.structs.replace(record, source=source[:MAX_SOURCE]) for record in records[start : start + BATCH]]
        batch = not_in_the_future(named, now)
        fresh, other = store.write(partial(store_batch, records=batch, source=source[:MAX_SOURCE], now=now)).result()
        for record in fresh:
            emit(record)
        stored += len(fresh)
        duplicate += len(batch) - len(fresh) - len(other)
        reused += other
    if reused:
        log.warning("%d records from %s have ids that stand for something else, like %s", len(reused), source, reused[0])
    return RecordCounts(stored, duplicate, tuple(reused))


def store_batch(conn: Connection, *, records: list[Ledger], source: str, now: float) -> tuple[list[Ledger], list[str]]:
    """Stores records inside the caller's transaction. Those that were new, and the ids that were known as something else."""
    statuses = store_records(conn, records, now)
    for lane in {record.lane for record in records}:
        hear(conn, source=source, lane=lane, now=now, column="sale_at")
    fresh = [record for record, status in zip(records, statuses, strict=True) if status == "stored"]
    known = [record for record, status in zip(records, statuses, strict=True) if status != "stored"]
    before = records_by_id(conn, [record.id for record in known])
    return fresh, [record.id for record in known if record.id in before and meaning(before[record.id]) != meaning(record)]
