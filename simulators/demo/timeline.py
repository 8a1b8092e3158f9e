"""A thread that does things at their time."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from rfidguard.clock import Clock

log = logging.getLogger(__name__)


class Timeline:
    """`at` takes Unix seconds; what is late is done at once. Actions run one after another on the timeline's thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._live, name="timeline", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(5)

    def at(self, when: float, action: Callable[[], object]) -> None:
        with self._changed:
            heapq.heappush(self._due, (when, next(self._order), action))
            self._changed.notify()

    def _live(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                wait_s = self._due[0][0] - self._clock.now() if self._due else None
                if wait_s is None or wait_s > 0:
                    self._changed.wait(wait_s)
                    continue
                action = heapq.heappop(self._due)[2]
            try:
                action()
            except Exception:  # thread root: one failed action of the show must not end it
                log.exception("an action of the demo failed")
