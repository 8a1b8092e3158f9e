"""Whether a ROSpec that ends by itself runs again and again, and each time for as long as it should, pure.

Runs are measured by the reader's own times (Unix seconds), waiting by our monotonic clock, so that a link that stood still is not
taken for a fault of the reader.
"""

RESTART_S = 0.05
"""By the standard an immediate ROSpec that has become inactive starts again; one that does not within this is started by us."""

PATIENCE_S = 2.0
"""Readers and networks are late at times."""

MOST_WRONG = 3
"""Runs in a row that are much too short or too long: the reader does not keep to the durations of AISpecs."""

_SHORT, _LONG = 0.5, 1.5


class Runs:
    """Watches a ROSpec whose runs are to take `lasts_s`."""

    def __init__(self, lasts_s: float) -> None:
        self._lasts_s = lasts_s
        self._began_at: float | None = None
        self._ended_at = 0.0
        self._ended_mono: float | None = None
        self._asked = False
        self._wrong = 0

    def started(self, at: float) -> None:
        """The reader says that a run began `at`."""
        self._began_at, self._ended_mono, self._asked = at, None, False

    def ended(self, at: float, now: float) -> None:
        """The reader says that the run ended `at`; heard `now`."""
        if self._began_at is not None:
            share = (at - self._began_at) / self._lasts_s
            self._wrong = 0 if _SHORT <= share <= _LONG else self._wrong + 1
        self._began_at, self._ended_at, self._ended_mono, self._asked = None, at, now, False

    def refused(self, now: float) -> None:
        """The reader neither began by itself nor took our order to start."""
        self._ended_mono, self._asked = now, True

    def obeyed(self) -> None:
        """The reader took our order to start."""
        self._ended_mono = None

    def read(self, at: float) -> None:
        """A fresh read of `at` came: it runs, unless that read is of before its end. A reader that tells its starts tells its
        ends, too, so that reads long after an end was due speak of a run that takes too long. Of one that tells neither nothing
        is known but that it reads.
        """
        if at > self._ended_at + RESTART_S:
            self._ended_mono = None
        if self._began_at is not None and at - self._began_at > _LONG * self._lasts_s:
            self._wrong += 1
            self._began_at = at

    def wants_start(self, now: float) -> bool:
        """True once after an end that no start followed."""
        due = not self._asked and self._ended_mono is not None and now - self._ended_mono >= RESTART_S
        self._asked = self._asked or due
        return due

    def fault(self, now: float, heard_at: float) -> str | None:
        """What is wrong `now`, in words. `heard_at`: when anything was heard of the reader last."""
        if self._wrong >= MOST_WRONG:
            return f"does not keep to the {self._lasts_s:.1f} s that a round of inventories is to take"
        if self._ended_mono is None or min(now, heard_at) - self._ended_mono < PATIENCE_S:
            return None
        return f"has not started the inventory again for {now - self._ended_mono:.1f} s"
