"""Random faults, one after another, on one shop: the loss table. 1,000 of them unless SOAK_FAULTS says otherwise."""

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from invariants import check
from shop import Shop
from test_database import locked

FAULTS = int(os.environ.get("SOAK_FAULTS", "1000"))
SEED = int(os.environ.get("SOAK_SEED", "1"))


def kill_daemon(shop: Shop) -> None:
    shop.kill()
    shop.start()


def kill_broker(shop: Shop) -> None:
    shop.store_broker.kill()
    shop.store_broker.start()


def kill_both(shop: Shop) -> None:
    shop.kill()
    shop.store_broker.kill()
    shop.store_broker.start()
    shop.start()


def freeze_broker(shop: Shop) -> None:
    shop.store_broker.pause()
    shop.wait(2.0)
    shop.store_broker.resume()


def cut_broker(shop: Shop) -> None:
    shop.to_broker.cut()


def stall_broker(shop: Shop) -> None:
    shop.to_broker.stall()
    shop.wait(3.0)
    shop.to_broker.heal()


def lock_database(shop: Shop) -> None:
    with locked(shop.database):
        shop.wait(3.0)


HARM: tuple[Callable[[Shop], None], ...] = (
    kill_daemon, kill_broker, kill_both, freeze_broker, cut_broker, stall_broker, lock_database,
)  # fmt: skip


@pytest.mark.soak
def test_no_alarm_is_lost_doubled_or_renamed_by_any_number_of_random_faults(shop: Shop) -> None:
    rng = random.Random(SEED)
    table: dict[str, Counter[str]] = {}
    shop.start()
    till = shop.till()
    shop.open_up()
    for _ in range(FAULTS):
        harm = rng.choice(HARM)
        paid = shop.sell(till)
        shop.carry(paid)
        shop.steal()
        shop.wait(rng.uniform(0.0, 5.0))
        harm(shop)
        check(shop)
        _note(table.setdefault(harm.__name__, Counter()), shop)
        shop.forget()
    print(json.dumps(table, indent=1))
    if "SOAK_TABLE" in os.environ:
        Path(os.environ["SOAK_TABLE"]).write_text(json.dumps(table, indent=1))


def _note(row: Counter[str], shop: Shop) -> None:
    rings = [h.body for hand in shop.hands for h in hand.heard if h.topic == "event/alarm" and h.body]
    raised = Counter(body["id"] for body in rings if body["event_type"] == "raised")
    own = {name for epc in shop.stolen for name in shop.ids_of(epc)}
    row["faults"] += 1
    row["walked out unpaid"] += len(shop.stolen)
    row["crossed unseen"] += sum(epc in shop.doubtful and not shop.rung(epc) for epc in shop.stolen)
    row["alarms"] += len(own)
    row["lost"] += sum(name not in raised for name in own)
    row["rung twice"] += sum(raised[name] > 1 for name in own)
