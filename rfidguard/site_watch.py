"""What the daemon looks after once a second beside its devices: silent tills, a changed catalogue, how goods passed the gates."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from msgspec.structs import replace as replace_struct

from rfidguard.catalogue_db import catalogue_mark, imported_at, own_gtins
from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.driver import Emit
from rfidguard.effects import Effect
from rfidguard.errors import RfidguardError
from rfidguard.events import Site
from rfidguard.exit_tally import ExitTally, keep_counts
from rfidguard.feed_watch import FeedWatch
from rfidguard.layout import Layout
from rfidguard.site_state import SiteHours, count_until
from rfidguard.store import Store
from rfidguard.walk_times import learned_ttl_s
from rfidguard.walk_watch import WalkWatch

log = logging.getLogger(__name__)

SLOW_S = 10.0
KEEP_S = 60.0


class SiteWatch:
    """`turn` on the daemon's main thread, `take` on the core's. `relaid` hears of a layout with another catalogue."""

    def __init__(
        self, store: Store, config: Config, emit: Emit, clock: Clock, layout: Layout, relaid: Callable[[Layout], None]
    ) -> None:
        self._store, self._clock, self._zone = store, clock, config.site.zone()
        self._layout, self._relaid = layout, relaid
        self._mark: tuple[int, float] = (0, 0.0)
        self._slow_at = self._kept_at = clock.monotonic() - SLOW_S
        self._imported_at: float | None = None
        self._tally = ExitTally(self._zone)
        self._feeds = FeedWatch(store, config, emit, clock)
        self._walks = WalkWatch(store)
        self._hours, self._policy, self._emit = SiteHours(config.site), config.ledger, emit
        self._told: Site | None = None
        self._ttl_s: float | None = None

    def expect(self, stale: Iterable[str]) -> None:
        """The core still takes these feeds (`trust.feed_name`) for stale."""
        self._feeds.told(stale)

    def catalogue(self) -> Layout:
        """The layout with the catalogue as it is now; as before where the database cannot be asked."""
        try:
            self._look_at_catalogue()
        except RfidguardError as error:
            log.warning("the catalogue cannot be read now: %s", error)
        return self._layout

    def take(self, effects: list[Effect]) -> None:
        """Hears of what the core decided."""
        self._tally.take(effects)
        self._walks.take(effects)

    def turn(self) -> None:
        """Raises StoreUnavailable where the database cannot be asked."""
        self._feeds.turn()
        self._tell_site()
        now = self._clock.monotonic()
        if now - self._slow_at >= SLOW_S:
            self._slow_at = now
            imported = self._imported()
            if self._look_at_catalogue() or imported:
                self._relaid(self._layout)
        if now - self._kept_at >= KEEP_S:
            self._kept_at = now
            self.keep()

    def keep(self) -> None:
        """Writes down what was counted and learned. Raises StoreUnavailable."""
        self._feeds.keep()
        if self._policy.credit_ttl_learn:
            self._ttl_s = learned_ttl_s(self._walks.learn(), self._policy.credit_ttl_min_s, self._policy.credit_ttl_max_s)
        counts = self._tally.due()
        if not counts:
            return
        try:
            self._store.write(partial(keep_counts, counts=counts)).result()
        except RfidguardError:
            self._tally.again(counts)
            raise

    def _tell_site(self) -> None:
        """Tells the core what the shop is like, where that is another than before."""
        now = self._clock.now()
        counting = self._hours.is_counting(now, self._store.read(count_until))
        site = Site(at=0.0, counting=counting, open=self._hours.is_open(now), credit_ttl_s=self._ttl_s)
        if site != self._told:
            self._told = site
            self._emit(replace_struct(site, at=now))

    def _imported(self) -> bool:
        """True where records were imported since this was asked last."""
        before, self._imported_at = self._imported_at, self._store.read(imported_at)
        return before is not None and before != self._imported_at

    def _look_at_catalogue(self) -> bool:
        mark = self._store.read(catalogue_mark)
        if mark == self._mark:
            return False
        gtins = self._store.read(own_gtins)
        self._mark = mark
        self._layout = replace(self._layout, catalogue=gtins)
        log.info("the catalogue names %d articles", len(gtins))
        return True


def local_day(at: float, config: Config) -> str:
    """Unix seconds -> "2026-11-22" in the shop's time."""
    return datetime.fromtimestamp(at, UTC).astimezone(config.site.zone()).date().isoformat()
