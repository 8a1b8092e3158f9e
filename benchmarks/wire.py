"""Socket to decision to MQTT subscriber: four simulated readers on TCP, the real daemon, a real broker, one subscriber.

    python -m benchmarks.wire [--rates 1000,4400,10000] [--seconds 60]

Each reader stands at a gate of its own and plays the busy scene, filled up with standing tags to its share of the rate. Latency
is from the decision (`decided_at` of an alarm's first item) to the subscriber's receipt, both by this machine's clock. At the
start all shelf tags are new at once: its alarms are told apart, and CPU is that of the time after it.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from heapq import merge
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks import scene
from benchmarks.processes import Listeners, broker, cpu_s, resident_mb
from benchmarks.table import percentile, write_grid
from rfidguard.clock import SystemClock
from rfidguard.events import Event, Ledger, Read
from simulators.demo.broker import DemoBroker
from simulators.ports import free_port, listens

READERS = 4
SHELF = 200
START_LASTS_S = 20.0
TAIL_S = 12.0
START_S = 60.0


def journals(folder: Path, events: Sequence[Event], rate: float, seconds: float) -> list[Path]:
    """One journal a gate: the scene with goods of its own, filled up to `rate` reads a second."""
    reads = [event for event in events if isinstance(event, Read)]
    first = reads[0].at
    scene_rate = len(reads) / (reads[-1].at - first)
    paths = []
    for number in range(1, READERS + 1):
        own = (_at_gate(read, number) for read in reads if read.at - first < seconds)
        fill = scene.standing(
            SHELF, max(rate - scene_rate, 1.0), seconds, gate=f"g{number}", reader=f"g{number}-1", antennas=4, seed=number
        )
        moved = (replace(read, at=read.at - 1_790_000_000.0 + first) for read in fill)
        path = folder / f"g{number}.jsonl"
        scene.write(path, merge(own, moved, key=lambda read: read.at))
        paths.append(path)
    return paths


def _at_gate(read: Read, number: int) -> Read:
    return replace(read, gate=f"g{number}", reader=f"g{number}-1", epc=_other(read.epc, number), received=None)


def _other(epc: str, number: int) -> str:
    return f"{int(epc, 16) ^ number << 20:0{len(epc)}X}"


def stock(events: Sequence[Event], path: Path) -> None:
    """What the scene's ledger says, for the goods of every gate."""
    records = [event for event in events if isinstance(event, Ledger) and event.epc is not None]
    moved = [
        replace(record, epc=_other(record.epc or "", number), id=f"{record.id}~{number}")
        for number in range(1, READERS + 1)
        for record in records
    ]
    scene.write(path, moved)


def configured(folder: Path, gate: dict[str, Any], served: DemoBroker, ports: Sequence[int], http: int) -> Path:
    """The daemon's configuration: the scene's gate, four times."""
    zones = ", ".join(f'{port} = "{zone}"' for port, zone in gate["reader"][0]["antennas"].items())
    gates = "".join(
        f'[[gate]]\nid = "g{number}"\nmode = "handheld"\n[[gate.reader]]\nid = "g{number}-1"\ndriver = "llrp"\n'
        f'host = "127.0.0.1"\nport = {port}\nantennas = {{ {zones} }}\n'
        for number, port in enumerate(ports, 1)
    )
    path = folder / "rfidguard.toml"
    path.write_text(
        '[site]\nid = "0001"\ncompany_prefixes = ["0614141"]\n'
        f'[database]\nurl = "sqlite:///{folder}/rfidguard.db"\n[mqtt]\nurl = "mqtt://127.0.0.1:{served.port}"\n'
        f'[http]\nlisten = "127.0.0.1:{http}"\n[journal]\ndir = "{folder}/journal"\n[ledger]\nunknown_epc = "strict"\n' + gates
    )
    return path


