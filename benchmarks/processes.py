"""Other programs of a figure: the broker, the subscribers, what a process costs."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from simulators.demo.broker import DemoBroker
from simulators.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
TICKS = 100.0
"""Of the kernel's clock, a second (USER_HZ)."""


def broker(folder: Path) -> DemoBroker:
    """A started mosquitto; there is no figure without it."""
    started = DemoBroker(folder, free_port())
    if started.name != "mosquitto":
        raise SystemExit("this figure needs mosquitto: make system")
    started.start()
    return started


class Listeners:
    """So many subscribers to a topic, in a process of their own."""

    def __init__(self, port: int, topic: str, clients: int) -> None:
        command = [sys.executable, "-m", "benchmarks.listeners", str(port), topic, str(clients)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != "ready":
            raise SystemExit("the subscribers did not start")

    def count(self) -> int:
        """Messages so far."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def heard(self) -> list[tuple[int, float, dict[str, Any]]]:
        """Ends them. (subscriber, Unix time of receipt, payload) of every message."""
        out, _ = self._process.communicate(timeout=60)
        return [tuple(entry) for entry in json.loads(out)]


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid: int) -> float:
    """Memory that a process holds now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
