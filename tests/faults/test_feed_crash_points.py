"""SIGKILL around the commit of what a feed brought: nothing is lost, nothing is stored twice, and the gate knows of it."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from invariants import check
from shop import Shop
from shop_sources import Sources, item
from wait import wait_for

from rfidguard.crash_points import FEED_POINTS

FIRST = 5_000
"""Serials of what the feeds sell: the shop's own items begin at 1."""
MANY = 2_500
"""More than two commits."""


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    made = Sources(tmp_path)
    yield made
    made.close()


def _numbers(count: int) -> range:
    return range(FIRST, FIRST + count)


def _sell_rows(sources: Sources) -> int:
    sources.sell_old_till(*map(item, _numbers(MANY)))
    return MANY


def _sell_events(sources: Sources) -> int:
    sources.sell_epcis(*_numbers(5))
    return 5


def _sell_lines(sources: Sources) -> int:
    sources.drop_file(*map(item, _numbers(MANY)))
    return MANY


SELL: dict[str, Callable[[Sources], int]] = {"old-till": _sell_rows, "epcis": _sell_events, "folder": _sell_lines}


@pytest.mark.parametrize("nth", [2, *(pytest.param(nth, marks=pytest.mark.soak) for nth in (1, 3))])
@pytest.mark.parametrize("point", FEED_POINTS)
@pytest.mark.parametrize("feed", SELL)
def test_a_feed_that_is_asked_goes_on_after_a_death(tmp_path: Path, sources: Sources, feed: str, point: str, nth: int) -> None:
    with Shop(tmp_path, extra=sources.toml(feed)) as shop:
        count = SELL[feed](sources)
        shop.keep(f"{point}:{nth}")
        wait_for(lambda: shop.deaths >= 1, 60, f"the death at {point}")
        shop.open_up()
        wait_for(lambda: _stored(shop) == {feed: count}, 60, "every sale in the ledger")
        if nth == 2:
            shop.carry(item(FIRST))
            shop.carry(item(FIRST + count - 1))
            check(shop)
        sources.sell_old_till(item(4_000)) if feed == "old-till" else None
        wait_for(lambda: _stored(shop) == {feed: count + (feed == "old-till")}, 60, "what was sold later")
        assert shop.deaths == 1


@pytest.mark.parametrize("point", FEED_POINTS)
def test_a_webhook_is_called_again_after_a_death_and_counts_once(tmp_path: Path, sources: Sources, point: str) -> None:
    with Shop(tmp_path, extra=sources.toml("shopify")) as shop:
        shop.keep(f"{point}:1")
        hand = shop.open_up()
        late = shop.steal()
        shop.until_rung(late)
        order = sources.shopify_order("80614141123458", late)
        with pytest.raises(OSError, match="onnection"):
            sources.call_shopify(shop.http_port, order)
        shop.watching()
        cleared = lambda: [heard for heard in hand.events if heard.body and heard.body["event_type"] == "cleared"]  # noqa: E731
        if point == "feed_after_commit":
            wait_for(cleared, 30, "the clearing by a sale that the core was never told of")
        again = sources.call_shopify(shop.http_port, order)[1]
        assert again["status"] == {"feed_before_commit": "stored", "feed_after_commit": "duplicate"}[point]
        wait_for(cleared, 30, "the clearing")
        assert _stored(shop) == {"shopify": 1}
        assert (len(cleared()), shop.deaths) == (1, 1)


def _stored(shop: Shop) -> Counter[str]:
    found = shop.sql("select source, count(*) from ledger_records where kind != 'bound' group by source")
    return Counter(dict(found))
