"""The fastest messages of the last seconds as a line: where the offset between two clocks is, and how it drifts. Pure.

A line and not a minimum: where one clock runs faster, the least of ten seconds is ten seconds of drift too low. It is the edge of
the lower convex hull over the middle of the window, so that delays in the newer half do not bend it (Moon, Skelly, Towsley,
"Estimation and removal of clock skew from network delay measurements", 1999).
"""

from collections import deque

BUCKET_S = 1.0
"""Of each so much time the least sample is kept."""

BUCKETS = 10
"""A drift that begins is known after half of them; who slews a clock by chrony's most (8.3 %) is then 0.4 s off. A hold-up that
lasts longer than half of them looks like drift.
"""

KEPT_S = 60.0
"""A drift is believed so long after the last message. Believed too long it does no harm: the next message tells."""

MAX_DRIFT = 0.1
"""Seconds a second. What rises faster is a step or a backlog."""

_Point = tuple[float, float]


class Envelope:
    """`add` samples of the offset as they come; `at` tells where the line is now."""

    def __init__(self) -> None:
        self._points: deque[_Point] = deque(maxlen=BUCKETS)
        self._opened_at: float | None = None
        self._least: _Point = (0.0, 0.0)
        self._edge: tuple[_Point, float] | None = None

    def add(self, at: float, sample: float) -> None:
        """A sample heard at the time `at`, which only rises."""
        if self._opened_at is not None and at - self._opened_at < BUCKET_S:
            if sample <= self._least[1]:
                self._least = (at, sample)
            return
        if self._opened_at is not None:
            self._close(at)
        self._opened_at, self._least = at, (at, sample)

    def at(self, at: float) -> float | None:
        """The line at a time not before the last sample; None before there is one, and where nothing was heard for long."""
        if self._edge is None or at - self._points[-1][0] > KEPT_S:
            return None
        (since, offset), slope = self._edge
        return offset + slope * (at - since)

    def _close(self, now: float) -> None:
        self._points.append(self._least)
        while now - self._points[0][0] > (BUCKETS + 1) * BUCKET_S and len(self._points) > 1:
            self._points.popleft()
        self._edge = self._edge_over_the_middle()

    def _edge_over_the_middle(self) -> tuple[_Point, float] | None:
        """Of all lines from an older to a newer point the one that is lowest in the middle: no point lies below it."""
        points = list(self._points)
        middle = (points[0][0] + points[-1][0]) / 2
        lines = [
            (old, (new[1] - old[1]) / (new[0] - old[0]))
            for old in points if old[0] <= middle
            for new in points if new[0] > middle
        ]  # fmt: skip
        edge = min(lines, key=lambda line: line[0][1] + line[1] * (middle - line[0][0]), default=None)
        return None if edge is None or edge[1] > MAX_DRIFT else edge
