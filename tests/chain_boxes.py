"""Two boxes of a chain for tests: daemons as processes, each with a database, a broker, a reader and a handheld of its own."""

import json
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from conftest import Broker
from storefront import StoreFront
from wait import wait_for
from walks import leave

from simulators.handheld import SimHandheld
from simulators.mqtt_client import Login, SimClient
from simulators.ports import answers


class Box(StoreFront):
    """One daemon of a chain."""

    def __init__(self, folder: Path, site: str, name: str, url: str, more: str = "") -> None:
        folder.mkdir()
        (folder / "mosquitto").mkdir()
        self.site = site
        chain = f'[chain]\nurl = "{url}"\nbox = "{name}"\nevery_s = 0.3\n{more}'
        super().__init__(folder, Broker(folder / "mosquitto"), extra=chain)
        self.config.write_text(self.config.read_text().replace('id = "0001"', f'id = "{site}"'))
        self.hand: SimHandheld | None = None
        self.health: dict[str, Any] = {}

    def login(self) -> Login:
        assert self.broker is not None
        return Login(f"mqtt://127.0.0.1:{self.broker.port}", site=self.site)

    def start(self) -> None:
        """Two daemons, two brokers and a server take a small machine their time."""
        self.launch()
        wait_for(lambda: answers(self.http_port), 120, "the daemon")

    def open_up(self) -> None:
        """Broker, daemon, reader and handheld, all at work."""
        assert self.broker is not None
        self.broker.start()
        self.start()
        self.hand = self.handheld()
        self._listen()
        self.ready()
        wait_for(lambda: "front-1" not in self.http("/readyz")[1].get("reasons", {}), 60, "the box to be ready")

    def _listen(self) -> None:
        ear = SimClient(self.login(), "ear", ("health",), self._heard, lambda: None, None)
        ear.start()
        self._parts.append(ear)

    def _heard(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.health = json.loads(payload or b"{}")

    def figure(self, name: str) -> float:
        """One number of /metrics."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=20) as response:
            lines = response.read().decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")), -1.0)

    def chain(self) -> dict[str, Any]:
        """What the newest `health` says of the chain."""
        return self.health.get("chain") or {}

    def reasons(self) -> dict[str, str]:
        """What the newest `health` says is wrong."""
        return self.health.get("reasons") or {}

    def joined(self, state: float = 1.0) -> None:
        wait_for(lambda: self.figure("rfidguard_chain_up") == state, 60, f"the chain at {self.site} to be {state}")

    def knows(self, epc: str) -> bool:
        """Whether the box's own ledger has a sale of the item."""
        query = "select count(*) from ledger_records where epc = ? and kind = 'sold'"
        with closing(sqlite3.connect(f"file:{self.folder / 'rfidguard.db'}?mode=ro", uri=True, timeout=20)) as conn:
            return bool(conn.execute(query, (epc,)).fetchone()[0])

    def carry(self, epc: str) -> None:
        self.play(leave(epc, speed=1.5))

    def rang(self, epc: str) -> list[dict[str, Any]]:
        """Every word of an alarm in which the item stands unpaid."""
        return [body for body, item in self._told_of(epc) if item["state"] == "unpaid"]

    def cleared(self, epc: str) -> bool:
        """Whether the last word is that it was paid after all."""
        return [item["state"] for _, item in self._told_of(epc)][-1:] == ["cleared"]

    def _told_of(self, epc: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        assert self.hand is not None
        bodies = [heard.body for heard in self.hand.events if heard.body]
        return [(body, item) for body in bodies for item in body["items"] if item["epc"] == epc]

    def __exit__(self, *exc: object) -> None:
        super().__exit__(*exc)
        assert self.broker is not None
        self.broker.stop()


@contextmanager
def boxes(folder: Path, *members: tuple[str, str], url: str, more: str = "", database: str | None = None) -> Iterator[list[Box]]:
    """(site, name) -> a box at work; all have joined. `database`: one for all of them, instead of each its own."""
    with ExitStack() as stack:
        found = [stack.enter_context(Box(folder / f"{site}-{name}", site, name, url, more)) for site, name in members]
        for box in found:
            if database is not None:
                box.config.write_text(f'[database]\nurl = "{database}"\n{box.config.read_text()}')
            box.open_up()
        for box in found:
            box.joined()
        yield found
