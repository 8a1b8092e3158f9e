"""The time of a credit is learned from walks; the state of the shop is told to the core; a closed shop misses no till."""

from pathlib import Path

import pytest
from hand_clock import HandClock
from hypothesis import given
from hypothesis import strategies as st
from wait import wait_for
from walks import T0, config, own

from rfidguard.command_desk import CommandDesk
from rfidguard.config import LedgerPolicy
from rfidguard.config_file import check
from rfidguard.credit_time import credit_time
from rfidguard.effects import Decided
from rfidguard.events import Event, Ledger, ReadBatch, Site
from rfidguard.intake import hear
from rfidguard.layout import layout_from
from rfidguard.ledger_db import store_records
from rfidguard.site_state import begin_count, count_until, end_count
from rfidguard.site_watch import KEEP_S, SiteWatch
from rfidguard.store import Store
from rfidguard.walk_times import ENOUGH, GROWTH, MEMORY, bucket_of, learned_ttl_s, longest_of
from rfidguard.walk_watch import WalkWatch, add_walks, known_walks


@given(st.lists(st.floats(0, 4 * 3600.0), min_size=ENOUGH, max_size=ENOUGH + 200))
def test_ninety_nine_of_a_hundred_walks_are_shorter_than_what_is_learned(walks: list[float]) -> None:
    counts: dict[int, float] = {}
    for walk in walks:
        bucket = bucket_of(walk)
        assert bucket is not None
        assert walk <= longest_of(bucket) * 1.000001
        counts[bucket] = counts.get(bucket, 0.0) + 1.0
    ttl_s = learned_ttl_s(counts, 0.0, 1e9)
    assert ttl_s is not None
    assert sum(walk <= ttl_s for walk in walks) >= 0.99 * len(walks) - 1
    exact = sorted(walks)[int(0.99 * len(walks)) - 1]
    assert ttl_s <= max(sorted(walks)[-1], exact, 1.0) * GROWTH + 1


def test_few_walks_teach_nothing_and_bounds_hold() -> None:
    assert learned_ttl_s({10: ENOUGH - 1}, 0, 1e9) is None
    assert learned_ttl_s({10: ENOUGH}, 300, 3600) == 300
    assert learned_ttl_s({100: ENOUGH}, 300, 3600) == 3600
    assert bucket_of(-1) is None
    assert bucket_of(5 * 3600) is None


@pytest.mark.parametrize(
    ("walks", "words"),
    [
        ({10: 7.0}, "within 900 s (ledger.credit_ttl_s; 7 of 300 walks from till to door seen so far, then it is learned)"),
        ({65: 1000.0}, "within 491 s (learned: 99 of 100 of 1000 walks from till to door were shorter)"),
        ({10: 1000.0}, "within 300 s (learned: 99 of 100 of 1000 walks from till to door were shorter, the least allowed)"),
    ],
)
def test_the_status_says_how_long_and_why(walks: dict[int, float], words: str) -> None:
    assert credit_time(walks, LedgerPolicy()).text.endswith(words)
    assert "ledger.credit_ttl_s)" in credit_time(walks, LedgerPolicy(credit_ttl_learn=False)).text


class Shop:
    def __init__(self, store: Store, **changes: object) -> None:
        self.store, self.clock = store, HandClock(T0)
        self.told: list[Event | ReadBatch] = []
        self.config = config(**changes)
        layout = layout_from(self.config)
        self.watch = SiteWatch(store, self.config, self.told.append, self.clock, layout, lambda _: None)

    def sites(self) -> list[Site]:
        return [event for event in self.told if isinstance(event, Site)]

    def turn(self, after_s: float = 1.0) -> list[Site]:
        self.clock.at += after_s
        before = len(self.sites())
        self.watch.turn()
        return self.sites()[before:]


@pytest.fixture
def store():
    with Store("sqlite://", HandClock(T0)) as opened:
        yield opened


def leaves(epc: str, at: float) -> Decided:
    return Decided(epc, "front", at, "sold", "sold", "out", 1.0, {})


