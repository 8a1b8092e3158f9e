"""Folds the ledger once a day while the daemon runs, on a thread of its own: the box stays as small as it was."""

import logging
import threading

from rfidguard.clock import Clock
from rfidguard.errors import RfidguardError
from rfidguard.ledger_fold import DAY_S, fold
from rfidguard.pulse import Pulse
from rfidguard.store import Store

log = logging.getLogger(__name__)

FIRST_AFTER_S = 900.0
"""A box that has just started has more urgent things to do."""
AGAIN_AFTER_S = 3600.0
"""After a database that took nothing."""
HUNG_S = 600.0
"""A batch, and all writes that stand before it, take no longer."""


class FoldDaily(threading.Thread):
    """`start` it; it ends with `stop`. `late_s` is for the watchdog."""

    def __init__(
        self, store: Store, clock: Clock, older_than_days: float, stop: threading.Event, first_after_s: float = FIRST_AFTER_S
    ) -> None:
        super().__init__(name="ledger-fold", daemon=True)
        self._store, self._clock, self._days, self._stop_it = store, clock, older_than_days, stop
        self._first_after_s = first_after_s
        self._pulse = Pulse(clock.monotonic, HUNG_S)

    def late_s(self, now: float) -> float:
        """How long it is over its deadline at `now` (monotonic)."""
        return self._pulse.late_s(now, self)

    def run(self) -> None:
        pause_s = self._first_after_s
        while not self._stop_it.wait(pause_s):
            self._pulse.beat()
            pause_s = self._turn()
            self._pulse.rest()

    def _turn(self) -> float:
        """How long to wait for the next one, in seconds."""
        try:
            done = fold(self._store, self._days, self._clock.now(), self._stop_it, lambda _done: self._pulse.beat())
        except RfidguardError as error:
            log.warning("the ledger was not folded: %s", error)
            return AGAIN_AFTER_S
        if done.records:
            log.info("%d records older than %g days were folded", done.records, self._days)
        return DAY_S


def fold_daily(
    store: Store, clock: Clock, older_than_days: float, stop: threading.Event, first_after_s: float = FIRST_AFTER_S
) -> FoldDaily | None:
    """Starts the thread; None where nothing is ever to be folded (0 days)."""
    if not older_than_days:
        return None
    thread = FoldDaily(store, clock, older_than_days, stop, first_after_s)
    thread.start()
    return thread
