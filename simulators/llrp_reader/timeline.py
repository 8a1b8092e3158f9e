"""The reader's time line: 0 s is the first inventory (or a moment given); reads and scripted events follow at their second."""

from collections.abc import Callable

from rfidguard.clock import Clock
from rfidguard.events import Read
from simulators.llrp_reader.source import ReadSource
from simulators.llrp_reader.timers import Timers


class Timeline:
    """Plays a source of reads, and a script. `begin_at`: wall time of 0 s; None = whenever `begin` is called first."""

    def __init__(self, source: ReadSource | None, clock: Clock, timers: Timers, begin_at: float | None) -> None:
        self.begin_at = begin_at
        self.at_end = source is None
        self._source, self._clock, self._timers = source, clock, timers
        self._zero: tuple[float, float] | None = None
        self._script: list[tuple[float, Callable[[], None]]] = []

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        """Plans something; to be called before `begin`."""
        self._script.append((seconds, action))

    def begin(self) -> None:
        """Time starts to run; only the first call counts."""
        if self._zero is not None:
            return
        wall, mono = self._clock.now(), self._clock.monotonic()
        shift = 0.0 if self.begin_at is None else self.begin_at - wall
        self._zero = (wall + shift, mono + shift)
        for seconds, action in self._script:
            self._timers.after(shift + seconds, action)

    def next_due(self) -> float | None:
        """Monotonic time of the next read; None when there is none to wait for."""
        if self._source is None or self._zero is None:
            return None
        upcoming = self._source.next_s()
        return None if upcoming is None else self._zero[1] + upcoming

    def due(self) -> list[tuple[float, Read]]:
        """The reads up to now, each with its wall time."""
        if self._source is None or self._zero is None or self.at_end:
            return []
        wall, mono = self._zero
        reads = [(wall + moment, read) for moment, read in self._source.due(self._clock.monotonic() - mono)]
        self.at_end = self._source.next_s() is None
        return reads
