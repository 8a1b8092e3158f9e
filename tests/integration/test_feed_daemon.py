"""Every kind of [[feed]] in the running daemon: what the shop's systems sold leaves in silence, what nobody sold rings."""

import re
import sqlite3
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import Broker
from mqtt_site import Client
from postgres_server import Server, postgres
from storefront import StoreFront, raised
from wait import wait_for
from walks import leave

sys.path.insert(0, str(Path(__file__).parents[1]))
from shop_sources import FEEDS, HAT, SCARF, SHIRT, Sources, item

UNPAID = item(99)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture
def sources(tmp_path: Path, server: Server) -> Iterator[Sources]:
    made = Sources(tmp_path, server.url())
    yield made
    made.close()


def rows(front: StoreFront, query: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{front.folder / 'rfidguard.db'}?mode=ro", uri=True, timeout=20)) as conn:
        return conn.execute(query).fetchall()


def by_source(front: StoreFront) -> Counter[str]:
    return Counter(dict(rows(front, "select source, count(*) from ledger_records where kind != 'bound' group by source")))


def feeds(front: StoreFront) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = front.http("/readyz")[1]["health"]["ledger"]["feeds"]
    return found


def settled(front: StoreFront, expected: dict[str, int]) -> Callable[[], bool]:
    return lambda: by_source(front) == expected


def test_what_any_system_sold_leaves_in_silence_and_what_nobody_sold_rings(
    tmp_path: Path, mosquitto: Broker, sources: Sources
) -> None:
    with StoreFront(tmp_path, mosquitto, extra=sources.toml(*FEEDS)) as front:
        checked = front.command("check")
        assert checked.returncode == 0, checked.stdout.decode() + checked.stderr.decode()
        front.start()
        assert front.command("ledger", "import", str(sources.articles())).returncode == 0
        handheld = front.handheld()
        sources.sell_old_till(item(1))
        sources.sell_epcis(2, 3, 4)
        sources.drop_file(item(5))
        sources.sell_erp(SHIRT)
        assert sources.shopify_sells(front.http_port)[1]["status"] == "stored"
        assert sources.square_sells(front.http_port)[1]["status"] == "stored"
        everything = {"old-till": 1, "epcis": 3, "folder": 1, "erp": 1, "shopify": 1, "square": 1}
        wait_for(settled(front, everything), 30, "the sales of every system")
        wait_for(lambda: all(feed["state"] == "online" for feed in feeds(front).values()), 20, "every feed online")
        assert feeds(front).keys() == set(FEEDS)
        assert all(feed["lag_s"] < 60 for feed in feeds(front).values())
        front.ready()
        paid = [item(number) for number in range(1, 6)] + [item(7, SHIRT), item(8, HAT), item(9, SCARF)]
        front.play([read for epc in paid for read in leave(epc)] + leave(UNPAID, at=4.0))
        wait_for(lambda: raised(handheld), 30, "the alarm of the unpaid item")
        wait_for(lambda: verdicts(front).total() > len(paid), 20, "every verdict")
        assert verdicts(front) == {"sold": len(paid), "unpaid": 1}
        assert {entry["epc"] for alarm in raised(handheld) for entry in alarm["items"]} == {UNPAID}


def test_what_was_sold_while_the_daemon_was_off_is_caught_up_once(tmp_path: Path, mosquitto: Broker, sources: Sources) -> None:
    with StoreFront(tmp_path, mosquitto, extra=sources.toml("old-till", "epcis", "folder", "erp")) as front:
        front.start()
        sources.sell_old_till(item(1))
        sources.sell_epcis(2)
        sources.drop_file(item(3))
        sources.sell_erp(SHIRT)
        wait_for(settled(front, dict.fromkeys(("old-till", "epcis", "folder", "erp"), 1)), 30, "the first sales")
        assert front.terminate() == 0
        sources.sell_old_till(item(4), item(5))
        sources.sell_epcis(6, 7, 8, 9, 10)
        sources.drop_file(item(11))
        sources.sell_erp(HAT, 3)
        front.start()
        wait_for(settled(front, {"old-till": 3, "epcis": 6, "folder": 2, "erp": 2}), 30, "what was missed")
        handheld = front.handheld()
        front.ready()
        front.play([*leave(item(10)), *leave(item(5)), *leave(UNPAID, at=4.0)])
        wait_for(lambda: raised(handheld), 30, "the alarm of the unpaid item")
        assert {entry["epc"] for alarm in raised(handheld) for entry in alarm["items"]} == {UNPAID}


def test_feeds_that_fail_say_why_on_every_way_and_come_back(tmp_path: Path, mosquitto: Broker, sources: Sources) -> None:
    sources.till.rename(tmp_path / "away.db")
    topics = ("device/+/status", "event/ledger", "health")
    with (
        StoreFront(tmp_path, mosquitto, extra=sources.toml(*FEEDS)) as front,
        Client(mosquitto.port, "watcher", topics) as watcher,
    ):
        sources.repository.garbage = [b"<html>please log in</html>"] * 100
        front.start()
        wait_for(lambda: feeds(front)["old-till"]["state"] == feeds(front)["epcis"]["state"] == "offline", 20, "both failures")
        wait_for(lambda: (feeds(front)["epcis"]["reason"] or "").startswith("the answer cannot be used"), 20, "the reason")
        assert front.http("/readyz")[1]["reasons"].keys().isdisjoint({"feed old-till", "feed epcis"}), "the box itself is well"
        assert sources.shopify_sells(front.http_port, secret="a-wrong-secret")[0] == 401
        assert sources.shopify_sells(front.http_port, sku="UNKNOWN")[1]["rejected"] == {"unknown_sku": 1}
        told = lambda kind: [body for body in watcher.bodies("event/ledger") if body["kind"] == kind]  # noqa: E731
        wait_for(lambda: len(told("rejected")) == 2, 20, "the refusals on event/ledger")
        assert [body["reason"] for body in told("rejected")] == ["bad_signature", "unknown_sku"]
        wait_for(lambda: any("feed old-till" in body["reasons"] for body in watcher.bodies("health")), 20, "the reason in health")
        (tmp_path / "away.db").rename(sources.till)
        sources.repository.garbage = []
        wait_for(lambda: feeds(front)["old-till"]["state"] == feeds(front)["epcis"]["state"] == "online", 30, "both back")
        states = [body["state"] for body in watcher.bodies("device/old-till/status")]
        assert (states[0], states[-1]) == ("offline", "online")
        assert Counter(dict(rows(front, "select source, count(*) from dead_letters group by source"))) == {
            "epcis": 1,
            "shopify": 1,
        }


def verdicts(front: StoreFront) -> Counter[str]:
    """Passages judged, by verdict."""
    with urllib.request.urlopen(f"http://127.0.0.1:{front.http_port}/metrics", timeout=20) as response:
        found = re.findall(r'rfidguard_decisions_total\{verdict="(\w+)"\} (\d+)', response.read().decode())
    return Counter({verdict: int(count) for verdict, count in found})
