"""Step 3c: of a tag that stood, what was heard of it in each of some windows of time around a count. Pure."""

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from rfidguard.picked_shelf import BEFORE_S, DEV_MOST, EARLIER_S, UNHEARD_DB, Shelf
from rfidguard.trail import Step, Trail

WINDOWS = ("early", "coming", "passing", "going", "gone")
EARLY, COMING, PASSING, GOING, GONE = range(len(WINDOWS))
_EDGES_S = (-EARLIER_S, -BEFORE_S, -1.5, -0.5, 0.5, 1.5)
"""From the count: until when it stood; a gap; from when each window lasts."""
_UNKNOWN_DB, _NO_DEV = -20.0, -1.0
"""The rise of what no antenna that knows it heard, and its mean deviation."""


class AroundCount(msgspec.Struct, frozen=True):
    """The last steps of a tag around a count: those of where it stood, and those in each of WINDOWS."""

    earlier: list[Step]
    windows: tuple[list[Step], ...]

    def loudest_db(self, windows: Iterable[int], otherwise: float) -> float:
        """Of all reads in these windows."""
        return max((step[2] for window in windows for step in self.windows[window]), default=otherwise)


def around_count(trail: Trail, counted: float) -> AroundCount:
    """Each step of a trail in its window."""
    edges = [counted + edge for edge in _EDGES_S]
    parts: tuple[list[Step], ...] = tuple([] for _ in range(len(edges) + 1))
    for step in trail.steps:
        parts[bisect_right(edges, step[0])].append(step)
    earlier, _, *windows = parts
    return AroundCount(earlier, tuple(windows))


def fall_db(trail: Trail, around: AroundCount) -> float:
    """How much louder a tag was while somebody passed than since."""
    unheard_db = max(step[2] for step in trail.steps) + UNHEARD_DB
    return around.loudest_db((COMING, PASSING), unheard_db) - around.loudest_db((GOING, GONE), unheard_db)


def lasted(age_s: float) -> tuple[float, ...]:
    """How long each of WINDOWS lasted, so long after the count."""
    starts = _EDGES_S[1:]
    return tuple(max(min(end, age_s) - start, 0.0) for start, end in zip(starts, (*starts[1:], math.inf), strict=True))


def given(rate_hz: float, heard: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """By stretch of time, the share of the reads that a whole shelf owes at its `rate_hz` which it gave: bodies hide much.
    `heard`: how many it gave, and in how many seconds.
    """
    return {f"given_{name}": (reads + 1.0) / (rate_hz * lasted_s + 1.0) for name, (reads, lasted_s) in heard.items()}


def window_signs(name: str, steps: Sequence[Step], shelf: Shelf) -> dict[str, float]:
    """The signs of one window of time, by its name, but for the reads that are missing."""
    known = [(level - shelf.mean_db[slot], shelf.spread_db[slot]) for _, slot, level in steps if slot in shelf.mean_db]
    rises = [rise for rise, _ in known]
    dev = sum(min(abs(rise) / spread, DEV_MOST) for rise, spread in known)
    return {
        f"{name}_dev": dev / len(known) if known else _NO_DEV,
        f"{name}_rise": max(rises, default=_UNKNOWN_DB),
        f"{name}_lift": sum(rises) / len(known) if known else 0.0,
        f"{name}_strange": float(len(steps) - len(known)),
        f"{name}_peak": max((step[2] for step in steps), default=shelf.loudest_db + UNHEARD_DB) - shelf.loudest_db,
    }
