"""Takes ledger records from a file into the database, and tells what became of every line."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import tzinfo
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from rfidguard.errors import RefusedInput
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.ledger_file import ledger_lines
from rfidguard.ledger_db import store_records
from rfidguard.store import Store

BATCH = 5_000
"""Records in one commit: a sale that comes meanwhile waits for no more than two of them, some 0.3 s."""
_ROOM = ("PRAGMA cache_size = -65536", "PRAGMA wal_autocheckpoint = 16384")
"""64 MB each: keys come in no order, so that the same pages change again and again. What is committed is on disk all the same."""


class ImportResult(msgspec.Struct):
    """`passed`: lines that are no ledger lines; `passed_over`: what rightly is no ledger record, by reason.

    `rejected`: by reason; `first_rejects`: the first of them, with their places.
    """

    stored: int = 0
    duplicate: int = 0
    passed: int = 0
    passed_over: Counter[str] = msgspec.field(default_factory=Counter)
    rejected: Counter[str] = msgspec.field(default_factory=Counter)
    first_rejects: list[str] = msgspec.field(default_factory=list)

    def reject(self, place: str, reason: str, text: str) -> None:
        self.rejected[reason] += 1
        if len(self.first_rejects) < 20:
            self.first_rejects.append(f"{place}: {text} ({reason})")


def import_file(
    store: Store, path: Path, zone: tzinfo, now: float, result: ImportResult, progress: Callable[[int], None]
) -> None:
    """Stores every ledger line of `path`; counts go to `result`, `progress` hears how many bytes are done.

    A batch is read while the one before is committed. A file broken off can be imported again from the start.
    """
    store.write(_make_room).result()
    try:
        with path.open("rb", buffering=0) as file:
            lines = to_the_end(ledger_lines(file, zone, now))
            under_way: Future[list[str]] | None = None
            while batch := list(islice(lines, BATCH)):
                _settle(under_way, result)
                under_way = _take(store, batch, path.name, now, result)
                progress(file.tell())
            _settle(under_way, result)
    except OSError as error:
        result.reject(path.name, "unreadable", f"cannot be read: {error.strerror}")


def _make_room(conn: Connection) -> None:
    for pragma in _ROOM if conn.dialect.name == "sqlite" else ():
        conn.exec_driver_sql(pragma)


def to_the_end(lines: Iterator[Taken]) -> Iterator[Taken]:
    """A file that turns bad has good lines before: they are taken all the same."""
    try:
        yield from lines
    except RefusedInput as error:
        yield Taken(0, reason=error.reason, text=str(error))


def _settle(stored: "Future[list[str]] | None", result: ImportResult) -> None:
    """Waits for a batch to be on disk. Raises StoreUnavailable."""
    statuses = Counter(() if stored is None else stored.result())
    result.stored += statuses["stored"]
    result.duplicate += statuses["duplicate"]


def _take(store: Store, batch: list[Taken], name: str, now: float, result: ImportResult) -> "Future[list[str]]":
    records = [taken.record for taken in batch if taken.record is not None]
    stored = store.write(partial(store_records, records=records, recorded_at=now))
    for taken in batch:
        if taken.reason is not None:
            place = f"{name} line {taken.line}" if taken.line else name
            result.reject(place, taken.reason, taken.text or "")
        elif taken.passed is not None:
            result.passed_over[taken.passed] += 1
        elif taken.record is None:
            result.passed += 1
    return stored


def rejects(result: ImportResult) -> Iterator[str]:
    """ "3 bad_epc", the most frequent first."""
    return (f"{count} {reason}" for reason, count in result.rejected.most_common())
