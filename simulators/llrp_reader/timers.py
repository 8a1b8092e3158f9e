"""Things to do later, on the reader's own thread. Times are seconds of the monotonic clock."""

import heapq
from collections.abc import Callable
from itertools import count


class Timer:
    """One thing to do. `cancel` may be called at any time, more than once."""

    def __init__(self, due: float, action: Callable[[], None]) -> None:
        self.due = due
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class Timers:
    """All that is planned. `run` does what is due, in the order of its time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic
        self._heap: list[tuple[float, int, Timer]] = []
        self._serial = count()

    def after(self, seconds: float, action: Callable[[], None]) -> Timer:
        """Plans `action` for so many seconds from now."""
        timer = Timer(self.monotonic() + seconds, action)
        heapq.heappush(self._heap, (timer.due, next(self._serial), timer))
        return timer

    def run(self) -> None:
        """Does everything that is due now; what that plans for now waits for the next call."""
        now, due = self.monotonic(), []
        while self._heap and self._heap[0][0] <= now:
            due.append(heapq.heappop(self._heap)[2])
        for timer in due:
            action, timer.action = timer.action, None
            if action is not None:
                action()

    def next_due(self) -> float | None:
        """When the next thing is due; None when nothing is planned."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
