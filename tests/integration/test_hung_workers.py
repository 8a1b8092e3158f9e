"""Each worker that serves others is late for the watchdog while it hangs, and well again afterwards; waiting is no hang."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from conftest import Broker
from mqtt_site import Client, running_site, site_config
from wait import wait_for
from web_box import Box

from rfidguard import mqtt_link
from rfidguard.chain import chain_thread
from rfidguard.chain.chain_thread import ChainThread
from rfidguard.clock import SystemClock
from rfidguard.events import Ledger
from rfidguard.feeds import feed_thread
from rfidguard.feeds.contract import Page
from rfidguard.feeds.feed_thread import FeedThread
from rfidguard.ledger_db import store_records
from rfidguard.ledger_fold_daily import HUNG_S as FOLD_HUNG_S
from rfidguard.ledger_fold_daily import FoldDaily
from rfidguard.record_intake import RecordCounts
from rfidguard.store import Store
from rfidguard.web import server
from rfidguard.web.app import create_app
from rfidguard.web.server import WebServer

NEAR_S = 4.0
"""The watchdog is asked so long before the deadline: whoever beats as usual is well then, a busy machine included."""
OLD = 1_500_000_000.0


class Knot:
    """Something that hangs until it is undone."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._undone = threading.Event()

    def tie(self) -> None:
        self.reached.set()
        assert self._undone.wait(60)

    def undo(self) -> None:
        self._undone.set()


@pytest.fixture
def knot() -> Iterator[Knot]:
    knot = Knot()
    yield knot
    knot.undo()


def is_late(late_s: Callable[[float], float], deadline_s: float) -> bool:
    return late_s(SystemClock().monotonic() + deadline_s - NEAR_S) > 0


def found_out(late_s: Callable[[float], float], deadline_s: float, knot: Knot, hang: Callable[[], object]) -> None:
    """Well, late while it hangs, well again."""
    wait_for(lambda: not is_late(late_s, deadline_s), what="a worker that is well")
    hang()
    assert knot.reached.wait(20)
    wait_for(lambda: is_late(late_s, deadline_s), what="the hang found out")
    assert late_s(SystemClock().monotonic()) == 0
    knot.undo()
    wait_for(lambda: not is_late(late_s, deadline_s), what="a worker that is well again")


@pytest.fixture
def web(tmp_path: Path, knot: Knot) -> Iterator[WebServer]:
    """One with a call that hangs its loop, and one that takes its time on the pool."""
    with Box(tmp_path) as box:
        app = create_app(box)

        async def hang() -> None:
            knot.tie()

        app.add_api_route("/hang", hang)
        app.add_api_route("/slow", knot.tie)
        web = WebServer(app, "127.0.0.1", 0, box.clock)
        web.start()
        yield web
        knot.undo()
        web.stop()


def called(web: WebServer, path: str) -> threading.Thread:
    call = threading.Thread(target=lambda: httpx.get(f"{web.url}{path}", timeout=60))
    call.start()
    return call


def test_web_server_whose_loop_hangs_is_late(web: WebServer, knot: Knot) -> None:
    found_out(web.late_s, server.HUNG_S, knot, lambda: called(web, "/hang"))


def test_web_server_that_answers_slowly_is_not_late(web: WebServer, knot: Knot) -> None:
    call = called(web, "/slow")
    assert knot.reached.wait(20)
    before = web.beat_at
    wait_for(lambda: web.beat_at > before + NEAR_S, what="beats while a call takes its time")
    assert not is_late(web.late_s, server.HUNG_S)
    knot.undo()
    call.join(20)


def test_mqtt_thread_that_hangs_is_late(mosquitto: Broker, tmp_path: Path, knot: Knot) -> None:
    def body() -> dict[str, object]:
        knot.tie()
        return {}

    with running_site(site_config(mosquitto.port, tmp_path)) as site:
        found_out(site.link.late_s, mqtt_link.HUNG_S, knot, lambda: site.link.set_state("health", body))


def test_mqtt_thread_whose_broker_is_frozen_or_gone_is_not_late(mosquitto: Broker, tmp_path: Path) -> None:
    with running_site(site_config(mosquitto.port, tmp_path)) as site:
        mosquitto.pause()
        site.raise_alarm()
        wait_for(lambda: not site.link.connected, 30, "a broker given up")
        assert not is_late(site.link.late_s, mqtt_link.HUNG_S)
        mosquitto.kill()
        assert not is_late(site.link.late_s, mqtt_link.HUNG_S)


def test_inbox_whose_handler_hangs_is_late(mosquitto: Broker, tmp_path: Path, knot: Knot) -> None:
    with running_site(site_config(mosquitto.port, tmp_path)) as site, Client(mosquitto.port, "till-3") as till:
        site.desk.fail = lambda _payload: knot.tie()
        found_out(site.link.inbox_late_s, mqtt_link.HUNG_S, knot, lambda: till.publish("pos/3/sale", {"id": "1"}))


class Endless:
    """A source that is asked and does not answer, once."""

    proves_life = True

    def __init__(self, knot: Knot) -> None:
        self.knot = knot

    def poll(self, _cursor: str | None) -> Page:
        self.knot.tie()
        return Page()

    def stored(self, page: Page, counts: RecordCounts) -> None: ...

    def close(self) -> None: ...

    def doctor(self) -> str:
        return ""


def test_feed_whose_source_never_answers_is_late(tmp_path: Path, knot: Knot) -> None:
    clock = SystemClock()
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", clock) as store:
        feed = FeedThread("erp", lambda: Endless(knot), 0.2, store, lambda _item: None, clock, lambda *_: None)
        found_out(feed.late_s, feed_thread.HUNG_S + 0.2, knot, feed.start)
        feed.stop()
    assert feed.late_s(clock.monotonic()) == float("inf")


def test_task_of_the_chain_that_hangs_is_late_and_one_that_rests_is_not(knot: Knot) -> None:
    clock = SystemClock()

    def turn() -> float:
        knot.tie()
        return 3600.0

    task = ChainThread("chain hear", turn, clock, lambda: None)
    found_out(task.late_s, chain_thread.HUNG_S, knot, task.start)
    assert task.late_s(clock.monotonic() + 3000) == 0
    task.stop()


def test_fold_that_waits_for_a_hung_database_is_late(tmp_path: Path, knot: Knot) -> None:
    clock, stop = SystemClock(), threading.Event()
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", clock) as store:
        record = Ledger(at=OLD, id="1", kind="sold", epc="3034257BF7194E4000001A85")
        store.write(partial(store_records, records=[record], recorded_at=OLD)).result(30)
        fold = FoldDaily(store, clock, 400.0, stop, 0.0)

        def hang() -> None:
            store.write(lambda _conn: knot.tie())
            fold.start()

        found_out(fold.late_s, FOLD_HUNG_S, knot, hang)
        stop.set()
        fold.join(20)
