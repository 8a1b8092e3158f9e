"""SIGKILL at every named point of the data path, and at random moments; the daemon is started again as systemd would."""

import pytest
from invariants import check
from shop import Shop, in_background
from wait import wait_for

from rfidguard.crash_points import POINTS
from simulators.handheld import Script


@pytest.mark.parametrize("crash_at", [*(f"{point}:1" for point in POINTS), "mid_journal_flush:12"])
def test_nothing_is_lost_by_a_death_at(shop: Shop, crash_at: str) -> None:
    shop.keep(crash_at)
    till = shop.till()
    shop.open_up(Script(acknowledge_after_s=0.2))
    shop.steal()
    clerk = in_background(lambda: shop.buy(till))
    wait_for(lambda: shop.deaths >= 1, 60, f"the death at {crash_at}")
    clerk.join(60)
    assert shop.bought, "the sale was not confirmed"
    check(shop)
    assert shop.deaths == 1
