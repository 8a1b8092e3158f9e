"""Start to watching with so many sold items, the memory of it, and sale ingest beside the gate.

    nice python -m benchmarks.start_up [--items 10000000] [--sales 500]

One simulated reader plays a scene; "watching" is when /metrics says that it is up. Sales come over HTTP.
"""

import argparse
import json
import shutil
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks import scene
from benchmarks.ledger_size import build
from benchmarks.processes import broker, cpu_s, resident_mb
from benchmarks.table import percentile, write
from benchmarks.wire import START_S, configured, metric, rfidguard
from simulators.ports import free_port, listens

SETTLED_S = 10.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000_000)
    parser.add_argument("--sales", type=int, default=500)
    parser.add_argument("--dir", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rfidguard-start-", dir=given.dir))
    try:
        build(folder / "rfidguard.db", given.items, 0)
        rows = started(folder, given.items, given.sales)
    finally:
        shutil.rmtree(folder)
    write("start-up", f"A start with {given.items:,} sold items, SQLite, and sales beside the gate", rows)


def started(folder: Path, items: int, sales: int) -> list[tuple[str, str, str]]:
    """The daemon started once; figures of its start, its memory, and of sales that come while it reads."""
    made = scene.made("leaving")
    port, http = free_port(), free_port()
    served = broker(folder)
    config = configured(folder, scene.gate_config(made), served, [port], http)
    reader = rfidguard(
        ["sim", "reader", "--port", str(port), "--journal", str(made / "journal.jsonl"), "--region", "etsi", "--loop"]
    )
    daemon = None
    try:
        if not listens(port, START_S):
            raise SystemExit("the simulated reader did not start")
        begun = time.monotonic()
        daemon = rfidguard(["run", "--config", str(config)])
        while not _up(http):
            if time.monotonic() - begun > START_S:
                raise SystemExit("the daemon did not start")
            time.sleep(0.02)
        watching, cpu = time.monotonic() - begun, cpu_s(daemon.pid)
        time.sleep(SETTLED_S)
        stored = [_sold(http, number) for number in range(sales)]
        memory = resident_mb(daemon.pid)
    finally:
        for process in (daemon, reader):
            if process is not None:
                process.terminate()
                process.wait(30)
        served.stop()
    spread = f"{percentile(stored, 0.5) * 1e3:.1f} / {percentile(stored, 0.99) * 1e3:.1f} ms"
    return [
        (f"start to watching with {items:,} sold: wall / CPU", f"{watching:.1f} / {cpu:.1f} s", "2 s"),
        ("resident memory after that and the sales", f"{memory:.0f} MB", "120 MB"),
        (f"{sales} sales over HTTP beside the gate, stored: p50 / p99", spread, "-"),
    ]


def _up(http: int) -> bool:
    try:
        return metric(http, "rfidguard_device_up") > 0
    except OSError:
        return False


def _sold(http: int, number: int) -> float:
    """Seconds until a sale was confirmed."""
    line = {"line": 1, "kind": "sold", "gtin": "00614141123452", "quantity": 1}
    body = {
        "id": f"bench-{number}",
        "at": "2026-11-22T10:14:02Z",
        "kind": "sale",
        "transaction": str(number),
        "lane": "1",
        "lines": [line],
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{http}/v1/sales", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    start = time.perf_counter()
    with urllib.request.urlopen(request, timeout=30) as answer:
        if json.loads(answer.read())["status"] != "stored":
            raise SystemExit("a sale was not stored")
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
