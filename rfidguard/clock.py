"""The only file that reads the time."""

import threading
import time
from typing import Protocol

SLEW = 0.1
"""How much slower than real time runs while the machine's clock is behind ours, until it has caught up."""


class Clock(Protocol):
    """Wall and monotonic time in seconds."""

    def now(self) -> float:
        """Unix seconds UTC; never less than the value before."""
        ...

    def monotonic(self) -> float:
        """Seconds that only count forward; for waits and deadlines, never for events."""
        ...


class SystemClock:
    """The machine's clock, but for a step back: time then neither goes back nor stands still (a gate would be blind for as
    long), it runs slower by SLEW until the machine's clock has caught up. A step forward is followed at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0.0
        self._seen_at = time.monotonic()

    def now(self) -> float:
        with self._lock:
            mono = time.monotonic()
            least = self._latest + (mono - self._seen_at) * (1.0 - SLEW)
            self._latest, self._seen_at = max(least, time.time()), mono  # noqa: TID251
            return self._latest

    def monotonic(self) -> float:
        return time.monotonic()

    def start_at(self, at: float) -> None:
        """Time goes on from `at` at least: events that far have been seen, though the machine's clock says otherwise."""
        with self._lock:
            self._latest, self._seen_at = max(self._latest, at), time.monotonic()

    def ahead_s(self) -> float:
        """By how much our time is ahead of the machine's; 0 but after a step back."""
        return max(0.0, self.now() - time.time())  # noqa: TID251