def measure(events: Sequence[Event], gate: dict[str, Any], rate: int, seconds: float) -> list[str]:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = journals(folder, events, rate / READERS, seconds)
        ports, http = [free_port() for _ in paths], free_port()
        served = broker(folder)
        config = configured(folder, gate, served, ports, http)
        stock(events, folder / "stock.jsonl")
        rfidguard(["ledger", "import", str(folder / "stock.jsonl"), "--config", str(config)]).wait(600)
        readers = [
            rfidguard(["sim", "reader", "--port", str(port), "--journal", str(path), "--region", "etsi"])
            for port, path in zip(ports, paths, strict=True)
        ]
        listeners = Listeners(served.port, "rfidguard/0001/event/alarm", 1)
        daemon = None
        try:
            if not all(listens(port, START_S) for port in ports):
                raise SystemExit("a simulated reader did not start")
            daemon = rfidguard(["run", "--config", str(config)])
            if not listens(http, START_S):
                raise SystemExit("the daemon did not start")
            return _watched(daemon.pid, http, listeners, rate, seconds)
        finally:
            for process in (daemon, *readers):
                if process is not None:
                    process.terminate()
                    process.wait(30)
            served.stop()


def _watched(pid: int, http: int, listeners: Listeners, rate: int, seconds: float) -> list[str]:
    settled_at = SystemClock().now() + START_LASTS_S
    time.sleep(START_LASTS_S)
    cpu, reads, start = cpu_s(pid), metric(http, "rfidguard_reads"), time.monotonic()
    time.sleep(max(seconds - START_LASTS_S - 2.0, 5.0))
    used, past = cpu_s(pid) - cpu, time.monotonic() - start
    came = (metric(http, "rfidguard_reads") - reads) / past
    time.sleep(TAIL_S)
    memory = resident_mb(pid)
    dropped = metric(http, "rfidguard_dropped", "reads_dropped") + metric(http, "rfidguard_dropped", "stale_read")
    left_out = metric(http, "rfidguard_dropped", "look_left_out")
    told: dict[str, tuple[float, float]] = {}
    for _, at, body in listeners.heard():
        if body["event_type"] == "raised" and body["kind"] in ("unpaid_items", "bulk"):
            told.setdefault(body["id"], (_decided(body), at))  # rung again, as nobody says that it was received
    late = [(at - decided) * 1e3 for decided, at in told.values() if decided >= settled_at]
    first = [(at - decided) * 1e3 for decided, at in told.values() if decided < settled_at]
    spread = [percentile(late, 0.5), percentile(late, 0.99), max(late)] if late else [float("nan")] * 3
    return [
        f"{rate:,}", f"{came:,.0f}", f"{len(late)}", *(f"{value:.1f}" for value in spread),
        f"{max(first):.0f}" if first else "-", f"{used / past * 100:.0f} %", f"{memory:.0f} MB", f"{dropped:.0f}",
        f"{left_out:,.0f}",
    ]  # fmt: skip


def _decided(body: dict[str, Any]) -> float:
    return min(datetime.fromisoformat(item["decided_at"]).timestamp() for item in body["items"])


def metric(http: int, name: str, label: str = "") -> float:
    """The sum of a counter over its labels, or of those with `label`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    lines = re.findall(rf"^{name}(?:_total)?(?:\{{([^}}]*)\}})? ([0-9.e+]+)$", text, re.MULTILINE)
    return sum(float(value) for labels, value in lines if label in labels)


def rfidguard(words: Sequence[str]) -> "subprocess.Popen[bytes]":
    """One of our commands, started."""
    environment = {**os.environ, "PYTHONPATH": str(scene.ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "rfidguard", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="1000,4400,10000")
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    folder = scene.made("leaving")
    events, gate = scene.events(folder), scene.gate_config(folder)
    rows = [measure(events, gate, int(rate), given.seconds) for rate in given.rates.split(",")]
    head = [
        "reads/s offered",
        "came",
        "alarms",
        "p50 ms",
        "p99 ms",
        "max ms",
        "max of the start",
        "daemon's CPU of a core",
        "memory",
        "reads dropped",
        "looks left out",
    ]
    write_grid("wire", f"Socket to subscriber, {READERS} simulated readers", head, rows, REMARK)


REMARK = (
    "Latency from the decision to the subscriber. Readers, daemon, broker and subscriber share this machine. Targets: at 4,400 "
    "p99 20 ms, 25 % CPU; at 10,000 p99 50 ms; nothing dropped."
)

if __name__ == "__main__":
    main()
