"""Orders for one device: a bounded queue that knows outputs from inputs, so that a siren is never switched minutes late."""

import queue
import threading
from collections import Counter, deque

from rfidguard.driver import Order, SetOutput

CAPACITY = 256
"""Far more than a gate gives in a second; a device that leaves more unread is not working."""

REFUSED_MAX = 1024


class OrderQueue:
    """What a driver sees as `orders`. `put` never waits; what does not fit is kept aside to be answered, or counted in `lost`."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.lost: Counter[str] = Counter()
        self._capacity = capacity
        self._waiting: deque[Order] = deque()
        self._refused: deque[SetOutput] = deque()
        self._ready = threading.Condition()

    def put(self, order: Order) -> bool:
        """True when the order will be handed to the device."""
        with self._ready:
            if len(self._waiting) < self._capacity:
                self._waiting.append(order)
                self._ready.notify()
                return True
            self.lost[f"full_{type(order).__name__.lower()}"] += 1
            if isinstance(order, SetOutput) and len(self._refused) < REFUSED_MAX:
                self._refused.append(order)
            return False

    def get(self, block: bool = True, timeout: float | None = None) -> Order:
        """The oldest order. Raises queue.Empty when there is none within `timeout` seconds."""
        with self._ready:
            if not (self._ready.wait_for(lambda: self._waiting, timeout) if block else self._waiting):
                raise queue.Empty
            return self._waiting.popleft()

    def get_nowait(self) -> Order:
        """The oldest order; raises queue.Empty when there is none."""
        return self.get(block=False)

    def put_nowait(self, order: Order) -> None:
        """As `put`; raises queue.Full when it did not fit."""
        if not self.put(order):
            raise queue.Full

    def take_refused(self) -> list[SetOutput]:
        """The outputs that did not fit, each once."""
        with self._ready:
            taken, self._refused = list(self._refused), deque()
            return taken

    def take_outputs(self) -> list[SetOutput]:
        """Takes every output out of the queue; what the device is to hear of inputs stays."""
        with self._ready:
            taken = [order for order in self._waiting if isinstance(order, SetOutput)]
            if taken:
                self._waiting = deque(order for order in self._waiting if not isinstance(order, SetOutput))
            return taken
