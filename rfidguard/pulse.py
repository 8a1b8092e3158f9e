"""The pulse of a thread: it beats while it works and rests while there is nothing to do. For the watchdog."""

import threading
from collections.abc import Callable


class Pulse:
    """A thread hangs where no beat came for `deadline_s`; at rest it does not. It calls `beat` and `rest` itself."""

    def __init__(self, monotonic: Callable[[], float], deadline_s: float) -> None:
        self._monotonic = monotonic
        self._deadline_s = deadline_s
        self._at: float | None = None

    def beat(self) -> None:
        """Work begins or goes on."""
        self._at = self._monotonic()

    def rest(self) -> None:
        """Nothing to do."""
        self._at = None

    def late_s(self, now: float, thread: threading.Thread | None) -> float:
        """How long its thread is over the deadline at `now` (monotonic); infinite for one that is gone, 0 where there is none."""
        return 0.0 if thread is None else late_s(thread, self._at, now, self._deadline_s)


def late_s(thread: threading.Thread, beat_at: float | None, now: float, deadline_s: float) -> float:
    """As `Pulse.late_s`, of a thread that last beat at `beat_at` (None: it rests). One that was not started yet is not late."""
    if thread.ident is None:
        return 0.0
    if not thread.is_alive():
        return float("inf")
    return 0.0 if beat_at is None else max(0.0, now - beat_at - deadline_s)
