"""When the silence of a till means that its reports are missing: heartbeats, or what weeks have taught."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.config import Config
from rfidguard.events import Feed
from rfidguard.feed_freshness import FAR, GIVEN_UP_S, LEARNED_WEEKS, FeedHeard, Hour, hour_of_week, learned, stale_feeds, week_of
from rfidguard.feed_watch import FeedWatch, usual_silences
from rfidguard.feeds.feed_store import take_page
from rfidguard.intake import take_heartbeat, take_sale
from rfidguard.store import Store

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 23, 12, 30, tzinfo=BERLIN).timestamp()
WEEK_S = 7 * 86_400.0
AFTER_S = 120.0


def stale(*feeds: FeedHeard, usual: dict[int, Hour] | None = None, now: float = NOON, since: float = 0.0) -> list[str]:
    learned_of = {feed.name: usual or {} for feed in feeds}
    found = stale_feeds(feeds, learned_of, stale_after_s=AFTER_S, watched_since=since, now=now, zone=BERLIN)
    return sorted(lane for _, lane in found)


def beats(ago_s: float, lane: str = "3") -> FeedHeard:
    return FeedHeard(f"mqtt:{lane}", lane, NOON - ago_s, None)


def sells(ago_s: float, lane: str = "3") -> FeedHeard:
    return FeedHeard(f"mqtt:{lane}", lane, None, NOON - ago_s)


def knows(longest_s: float, weeks: int = LEARNED_WEEKS) -> dict[int, Hour]:
    return {hour_of_week(NOON, BERLIN): Hour(longest_s, weeks, 1)}


@pytest.mark.parametrize(("ago_s", "lanes"), [(1.0, []), (AFTER_S, []), (AFTER_S + 1, ["3"]), (GIVEN_UP_S - 1, ["3"])])
def test_a_till_without_heartbeats_for_too_long_is_stale(ago_s: float, lanes: list[str]) -> None:
    assert stale(beats(ago_s)) == lanes


def test_a_sale_is_a_sign_of_life_too() -> None:
    assert stale(FeedHeard("mqtt:3", "3", NOON - 500, NOON - 5)) == []


def test_the_time_in_which_nobody_listened_is_no_silence() -> None:
    assert stale(beats(500), since=NOON - 60) == []


def test_a_till_that_is_off_for_half_a_day_is_not_waited_for_while_others_are_heard() -> None:
    assert stale(beats(GIVEN_UP_S + 1, "1"), beats(5, "2")) == []


def test_where_no_till_at_all_is_heard_all_stay_stale() -> None:
    assert stale(beats(GIVEN_UP_S + 9, "1"), beats(GIVEN_UP_S + 1, "2")) == ["1", "2"]


def test_a_feed_without_heartbeats_is_never_stale_before_it_has_taught() -> None:
    assert stale(sells(10_000)) == []
    assert stale(sells(10_000), usual=knows(60.0, weeks=LEARNED_WEEKS - 1)) == []


def test_a_feed_that_is_silent_far_longer_than_ever_at_this_hour_is_stale() -> None:
    assert stale(sells(FAR * 600 + 1), usual=knows(600.0)) == ["3"]
    assert stale(sells(FAR * 600 - 1), usual=knows(600.0)) == []


def test_a_busy_till_is_not_stale_after_a_few_quiet_moments() -> None:
    assert stale(sells(AFTER_S - 1), usual=knows(2.0)) == []


def test_the_silence_of_a_night_teaches_of_its_hours_and_not_of_the_next_noon() -> None:
    evening = datetime(2026, 11, 23, 20, 10, tzinfo=BERLIN).timestamp()
    morning = datetime(2026, 11, 24, 8, 50, tzinfo=BERLIN).timestamp()
    hours = learned({}, evening, morning, BERLIN)
    assert sorted(hours) == [*range(20, 24), *range(24, 33)]
    assert (hours[20].longest_s, hours[24 + 3].longest_s, hours[24 + 8].longest_s) == (
        50 * 60.0,
        7 * 3600 + 50 * 60.0,
        12 * 3600 + 2400.0,
    )


def test_an_hour_is_known_once_it_was_seen_in_enough_weeks() -> None:
    usual: dict[int, Hour] = {}
    for week in range(LEARNED_WEEKS):
        for minute in (0, 10, 20):
            at = NOON + week * WEEK_S + minute * 60
            usual |= learned(usual, at, at + 300, BERLIN)
    entry = usual[hour_of_week(NOON, BERLIN)]
    assert (entry.weeks, entry.longest_s) == (LEARNED_WEEKS, 300.0)


def test_a_silence_of_more_than_a_week_teaches_nothing() -> None:
    assert learned({}, NOON, NOON + WEEK_S, BERLIN) == {}


@given(st.floats(0, WEEK_S - 1), st.floats(0, 365 * 86_400))
def test_what_was_ever_learned_is_never_forgotten_nor_shortened(silence_s: float, shift_s: float) -> None:
    before = NOON + shift_s
    once = learned({}, before, before + silence_s, BERLIN)
    again = learned(once, before, before + silence_s, BERLIN)
    assert again == once
    assert all(0 <= entry.longest_s <= silence_s + 0.1 and entry.weeks in (1, 2) for entry in once.values())


@pytest.mark.parametrize(
    ("local", "hour"),
    [("2026-11-23T00:00", 0), ("2026-11-22T23:59", 167), ("2026-03-29T03:00", 147), ("2026-10-25T02:30", 146)],
)
def test_hours_of_the_week_are_those_of_the_shop_in_summer_and_winter(local: str, hour: int) -> None:
    assert hour_of_week(datetime.fromisoformat(local).replace(tzinfo=BERLIN).timestamp(), BERLIN) == hour


def test_a_week_begins_on_monday() -> None:
    sunday, monday = (datetime(2026, 11, day, 12, tzinfo=BERLIN).timestamp() for day in (22, 23))
    assert week_of(monday, BERLIN) == week_of(sunday, BERLIN) + 1


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def shop(tmp_path: Path):
    """A store, a watch on it, its clock, and what it told the core."""
    clock = Hands()
    told: list[Feed] = []
    config = Config.model_validate({"site": {"id": "0001", "timezone": "Europe/Berlin"}})
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", clock) as store:
        yield store, clock, told, lambda: FeedWatch(store, config, told.append, clock)


def sale(store: Store, number: int, now: float) -> None:
    payload = b'{"id":"D%d","at":"2026-11-01T10:00:00Z","kind":"sale","lines":[{"epc":"3074257BF7194E4000001A85"}]}' % number
    assert take_sale(store, payload, source="till", lane="3", now=now, emit=lambda _record: None).status == "stored"


def test_the_core_is_told_when_a_till_falls_silent_and_when_it_is_back(shop) -> None:
    store, clock, told, watch = shop
    feeds = watch()
    take_heartbeat(store, b"", "mqtt:3", "3", clock.at)
    for seconds in (0, 60, 61, 10, 10):
        clock.at += seconds
        feeds.turn()
    assert [(feed.source, feed.lane, feed.state) for feed in told] == [("mqtt:3", "3", "stale")]
    assert list(feeds.stale) == [("mqtt:3", "3")]
    take_heartbeat(store, b'{"at":"2020-01-01T00:00:00Z"}', "mqtt:3", "3", clock.at)
    feeds.turn()
    assert [feed.state for feed in told] == ["stale", "fresh"]


def test_a_till_that_says_it_is_being_closed_is_not_missed(shop) -> None:
    store, clock, told, watch = shop
    feeds = watch()
    take_heartbeat(store, b"", "mqtt:3", "3", clock.at)
    take_heartbeat(store, b'{"closed":true}', "mqtt:3", "3", clock.at + 1)
    clock.at += 3600
    feeds.turn()
    assert told == []


def test_a_watch_that_starts_anew_knows_what_the_core_still_believes(shop) -> None:
    _, _, told, watch = shop
    feeds = watch()
    feeds.told(["mqtt:3 3"])
    feeds.turn()
    assert [(feed.source, feed.state) for feed in told] == [("mqtt:3 3", "fresh")]


def test_a_feed_that_is_configured_no_more_is_not_missed(shop) -> None:
    store, clock, told, watch = shop
    take_page(store, [], feed="old-erp", cursor="1", now=clock.at, emit=lambda _record: None, alive=True)
    feeds = watch()
    clock.at += 3600
    feeds.turn()
    assert told == []


def test_old_sales_that_come_now_are_no_silence(shop) -> None:
    """An old `at` is never staleness: what counts is when it was heard."""
    store, clock, told, watch = shop
    feeds = watch()
    for number in range(4):
        sale(store, number, clock.at)
        feeds.turn()
        clock.at += 100
    assert told == []


def test_three_weeks_of_sales_teach_and_the_fourth_week_of_silence_is_told(shop) -> None:
    store, clock, told, watch = shop
    feeds = watch()
    number = 0
    for week in range(LEARNED_WEEKS):
        clock.at = NOON + week * WEEK_S - 9000
        for _ in range(34):
            number += 1
            sale(store, number, clock.at)
            feeds.turn()
            clock.at += 300
    feeds.keep()
    assert store.read(usual_silences)["till", "3"][hour_of_week(NOON, BERLIN)].weeks == LEARNED_WEEKS
    feeds = watch()
    for minutes in (0, 30, 60):
        clock.at = NOON + LEARNED_WEEKS * WEEK_S - 3600 + minutes * 60
        if minutes == 0:
            sale(store, 999, clock.at)
        feeds.turn()
    assert [(feed.lane, feed.state) for feed in told] == [("3", "stale")]