def test_walks_are_learned_once_each_from_items_sold_by_their_own_number(store: Store) -> None:
    sales = [Ledger(at=T0 + n, id=f"s{n}/1", kind="sold", epc=own(n)) for n in range(20)]
    store.write(lambda conn: store_records(conn, sales, T0)).result()
    watch = WalkWatch(store)
    watch.take([leaves(own(n), T0 + n + 60.0) for n in range(20)])
    watch.take([leaves(own(3), T0 + 900.0), leaves(own(77), T0 + 60.0), leaves(own(4), T0 - 50.0)])
    assert watch.learn() == {bucket_of(60.0): 20.0}
    watch.take([leaves(own(3), T0 + 1000.0)])
    assert watch.learn() == {bucket_of(60.0): 20.0}
    assert store.read(known_walks) == {bucket_of(60.0): 20.0}


def test_old_walks_fade(store: Store) -> None:
    store.write(lambda conn: add_walks(conn, {1: int(MEMORY)})).result()
    walks = store.write(lambda conn: add_walks(conn, {2: 10})).result()
    assert walks == {1: MEMORY / 2, 2: 5.0}


def test_the_core_is_told_the_learned_time(store: Store) -> None:
    store.write(lambda conn: add_walks(conn, {65: ENOUGH})).result()
    shop = Shop(store)
    assert [site.credit_ttl_s for site in shop.turn()] == [None]
    shop.clock.lap += KEEP_S
    shop.turn()
    assert [site.credit_ttl_s for site in shop.turn()] == [491.0]
    assert shop.turn() == []


def test_a_count_begun_by_hand_is_told_and_ends_by_itself(store: Store) -> None:
    shop = Shop(store)
    shop.turn()
    store.write(lambda conn: begin_count(conn, shop.clock.now(), 600.0)).result()
    assert [site.counting for site in shop.turn()] == [True]
    assert shop.turn(500.0) == []
    assert [site.counting for site in shop.turn(200.0)] == [False]


def test_a_count_by_schedule_and_opening_hours_are_told(store: Store) -> None:
    shop = Shop(store, site={"id": "0001", "open": "fri 08:00-12:00", "counting": "fri 09:00-10:00"})  # T0 is a Friday, 08:00
    assert [(site.open, site.counting) for site in shop.turn()] == [(True, False)]
    assert [(site.open, site.counting) for site in shop.turn(3700.0)] == [(True, True)]
    assert [(site.open, site.counting) for site in shop.turn(3600.0)] == [(True, False)]
    assert [(site.open, site.counting) for site in shop.turn(7200.0)] == [(False, False)]


@pytest.mark.parametrize(("hours", "stale"), [("fri 08:00-12:00", True), ("sat 08:00-12:00", False), (None, True)])
def test_a_till_that_falls_silent_is_missed_only_while_the_shop_is_open(store: Store, hours: str | None, stale: bool) -> None:
    shop = Shop(store, site={"id": "0001", **({"open": hours} if hours else {})})
    store.write(lambda conn: hear(conn, source="mqtt:3", lane="3", now=T0, column="heartbeat_at")).result()
    shop.turn()
    shop.turn(300.0)
    assert any(getattr(event, "state", None) == "stale" for event in shop.told) == stale


def test_operators_begin_and_end_a_count_over_mqtt(store: Store) -> None:
    clock = HandClock(T0)
    desk = CommandDesk(store, lambda _: None, clock, lambda name: f"not a command of the daemon: {name}")
    reply = desk.take("stock_count", b'{"id":"c1","seconds":600}')
    assert reply == {"id": "c1", "name": "stock_count", "status": "accepted", "reason": None}
    assert store.read(count_until) == T0 + 600.0
    assert (desk.take("stock_count", b'{"gate":"front"}') or {})["status"] == "rejected"
    assert (desk.take("stock_count_end", b"") or {})["status"] == "accepted"
    assert store.read(count_until) == 0.0
    store.write(lambda conn: end_count(conn, T0)).result()
    wait_for(lambda: store.waiting() == 0)


def test_who_may_mint_credits_has_to_be_somebody(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    text = '[site]\nid = "1"\ncompany_prefixes = ["0614141"]\n[ledger]\ncredit_authority = ["mqqt"]\ncredit_ttl_min_s = 9999\n'
    path.write_text(text)
    found = [str(problem) for problem in check(path, {}) if problem.level == "error"]
    assert any("nobody of this name brings sales" in text and "did you mean mqtt?" in text for text in found)
    assert any("more than ledger.credit_ttl_max_s" in text for text in found)
