"""Whose lane a till may report, and sales that look forged: at night, or in masses."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rfidguard.config import Config
from rfidguard.events import Ledger
from rfidguard.opening import DAYS, Opening
from rfidguard.sale_watch import MAX_TILLS, QUIET_S, SaleWatch
from rfidguard.web.access import is_lane_of

BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC).timestamp()  # a Monday, 12:00 in Berlin


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self, at: float = NOON) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def watch(clock: HandClock | None = None, opening: str | None = None, **ledger: int) -> SaleWatch:
    site = {"id": "0001", "timezone": "Europe/Berlin"} | ({"open": opening} if opening else {})
    return SaleWatch(Config.model_validate({"site": site, "ledger": ledger}), clock or HandClock())


def sale(name: str = "d1", units: int = 1, at: float = NOON, lane: str | None = "3", source: str = "mqtt:3") -> Ledger:
    return Ledger(at=at, id=f"{name}/1", kind="sold", gtin="00614141123452", quantity=units, source=source, lane=lane)


def kinds(found: list[dict[str, object]]) -> list[object]:
    return [odd["kind"] for odd in found]


def local(day: int, hour: int, minute: int = 0) -> float:
    return datetime(2026, 11, day, hour, minute, tzinfo=BERLIN).timestamp()


def test_a_till_owns_the_lane_of_its_name_or_those_that_are_configured() -> None:
    assert is_lane_of("3", "till-3", ()) and is_lane_of("till-3", "till-3", ())  # noqa: PT018
    assert not is_lane_of("4", "till-3", ())
    assert not is_lane_of("", "till-3", ())
    assert is_lane_of("sco-1", "island", ("sco-1", "sco-2"))
    assert not is_lane_of("island", "island", ("sco-1", "sco-2"))


def test_sales_in_opening_hours_are_nothing_to_talk_about() -> None:
    assert watch(opening="mon-sat 08:00-20:00").look([sale()]) == []


def test_a_sale_while_the_shop_is_closed_is_told() -> None:
    clock = HandClock(local(24, 3))
    (odd,) = watch(clock, opening="08:00-20:00").look([sale(at=local(24, 3))])
    assert odd == {
        "kind": "out_of_hours", "source": "mqtt:3", "lane": "3", "id": "d1",
        "reason": "a sale came in while the shop is closed", "errors": [],
    }  # fmt: skip


def test_a_sale_by_day_that_says_it_is_of_the_night_is_told() -> None:
    assert kinds(watch(opening="08:00-20:00").look([sale(at=local(23, 3))])) == ["out_of_hours"]


def test_without_opening_hours_there_is_no_night() -> None:
    assert watch(HandClock(local(24, 3))).look([sale(at=local(24, 3))]) == []


def test_more_items_than_a_till_can_scan_are_told_and_counted_every_time() -> None:
    guard = watch(max_units_per_minute=10)
    assert guard.look([sale("a", 6)]) == []
    assert kinds(guard.look([sale("b", 6)])) == ["impossible_volume"]
    assert guard.look([sale("c", 1)]) == []
    assert guard.counts == {"impossible_volume": 2}


def test_the_same_oddity_is_told_again_after_a_while() -> None:
    clock = HandClock()
    guard = watch(clock, max_units_per_minute=1)
    assert kinds(guard.look([sale("a", 2)])) == ["impossible_volume"]
    clock.at += QUIET_S
    assert kinds(guard.look([sale("b", 2)])) == ["impossible_volume"]


def test_too_many_sales_in_a_minute_are_told() -> None:
    guard = watch(max_sales_per_minute=5)
    assert [kinds(guard.look([sale(f"d{number}")])) for number in range(6)] == [[]] * 5 + [["impossible_volume"]]


def test_a_till_that_was_offline_and_sends_a_day_at_once_has_sold_none_too_fast() -> None:
    guard = watch(max_sales_per_minute=5, max_units_per_minute=10)
    assert all(guard.look([sale(f"d{number}", at=NOON - 60 * number)]) == [] for number in range(500))


def test_returns_and_stock_are_no_sales() -> None:
    guard = watch(HandClock(local(24, 3)), opening="08:00-20:00", max_units_per_minute=1)
    assert guard.look([Ledger(at=NOON, id="s/1", kind="stock_in", gtin="00614141123452", quantity=5000)]) == []


def test_a_million_tills_need_no_more_memory_than_a_thousand() -> None:
    guard = watch(max_units_per_minute=1)
    for number in range(20_000):
        guard.look([sale(units=2, lane=str(number), at=NOON - number)])
    assert len(guard._tills) == MAX_TILLS
    assert len(guard._told) == MAX_TILLS


@pytest.mark.parametrize(
    ("text", "day", "hour", "minute", "is_open"),
    [
        ("08:00-20:00", 22, 19, 59, True),
        ("08:00-20:00", 22, 20, 1, False),
        ("mon-sat 08:00-20:00", 22, 12, 0, False),
        ("mon-sat 08:00-20:00, sun 13:00-18:00", 22, 14, 0, True),
        ("sat-mon 10:00-12:00", 23, 11, 0, True),
        ("fri 18:00-02:00", 28, 1, 59, True),
        ("fri 18:00-02:00", 27, 1, 59, False),
        ("00:00-24:00", 22, 0, 0, True),
    ],
)
def test_opening_hours_are_read_as_people_write_them(text: str, day: int, hour: int, minute: int, is_open: bool) -> None:
    assert Opening(text, BERLIN).is_open(local(day, hour, minute)) == is_open


def test_a_margin_reaches_over_midnight() -> None:
    assert Opening("mon 00:10-20:00", BERLIN).is_open(local(22, 23, 50), margin_s=1800)
    assert Opening("mon 10:00-23:50", BERLIN).is_open(local(24, 0, 10), margin_s=1800)


@pytest.mark.parametrize("text", ["", "always", "8-20", "08:00-25:00", "08:70-20:00", "mo 08:00-20:00", "mon-xyz 08:00-20:00"])
def test_opening_hours_that_are_none_are_refused_in_words(text: str) -> None:
    with pytest.raises(ValidationError, match=r"opening time|no day|no such time"):
        Config.model_validate({"site": {"id": "0001", "open": text}})


@given(st.integers(0, 6), st.integers(0, 6), st.integers(0, 23), st.integers(0, 23), st.integers(0, 7 * 24 * 60))
def test_a_shop_is_open_as_long_as_it_says(first: int, last: int, opens: int, closes: int, minute: int) -> None:
    opening = Opening(f"{DAYS[first]}-{DAYS[last]} {opens:02}:00-{closes:02}:00", UTC)
    monday = datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    open_minutes = sum(opening.is_open(monday + 60 * at + 30) for at in range(0, 7 * 24 * 60, 30))
    days = (last - first) % 7 + 1
    hours = closes - opens if closes > opens else closes - opens + 24
    assert open_minutes == days * hours * 2
    assert opening.is_open(monday + minute * 60) == opening.is_open(monday + minute * 60 + 7 * 86_400)


def test_what_is_said_can_be_published() -> None:
    from rfidguard.messages import LedgerEvent

    odd = watch(max_units_per_minute=1).look([sale(units=5)])[0]
    LedgerEvent.model_validate_json(json.dumps({**odd, "at": "2026-11-23T11:00:00Z"}))
