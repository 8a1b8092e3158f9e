"""A shop front to hurt: the daemon as its installed script, started again when it dies as systemd would, a broker, a reader
and fault proxies before both. It keeps book of what people did, so that invariants.py can tell what must be true afterwards.
"""

import itertools
import json
import os
import re
import signal
import sqlite3
import subprocess
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from conftest import Broker
from sqlalchemy import create_engine, text
from storefront import ROOT, StoreFront, program
from wait import wait_for
from walks import leave, own

from rfidguard.errors import RfidguardError
from rfidguard.events import Read, heard_at
from rfidguard.journal_files import events_in, journal_paths
from simulators.faults import FaultProxy
from simulators.handheld import Script, SimHandheld
from simulators.mqtt_client import Login, SimClient
from simulators.ports import answers
from simulators.pos import SimTill

SPEED = 1.5
HELD_S = 4.0
"""A daemon that is back within this time gets from the reader what it missed; later reads are backlog, which never rings."""


class Ear:
    """The newest payload of `health`, `status` and the states of gates and devices, by topic; `log` holds all, in order."""

    def __init__(self, login: Login) -> None:
        self.newest: dict[str, dict[str, Any]] = {}
        self.log: list[tuple[str, dict[str, Any]]] = []
        topics = ("health", "status", "gate/+/status", "device/+/status")
        self.client = SimClient(login, "ear", topics, self._hear, lambda: None, None)

    def stop(self) -> None:
        self.client.stop()

    def reasons(self) -> dict[str, str]:
        """What `health` says is wrong."""
        found: dict[str, str] = self.newest.get("health", {}).get("reasons", {})
        return found

    def _hear(self, topic: str, payload: bytes, _retained: bool) -> None:
        body = json.loads(payload or b"{}")
        self.log.append((topic, body))
        self.newest[topic] = body


