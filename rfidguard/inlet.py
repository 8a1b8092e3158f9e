"""The one queue into the core. Bounded: a batch of reads that does not fit is dropped and counted, anything else waits.

Many threads that fill it at one moment may fill it by one item each beyond its capacity: looking and putting are two steps, for a
lock around both would cost more than either.
"""

import queue
import threading
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
        self._queue: queue.SimpleQueue[tuple[float, Event | ReadBatch]] = queue.SimpleQueue()
        self._capacity = capacity
        self._room = threading.Condition()
        self._waiting = 0
        self._clock = clock or SystemClock()
        self.counts: Counter[str] = Counter()
        self.waited_s = 0.0

    def emit(self, item: Event | ReadBatch) -> None:
        """Hands an event to the core. Waits for room unless it is a batch of reads."""
        entry = (self._clock.monotonic(), item)
        if not self._full():
            self._queue.put(entry)
        elif isinstance(item, ReadBatch):
            self.counts["reads_dropped"] += len(item.reads)
        else:
            self._put_when_there_is_room(entry)

    def take(self, timeout_s: float) -> tuple[Event, ...]:
        """The next item's events; empty after `timeout_s` seconds without one."""
        try:
            since, item = self._queue.get(timeout=max(timeout_s, 0.0))
        except queue.Empty:
            self.waited_s = 0.0
            return ()
        if self._waiting:
            with self._room:
                self._room.notify()
        self.waited_s = self._clock.monotonic() - since
        return item.reads if isinstance(item, ReadBatch) else (item,)

    def given_up(self, events: tuple[Event, ...]) -> None:
        """Reads that were taken and will not be heard."""
        self.counts["reads_dropped"] += len(events)

    def depth(self) -> int:
        """Items that wait."""
        return self._queue.qsize()

    def _full(self) -> bool:
        return self._queue.qsize() >= self._capacity

    def _put_when_there_is_room(self, entry: tuple[float, Event | ReadBatch]) -> None:
        with self._room:
            self._waiting += 1
            self._room.wait_for(lambda: not self._full())
            self._waiting -= 1
            self._queue.put(entry)
