"""When the silence of a till means that its reports are missing. Pure.

A feed that sends heartbeats is stale after so long without a sign of life. One without them has taught, over weeks, how long
it is usually silent at each hour of the week, and is stale when it is silent far longer than ever; before it has taught that
it never is. When a sale was made is of no matter here, only when it was heard of.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo

import msgspec

HOURS = 168
FAR = 3.0
"""Far longer: so many times the longest silence known."""
LEARNED_WEEKS = 3
GIVEN_UP_S = 12 * 3600.0
"""A till that was silent for so long is off, not out of order, as long as others are heard."""


class Hour(msgspec.Struct, frozen=True):
    """What was learned of one hour of the week: the longest silence, in how many weeks, the newest of them (since 1970)."""

    longest_s: float = 0.0
    weeks: int = 0
    last_week: int = -1


class FeedHeard(msgspec.Struct, frozen=True):
    """A feed, and when its last heartbeat and its last sale were heard of (Unix seconds)."""

    source: str
    lane: str
    heartbeat_at: float | None = None
    sale_at: float | None = None

    @property
    def name(self) -> tuple[str, str]:
        return self.source, self.lane

    def last_at(self) -> float:
        return max(self.heartbeat_at or 0.0, self.sale_at or 0.0)


def stale_feeds(
    feeds: Iterable[FeedHeard],
    usual: Mapping[tuple[str, str], Mapping[int, Hour]],
    *,
    stale_after_s: float,
    watched_since: float,
    now: float,
    zone: tzinfo,
) -> dict[tuple[str, str], str]:
    """Feeds that are stale at `now` -> why. Nothing counts as silence before `watched_since`: nobody listened then."""
    feeds = list(feeds)
    alive = any(now - feed.last_at() < GIVEN_UP_S for feed in feeds)
    found = {}
    for feed in feeds:
        silent_s = now - max(feed.last_at(), watched_since)
        if alive and now - feed.last_at() >= GIVEN_UP_S:
            continue
        hour = usual.get(feed.name, {}).get(hour_of_week(now, zone), Hour())
        reason = _reason(feed, silent_s, stale_after_s, hour)
        if reason is not None:
            found[feed.name] = reason
    return found


def learned(usual: Mapping[int, Hour], before: float, now: float, zone: tzinfo) -> dict[int, Hour]:
    """The hours that a silence from `before` to `now` (Unix seconds) teaches something about, as they are afterwards.

    In each hour that it touches it had lasted, at the end of that hour, so long. A silence of more than a week teaches nothing.
    """
    if not 0 <= now - before < HOURS * 3600:
        return {}
    found: dict[int, Hour] = {}
    for at, end in _hours_between(before, now):
        hour, week = hour_of_week(at, zone), week_of(at, zone)
        known = found.get(hour) or usual.get(hour, Hour())
        weeks = known.weeks + (week > known.last_week)
        found[hour] = Hour(max(known.longest_s, round(end - before, 1)), weeks, max(week, known.last_week))
    return found


def hour_of_week(at: float, zone: tzinfo) -> int:
    """0 is Monday from 0:00 to 1:00, in the shop's time."""
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return local.weekday() * 24 + local.hour


def week_of(at: float, zone: tzinfo) -> int:
    """Weeks since 1970, each from Monday on, in the shop's time."""
    return (datetime.fromtimestamp(at, UTC).astimezone(zone).toordinal() - 1) // 7 - 102_737


def _reason(feed: FeedHeard, silent_s: float, stale_after_s: float, hour: Hour) -> str | None:
    if feed.heartbeat_at is not None:
        return f"no sign of life for more than {stale_after_s:g} s" if silent_s > stale_after_s else None
    limit_s = max(FAR * hour.longest_s, stale_after_s)
    if hour.weeks < LEARNED_WEEKS or silent_s <= limit_s:
        return None
    return f"no sale for more than {limit_s:.0f} s; at this hour of the week the longest silence was {hour.longest_s:.0f} s"


def _hours_between(before: float, now: float) -> Iterator[tuple[float, float]]:
    """A moment in, and the end of, each clock hour that lies between; the last one ends at `now`. Zones differ by quarters."""
    at = before
    while at < now:
        end = min((at // 900 + 1) * 900, now)
        yield at, end
        at = end
