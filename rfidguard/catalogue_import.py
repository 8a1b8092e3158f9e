"""Takes lists of articles and stock counts from files into the database. Sales and everything else: feeds/ledger_import.py."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import tzinfo
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from rfidguard.catalogue import CatalogueRow, Refused, catalogue_rows, is_catalogue
from rfidguard.catalogue_db import StockCount, leave_word, store_articles, store_count
from rfidguard.errors import RefusedInput
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.ledger_import import ImportResult
from rfidguard.journal_files import chunks_of, lines_in
from rfidguard.ledger_db import store_records
from rfidguard.stock_count import counted, is_stock_count
from rfidguard.store import Store

BATCH = 1_000


class CatalogueResult(msgspec.Struct):
    """`articles`: rows taken, `new` of them not known before. `counted`: items of stock counts, `armed` of them just now."""

    articles: int = 0
    new: int = 0
    counted: int = 0
    armed: int = 0


def kind_of(path: Path) -> str | None:
    """ "articles", "stock" or None for anything else, by the first line."""
    try:
        with path.open("rb", buffering=0) as file:
            first = next(_texts(file), "")
    except OSError:
        return None
    if is_catalogue(first):
        return "articles"
    return "stock" if is_stock_count(first) else None


def import_articles(
    store: Store, path: Path, now: float, result: ImportResult, taken: CatalogueResult, progress: Callable[[int], None]
) -> None:
    """Stores every article of `path`. Each batch is committed before the next is read."""
    try:
        with path.open("rb", buffering=0) as file:
            rows = catalogue_rows(_texts(file))
            while batch := list(islice(rows, BATCH)):
                good = [row for row in batch if isinstance(row, CatalogueRow)]
                taken.new += store.write(partial(store_articles, rows=good, now=now)).result()
                taken.articles += len(good)
                for row in batch:
                    if isinstance(row, Refused):
                        result.reject(f"{path.name} line {row.line}", row.reason, row.text)
                progress(file.tell())
    except RefusedInput as error:
        result.reject(path.name, error.reason, str(error))
    except OSError as error:
        result.reject(path.name, "unreadable", f"cannot be read: {error.strerror}")


def import_stock(
    store: Store, path: Path, scope: str, at: float | None, zone: tzinfo, now: float, result: ImportResult,
    taken: CatalogueResult, progress: Callable[[int], None],
) -> None:  # fmt: skip
    """Arms every item of the count `path`. `scope` full or cyclic; `at` (Unix seconds): when, None: the file's time."""
    try:
        made_at = min(path.stat().st_mtime if at is None else at, now)
        items = 0
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            rows = counted(_texts(file), zone, made_at)
            while batch := list(islice(rows, BATCH)):
                items += _armed(store, batch, path.name, now, result, taken, digest.update)
                progress(file.tell())
        if items:
            count = StockCount(digest.hexdigest(), made_at, scope, items, path.name[:128])
            store.write(partial(store_count, count=count, now=now)).result()
    except RefusedInput as error:
        result.reject(path.name, error.reason, str(error))
    except OSError as error:
        result.reject(path.name, "unreadable", f"cannot be read: {error.strerror}")


def note_import(store: Store, now: float) -> None:
    """Leaves word that the ledger was changed from outside: a running daemon then asks again about what stands in its view."""
    store.write(partial(leave_word, now=now)).result()


def _armed(
    store: Store, batch: list[Taken], name: str, now: float, result: ImportResult, taken: CatalogueResult,
    mark: Callable[[bytes], None],
) -> int:  # fmt: skip
    records = [entry.record for entry in batch if entry.record is not None]
    statuses = Counter(store.write(partial(store_records, records=records, recorded_at=now)).result())
    result.stored += statuses["stored"]
    result.duplicate += statuses["duplicate"]
    taken.counted += len(records)
    taken.armed += statuses["stored"]
    for record in records:
        mark(record.id.encode())
    for entry in batch:
        if entry.reason is not None:
            result.reject(f"{name} line {entry.line}", entry.reason, entry.text or "")
    return len(records)


def _texts(file: BinaryIO) -> Iterator[str]:
    torn: Counter[str] = Counter()
    for line in lines_in(chunks_of(file, torn), torn):
        try:
            text = line.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = line.decode("latin-1")
        yield text.rstrip("\r")
