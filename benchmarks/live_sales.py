"""How long a till waits for the confirmation of one sale, while the daemon has a gate to watch. Every sale is on disk by then.

    rfidguard demo --seconds 300 &                   # or any daemon that may be told of sales that nobody made
    python -m benchmarks.live_sales http://127.0.0.1:8080 [--sales 1000] [--token-file till-3.token]

One sale after the other, one line with an EPC each, over HTTP. `/metrics` of the daemon tells how much the gate read meanwhile.
After each sale the disk is asked alone: one page appended to a file in `--disk` (a folder on the database's disk) and synced.
"""

import argparse
import json
import os
import re
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks.table import percentile, write
from rfidguard.alarm import utc_text
from rfidguard.clock import SystemClock
from rfidguard.epc import encode_sgtin_96

TIMEOUT_S = 30.0
ITEM = "000042"


def call(url: str, body: bytes | None = None, token: str | None = None) -> bytes:
    """One HTTP call."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=TIMEOUT_S) as response:
        read: bytes = response.read()
        return read


def reads(url: str, token: str | None) -> float:
    """Tag reads that the daemon has taken in so far."""
    text = call(f"{url}/metrics", token=token).decode()
    return sum(float(count) for count in re.findall(r"^rfidguard_reads_total\S* (\S+)$", text, re.MULTILINE))


def sale(number: int, now: float) -> bytes:
    """A sale of an item that nobody carries."""
    mark = f"{now:.6f}"
    epc = encode_sgtin_96("0614141", ITEM, int(now * 1000) % (1 << 30) * 100 + number % 100)
    return json.dumps({"id": f"bench-{mark}-{number}", "at": utc_text(now), "kind": "sale", "lines": [{"epc": epc}]}).encode()


def synced_ms(file: int) -> float:
    """What the disk takes for one page."""
    start = time.perf_counter()
    os.write(file, b"x" * 4096)
    os.fdatasync(file)
    return (time.perf_counter() - start) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--sales", type=int, default=1000)
    parser.add_argument("--token-file", type=Path)
    parser.add_argument("--disk", type=Path, default=Path())
    given = parser.parse_args()
    token = given.token_file.read_text().strip() if given.token_file else None
    clock, took, alone = SystemClock(), [], []
    disk, name = tempfile.mkstemp(dir=given.disk)
    os.unlink(name)
    before, started = reads(given.url, token), time.perf_counter()
    for number in range(given.sales):
        body = sale(number, clock.now())
        start = time.perf_counter()
        reply = json.loads(call(f"{given.url}/v1/sales", body, token))
        took.append((time.perf_counter() - start) * 1e3)
        if reply.get("status") != "stored":
            raise SystemExit(f"sale {number}: {reply}")
        alone.append(synced_ms(disk))
    rate = (reads(given.url, token) - before) / (time.perf_counter() - started)
    rows = [
        (f"{given.sales:,} single sales, confirmed after: p50", f"{percentile(took, 0.5):.1f} ms", "-"),
        ("p99", f"{percentile(took, 0.99):.1f} ms", "10 ms"),
        ("longest", f"{max(took):.1f} ms", "-"),
        ("one page to the same disk, alone: p50", f"{percentile(alone, 0.5):.1f} ms", "-"),
        ("p99", f"{percentile(alone, 0.99):.1f} ms", "-"),
        ("tag reads the gate took in meanwhile", f"{rate:,.0f}/s", "-"),
    ]
    write("live-sales", "A durable sale beside a running gate (HTTP, SQLite, synchronous = FULL)", rows)


if __name__ == "__main__":
    main()
