"""How every source of sales stands: when it was heard, how late its news is, whether it is silent, and what was refused of it."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from rfidguard.alarm import utc_text
from rfidguard.config import Config
from rfidguard.dead_letter import Refusals, refusals
from rfidguard.feed_freshness import FeedHeard, stale_feeds
from rfidguard.feed_watch import MARGIN_S, heard_feeds, usual_silences
from rfidguard.feeds.feed_desk import vital
from rfidguard.feeds.feed_store import FeedCursor, feed_cursors_of
from rfidguard.service_db import DAEMON, is_alive
from rfidguard.site_state import SiteHours
from rfidguard.trust import feed_name


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A [[feed]] (`driver`), or a till that sends by itself (None). Times are Unix seconds, None: never.

    `answered_at`: when it last answered or called. `lag_s`: how late the newest of its last news was heard of. `stale`: why it
    counts as silent; None where it does not, or nobody listens now.
    """

    name: str
    source: str
    lane: str | None = None
    driver: str | None = None
    vital: bool = True
    heartbeat_at: float | None = None
    sale_at: float | None = None
    answered_at: float | None = None
    lag_s: float | None = None
    stale: str | None = None
    refused: Refusals | None = None


def standings(conn: Connection, config: Config, now: float) -> list[Standing]:
    """The configured feeds in their order, then every till that was ever heard."""
    heard, cursors = heard_feeds(conn), feed_cursors_of(conn)
    stale = _stale(conn, config, heard, now)
    refused = refusals(conn)
    counted = vital(config)
    feeds = [
        _feed(section.id, section.driver, section.id in counted, heard, cursors, stale, refused.get(section.id))
        for section in config.feed
    ]
    tills = [till for till in heard if till.source not in cursors and till.source not in {feed.source for feed in feeds}]
    return feeds + [_till(till, stale, refused.get(till.source)) for till in sorted(tills, key=lambda till: till.name)]


def standing_message(standing: Standing) -> dict[str, Any]:
    """One as a JSON object."""
    body = msgspec.to_builtins(standing)
    for name in ("heartbeat_at", "sale_at", "answered_at"):
        body[name] = None if body[name] is None else utc_text(body[name])
    if standing.refused is not None:
        body["refused"]["at"] = utc_text(standing.refused.at)
    return dict(body)


def _stale(conn: Connection, config: Config, heard: Iterable[FeedHeard], now: float) -> dict[tuple[str, str], str]:
    """As the daemon sees it; nothing while no daemon listens, or the shop is closed."""
    if not is_alive(conn, DAEMON, now) or SiteHours(config.site).is_open(now, MARGIN_S) is False:
        return {}
    return stale_feeds(
        heard, usual_silences(conn), stale_after_s=config.ledger.stale_after_s, watched_since=0.0, now=now,
        zone=config.site.zone(),
    )  # fmt: skip


def _feed(
    name: str,
    driver: str,
    counts: bool,
    heard: Iterable[FeedHeard],
    cursors: Mapping[str, FeedCursor],
    stale: Mapping[tuple[str, str], str],
    refused: Refusals | None,
) -> Standing:
    """All lanes of a feed are one feed."""
    mine = [lane for lane in heard if lane.source == name]
    cursor = cursors.get(name, FeedCursor(name))
    return Standing(
        name=name, source=name, driver=driver, vital=counts,
        heartbeat_at=_latest(lane.heartbeat_at for lane in mine), sale_at=_latest(lane.sale_at for lane in mine),
        answered_at=cursor.polled_at, lag_s=cursor.lag_s,
        stale=next((reason for (source, _), reason in stale.items() if source == name), None) if counts else None,
        refused=refused,
    )  # fmt: skip


def _till(till: FeedHeard, stale: Mapping[tuple[str, str], str], refused: Refusals | None) -> Standing:
    return Standing(
        name=feed_name(*till.name), source=till.source, lane=till.lane or None,
        heartbeat_at=till.heartbeat_at, sale_at=till.sale_at, answered_at=till.last_at() or None,
        stale=stale.get(till.name), refused=refused,
    )  # fmt: skip


def _latest(times: Iterable[float | None]) -> float | None:
    return max((time for time in times if time is not None), default=None)
