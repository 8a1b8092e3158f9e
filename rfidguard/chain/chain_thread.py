"""One task of the chain on a thread of its own: done again and again; after a failure it pauses longer and longer."""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable

from rfidguard.clock import Clock
from rfidguard.errors import DeviceLost
from rfidguard.pulse import Pulse
from rfidguard.store import StoreUnavailable

log = logging.getLogger(__name__)

PAUSE_MIN_S = 0.5
PAUSE_MAX_S = 30.0
HUNG_S = 300.0
"""Every call to the centre has a shorter limit of its own."""


class ChainThread:
    """`turn` returns how long to rest (seconds). `problem`: why it fails now, None while it works or has not been tried."""

    def __init__(self, name: str, turn: Callable[[], float], clock: Clock, told: Callable[[], None]) -> None:
        self.counts: Counter[str] = Counter()
        self.problem: str | None = None
        self.works = False
        """True once a turn came to its end, until one fails."""
        self._pulse = Pulse(clock.monotonic, HUNG_S)

        self.name, self._turn, self._clock, self._told = name, turn, clock, told
        self._stop = threading.Event()
        self._nudge = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def late_s(self, now: float) -> float:
        """How long it is over its deadline at `now` (monotonic)."""
        return self._pulse.late_s(now, self._thread)

    def nudge(self) -> None:
        """There is something to do: the rest ends now, unless the last turn failed."""
        self._nudge.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends it; a centre that hangs is left to die with the process."""
        self._stop.set()
        self._nudge.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = PAUSE_MIN_S
        while not self._stop.is_set():
            self._nudge.clear()
            self._pulse.beat()
            try:
                rest_s = self._turn()
            except (DeviceLost, OSError, StoreUnavailable) as error:
                self._failed(str(error) or type(error).__name__)
            except Exception as error:  # thread root: a fault here must not end the guarding
                log.exception("%s: a fault; it is started again", self.name)
                self._failed(f"fault: {type(error).__name__}: {error}")
            else:
                pause_s = PAUSE_MIN_S
                self._worked()
                self._pulse.rest()
                self._nudge.wait(rest_s)
                continue
            self.counts["failures"] += 1
            self._pulse.rest()
            self._stop.wait(pause_s * random.uniform(0.5, 1.0))
            pause_s = min(PAUSE_MAX_S, pause_s * 2)

    def _worked(self) -> None:
        if self.problem is not None:
            log.info("%s works again", self.name)
        news = not self.works
        self.problem, self.works = None, True
        if news:
            self._told()

    def _failed(self, reason: str) -> None:
        if self.problem is None:
            log.warning("%s: %s", self.name, reason)
        news = self.problem != reason
        self.problem, self.works = reason, False
        if news:
            self._told()
