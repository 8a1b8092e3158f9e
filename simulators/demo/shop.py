"""The demo's daemon: its configuration, its opening stock, its process, which is started again when it dies, as systemd would."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from rfidguard.errors import RfidguardError
from rfidguard.events import Event, Ledger
from rfidguard.journal import encode_line
from simulators.demo.broker import DemoBroker
from simulators.ports import listens
from simulators.scenario import Scene

START_S = 30.0


class Shop:
    """The real daemon in `folder`, with everything on real wires."""

    def __init__(self, folder: Path, scene: Scene, broker: DemoBroker, reader_port: int, http_port: int, pedestal: Path) -> None:
        self.folder = folder
        self.http_port = http_port
        self.config = folder / "rfidguard.toml"
        self.restarts = 0
        self._broker = broker
        self.config.write_text(config_of(scene, broker, reader_port, http_port, pedestal))
        self._process: subprocess.Popen[bytes] | None = None

    def stock(self, events: Iterable[Event]) -> None:
        """Imports the opening stock, as a technician would."""
        lines = [encode_line(event) for event in events if isinstance(event, Ledger) and event.kind == "stock_in"]
        file = self.folder / "stock.jsonl"
        file.write_bytes(b"".join(lines))
        if lines:
            done = self._command("ledger", "import", str(file))
            if done.returncode:
                raise RfidguardError(f"the stock could not be imported: {done.stderr.decode()}")

    def start(self) -> None:
        """Starts the daemon and waits until it answers."""
        with (self.folder / "rfidguard.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_PROGRAM, "run", "--config", str(self.config)], cwd=self.folder, stdout=log, stderr=log, env=_environment()
            )
        if not listens(self.http_port, START_S):
            raise RfidguardError(f"the daemon did not start; see {self.folder / 'rfidguard.log'}")

    def keep(self) -> bool:
        """Starts the daemon again where it died; True where it had to."""
        if self._process is None or self._process.poll() is None:
            return False
        self.restarts += 1
        self.start()
        return True

    def stop(self) -> int:
        """Ends the daemon in order; its exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self._process.wait(30)

    def _command(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            [*_PROGRAM, *words, "--config", str(self.config)],
            cwd=self.folder,
            capture_output=True,
            env=_environment(),
            check=False,
        )


def config_of(scene: Scene, broker: DemoBroker, reader_port: int, http_port: int, pedestal: Path) -> str:
    """The scene's configuration with its replayed devices put on real wires."""
    text = scene.config_text
    gate = scene.scenario.store.gate
    text = _driver(text, f"{gate}-1", f'driver = "llrp"\n  host = "127.0.0.1"\n  port = {reader_port}')
    text = _driver(text, f"{gate}-eas", f'driver = "eas_serial"\n  port = "{pedestal}"')
    text = _driver(text, f"{gate}-count", f'driver = "gpi"\n  reader = "{gate}-1"\n  pins = [1, 2]')
    return (
        text
        + f'\n[mqtt]\nurl = "mqtt://127.0.0.1:{broker.port}"\nprotocol = "{broker.protocol}"\n'
        + f'\n[http]\nlisten = "127.0.0.1:{http_port}"\n'
    )


_PROGRAM = (sys.executable, "-P", "-m", "rfidguard")


def _driver(text: str, device: str, lines: str) -> str:
    """Replaces the replay driver of one device."""
    pattern = rf'(id = "{re.escape(device)}"\n) *driver = "replay"\n( *journal = "[^"]*"\n)?'
    return re.sub(pattern, lambda match: f"{match[1]}  {lines}\n", text)


def _environment() -> dict[str, str]:
    """This checkout's packages, also where they are not installed."""
    root = str(Path(__file__).resolve().parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
