"""A ledger of 10 M sold items, folded, beside a log of a year: bytes an item, and how long the gate's questions take.

    nice python -m benchmarks.ledger_size [--items 10000000] [--log 500000] [--dir /tmp]

Times are of a warm file. "CPU" is the thread's own time, for a machine that has other work as well.
"""

import argparse
import random
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from benchmarks.table import percentile, write
from rfidguard.clock import SystemClock
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Ledger
from rfidguard.forget import ledger_keys
from rfidguard.item_state import packed_key, packed_state
from rfidguard.ledger_db import records_for, store_records
from rfidguard.ledger_items_db import folded_records
from rfidguard.store import Store

ARTICLES = 20_000
PARTS = 20
"""Folds in which the items came: each is spread over the whole table, as in years of daily folding."""
START = 1_600_000_000.0
NOW = 1_790_000_000.0
QUESTIONS = 20_000
TAGS = 50


def epc_of(number: int) -> str:
    """Item `number`, spread over articles and serials."""
    return encode_sgtin_96("0614141", f"{number * 7919 % ARTICLES:06}", number * 2_654_435_761 % (1 << 38))


@cache
def _gtin(article: int) -> str:
    return identify(encode_sgtin_96("0614141", f"{article:06}", 0)).gtin or ""


def key_of(number: int) -> str:
    """The ledger's key of that item; an EPC for each would take most of the time that ten million take."""
    return f"{_gtin(number * 7919 % ARTICLES)}.{number * 2_654_435_761 % (1 << 38)}"


def build(path: Path, items: int, log: int) -> int:
    """Fills the database. Returns the bytes that the table of items takes."""
    clock = SystemClock()
    with Store(f"sqlite:///{path}", clock) as store:
        for start in range(0, log, 2000):
            records = [
                Ledger(at=NOW - 3e7 + n, id=f"0001-{n % 8}-{n}/1", kind="sold", epc=epc_of(items + n))
                for n in range(start, start + 2000)
            ]
            store.write(lambda conn, records=records: store_records(conn, records, NOW)).result()
    with closing(sqlite3.connect(path, isolation_level=None)) as conn:
        conn.execute("PRAGMA cache_size = -500000")
        before = _bytes(conn)
        for part in range(PARTS):
            rows = sorted((packed_key(key_of(n)), packed_state("sold", START + n)) for n in range(part, items, PARTS))
            conn.execute("BEGIN")
            conn.executemany("INSERT OR IGNORE INTO ledger_items VALUES (?, ?)", rows)
            conn.execute("COMMIT")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _bytes(conn) - before


def _bytes(conn: sqlite3.Connection) -> int:
    (pages,), (size,) = conn.execute("PRAGMA page_count").fetchone(), conn.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size)


def measured(ask: Callable[[int], object], times: int) -> tuple[list[float], list[float]]:
    """Microseconds of each call, on the wall and of CPU time."""
    wall, cpu = [], []
    for number in range(times):
        before, own = time.perf_counter_ns(), time.thread_time_ns()
        ask(number)
        cpu.append((time.thread_time_ns() - own) / 1e3)
        wall.append((time.perf_counter_ns() - before) / 1e3)
    return wall, cpu


def questions(conn: Connection, items: int) -> list[tuple[str, list[float], list[float]]]:
    """What a gate asks: half of the items were sold, half are not known."""
    rng = random.Random(1)
    numbers = [rng.randrange(items) if n % 2 else 10**9 + n for n in range(QUESTIONS)]
    keys = [ledger_keys(epc_of(number)) for number in numbers]
    many = [[key for tag in keys[n * TAGS : n * TAGS + TAGS] for key in tag] for n in range(QUESTIONS // TAGS)]
    for key in keys:
        folded_records(conn, key)
    return [
        ("one item, answer table", *measured(lambda n: folded_records(conn, keys[n]), QUESTIONS)),
        ("one item, everything a gate asks", *measured(lambda n: records_for(conn, keys[n], NOW), QUESTIONS)),
        (f"{TAGS} tags in one question", *measured(lambda n: records_for(conn, many[n], NOW), len(many))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000_000)
    parser.add_argument("--log", type=int, default=500_000)
    parser.add_argument("--dir", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rfidguard-size-", dir=given.dir))
    try:
        with Store(f"sqlite:///{folder / 'empty.db'}", SystemClock()) as store:
            store.read(lambda conn: questions(conn, 1000))
        taken = build(folder / "shop.db", given.items, given.log)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with Store(f"sqlite:///{folder / 'shop.db'}", SystemClock()) as store:
            found = store.read(lambda conn: questions(conn, given.items))
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    finally:
        shutil.rmtree(folder)
    rows = [(f"{given.items:,} sold items, bytes each in the answer table", f"{taken / given.items:.1f}", "40")]
    for name, wall, cpu in found:
        target = "2,000 µs" if str(TAGS) in name else "100 µs"
        rows.append((f"{name}: p50 / p99 on the wall", f"{percentile(wall, 0.5):.0f} / {percentile(wall, 0.99):.0f} µs", target))
        rows.append((f"{name}: p50 / p99 of CPU", f"{percentile(cpu, 0.5):.0f} / {percentile(cpu, 0.99):.0f} µs", target))
    rows.append(("memory that asking added beyond an empty ledger's", f"{grown / 1024:.1f} MB", "does not grow"))
    write("ledger-size", f"{given.items:,} sold items and a log of {given.log:,} records, SQLite", rows)


if __name__ == "__main__":
    main()
