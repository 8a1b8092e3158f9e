"""Step 3c: of goods that stood in view: for how long and how loud, and how one of them compares with the others. Pure.

What `picked.py` and `picked_plane.py` ask after somebody was counted going out.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec

from rfidguard.trail import Step, Trail, add

AGES_S = (1.6, 2.4, 3.3)
"""So long after somebody was counted it is asked: a ring is of use for 4 s."""
EARLIER_S = 7.0
"""What was heard so long before the count tells of the shelf."""
BEFORE_S = 4.0
"""So long before it, at most, goods are taken."""
NEVER_S = 9.0
DEV_MOST = 4.0
UNHEARD_DB = -30.0
"""Against the loudest antenna of a shelf: what heard nothing just then."""
_LATE_READ_S = 1.0
_LEAST_READS = 3
_SPREAD_DB = 1.5
_MANY = 30.0
_NEAR_S = 4.0


class Stay(msgspec.Struct, frozen=True):
    """How often a tag was read where it stood: in all, in the mean, and since when (Unix seconds)."""

    reads: float
    rate_hz: float
    since: float


class Shelf(msgspec.Struct, frozen=True):
    """How loud each antenna heard a tag where it stood, how far its levels spread, and the loudest of the means."""

    mean_db: dict[str, float]
    spread_db: dict[str, float]
    loudest_db: float


def heard_lately(trail: Trail, counted: float) -> bool:
    """False for what was not heard any more when somebody was `counted`: most of what a gate remembers."""
    return bool(trail.steps) and trail.steps[-1][0] >= counted - BEFORE_S - _LATE_READ_S


def stay_of(trail: Trail, earlier: int, last: float, until: float, least_s: float) -> Stay | None:
    """Of a tag with `earlier` steps before `until`, the `last` then; None where it is not known to have stood for `least_s`."""
    since = min(trail.steps[0][0], until) if trail.since is None else trail.since
    reads = sum(known.n for known in trail.before.values()) + earlier
    if reads < _LEAST_READS or last - since < least_s:
        return None
    return Stay(reads, reads / (until - since + 1.0), since)


def shelf_of(trail: Trail, earlier: Sequence[Step]) -> Shelf:
    """From the sums of a trail and its `earlier` steps: there is at least one read."""
    heard = {slot: msgspec.structs.replace(known) for slot, known in trail.before.items()}
    for _, slot, level_db in earlier:
        add(heard, slot, level_db)
    mean = {slot: known.total_db / known.n for slot, known in heard.items()}
    spread = {
        slot: math.sqrt(max(known.square_db / known.n - mean[slot] ** 2, 0.0) + _SPREAD_DB) for slot, known in heard.items()
    }
    return Shelf(mean, spread, max(mean.values()))


def among(own: float, ranked: Sequence[float]) -> dict[str, float]:
    """How a tag compares with the others of its shelf, by a first guess of each (`ranked` from low to high, its own among
    them).
    """
    many = len(ranked)
    top, second = ranked[-1], ranked[-2] if many > 1 else 0.0
    return {
        "rank": min(float(many - bisect_right(ranked, own)), _MANY),
        "rivals": min(float(many - bisect_right(ranked, own - 1.0)), _MANY),
        "ahead": own - (second if own >= top else top),
        "shelf_tags": float(min(many, 300)),
    }


def passed_lately(counts: Iterable[tuple[float, str]], counted: float) -> dict[str, float]:
    """How many passed either way around then."""
    near = [direction for at, direction in counts if abs(at - counted) < _NEAR_S]
    return {"passed_in": float(near.count("in")), "passed_out": float(len(near) - near.count("in"))}
