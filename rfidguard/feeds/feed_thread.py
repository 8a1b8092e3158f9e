"""Keeps one polled feed running for ever: one thread, asks, stores, goes on; after a failure it pauses longer and longer."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from rfidguard.clock import Clock
from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.errors import DeviceLost, RefusedInput
from rfidguard.feeds.contract import Page, Source
from rfidguard.feeds.feed_store import cursor_of, take_page
from rfidguard.pulse import late_s
from rfidguard.store import Store, StoreUnavailable

log = logging.getLogger(__name__)

PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 60.0
HUNG_S = 120.0
"""A source that was asked and has not answered for so long hangs; its own calls have shorter limits."""

Tell = Callable[[str, str, str | None], None]
"""Feed, state (online, offline) and reason; called where they are others than before."""


class FeedThread:
    """One feed. `counts`: stored, duplicate, polls, restarts; `refused`, `passed` (over): by reason. `build` makes its source."""

    def __init__(
        self, feed: str, build: Callable[[], Source], every_s: float, store: Store, emit: Emit, clock: Clock, tell: Tell
    ) -> None:
        self.feed = feed
        self.counts: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        self.state: str | None = None
        self.reason: str | None = None
        self.beat_at = clock.monotonic()
        self._build, self._every_s = build, every_s
        self._store, self._emit, self._clock, self._tell = store, emit, clock, tell
        self._source: Source | None = None
        self._pending: Page | None = None
        self._unusable: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed {feed}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def cease(self) -> None:
        """Ends it soon."""
        self._stop.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends it; a source that hangs is left to die with the process."""
        self.cease()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def late_s(self, now: float) -> float:
        """How long it is over its deadline at `now` (monotonic): the source was asked and does not answer."""
        return late_s(self._thread, self.beat_at, now, HUNG_S + self._every_s)

    def hangs(self) -> bool:
        return self.late_s(self._clock.monotonic()) > 0

    def turn(self) -> bool:
        """Asks once and stores what comes. True where more is waiting. Raises DeviceLost, OSError, StoreUnavailable."""
        self.beat_at = self._clock.monotonic()
        if self._source is None:
            self._source = self._build()
        page = self._pending or self._asked(self._source)
        self._pending = page
        counts = take_page(
            self._store, page.taken, feed=self.feed, cursor=page.cursor, now=self._clock.now(), emit=self._emit,
            alive=self._source.proves_life,
        )  # fmt: skip
        self._pending = None
        self._count(page, counts.stored, counts.duplicate, len(counts.reused))
        self._source.stored(page, counts)
        self._told("online", None)
        return page.more

    def _asked(self, source: Source) -> Page:
        """The next page. An answer that is wrong as a whole is no sign of life: it is kept, and asked for again."""
        self.counts["polls"] += 1
        try:
            page = source.poll(self._store.read(partial(cursor_of, feed=self.feed)))
        except RefusedInput as error:
            self._refuse(error)
            raise DeviceLost(f"the answer cannot be used: {error} ({error.reason})") from error
        self._unusable = None
        return page

    def _refuse(self, error: RefusedInput) -> None:
        """The same answer again and again is one letter."""
        self.refused[error.reason] += 1
        if self._unusable != str(error):
            letter = partial(bury, source=self.feed, reason=error.reason, detail=str(error), payload=b"", at=self._clock.now())
            self._store.write(letter).result()
            self._unusable = str(error)

    def _count(self, page: Page, stored: int, duplicate: int, reused: int) -> None:
        self.counts.update(stored=stored, duplicate=duplicate)
        self.refused.update(one.reason for one in page.taken if one.reason is not None)
        self.refused.update(["id_reused"] * reused)
        self.passed.update(one.passed for one in page.taken if one.passed is not None)

    def _run(self) -> None:
        pause_s = PAUSE_MIN_S
        while not self._stop.is_set():
            try:
                more = self.turn()
            except (DeviceLost, OSError, StoreUnavailable) as error:
                self._failed(str(error) or type(error).__name__)
            except Exception as error:  # thread root: a fault of one feed must not end the others
                log.exception("feed %s: a fault; it is started again", self.feed)
                self._pending = None
                self._failed(f"fault in the feed: {type(error).__name__}: {error}")
            else:
                pause_s = PAUSE_MIN_S
                if not more:
                    self._rest(self._every_s)
                continue
            self.counts["restarts"] += 1
            self._rest(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(PAUSE_MAX_S, pause_s * 2)
        self._let_go()

    def _failed(self, reason: str) -> None:
        """A new source goes on from the cursor on disk. A page that could not be stored is kept: it is stored first."""
        if self._pending is None:
            self._let_go()
        self._told("offline", reason)

    def _let_go(self) -> None:
        source, self._source = self._source, None
        if source is not None:
            source.close()

    def _rest(self, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        while (left_s := until - self._clock.monotonic()) > 0 and not self._stop.wait(min(left_s, 1.0)):
            self.beat_at = self._clock.monotonic()

    def _told(self, state: str, reason: str | None) -> None:
        if (state, reason) == (self.state, self.reason):
            return
        log.log(
            logging.INFO if state == "online" else logging.WARNING,
            "feed %s is %s%s",
            self.feed,
            state,
            f": {reason}" if reason else "",
        )
        self.state, self.reason = state, reason
        self._tell(self.feed, state, reason)
