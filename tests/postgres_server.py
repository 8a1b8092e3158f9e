"""A PostgreSQL server of our own for tests, in a directory of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wait import wait_for


class Server:
    """A PostgreSQL server in a directory of its own, reached by a Unix socket. `stop` is its fast shutdown."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._as_postgres("postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), "-c", "listen_addresses="),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        wait_for(lambda: self._ready(), 60, "PostgreSQL")

    def stop(self) -> None:
        if self.process is not None:
            subprocess.run(
                self._as_postgres("pg_ctl", "stop", "-m", "immediate", "-D", str(self.folder / "data")),
                check=True,
                capture_output=True,
                cwd=self.folder,
            )
            self.process.wait(30)
            self.process = None

    def freeze(self) -> None:
        """SIGSTOP to all of it: it takes connections, and never answers."""
        self._signal("STOP")

    def thaw(self) -> None:
        self._signal("CONT")

    def _signal(self, name: str) -> None:
        main = (self.folder / "data" / "postmaster.pid").read_text().split()[0]
        subprocess.run(["kill", f"-{name}", main], check=True)
        subprocess.run(["pkill", f"-{name}", "-P", main], check=True)
        if self.process is not None and name == "CONT":
            self.process.send_signal(signal.SIGCONT)  # runuser stops itself when what it runs is stopped

    def initialise(self) -> None:
        command = self._as_postgres(
            "initdb", "-D", str(self.folder / "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N"
        )
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)

    def _ready(self) -> bool:
        probe = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder)]
        return subprocess.run(probe, check=False).returncode == 0

    def _as_postgres(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._programs / program), *arguments]
        return ["runuser", "-u", "postgres", "--", *command] if os.getuid() == 0 else command


@contextmanager
def postgres() -> Iterator[Server]:
    """A running server; the test is skipped where this machine has none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL server on this machine (apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="rfidguard-pg-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    server = Server(folder, found[-1].parent)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
