"""What every benchmark shares: percentiles, the machine it ran on, and a table for results/."""

import os
import platform
import sqlite3
import subprocess
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` (0..1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def machine() -> str:
    """Processor, versions, date and load: what a figure is worth nothing without."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    load = "/".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores ({names[0].partition(': ')[2] if names else platform.machine()}), load {load},"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_commit()},"
        f" {datetime.fromtimestamp(Path('/proc/self').stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
    )


def write(name: str, title: str, rows: Sequence[tuple[str, str, str]], remark: str = "") -> None:
    """Prints (figure, measured, target) as a table and keeps it as results/NAME.md."""
    write_grid(name, title, ("figure", "measured", "target"), rows, remark)


def write_grid(name: str, title: str, head: Sequence[str], rows: Sequence[Sequence[str]], remark: str = "") -> None:
    """The same for a table of any columns."""
    lines = [f"# {title}", "", machine(), "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    lines += ["", remark] if remark else []
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def _commit() -> str:
    try:
        found = subprocess.run(["git", "describe", "--always"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "no git"
    return f"rfidguard {found.stdout.strip()}"
