"""The one queue into the core. Bounded: a batch of reads that does not fit is dropped and counted, anything else waits."""

import queue
from collections import Counter

from rfidguard.clock import Clock, SystemClock
from rfidguard.events import Event, ReadBatch

CAPACITY = 5_000
"""Items, not reads. At the rate of a busy front this is some tens of seconds."""


class Inlet:
    """Filled by any thread, emptied by the core's. `counts`: items and reads taken, reads dropped. `waited_s`: how long the item
    that was taken last had waited, 0 where there was none.
    """

    def __init__(self, capacity: int = CAPACITY, clock: Clock | None = None) -> None:
        self._queue: queue.Queue[tuple[float, Event | ReadBatch]] = queue.Queue(capacity)
        self._clock = clock or SystemClock()
        self.counts: Counter[str] = Counter()
        self.waited_s = 0.0

    def emit(self, item: Event | ReadBatch) -> None:
        """Hands an event to the core. Waits for room unless it is a batch of reads."""
        entry = (self._clock.monotonic(), item)
        if not isinstance(item, ReadBatch):
            self._queue.put(entry)
            return
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self.counts["reads_dropped"] += len(item.reads)

    def take(self, timeout_s: float) -> tuple[Event, ...]:
        """The next item's events; empty after `timeout_s` seconds without one."""
        try:
            since, item = self._queue.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            self.waited_s = 0.0
            return ()
        self.waited_s = self._clock.monotonic() - since
        return item.reads if isinstance(item, ReadBatch) else (item,)

    def given_up(self, events: tuple[Event, ...]) -> None:
        """Reads that were taken and will not be heard."""
        self.counts["reads_dropped"] += len(events)

    def depth(self) -> int:
        """Items that wait."""
        return self._queue.qsize()
