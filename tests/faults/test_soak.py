"""Random faults, one after another, on one shop: the loss table. 1,000 of them unless SOAK_FAULTS says otherwise.

They come in bursts, so that one hits while the shop still recovers from the last; every invariant is asked after each burst.
Beside the daemon two plain publishers are hit by the same faults at the same moments.
"""

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from invariants import check
from plain import Plain
from shop import Shop, in_background
from test_database import locked

from simulators.pos import SimTill

FAULTS = int(os.environ.get("SOAK_FAULTS", "1000"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
BURST = 24
"""Faults between two checks; each hits one walk."""
JUDGED_S = 0.5
"""So long after the crossing the plain publishers decide, as the daemon does about then."""
OURS = "rfidguard"


class Front(Shop):
    """A shop where plain publishers live and die with the daemon. `ready_s`: seconds from each SIGKILL to ready again."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.peers: list[Plain] = []
        self.ready_s: list[float] = []
        self._killed_at: float | None = None

    def kill(self) -> None:
        self._killed_at = self.clock.monotonic()
        super().kill()
        for peer in self.peers:
            peer.kill()

    def start(self, wrap: tuple[str, ...] = (), **env: str) -> None:
        for peer in self.peers:
            peer.start()
        super().start(wrap, **env)

    def watching(self) -> None:
        super().watching()
        if self._killed_at is not None:
            self.ready_s.append(self.clock.monotonic() - self._killed_at)
            self._killed_at = None

    def rob(self) -> str:
        """Somebody walks out unpaid, before the eyes of all."""
        epc = self.steal()
        for peer in self.peers:
            threading.Timer(self._crossings[epc] + JUDGED_S - self.clock.now(), peer.decide, (epc,)).start()
        return epc


Harm = Callable[[Shop, random.Random], None]


def kill_daemon(shop: Shop, _rng: random.Random) -> None:
    shop.kill()
    shop.start()
    shop.watching()


def kill_broker(shop: Shop, _rng: random.Random) -> None:
    shop.store_broker.kill()
    shop.store_broker.start()


def kill_both(shop: Shop, _rng: random.Random) -> None:
    shop.kill()
    shop.store_broker.kill()
    shop.store_broker.start()
    shop.start()
    shop.watching()


def freeze_broker(shop: Shop, rng: random.Random) -> None:
    shop.store_broker.pause()
    shop.wait(rng.uniform(0.2, 3.0))
    shop.store_broker.resume()


def cut_broker(shop: Shop, _rng: random.Random) -> None:
    shop.to_broker.cut()


def stall_broker(shop: Shop, rng: random.Random) -> None:
    shop.to_broker.stall()
    shop.wait(rng.uniform(0.2, 3.0))
    shop.to_broker.heal()


def lock_database(shop: Shop, rng: random.Random) -> None:
    with locked(shop.database):
        shop.wait(rng.uniform(0.2, 3.0))


HARM: tuple[Harm, ...] = (kill_daemon, kill_broker, kill_both, freeze_broker, cut_broker, stall_broker, lock_database)


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    with Front(tmp_path) as front:
        front.peers += [Plain(qos, front.store_broker.port, front.to_broker.port) for qos in (0, 1)]
        yield front
        for peer in front.peers:
            peer.close()


@pytest.mark.soak
def test_no_alarm_is_lost_doubled_or_renamed_by_any_number_of_random_faults(front: Front) -> None:
    rng = random.Random(SEED)
    table: dict[str, dict[str, Counter[str]]] = {
        who: {harm.__name__: Counter() for harm in HARM} for who in (OURS, *(peer.name for peer in front.peers))
    }
    front.start()
    till = front.till()
    front.open_up()
    crossings: Counter[str] = Counter()
    load: list[float] = []
    result = {"seed": SEED, "table": table, "crossings": crossings, "ready_s": front.ready_s, "load": load}
    for done in range(0, FAULTS, BURST):
        victims = _burst(front, till, rng, min(BURST, FAULTS - done))
        try:
            check(front)
        except AssertionError as error:
            _write({**result, "stopped": str(error)})
            raise
        for peer in front.peers:
            peer.settle(f"burst-{done}")
        for epc, harm in victims.items():
            _note_ours(table[OURS][harm], front, epc)
            for peer in front.peers:
                _note_peer(table[peer.name][harm], peer, epc)
            if epc not in front.doubtful:
                crossings["outside"] += 1
                crossings["decided"] += bool(front.ids_of(epc))
        front.forget()
        load.append(round(os.getloadavg()[0], 1))
        _write(result)


def _burst(shop: Front, till: SimTill, rng: random.Random, faults: int) -> dict[str, str]:
    """Each fault hits somebody who walks out unpaid, while a till sells; EPC of the unpaid item -> the fault."""
    victims = {}
    shop.carry(shop.sell(till))
    clerk = in_background(lambda: shop.buy(till, 120.0))
    for _ in range(faults):
        harm = rng.choice(HARM)
        victims[shop.rob()] = harm.__name__
        shop.wait(rng.uniform(0.0, 1.0))
        harm(shop, rng)
    clerk.join(120)
    return victims


def _note_ours(row: Counter[str], shop: Shop, epc: str) -> None:
    """`decided`: stands in an alarm of the database. `received`: a handheld heard the alarm with this item in it; twice: the very
    message that told of the item first came again.
    """
    names = shop.ids_of(epc)
    rings = [h.body for hand in shop.hands for h in hand.heard if h.topic == "event/alarm" and h.body]
    told = Counter((body["revision"], body["event_type"]) for body in rings if epc in {item["epc"] for item in body["items"]})
    row["renamed"] += len(names) > 1
    _note(row, bool(names), shop.rung(epc), told[min(told)] - 1 if told else 0)


def _note_peer(row: Counter[str], peer: Plain, epc: str) -> None:
    times = peer.heard[epc]
    _note(row, epc in peer.decided, times > 0, max(times - 1, 0))


def _note(row: Counter[str], decided: bool, received: bool, twice: int) -> None:
    row["faults"] += 1
    row["decided"] += decided
    row["received"] += received
    row["lost"] += decided and not received
    row["crossed unseen"] += not decided
    row["messages twice"] += twice


def _write(result: dict[str, Any]) -> None:
    text = json.dumps(result, indent=1)
    print(text)
    if "SOAK_TABLE" in os.environ:
        Path(os.environ["SOAK_TABLE"]).write_text(text)
