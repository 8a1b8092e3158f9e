"""The one queue into the core. Bounded: a batch of reads that does not fit is dropped and counted, anything else waits."""

import queue
from collections import Counter

from rfidguard.events import Event, ReadBatch

CAPACITY = 5_000
"""Items, not reads. At the rate of a busy front this is some tens of seconds."""


class Inlet:
    """Filled by any thread, emptied by the core's. `counts`: items and reads taken, reads dropped."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._queue: queue.Queue[Event | ReadBatch] = queue.Queue(capacity)
        self.counts: Counter[str] = Counter()

    def emit(self, item: Event | ReadBatch) -> None:
        """Hands an event to the core. Waits for room unless it is a batch of reads."""
        if not isinstance(item, ReadBatch):
            self._queue.put(item)
            return
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self.counts["reads_dropped"] += len(item.reads)

    def take(self, timeout_s: float) -> tuple[Event, ...]:
        """The next item's events; empty after `timeout_s` seconds without one."""
        try:
            item = self._queue.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            return ()
        return item.reads if isinstance(item, ReadBatch) else (item,)

    def depth(self) -> int:
        """Items that wait."""
        return self._queue.qsize()