class Shop(StoreFront):
    """`folder` holds everything. `stolen` and `bought`: EPCs that were carried out; `sold`: EPC -> id of its document."""

    def __init__(self, folder: Path, *, extra: str = "") -> None:
        self.store_broker = Broker(_made(folder / "mosquitto"))
        super().__init__(folder, self.store_broker, extra=extra)
        self.to_broker = FaultProxy(self.store_broker.port)
        self.to_reader = FaultProxy(self.reader_port)
        self.config.write_text(
            self.config.read_text()
            .replace(f":{self.store_broker.port}", f":{self.to_broker.port}")
            .replace(f"port = {self.reader_port}", f"port = {self.to_reader.port}")
        )
        self.database = folder / "rfidguard.db"
        self.server_url: str | None = None
        self.stolen: list[str] = []
        self.bought: list[str] = []
        self.sold: dict[str, str] = {}
        self.hands: list[SimHandheld] = []
        self.doubtful: set[str] = set()
        self.checked: set[str] = set()
        """Alarms of which every invariant was asked already."""
        self.deaths = 0
        self._crossings: dict[str, float] = {}
        self._down_at: float | None = None
        self._serials = itertools.count(1)
        self._keeper: threading.Thread | None = None
        self._closing = threading.Event()

    def __enter__(self) -> "Shop":
        self.store_broker.start()
        self.to_broker.start()
        self.to_reader.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._closing.set()
        self.kill()
        if self._keeper is not None:
            self._keeper.join(40)
        super().__exit__(*exc)
        self.to_broker.stop()
        self.to_reader.stop()
        self.store_broker.kill()

    def launch(self, wrap: tuple[str, ...] = (), **env: str) -> None:
        """Starts the daemon without waiting for it. `wrap`: a command before it."""
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*wrap, *program(), "run", "--config", str(self.config)],
                cwd=self.folder, stdout=log, stderr=log, env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            )  # fmt: skip

    def start(self, wrap: tuple[str, ...] = (), **env: str) -> None:
        self.launch(wrap, **env)
        wait_for(lambda: answers(self.http_port), 120, "the daemon")

    def keep(self, crash_at: str) -> None:
        """Starts the daemon with a crash point, and as often as it dies starts it anew without one."""
        self.launch(RFIDGUARD_CRASH_AT=crash_at)
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()

    def open_up(self, script: Script | None = None) -> SimHandheld:
        """Reader up, one handheld on, everything ready."""
        hand = self.handheld(script=script)
        self.ready()
        self.watching()
        return hand

    def handheld(self, user: str = "staff-1", script: Script | None = None) -> SimHandheld:
        hand = super().handheld(user, script)
        self.hands.append(hand)
        return hand

    def watching(self) -> None:
        """Waits until the daemon calls itself ready: reader, broker and database work."""
        wait_for(self._is_ready, 60, f"the daemon to be ready: {self.log()[-1500:]}")
        self._note_blindness()

    def put_database(self, folder: Path) -> None:
        """Has the daemon keep its database in another folder."""
        self.database = folder / "rfidguard.db"
        self.config.write_text(f'[database]\nurl = "sqlite:///{self.database}"\n{self.config.read_text()}')

    def database_was_lost(self) -> bool:
        """Whether a damaged database was moved aside."""
        return bool(list(self.database.parent.glob(f"{self.database.name}.damaged-*")))

    def until_device_up(self) -> None:
        """Waits until the reader counts as online, whatever else is wrong."""
        wait_for(lambda: self._up(), 30, "the reader online")

    def _up(self) -> bool:
        try:
            return "front-1" not in self.http("/readyz")[1].get("reasons", {"front-1": 1})
        except OSError:
            return False

    def restart(self) -> None:
        """SIGKILL and a new start."""
        self.kill()
        self.start()
        self.watching()

    def new(self) -> str:
        """An item nobody saw before."""
        return own(next(self._serials))

    def wait(self, seconds: float) -> None:
        """Lets people walk on; for the moment of a fault, never for its end."""
        self._closing.wait(seconds)

    def until_read(self, tags: int) -> None:
        """Until the reader told of so many reads."""
        wait_for(lambda: self.reader is not None and self.reader.counts["tags_sent"] >= tags, 20, f"{tags} reads")

    def python_path(self, plug: Path) -> str:
        """PYTHONPATH with an outside package on it."""
        return f"{ROOT}:{plug}"

    def steal(self, speed: float = SPEED) -> str:
        """Somebody walks out with an unpaid item; its EPC. Returns at once."""
        epc = self.new()
        self.stolen.append(epc)
        self._crossings[epc] = self.play(leave(epc, speed=speed)) + 3.0 / speed
        return epc

    def buy(self, till: SimTill, timeout_s: float = 60.0) -> str:
        """An item is paid, and once that is confirmed it is carried out."""
        epc = self.sell(till, timeout_s)
        self.carry(epc)
        return epc

    def sell(self, till: SimTill, timeout_s: float = 60.0, epc: str | None = None) -> str:
        """Sells an item; returns once the till has its confirmation."""
        epc = epc or self.new()
        document = till.document([{"epc": epc}])
        reply = till.post(document, timeout_s)
        assert reply["status"] in ("stored", "duplicate"), reply
        self.sold[epc] = document["id"]
        return epc

    def carry(self, epc: str) -> None:
        """A sold item leaves."""
        self.bought.append(epc)
        self.play(leave(epc, speed=SPEED))

    def forget(self) -> None:
        """Closes the books on what has been checked."""
        self.stolen.clear()
        self.bought.clear()
        self.doubtful.clear()
        self._crossings.clear()

    def rung(self, epc: str) -> bool:
        """Whether a handheld heard of this item."""
        return any(epc in _epcs(heard.body) for hand in self.hands for heard in hand.events)

    def until_rung(self, *epcs: str, timeout_s: float = 60.0) -> None:
        for epc in epcs or tuple(self.stolen):
            wait_for(lambda epc=epc: self.rung(epc), timeout_s, f"the alarm of {epc}")

    def ids_of(self, epc: str) -> set[str]:
        """Every alarm id under which an item was ever heard of."""
        heard = {str(h.body["id"]) for hand in self.hands for h in hand.heard if h.body and epc in _epcs(h.body)}
        return heard | {row[0] for row in self.sql("select id, body from alarms") if epc.encode() in bytes(row[1])}

    def reads_of(self, epc: str) -> str:
        """When an item crossed and when the journal has reads of it, each with its delay; and what was refused."""
        events = events_in(journal_paths(self.folder / "journal"), Counter())
        reads = [event for event in events if isinstance(event, Read) and event.epc == epc]
        times = [f"{read.at:.2f}+{heard_at(read) - read.at:.2f}" for read in reads]
        dropped = [line for line in self.metrics().splitlines() if line.startswith("rfidguard_dropped_total")]
        return f"crossed at {self._crossings.get(epc)}, now {self.clock.now():.2f}; read at {' '.join(times)}; {dropped}"

    def decided(self) -> set[str]:
        """Ids of the alarms that the daemon ever decided, as its log tells."""
        return set(re.findall(r"alarm (\w{26}) raised", self.log()))

    def log(self) -> str:
        path = self.folder / "daemon.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def until_logged(self, text: str, timeout_s: float = 30.0, count: int = 1) -> None:
        wait_for(lambda: self.log().count(text) >= count, timeout_s, f"{text!r} in the log")

    def use_server(self, url: str) -> None:
        """Has the daemon keep its data in this PostgreSQL."""
        self.server_url = url
        self.config.write_text(f'[database]\nurl = "{url}"\n{self.config.read_text()}')

    def sql(self, query: str) -> list[Any]:
        if self.server_url is not None:
            engine = create_engine(self.server_url)
            with engine.connect() as conn:
                rows = [tuple(row) for row in conn.execute(text(query))]
            engine.dispose()
            return rows
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as conn:
            return conn.execute(query).fetchall()

    def ear(self) -> "Ear":
        """Somebody who hears what the daemon tells of itself."""
        ear = Ear(self.login())
        ear.client.start()
        self._parts.append(ear)
        wait_for(ear.client.connected, what="the ear")
        return ear

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=20) as response:
            text: str = response.read().decode()
            return text

    def kill(self) -> None:
        self._down()
        super().kill()

    def terminate(self) -> int:
        self._down(held=False)
        return super().terminate()

    def _down(self, held: bool = True) -> None:
        """The daemon ends. `held`: the reader was not told and keeps what it reads, for a while."""
        if self._down_at is None:
            self._down_at = self.clock.now() - (0.0 if held else HELD_S)

    def _note_blindness(self) -> None:
        """Nobody saw what crossed between the end of one daemon and 5 s after the next was ready, unless that came soon."""
        if self._down_at is not None and self.clock.now() - self._down_at > HELD_S:
            end = self.clock.now() + 5.0
            self.doubtful |= {epc for epc, at in self._crossings.items() if self._down_at - 1.0 < at < end}
        self._down_at = None

    def _is_ready(self) -> bool:
        try:
            return self.http("/readyz")[0] == 200
        except OSError:
            return False

    def _keep(self) -> None:
        while not self._closing.is_set():
            assert self.process is not None
            self.process.wait()
            if self._closing.is_set():
                return
            self._down()
            assert self.process.returncode == -signal.SIGKILL, self.log()[-1500:]
            self.deaths += 1
            self.launch()


def in_background(call: Callable[[], Any]) -> threading.Thread:
    """A till's clerk: sells on a thread of its own."""

    def run() -> None:
        try:
            call()
        except (AssertionError, RfidguardError) as error:
            thread.failure = error  # type: ignore[attr-defined]

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def _epcs(body: dict[str, Any] | None) -> set[str]:
    return {item["epc"] for item in (body or {}).get("items", ())}


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
