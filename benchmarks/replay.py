"""Journal replay: reads a second of `rfidguard replay`, from plain and packed files, and what of it is reading the file.

    python -m benchmarks.replay [--reads 1000000] [--rounds 3]

The journal is the busy scene of scenes/front.toml again and again with other goods, as a day of a shop is.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmarks import scene
from benchmarks.table import write_grid
from rfidguard.events import Read
from rfidguard.journal_files import events_in

DAY_READS = 20_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    folder = scene.made()
    events = scene.events(folder)
    times = max(1, round(given.reads / sum(isinstance(event, Read) for event in events)))
    files = {
        name: scene.CACHE / f"day-{times}.jsonl{end}" for name, end in (("plain", ""), ("gzip", ".gz"), ("zstandard", ".zst"))
    }
    for path in files.values():
        if not path.exists():
            scene.write(path, scene.repeated(events, times))
    reads = times * sum(isinstance(event, Read) for event in events)
    timed: dict[str, list[tuple[float, float]]] = {name: [] for name in files}
    parsed: dict[str, list[float]] = {name: [] for name in files}
    for _ in range(given.rounds):
        for name, path in files.items():
            timed[name].append(replayed(path, folder / "rfidguard.toml"))
            start = time.process_time()
            Counter(type(event) for event in events_in([path], Counter()))
            parsed[name].append(time.process_time() - start)
    rows = []
    for name, path in files.items():
        wall = statistics.median(wall for wall, _ in timed[name])
        cpu = statistics.median(cpu for _, cpu in timed[name])
        reading = statistics.median(parsed[name])
        rows.append([
            name, f"{path.stat().st_size / reads:.0f}", f"{reads / wall:,.0f}", f"{reads / cpu:,.0f}", f"{cpu / reads * 1e6:.1f}",
            f"{reading / reads * 1e6:.1f}", f"{DAY_READS / reads * wall:,.0f} s",
        ])  # fmt: skip
    head = [
        "journal",
        "bytes a read",
        "reads/s by the wall",
        "reads/s of CPU",
        "µs of CPU a read",
        "of that reading",
        "a day of 20 M",
    ]
    remark = f"{reads:,} simulated reads of a busy front, decisions written. Target: 150,000 reads/s. `a day`: by the wall."
    write_grid("replay", "rfidguard replay, one core", head, rows, remark)


def replayed(journal: Path, config: Path) -> tuple[float, float]:
    """Seconds on the wall and of CPU of one run of the command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    command = [sys.executable, "-m", "rfidguard", "replay", str(journal), "--config", str(config), "--decisions", "/dev/null"]
    subprocess.run(command, check=True, capture_output=True, cwd=scene.ROOT)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
