"""Folds the ledger once a day while the daemon runs, on a thread of its own: the box stays as small as it was."""

import logging
import threading

from rfidguard.clock import Clock
from rfidguard.errors import RfidguardError
from rfidguard.ledger_fold import DAY_S, fold
from rfidguard.store import Store

log = logging.getLogger(__name__)

FIRST_AFTER_S = 900.0
"""A box that has just started has more urgent things to do."""
AGAIN_AFTER_S = 3600.0
"""After a database that took nothing."""


def fold_daily(
    store: Store, clock: Clock, older_than_days: float, stop: threading.Event, first_after_s: float = FIRST_AFTER_S
) -> threading.Thread | None:
    """Starts the thread; None where nothing is ever to be folded (0 days)."""
    if not older_than_days:
        return None

    def live() -> None:
        pause_s = first_after_s
        while not stop.wait(pause_s):
            pause_s = _turn(store, clock, older_than_days, stop)

    thread = threading.Thread(target=live, name="ledger-fold", daemon=True)
    thread.start()
    return thread


def _turn(store: Store, clock: Clock, older_than_days: float, stop: threading.Event) -> float:
    """How long to wait for the next one, in seconds."""
    try:
        done = fold(store, older_than_days, clock.now(), stop)
    except RfidguardError as error:
        log.warning("the ledger was not folded: %s", error)
        return AGAIN_AFTER_S
    if done.records:
        log.info("%d records older than %g days were folded", done.records, older_than_days)
    return DAY_S
