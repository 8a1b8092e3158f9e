"""One polled feed for tests, turn by turn, on a real database, at a time set by hand."""

from zoneinfo import ZoneInfo

from hand_clock import HandClock

from rfidguard.events import Event, Ledger, ReadBatch
from rfidguard.feeds.contract import Context, load_feed
from rfidguard.feeds.feed_thread import FeedThread
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

NOW = 1_795_400_000.0


class FeedBox:
    """`told`: what the core heard. Another one on the same store is the feed after a restart."""

    def __init__(self, store: Store, driver: str, **settings: object) -> None:
        self.store, self.clock = store, HandClock(NOW)
        self.told: list[Event | ReadBatch] = []
        self.states: list[tuple[str, str | None]] = []
        kind = load_feed(driver)
        context = Context("erp", ZoneInfo("Europe/Berlin"), self.clock, lambda codes: {})
        build = lambda: kind(kind.Settings(**settings), context)  # noqa: E731
        tell = lambda _feed, state, reason: self.states.append((state, reason))  # noqa: E731
        self.feed = FeedThread("erp", build, 1.0, store, self.told.append, self.clock, tell)

    def turns(self) -> tuple[int, int, int]:
        """Until nothing more is waiting: stored, duplicate, refused so far."""
        while self.feed.turn():
            pass
        return self.feed.counts["stored"], self.feed.counts["duplicate"], self.feed.refused.total()

    def stored(self) -> list[Ledger]:
        return self.store.read(lambda conn: list(export_records(conn)))
