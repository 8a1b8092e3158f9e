"""Step 3c: the same of a gate whose antennas hang in one plane, where no side tells: did these goods go along? Pure.

Who carries something past an antenna makes it loud, then faint, then silent, while what stays is heard as before, or, in the
shadow of who passes, as little as the rest of its shelf.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from rfidguard.picked_shelf import (
    EARLIER_S,
    NEVER_S,
    UNHEARD_DB,
    Shelf,
    Stay,
    among,
    heard_lately,
    passed_lately,
    shelf_of,
    stay_of,
)  # fmt: skip
from rfidguard.picked_windows import (
    COMING,
    EARLY,
    GOING,
    GONE,
    PASSING,
    WINDOWS,
    AroundCount,
    around_count,
    fall_db,
    given,
    lasted,
    window_signs,
)  # fmt: skip
from rfidguard.trail import Trail

Key = TypeVar("Key")

LEAST_S = 5.0
"""So long a tag was heard that is said to have stood here: who waits in the gate makes its goods stand, too."""
_NEAR_S = 1.0
_STRETCHES = {"before": (EARLY, COMING), "passing": (PASSING,), "after": (GOING, GONE)}


class Passed(msgspec.Struct, frozen=True):
    """A tag that stood, and may have gone along; how much louder (dB) it was while somebody passed than since."""

    stay: Stay
    around: AroundCount
    fall_db: float


def passed(trail: Trail, counted: float) -> Passed | None:
    """Of a tag that may have gone along with somebody `counted`; None where it did not stand here, or was not heard then."""
    if not heard_lately(trail, counted):
        return None
    around, until = around_count(trail, counted), counted - EARLIER_S
    last = around.earlier[-1][0] if around.earlier else until
    if not any(around.windows) or (stay := stay_of(trail, len(around.earlier), last, until, LEAST_S)) is None:
        return None
    return Passed(stay, around, fall_db(trail, around))


def compared(
    trails: Iterable[tuple[Key, Trail]], counts: Sequence[tuple[float, str]], counted: float, now: float, floor_db: float,
    least: float,
) -> Iterator[tuple[Key, float, dict[str, float]]]:  # fmt: skip
    """Of the tags that stood in view when somebody was `counted`, those that were louder then than since, by `least` dB: whose
    trail it is, by how much, and every sign.
    """
    stood = [(key, trail, tag) for key, trail in trails if (tag := passed(trail, counted)) is not None]
    lasted_s = lasted(now - counted)
    shared = _given([tag for _, _, tag in stood], lasted_s) | passed_lately(counts, counted)
    ranked = sorted(tag.fall_db for _, _, tag in stood)
    for key, trail, tag in stood:
        if tag.fall_db >= least:
            signs = _signs(tag, shelf_of(trail, tag.around.earlier), lasted_s, counted, now, floor_db)
            yield key, tag.fall_db, signs | shared | among(tag.fall_db, ranked)


def _given(tags: Sequence[Passed], lasted_s: Sequence[float]) -> dict[str, float]:
    heard = [sum(len(tag.around.windows[window]) for tag in tags) for window in range(len(WINDOWS))]
    stretches = {
        name: (float(sum(heard[window] for window in windows)), sum(lasted_s[window] for window in windows))
        for name, windows in _STRETCHES.items()
    }
    return given(sum(tag.stay.rate_hz for tag in tags), stretches)


def _signs(tag: Passed, shelf: Shelf, lasted_s: Sequence[float], counted: float, now: float, floor_db: float) -> dict[str, float]:
    unheard_db = shelf.loudest_db + UNHEARD_DB
    around = tag.around
    quiet_s = min(now - max(step[0] for window in around.windows for step in window), NEVER_S)
    near = [step for window in around.windows[COMING:GONE] for step in window if abs(step[0] - counted) <= _NEAR_S]
    found = {
        "n": float(sum(map(len, around.windows))),
        "age": now - counted,
        "stood_s": counted - tag.stay.since,
        "pace": tag.stay.rate_hz,
        "shelf_reads": tag.stay.reads,
        "shelf_slots": float(len(shelf.mean_db)),
        "shelf_loud": shelf.loudest_db - floor_db,
        "quiet": quiet_s,
        "quiet_owed": quiet_s * tag.stay.rate_hz,
        "fall": tag.fall_db,
        "passing_loud": around.loudest_db((PASSING,), unheard_db) - floor_db,
        "after_loud": around.loudest_db((GOING, GONE), unheard_db) - floor_db,
        "slots_near": float(len({step[1] for step in near})),
    }
    for name, steps, window_s in zip(WINDOWS, around.windows, lasted_s, strict=True):
        found |= window_signs(name, steps, shelf)
        found[f"{name}_owed"] = window_s * tag.stay.rate_hz - len(steps)
    return found
