"""Watches when each till was last heard, learns its usual silences, and tells the core when one falls silent or is back."""

import logging
from collections.abc import Iterable
from functools import partial

import msgspec
from sqlalchemy import Connection, select

from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.driver import Emit
from rfidguard.events import Feed
from rfidguard.feed_freshness import FeedHeard, Hour, learned, stale_feeds
from rfidguard.feeds.feed_desk import vital
from rfidguard.feeds.feed_store import feed_cursors_of
from rfidguard.schema import feed_hours, feeds
from rfidguard.site_state import SiteHours
from rfidguard.store import Store
from rfidguard.trust import feed_name
from rfidguard.upsert import insert_into

log = logging.getLogger(__name__)

MARGIN_S = 900.0
"""Tills are started and closed a little before and after the doors."""

KEPT_S = 60.0
"""What was learned goes to disk so often."""

Name = tuple[str, str]


class FeedWatch:
    """`turn` once a second, on one thread. `stale`: source and lane of what is stale now -> why."""

    def __init__(self, store: Store, config: Config, emit: Emit, clock: Clock) -> None:
        self._store, self._emit, self._clock = store, emit, clock
        self._stale_after_s = config.ledger.stale_after_s
        self._zone = config.site.zone()
        self._hours = SiteHours(config.site)
        self._configured = frozenset(feed.id for feed in config.feed)
        self._unheeded = self._configured - vital(config)
        self._since = clock.now()
        self._told: set[str] = set()
        self._usual: dict[Name, dict[int, Hour]] | None = None
        self._fresh: dict[tuple[str, str, int], Hour] = {}
        self._sales: dict[Name, float] = {}
        self._kept_at = clock.monotonic()
        self.stale: dict[Name, str] = {}

    def told(self, stale: Iterable[str]) -> None:
        """The core takes these feeds (`trust.feed_name`) for stale."""
        self._told = set(stale)

    def turn(self) -> None:
        """Looks once. Raises StoreUnavailable where the database cannot be asked: then nothing is known and nothing changes."""
        if self._usual is None:
            self._unheeded |= self._store.read(feed_cursors_of).keys() - self._configured
            self._usual = self._store.read(usual_silences)
        heard = [feed for feed in self._store.read(heard_feeds) if feed.source not in self._unheeded]
        now = self._clock.now()
        for feed in heard:
            self._learn(self._usual, feed)
        self.stale = stale_feeds(
            heard, self._usual, stale_after_s=self._stale_after_s, watched_since=self._since, now=now, zone=self._zone
        )
        if self._hours.is_open(now, MARGIN_S) is False:
            self.stale = {}  # nobody sells when the shop is closed
        self._tell(heard, now)
        if self._clock.monotonic() - self._kept_at >= KEPT_S:
            self.keep()

    def keep(self) -> None:
        """Writes down what was learned. Raises StoreUnavailable."""
        self._kept_at = self._clock.monotonic()
        if self._fresh:
            rows = dict(self._fresh)
            self._store.write(partial(_keep_hours, rows=rows)).result()
            for name, hour in rows.items():
                if self._fresh.get(name) == hour:
                    del self._fresh[name]

    def _learn(self, usual: dict[Name, dict[int, Hour]], feed: FeedHeard) -> None:
        """From one sale to the next. The silence before the start teaches nothing: this box was not there to hear."""
        if feed.sale_at is None:
            return
        before = self._sales.get(feed.name)
        self._sales[feed.name] = feed.sale_at
        if before is None or feed.sale_at <= before or feed.heartbeat_at is not None:
            return
        known = usual.setdefault(feed.name, {})
        for hour, entry in learned(known, max(before, self._since), feed.sale_at, self._zone).items():
            if known.get(hour) != entry:
                known[hour] = entry
                self._fresh[*feed.name, hour] = entry

    def _tell(self, heard: list[FeedHeard], now: float) -> None:
        names = {feed_name(*feed.name): feed.name for feed in heard}
        stale = {feed_name(*name): reason for name, reason in self.stale.items()}
        for name in sorted(set(stale) ^ self._told):
            source, lane = names.get(name, (name, ""))
            state = "stale" if name in stale else "fresh"
            log.warning("feed %s is %s%s", name, state, f": {stale[name]}" if name in stale else " again")
            self._emit(Feed(at=now, source=source, lane=lane or None, state=state, reason=stale.get(name)))
        self._told = set(stale)


def heard_feeds(conn: Connection) -> list[FeedHeard]:
    """Every feed that was ever heard."""
    columns = (feeds.c.source, feeds.c.lane, feeds.c.heartbeat_at, feeds.c.sale_at)
    return [FeedHeard(*row) for row in conn.execute(select(*columns))]


def usual_silences(conn: Connection) -> dict[Name, dict[int, Hour]]:
    """What was learned of each feed, by hour of the week."""
    found: dict[Name, dict[int, Hour]] = {}
    for row in conn.execute(select(feed_hours)):
        found.setdefault((row.source, row.lane), {})[row.hour] = Hour(row.longest_s, row.weeks, row.last_week)
    return found


def _keep_hours(conn: Connection, rows: dict[tuple[str, str, int], Hour]) -> None:
    for (source, lane, hour), entry in rows.items():
        values = msgspec.structs.asdict(entry)
        statement = insert_into(conn, feed_hours).values(source=source, lane=lane, hour=hour, **values)
        conn.execute(statement.on_conflict_do_update(index_elements=["source", "lane", "hour"], set_=values))
