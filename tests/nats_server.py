"""A NATS server of our own for tests, with JetStream, in a directory of its own."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from wait import wait_for

from simulators.ports import answers, free_port


class NatsServer:
    """`start`, `stop` (it dies at once) and `forget`: the next start knows nothing any more."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self.port = folder, free_port()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        command = [self._program, "-js", "-sd", str(self.folder / "data"), "-a", "127.0.0.1", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(lambda: answers(self.port), what="NATS")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def forget(self) -> None:
        shutil.rmtree(self.folder / "data", ignore_errors=True)


@contextmanager
def nats_server() -> Iterator[NatsServer]:
    """A running server; the test is skipped where this machine has none."""
    program = shutil.which("nats-server") or shutil.which("nats-server", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("no NATS server on this machine (apt-get install nats-server)")
    folder = Path(tempfile.mkdtemp(prefix="rfidguard-nats-"))
    server = NatsServer(folder, program)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
