"""Asks the centre about items that are unknown here, while they are on their way to the door. Never waited for by the gate."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence

from rfidguard.chain.contract import Lookup, Shared
from rfidguard.clock import Clock
from rfidguard.errors import DeviceLost
from rfidguard.events import Ledger
from rfidguard.ledger import record_key

AT_ONCE = 50
"""Keys of one question: a trolley full of items."""
WAITING = 5_000
WORTH_ASKING_S = 120.0
"""For so long an answer may still clear an alarm."""
ASKED_KEPT_S = 60.0
"""An item that the centre did not know is not asked about again for so long."""
ASKED_KEPT = 20_000
REST_S = 3600.0
"""Without questions there is nothing to do: who puts one nudges the thread."""


class Asking:
    """`missed` on the core's thread, `turn` on a thread of its own. `counts`: asked, known, unknown, no_answer, dropped."""

    def __init__(self, centre: Lookup, deadline_s: float, clock: Clock, take: Callable[[Sequence[Shared]], int]) -> None:
        self.counts: Counter[str] = Counter()
        self._centre, self._deadline_s, self._clock, self._take = centre, deadline_s, clock, take
        self._waiting: OrderedDict[str, float] = OrderedDict()
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()
        self.nudge: Callable[[], None] = lambda: None

    def missed(self, keys: Iterable[str], records: Iterable[Ledger]) -> None:
        """The core asked about `keys` and only `records` are known."""
        known = {record_key(record) for record in records}
        unknown = [key for key in keys if not key.startswith("gtin:") and key not in known]
        now = self._clock.monotonic()
        with self._lock:
            for key in unknown:
                if now - self._asked.get(key, now - ASKED_KEPT_S) >= ASKED_KEPT_S:
                    self._waiting.setdefault(key, now)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
                self.counts["dropped"] += 1
            some = bool(self._waiting)
        if some:
            self.nudge()

    def turn(self) -> float:
        """Asks what waits. Raises DeviceLost, and keeps the questions, where the centre does not answer."""
        keys = self._next()
        if not keys:
            return REST_S
        self.counts["asked"] += len(keys)
        try:
            found = self._centre.state(keys, self._deadline_s)
        except DeviceLost:
            self.counts["no_answer"] += len(keys)
            raise
        self._take([shared for one in found.values() for shared in one])
        self.counts.update(known=len(found), unknown=len(keys) - len(found))
        self._settled(keys)
        return 0.0

    def _next(self) -> list[str]:
        now = self._clock.monotonic()
        with self._lock:
            for key in [key for key, since in self._waiting.items() if now - since > WORTH_ASKING_S]:
                del self._waiting[key]
                self.counts["dropped"] += 1
            return list(self._waiting)[:AT_ONCE]

    def _settled(self, keys: Sequence[str]) -> None:
        now = self._clock.monotonic()
        with self._lock:
            for key in keys:
                self._waiting.pop(key, None)
                self._asked[key] = now
                self._asked.move_to_end(key)
            while len(self._asked) > ASKED_KEPT:
                self._asked.popitem(last=False)
