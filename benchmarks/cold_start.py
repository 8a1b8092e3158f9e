"""From the start of the process to watching the gate, with a ledger of 10 M sold items that is not in memory.

    nice python -m benchmarks.cold_start [--items 10000000] [--dir .cache] [--times 5]

The daemon is the real one with a simulated reader; there is no broker. "Watching": the reader was told to take inventory. The
database's pages are dropped from the machine's cache before each start. CPU is what the process used until then.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from benchmarks.ledger_size import build
from benchmarks.table import write
from rfidguard.clock import SystemClock
from simulators.llrp_reader.reader import SimReader
from simulators.ports import free_port

PATIENCE_S = 120.0
TARGET_S = 2.0

CONFIG = """
[site]
id = "0001"
company_prefixes = ["0614141"]
[mqtt]
url = "mqtt://127.0.0.1:{mqtt}"
[http]
listen = "127.0.0.1:{http}"
[ledger]
unknown_epc = "stock_only"
[[gate]]
id = "front"
  [[gate.reader]]
  id = "front-1"
  driver = "llrp"
  host = "127.0.0.1"
  port = {reader}
  antennas = {{ 1 = "inside", 2 = "outside" }}
"""


def started(folder: Path) -> tuple[float, float]:
    """Seconds on the wall and of CPU from the start of the process to the inventory."""
    for file in folder.glob("rfidguard.db*"):
        with file.open("rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    port = free_port()
    config = folder / "rfidguard.toml"
    config.write_text(CONFIG.format(mqtt=free_port(), http=free_port(), reader=port))
    reader, clock, pause = SimReader(port=port, reader_id="front-1"), SystemClock(), threading.Event()
    reader.start()
    since = clock.monotonic()
    command = [sys.executable, "-m", "rfidguard", "run", "--config", str(config)]
    with (folder / "daemon.log").open("ab") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as daemon:
        while not reader.inventorying and clock.monotonic() - since < PATIENCE_S:
            pause.wait(0.005)
        took_s = clock.monotonic() - since
        ticks = Path(f"/proc/{daemon.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        daemon.terminate()
        daemon.wait(60)
    reader.stop()
    return took_s, sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--items", type=int, default=10_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--dir", type=Path, default=Path(".cache"))
    arguments = parser.parse_args()
    arguments.dir.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=arguments.dir.absolute()) as name:
        folder = Path(name)
        build(folder / "rfidguard.db", arguments.items, 0)
        size = (folder / "rfidguard.db").stat().st_size / 1e6
        found = sorted(started(folder) for _ in range(arguments.times))
    (wall, cpu), target = found[len(found) // 2], f"{TARGET_S:g} s"
    rows = [
        ("start to inventory, median", f"{wall:.2f} s", target),
        ("start to inventory, slowest", f"{found[-1][0]:.2f} s", target),
        ("CPU until then, of the median", f"{cpu:.2f} s", "-"),
    ]
    write("cold-start", f"Start with {arguments.items:,} sold items ({size:.0f} MB), {arguments.times} times", rows)


if __name__ == "__main__":
    main()
