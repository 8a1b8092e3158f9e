"""How often one person, lane or login may do something: a token bucket for each, in bounded memory."""

import threading
from collections import OrderedDict

from rfidguard.clock import Clock

MAX_NAMES = 1_000


class RateLimit:
    """`burst` at once, then `per_s`, for each name apart. Any thread.

    At most MAX_NAMES are remembered; the one that was quiet longest is forgotten, and then begins with a full bucket.
    """

    def __init__(self, per_s: float, burst: int, clock: Clock) -> None:
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> bool:
        """True where `name` may go on now; False where it must wait."""
        now = self._clock.monotonic()
        with self._lock:
            left, at = self._buckets.pop(name, (float(self._burst), now))
            left = min(left + (now - at) * self._per_s, self._burst)
            may = left >= 1.0
            self._buckets[name] = (left - may, now)
            if len(self._buckets) > MAX_NAMES:
                self._buckets.popitem(last=False)
        return may

    def __len__(self) -> int:
        return len(self._buckets)
