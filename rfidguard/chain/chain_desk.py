"""The chain as the daemon runs it: one thread hears what others sold, one tells what was sold here, one asks about single items.

The gate waits for none of them. What cannot be told now waits in the database; what was not heard comes as late sales do.
"""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from rfidguard import chain_outbox
from rfidguard.alarm import utc_text
from rfidguard.chain.asking import Asking
from rfidguard.chain.chain_store import FEED, Member, known_here, take_shared
from rfidguard.chain.chain_thread import ChainThread
from rfidguard.chain.contract import Centre, Shared, build_centre
from rfidguard.chain.teller import Teller
from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.driver import Emit
from rfidguard.events import Ledger
from rfidguard.feeds.feed_store import cursor_of
from rfidguard.metrics import Family, counter, gauge
from rfidguard.store import Store, StoreUnavailable

log = logging.getLogger(__name__)

Tell = Callable[[str, str, str | None], None]
"""Name, state (online, offline) and reason; called where they are others than before."""


def no_chain(store: Store) -> None:
    """This box belongs to no chain, or none any more: nothing waits for a centre."""
    store.write(chain_outbox.leave)


class ChainDesk:
    """`start`, `stop`; `missed` is called on the core's thread with what it asked and what was found."""

    def __init__(self, config: Config, store: Store, emit: Emit, clock: Clock, tell: Tell) -> None:
        """Needs `config.chain`. Raises RfidguardError where the centre's kind is not known."""
        assert config.chain is not None
        chain = config.chain
        self._chain, self._store, self._emit, self._clock, self._tell = chain, store, emit, clock, tell
        self.centre: Centre = build_centre(chain, config.site.id)
        self._me = Member(config.site.id, chain.box, chain.region, chain.vital)
        self._mark = hashlib.sha256(chain.address().encode()).hexdigest()[:8]
        self.refused: Counter[str] = Counter()
        """Records of others that could not be kept, by reason."""
        self._asking = Asking(self.centre, chain.ask_s, clock, lambda shared: self._take(shared, None, asked=True))
        self._hears = ChainThread("chain hear", self._hear, clock, self._changed)
        self._teller = Teller(store, self.centre, self._me, chain.history_days, clock)
        self._tells = ChainThread("chain tell", self._teller.turn, clock, self._changed)
        self._asks = ChainThread("chain ask", self._asking.turn, clock, self._changed)
        self._asking.nudge = self._asks.nudge
        self._state: tuple[str, str | None] = ("offline", "not reached yet")
        self._serving = False

    @property
    def missed(self) -> Callable[[Sequence[str], Sequence[Ledger]], None] | None:
        """What the ledger desk calls; None where the centre is not to be asked."""
        return self._asking.missed if self._chain.ask_s else None

    def start(self) -> None:
        self._store.after_commit(self._tells.nudge)
        self._tell(FEED, *self._state)
        for thread in self.threads():
            thread.start()

    def stop(self) -> None:
        for thread in self.threads():
            thread.stop()
        self.centre.close()

    def reasons(self) -> dict[str, str]:
        """Why it does not work; nothing while it does or was not tried yet."""
        problem = self._problem()
        return {} if problem is None else {f"feed {FEED}": problem}

    def health(self) -> dict[str, Any]:
        """For the topic `health`. Raises StoreUnavailable."""
        link, waiting = self._store.read(lambda conn: (chain_outbox.link_of(conn), chain_outbox.backlog(conn)))
        return {
            "state": self._state[0], "reason": self._state[1], "waiting": waiting,
            "told_at": None if link is None or link.told_at is None else utc_text(link.told_at),
            "heard": self._hears.counts["records"], "told": self._teller.counts["told"], "asked": dict(self._asking.counts),
            "refused": dict(self.refused),
        }  # fmt: skip

    def families(self) -> Iterable[Family]:
        """The numbers for /metrics."""
        try:
            waiting = float(self._store.read(chain_outbox.backlog))
        except StoreUnavailable:
            waiting = float("nan")
        moved = {"heard": float(self._hears.counts["records"]), "told": float(self._teller.counts["told"])}
        return [
            gauge("rfidguard_chain_up", "1 while the centre of the chain works.", float(self._state[0] == "online")),
            gauge("rfidguard_chain_waiting", "Records that the centre has yet to be told.", waiting),
            counter("rfidguard_chain_records", "Records heard from and told to the centre.", moved, "way"),
            counter("rfidguard_chain_asked", "Items that the centre was asked about.", self._asking.counts, "outcome"),
            counter("rfidguard_chain_refused", "Records of other boxes that could not be kept.", self.refused),
        ]

    def _hear(self) -> float:
        """One page of what others told."""
        known = self._store.read(partial(cursor_of, feed=FEED)) or ""
        mark, _, cursor = known.partition(" ")
        cursor = cursor if mark == self._mark else ""
        starts = not cursor or self.centre.is_snapshot(cursor)
        batch = self.centre.snapshot(cursor or None) if starts else self.centre.poll(cursor)
        if batch.restored:
            log.warning("the centre knows less than before: it is told everything again")
            self._teller.again()
            self._tells.nudge()
        if batch.unreadable:
            self.refused["unreadable"] += batch.unreadable
            log.warning("%d records of other boxes cannot be read; they are left out", batch.unreadable)
        if batch.shared or batch.cursor or self._chain.vital:
            self._hears.counts["records"] += self._take(batch.shared, batch.cursor)
        if self._chain.answer and not self._serving:
            self.centre.serve(lambda keys: known_here(self._store, keys, self._me))
            self._serving = True
        return 0.0 if batch.more else self._chain.every_s

    def _take(self, shared: Sequence[Shared], cursor: str | None, *, asked: bool = False) -> int:
        place = None if cursor is None else f"{self._mark} {cursor}"
        heard = take_shared(self._store, shared, self._me, place, self._clock.now(), self._emit, asked=asked)
        self.refused.update(heard.refused)
        return len(heard.records) + len(heard.bound)

    def threads(self) -> tuple[ChainThread, ...]:
        """All of its threads."""
        return (self._hears, self._tells, self._asks)

    def _problem(self) -> str | None:
        return next((thread.problem for thread in self.threads() if thread.problem is not None), None)

    def _changed(self) -> None:
        problem = self._problem()
        state = ("online", None) if problem is None and self._hears.works else ("offline", problem or "not reached yet")
        if state != self._state:
            self._state = state
            self._tell(FEED, *state)
