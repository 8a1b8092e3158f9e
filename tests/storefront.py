"""A real shop front for tests: the daemon as a process, mosquitto, a simulated reader, till and handheld on real wires."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from conftest import Broker
from wait import wait_for
from walks import T0

from rfidguard.clock import SystemClock
from rfidguard.events import Read
from simulators.demo.timeline import Timeline
from simulators.handheld import Script, SimHandheld
from simulators.llrp_reader.reader import SimReader
from simulators.mqtt_client import Login
from simulators.ports import answers, free_port
from simulators.pos import SimTill

ROOT = Path(__file__).resolve().parents[1]


def program() -> list[str]:
    """The installed script beside this interpreter, else the module."""
    script = Path(sys.executable).with_name("rfidguard")
    return [str(script)] if script.exists() else [sys.executable, "-m", "rfidguard"]


class StoreFront:
    """One gate with a light. Use as a context manager; everything is stopped at the end."""

    def __init__(self, folder: Path, broker: Broker | None, *, extra: str = "", unknown_epc: str = "strict") -> None:
        self.folder = folder
        self.broker = broker
        self.reader_port, self.http_port = free_port(), free_port()
        self.config = folder / "rfidguard.toml"
        self.config.write_text(
            _config(self.reader_port, self.http_port, broker.port if broker else free_port(), unknown_epc) + extra
        )
        self.clock = SystemClock()
        self.lights: list[tuple[float, bool]] = []
        self.pins: list[int] = []
        """The output pins that were switched on, in order; every switching of any of them stands in `lights`."""
        self.process: subprocess.Popen[bytes] | None = None
        self.reader: SimReader | None = None
        self._parts: list[Any] = []

    def __enter__(self) -> "StoreFront":
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self._parts):
            part.stop()
        if self.reader is not None:
            self.reader.stop()
        self.kill()

    def start(self) -> None:
        """Starts the daemon; it need not be the first time."""
        self.launch()
        wait_for(lambda: answers(self.http_port), 30, "the daemon")

    def launch(self) -> None:
        """Starts it without waiting for it."""
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*program(), "run", "--config", str(self.config)],
                cwd=self.folder, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def ready(self) -> None:
        """Puts a silent reader up and waits until it is watched."""
        self.reader = SimReader(port=self.reader_port, reader_id="front-1", on_output=self._switched)
        self.reader.start()
        wait_for(lambda: self.reader is not None and self.reader.inventorying, 20, "the inventory")

    def play(self, reads: Iterable[Read]) -> float:
        """Plays `reads` on the reader that `ready` put up; the wall time that stands for T0."""
        timeline = Timeline(self.clock)
        start = self.clock.now() + 0.05
        for read in reads:
            moved = msgspec.structs.replace(read, at=read.at - T0 + start)
            timeline.at(moved.at, partial(self._hear, moved))
        timeline.start()
        self._parts.append(timeline)
        return start

    def _switched(self, pin: int, on: bool) -> None:
        self.lights.append((self.clock.now(), on))
        self.pins += [pin] if on else []

    def _hear(self, read: Read) -> None:
        if self.reader is not None:
            self.reader.push(read)

    def login(self) -> Login:
        assert self.broker is not None
        return Login(f"mqtt://127.0.0.1:{self.broker.port}", site="0001")

    def handheld(self, user: str = "staff-1", script: Script | None = None) -> SimHandheld:
        handheld = SimHandheld(self.login(), user, script)
        handheld.start()
        self._parts.append(handheld)
        wait_for(handheld.connected, what="the handheld")
        return handheld

    def till(self, lane: str = "3") -> SimTill:
        till = SimTill(lane, self.login())
        till.start()
        self._parts.append(till)
        return till

    def http(self, path: str, body: object | None = None) -> tuple[int, Any]:
        """Calls the daemon; status and decoded body."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.http_port}{path}", data)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def command(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Runs another rfidguard command with this configuration."""
        return subprocess.run(
            [*program(), *words, "--config", str(self.config)],
            cwd=self.folder, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60, check=False,
        )  # fmt: skip


def raised(handheld: SimHandheld) -> list[dict[str, Any]]:
    """The alarms that rang on a handheld."""
    return [heard.body for heard in handheld.events if heard.body and heard.body["event_type"] == "raised"]


def _config(reader_port: int, http_port: int, mqtt_port: int, unknown_epc: str) -> str:
    return f"""
[site]
id = "0001"
company_prefixes = ["0614141"]
[mqtt]
url = "mqtt://127.0.0.1:{mqtt_port}"
[http]
listen = "127.0.0.1:{http_port}"
[ledger]
unknown_epc = "{unknown_epc}"
[[gate]]
id = "front"
mode = "siren"
  [[gate.reader]]
  id = "front-1"
  driver = "llrp"
  host = "127.0.0.1"
  port = {reader_port}
  antennas = {{ 1 = "inside", 2 = "outside" }}
  [[gate.output]]
  id = "front-light"
  reader = "front-1"
  pin = 1
  seconds = 1
"""
