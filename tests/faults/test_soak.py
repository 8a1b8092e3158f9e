"""Random faults, one after another, on one shop: the loss table. 1,000 of them unless SOAK_FAULTS says otherwise.

They come in bursts, so that one hits while the shop still recovers from the last; every invariant is asked after each burst.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from invariants import check
from shop import Shop, in_background
from test_database import locked

from simulators.pos import SimTill

FAULTS = int(os.environ.get("SOAK_FAULTS", "1000"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
BURST = 24
"""Faults between two checks; each hits one walk."""
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


@pytest.mark.soak
def test_no_alarm_is_lost_doubled_or_renamed_by_any_number_of_random_faults(shop: Shop) -> None:
    rng = random.Random(SEED)
    table: dict[str, Counter[str]] = {harm.__name__: Counter() for harm in HARM}
    shop.start()
    till = shop.till()
    shop.open_up()
    for done in range(0, FAULTS, BURST):
        victims = _burst(shop, till, rng, min(BURST, FAULTS - done))
        check(shop)
        for epc, harm in victims.items():
            _note(table[harm], shop, epc)
        shop.forget()
        _write(table)


def _burst(shop: Shop, till: SimTill, rng: random.Random, faults: int) -> dict[str, str]:
    """Each fault hits somebody who walks out unpaid, while a till sells; EPC of the unpaid item -> the fault."""
    victims = {}
    shop.carry(shop.sell(till))
    clerk = in_background(lambda: shop.buy(till, 120.0))
    for _ in range(faults):
        harm = rng.choice(HARM)
        victims[shop.steal()] = harm.__name__
        shop.wait(rng.uniform(0.0, 1.0))
        harm(shop, rng)
    clerk.join(120)
    return victims


def _note(row: Counter[str], shop: Shop, epc: str) -> None:
    """`decided`: stands in an alarm of the database. `received`: a handheld heard the alarm with this item in it."""
    names, rung = shop.ids_of(epc), shop.rung(epc)
    rings = [h.body for hand in shop.hands for h in hand.heard if h.topic == "event/alarm" and h.body]
    heard = Counter((body["id"], body["revision"], body["event_type"]) for body in rings if body["id"] in names)
    row["faults"] += 1
    row["decided"] += bool(names)
    row["received"] += rung
    row["lost"] += bool(names) and not rung
    row["crossed unseen"] += not names
    row["renamed"] += len(names) > 1
    row["messages twice"] += sum(heard.values()) - len(heard)


def _write(table: dict[str, Counter[str]]) -> None:
    text = json.dumps(table, indent=1)
    print(text)
    if "SOAK_TABLE" in os.environ:
        Path(os.environ["SOAK_TABLE"]).write_text(text)
