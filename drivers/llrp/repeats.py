"""Whether a ROSpec that its period starts is started again and again, pure. Times are monotonic, in seconds."""

PATIENCE_S = 2.0
"""Beyond the period: readers and networks are late at times."""

MAX_HALF_SILENT = 3
"""Periods in a row of which more than half is silence: the reader needs longer than a period and so leaves out the next, or it
passes over visits (no antenna?). One may be a network that stood still."""


class Repeats:
    """Watches a ROSpec of `period_s`, enabled at `now`, by its events and reads."""

    def __init__(self, period_s: float, now: float) -> None:
        self._period_s = period_s
        self._alive_at = now
        self._ended_at: float | None = None
        self._half_silent = 0

    def started(self, now: float) -> None:
        """The reader says that it started."""
        if self._ended_at is not None:
            self._half_silent = self._half_silent + 1 if now - self._ended_at > self._period_s / 2 else 0
        self._alive_at, self._ended_at = now, None

    def ended(self, now: float) -> None:
        """The reader says that it ended."""
        self._alive_at = self._ended_at = now

    def read(self, now: float) -> None:
        """A fresh read came: it runs, whatever the reader says of it."""
        self._alive_at = now

    def fault(self, now: float, heard_at: float) -> str | None:
        """What is wrong at `now`, in words. A reader that was not even heard (`heard_at`) since it is due is the link's fault."""
        if self._half_silent >= MAX_HALF_SILENT:
            return "is silent for half of the time, for the inventory takes it longer or shorter than asked"
        # An empty gate says nothing between start and end, a period later at the latest.
        due = self._alive_at + self._period_s + PATIENCE_S + (self._period_s if self._ended_at is None else 0.0)
        if now < due or heard_at < due:
            return None
        return f"has not started the inventory again for {now - self._alive_at:.1f} s"
