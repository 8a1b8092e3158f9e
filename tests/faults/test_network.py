"""A bad network between the daemon and its broker, and between the daemon and its reader."""

from collections.abc import Callable

import pytest
from invariants import check
from shop import Shop
from wait import wait_for

from simulators.faults import FaultProxy

SHORT = ("half-open", "truncated")
FAULTS: dict[str, Callable[[FaultProxy], None]] = {
    "cut": FaultProxy.cut,
    "refused": FaultProxy.refuse,
    "half-open": FaultProxy.stall,
    "late by 0.5 s": lambda proxy: proxy.delay(0.5),
    "dribbled at 2 kB/s": lambda proxy: proxy.dribble(2_000),
    "truncated": lambda proxy: proxy.truncate(700),
}


@pytest.mark.parametrize("fault", [fault if fault in SHORT else pytest.param(fault, marks=pytest.mark.soak) for fault in FAULTS])
def test_alarm_reaches_the_handheld_though_the_way_to_the_broker_is(shop: Shop, fault: str) -> None:
    shop.start()
    shop.open_up()
    FAULTS[fault](shop.to_broker)
    shop.steal()
    wait_for(lambda: shop.decided(), 30, "the decision")
    shop.to_broker.heal()
    check(shop)


@pytest.mark.parametrize("fault", [fault if fault in SHORT else pytest.param(fault, marks=pytest.mark.soak) for fault in FAULTS])
def test_gate_is_watched_again_after_the_way_to_the_reader_was(shop: Shop, fault: str) -> None:
    shop.start()
    shop.open_up()
    ear = shop.ear()
    FAULTS[fault](shop.to_reader)
    if fault in ("refused", "half-open"):
        wait_for(lambda: ear.newest.get("gate/front/status", {}).get("state") == "offline", 30, "the blind gate told")
    shop.to_reader.heal()
    if fault != "truncated":
        wait_for(lambda: ear.newest.get("gate/front/status", {}).get("state") == "online", 30, "the gate watched again")
    check(shop)
