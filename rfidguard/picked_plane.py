"""Step 3c: the same of a gate whose antennas hang in one plane, where no side tells: did these goods go along? Pure.

Who carries something past an antenna makes it loud, then faint, then silent, while what stays is heard as before, or, in the
shadow of who passes, as little as the rest of its shelf.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from rfidguard.picked_shelf import (
    BEFORE_S,
    DEV_MOST,
    EARLIER_S,
    NEVER_S,
    UNHEARD_DB,
    Shelf,
    Stay,
    among,
    passed_lately,
    shelf_of,
    stay_of,
)  # fmt: skip
from rfidguard.trail import Step, Trail

Key = TypeVar("Key")

WINDOWS = ("early", "coming", "passing", "going", "gone")
_EDGES_S = (-EARLIER_S, -BEFORE_S, -1.5, -0.5, 0.5, 1.5)
"""From the count: until when it stood; a gap; from when each window lasts."""
_EARLY, _COMING, _PASSING, _GOING, _GONE = range(len(WINDOWS))
_LEAST_S = 5.0
"""So long a tag was heard that is said to have stood here: who waits in the gate makes its goods stand, too."""
_NEAR_S = 1.0
_UNKNOWN_DB, _DROPPED_DB = -20.0, -1.0
"""The rise of what no antenna that knows it heard, and its mean deviation."""


class Passed(msgspec.Struct, frozen=True):
    """A tag that stood, and may have gone along: its steps before, and in each of WINDOWS; how much louder (dB) it was while
    somebody passed than since.
    """

    stay: Stay
    earlier: list[Step]
    windows: tuple[list[Step], ...]
    last_at: float
    fall_db: float

    def loudest_db(self, windows: Iterable[int], otherwise: float) -> float:
        """Of all reads in these windows."""
        return max((step[2] for window in windows for step in self.windows[window]), default=otherwise)


def passed(trail: Trail, counted: float) -> Passed | None:
    """Of a tag that may have gone along with somebody `counted`; None where it did not stand here, or was not heard then."""
    steps = trail.steps
    if not steps or steps[-1][0] < counted - BEFORE_S - 1.0:
        return None
    edges = [counted + edge for edge in _EDGES_S]
    parts: tuple[list[Step], ...] = tuple([] for _ in range(len(edges) + 1))
    for step in steps:
        parts[bisect_right(edges, step[0])].append(step)
    earlier, _, *windows = parts
    last = earlier[-1][0] if earlier else edges[0]
    if not any(windows) or (stay := stay_of(trail, len(earlier), last, edges[0], _LEAST_S)) is None:
        return None
    unheard_db = max(step[2] for step in steps) + UNHEARD_DB
    found = Passed(stay, earlier, tuple(windows), max(step[0] for step in steps), 0.0)
    fall_db = found.loudest_db((_COMING, _PASSING), unheard_db) - found.loudest_db((_GOING, _GONE), unheard_db)
    return msgspec.structs.replace(found, fall_db=fall_db)


def compared(
    trails: Iterable[tuple[Key, Trail]], counts: Sequence[tuple[float, str]], counted: float, now: float, floor_db: float,
    least: float,
) -> Iterator[tuple[Key, float, dict[str, float]]]:  # fmt: skip
    """Of the tags that stood in view when somebody was `counted`, those that were louder then than since, by `least` dB: whose
    trail it is, by how much, and every sign.
    """
    stood = [(key, trail, tag) for key, trail in trails if (tag := passed(trail, counted)) is not None]
    lasted = _lasted(now - counted)
    given = _given([tag for _, _, tag in stood], lasted)
    ranked = sorted(tag.fall_db for _, _, tag in stood)
    people = passed_lately(counts, counted)
    for key, trail, tag in stood:
        if tag.fall_db >= least:
            signs = _signs(tag, shelf_of(trail, tag.earlier), lasted, counted, now, floor_db)
            yield key, tag.fall_db, signs | given | among(tag.fall_db, ranked) | people


def _lasted(age_s: float) -> tuple[float, ...]:
    """How long each of WINDOWS lasted by now."""
    starts = _EDGES_S[1:]
    return tuple(max(min(end, age_s) - start, 0.0) for start, end in zip(starts, (*starts[1:], math.inf), strict=True))


def _given(tags: Sequence[Passed], lasted: Sequence[float]) -> dict[str, float]:
    """Of the reads that a whole shelf owed before, while and after somebody passed, the share that it gave: bodies hide much."""
    rate_hz = sum(tag.stay.rate_hz for tag in tags)
    heard = [sum(len(tag.windows[window]) for tag in tags) for window in range(len(WINDOWS))]
    stretches = {"before": (_EARLY, _COMING), "passing": (_PASSING,), "after": (_GOING, _GONE)}
    return {
        f"given_{name}": (sum(heard[window] for window in windows) + 1.0)
        / (rate_hz * sum(lasted[window] for window in windows) + 1.0)
        for name, windows in stretches.items()
    }


def _signs(tag: Passed, shelf: Shelf, lasted: Sequence[float], counted: float, now: float, floor_db: float) -> dict[str, float]:
    unheard_db = shelf.loudest_db + UNHEARD_DB
    quiet_s = min(now - tag.last_at, NEVER_S)
    near = [step for window in tag.windows[_COMING:_GONE] for step in window if abs(step[0] - counted) <= _NEAR_S]
    found = {
        "n": float(sum(map(len, tag.windows))),
        "age": now - counted,
        "stood_s": counted - tag.stay.since,
        "pace": tag.stay.rate_hz,
        "shelf_reads": tag.stay.reads,
        "shelf_slots": float(len(shelf.mean_db)),
        "shelf_loud": shelf.loudest_db - floor_db,
        "quiet": quiet_s,
        "quiet_owed": quiet_s * tag.stay.rate_hz,
        "fall": tag.fall_db,
        "passing_loud": tag.loudest_db((_PASSING,), unheard_db) - floor_db,
        "after_loud": tag.loudest_db((_GOING, _GONE), unheard_db) - floor_db,
        "slots_near": float(len({step[1] for step in near})),
    }
    for name, steps, lasted_s in zip(WINDOWS, tag.windows, lasted, strict=True):
        found |= _window(name, steps, shelf, lasted_s * tag.stay.rate_hz)
    return found


def _window(name: str, steps: Sequence[Step], shelf: Shelf, owed: float) -> dict[str, float]:
    """The signs of one window of time, by its name."""
    known = [(level - shelf.mean_db[slot], shelf.spread_db[slot]) for _, slot, level in steps if slot in shelf.mean_db]
    rises = [rise for rise, _ in known]
    dev = sum(min(abs(rise) / spread, DEV_MOST) for rise, spread in known)
    return {
        f"{name}_owed": owed - len(steps),
        f"{name}_dev": dev / len(known) if known else _DROPPED_DB,
        f"{name}_rise": max(rises, default=_UNKNOWN_DB),
        f"{name}_lift": sum(rises) / len(known) if known else 0.0,
        f"{name}_strange": float(len(steps) - len(known)),
        f"{name}_peak": max((step[2] for step in steps), default=shelf.loudest_db + UNHEARD_DB) - shelf.loudest_db,
    }
