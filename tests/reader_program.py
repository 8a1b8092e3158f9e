"""`rfidguard sim reader` as a program of its own, for tests."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from wait import wait_for

from rfidguard.events import Read
from rfidguard.journal import encode_line

ROOT = Path(__file__).resolve().parent.parent


class Program:
    """A running `sim reader`; `said` grows with its output."""

    def __init__(self, *arguments: str | Path) -> None:
        self.said = ""
        self.ended = False
        self.process = subprocess.Popen(
            _command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT, env=_environment()
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        try:
            self.port = int(self.await_text(r"port (\d+)\n").group(1))
        except AssertionError:
            self.end()
            raise

    def await_text(self, pattern: str) -> re.Match[str]:
        """The match of a pattern in the output, as soon as there is one. Raises AssertionError when the program ended without."""
        found = wait_for(lambda: re.search(pattern, self.said) or not self._thread.is_alive(), what=f"{pattern!r}")
        assert not isinstance(found, bool), f"the program ended without {pattern!r}; it said {self.said!r}"
        return found

    def end(self) -> int:
        """Ends the program as systemd does; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        self._thread.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.ended = True
        return code

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "rfidguard", "sim", "reader", *map(str, arguments)]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}


def write_journal(path: Path, count: int = 200, reader: str = "front-1", step_s: float = 0.005) -> Path:
    """A journal of as many reads of as many tags, on antennas 1 and 2 in turn, with phase, Doppler and channel."""
    reads = (
        Read(
            at=1000 + i * step_s,
            gate="g",
            reader=reader,
            antenna=1 + i % 2,
            epc=f"{i:024X}",
            rssi_dbm=-50.37,
            phase_rad=1.5,
            doppler_hz=-2.25,
            channel=1 + i % 50,
        )
        for i in range(count)
    )
    path.write_bytes(b"".join(map(encode_line, reads)))
    return path
