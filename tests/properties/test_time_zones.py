"""Local times of tills, all over the world and through every change of the clocks: a sale is when it was, and stays sold."""

import os
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gatework import Gate
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0

from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Ledger
from rfidguard.feeds.ledger_csv import csv_rows
from rfidguard.feeds.local_time import local_seconds

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HISTORIES = settings(max_examples=2000 if LONG else 60, deadline=None)
ZONES = (
    "UTC", "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Apia", "Africa/Casablanca",
)  # fmt: skip
YEAR_S = 366 * 86_400
LIVE_S = 1700
"""A feed that is less late than the shortest hour that comes twice, half an hour on Lord Howe Island."""
EPC = encode_sgtin_96("0614141", "812345", 1)

zones = st.sampled_from(ZONES).map(ZoneInfo)
lags = st.integers(0, LIVE_S)


def changes(zone: ZoneInfo) -> list[int]:
    """When the clocks of a zone change within a year of T0, to the minute."""
    days = range(int(T0) // 86_400 * 86_400, int(T0) + YEAR_S, 86_400)
    return [_change(zone, at, at + 86_400) for at in days if _offset(zone, at) != _offset(zone, at + 86_400)]


def _change(zone: ZoneInfo, before: int, after: int) -> int:
    while after - before > 60:
        middle = (before + after) // 120 * 60
        before, after = (middle, after) if _offset(zone, middle) == _offset(zone, before) else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: int) -> float:
    return (datetime.fromtimestamp(at, UTC).astimezone(zone).utcoffset() or timedelta()).total_seconds()


CHANGES = {name: changes(ZoneInfo(name)) for name in ZONES}


@st.composite
def moments(draw: st.DrawFn, zone: ZoneInfo) -> int:
    """Any second of a year, half of them within three hours of a change."""
    anywhere = st.integers(int(T0), int(T0) + YEAR_S)
    if not CHANGES[zone.key]:
        return draw(anywhere)
    near = st.builds(int.__add__, st.sampled_from(CHANGES[zone.key]), st.integers(-10_800, 10_800))
    return draw(st.one_of(anywhere, near))


def local(at: float, zone: ZoneInfo) -> str:
    """As the till's clock on the wall shows it."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


@HISTORIES
@given(st.data(), zones, lags)
def test_a_local_time_that_is_told_soon_is_the_moment_it_was(data: st.DataObject, zone: ZoneInfo, lag_s: int) -> None:
    at = data.draw(moments(zone))
    assert local_seconds(local(at, zone), zone, at + lag_s) == at


@HISTORIES
@given(st.data(), zones, lags)
def test_a_row_of_csv_is_read_as_any_other_document(data: st.DataObject, zone: ZoneInfo, lag_s: int) -> None:
    at = data.draw(moments(zone))
    rows = ["epc,at", f"{EPC},{local(at, zone).replace('T', ' ')}"]
    (taken,) = csv_rows(rows, zone, float(at + lag_s))
    assert taken.record is not None
    assert taken.record.at == at


@HISTORIES
@given(st.data(), zones, st.integers(1, 7200))
def test_what_was_told_later_is_never_earlier(data: st.DataObject, zone: ZoneInfo, later_s: int) -> None:
    """A return after its sale, through the hour that comes twice or not at all."""
    at = data.draw(moments(zone))
    sold, back = (local_seconds(local(moment, zone), zone, moment) for moment in (at, at + later_s))
    assert sold < back


@HISTORIES
@given(st.data(), zones, st.integers(0, 600), st.booleans(), st.integers(0, 5))
def test_the_gate_knows_no_clock_but_its_own(data: st.DataObject, zone: ZoneInfo, walk_s: int, named: bool, lag_s: int) -> None:
    """Whoever paid, item by item or by article, leaves in silence whatever the clocks did on the way."""
    at = data.draw(moments(zone))
    heard = local_seconds(local(at, zone), zone, at + lag_s)
    what = {"epc": EPC} if named else {"gtin": identify(EPC).gtin}
    gate = Gate()
    gate.hear(Ledger(at=heard, id="s/1", kind="sold", **what), at + lag_s - T0)
    gate.leave(EPC, max(walk_s, lag_s) + at - T0)
    assert gate.verdicts() == ["sold"]
