"""The only file that reads the time."""

import time
from typing import Protocol


class Clock(Protocol):
    """Wall and monotonic time in seconds."""

    def now(self) -> float:
        """Unix seconds UTC; never less than the value before."""
        ...

    def monotonic(self) -> float:
        """Seconds that only count forward; for waits and deadlines, never for events."""
        ...


class SystemClock:
    """The machine's clock. A clock stepped back is held until real time has caught up."""

    def __init__(self) -> None:
        self._latest = 0.0

    def now(self) -> float:
        self._latest = max(self._latest, time.time())  # noqa: TID251
        return self._latest

    def monotonic(self) -> float:
        return time.monotonic()
