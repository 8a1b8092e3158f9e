"""Folds old ledger records: each item keeps its last state for good, the records go, their ids stay known.

What is folded is exactly what the ledger said of it: of an item the last record that no void undoes, or the credit that it
used, whichever came later. Voids are never folded, so one that came before its sale still hits it. A void of a record that is
folded already finds nothing to undo: a sale so old is undone by a return.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from rfidguard.events import Ledger
from rfidguard.item_state import CODES, packed_key, packed_state
from rfidguard.ledger import document_of, record_key, valid_of
from rfidguard.ledger_db import records_by_id, voids_of
from rfidguard.ledger_items_db import drop_records, keep_marks, keep_states
from rfidguard.schema import credit_bindings, ledger_folds, ledger_records
from rfidguard.store import Store

BATCH = 1_000
"""Records in one commit: a sale that comes meanwhile waits for no more than that."""
SETTLE_S = 7 * 86_400.0
"""What came in late is not folded before its void has had a week to come after it."""
DAY_S = 86_400.0

_table = ledger_records.c
_OLD = (
    select(_table.id)
    .where(_table.at >= 0, _table.at < bindparam("before"), _table.recorded_at < bindparam("settled"))
    .where(_table.kind.in_(tuple(CODES)), _table.id > bindparam("after"))
    .order_by(_table.id)
    .limit(bindparam("most"))
)
_BOUND = select(credit_bindings.c.credit, credit_bindings.c.key, credit_bindings.c.at).where(
    credit_bindings.c.credit.in_(bindparam("names", expanding=True))
)
_UNBIND = delete(credit_bindings).where(credit_bindings.c.credit.in_(bindparam("names", expanding=True)))


class Folded(msgspec.Struct, frozen=True):
    """`records` left the log; `before`: everything older than that (Unix seconds) is folded now."""

    records: int
    before: float


def fold(
    store: Store,
    older_than_days: float,
    now: float,
    stop: threading.Event | None = None,
    progress: Callable[[int], None] | None = None,
) -> Folded:
    """Folds every record that is older, batch by batch; what comes in meanwhile is served between two batches.

    `stop` ends it early, and the next call goes on. Raises StoreUnavailable where the database takes nothing now.
    """
    before = now - older_than_days * DAY_S
    done = 0
    for names in _old(store, before, now - SETTLE_S):
        if stop is not None and stop.is_set():
            break
        done += store.write(partial(fold_batch, ids=names)).result()
        if progress is not None:
            progress(done)
    if done:
        store.write(partial(_note, at=now, before=before, records=done)).result()
    return Folded(done, before)


def fold_batch(conn: Connection, ids: Sequence[str]) -> int:
    """Folds these records, in the caller's transaction. Returns how many there were."""
    records = list(records_by_id(conn, ids).values())
    found = [record.id for record in records]
    valid = valid_of([*records, *voids_of(conn, _names(found))])
    states: dict[bytes, int] = {}
    for key, state in [*_items(valid), *_paid_by_credit(conn, valid)]:
        states[key] = max(state, states.get(key, state))
    keep_states(conn, states)
    keep_marks(conn, found)
    conn.execute(_UNBIND, {"names": found})
    drop_records(conn, found)
    return len(found)


def _old(store: Store, before: float, settled: float) -> Iterator[list[str]]:
    """The ids of what is to be folded, a batch at a time: each is read when the one before is done with."""
    after = ""
    while True:
        names = store.read(partial(_next, asked={"before": before, "settled": settled, "after": after, "most": BATCH}))
        if not names:
            return
        yield names
        after = names[-1]


def _next(conn: Connection, asked: dict[str, Any]) -> list[str]:
    return list(conn.execute(_OLD, asked).scalars())


def _note(conn: Connection, at: float, before: float, records: int) -> None:
    conn.execute(insert(ledger_folds).values(at=at, before=before, records=records))


def _names(ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for record_id in ids for name in (record_id, document_of(record_id)) if name))


def _items(valid: Sequence[Ledger]) -> Iterator[tuple[bytes, int]]:
    for record in valid:
        key = record_key(record)
        if key is not None and not key.startswith("gtin:"):
            yield packed_key(key), packed_state(record.kind, record.at)


def _paid_by_credit(conn: Connection, valid: Sequence[Ledger]) -> Iterator[tuple[bytes, int]]:
    """An item that used a credit is sold from the earlier of the two on: armed after that, it needs another."""
    sold = {r.id: r for r in valid if r.kind == "sold" and (record_key(r) or "").startswith("gtin:")}
    for row in conn.execute(_BOUND, {"names": list(sold)}) if sold else ():
        yield packed_key(row.key), packed_state("sold", min(row.at, sold[row.credit].at))
