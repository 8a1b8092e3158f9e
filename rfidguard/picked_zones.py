"""Step 3c: of goods that stood at a gate with inside and outside zones: did these go along with whoever was counted? Pure.

First how often each side heard them, of the whole shelf; then, of those that the sides do not speak against, how loud.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from rfidguard.layout import GateLayout
from rfidguard.picked_shelf import BEFORE_S, DEV_MOST, NEVER_S, UNHEARD_DB, Shelf, among, passed_lately, shelf_of
from rfidguard.picked_sides import AFTER, AROUND_S, BEFORE, INSIDE, OUTSIDE, PARTS, PASSING, Sides, bounds, sides_of
from rfidguard.picked_windows import PASSING as AT_COUNT
from rfidguard.picked_windows import around_count, fall_db, given, window_signs
from rfidguard.trail import Step, Trail

Key = TypeVar("Key")

_UNKNOWN_DB = -15.0
"""Against the loudest antenna of its shelf: a side that never hears the tag there."""


class Part(msgspec.Struct, kw_only=True):
    """What one stretch of time holds of a tag: reads by antennas that did not know it (`strange`); the loudest level of each
    side; how far levels are from those of its shelf, in spreads (`dev`, of `dev_n`) and in dB (`…_lift`, of `…_n`).
    """

    strange: int = 0
    dev: float = 0.0
    dev_n: int = 0
    near_db: float
    far_db: float
    near_lift: float = 0.0
    far_lift: float = 0.0
    near_n: int = 0
    far_n: int = 0

    def hear(self, step: Step, shelf: Shelf, zone: int | None, gate: GateLayout) -> None:
        _, slot, level = step
        usual = shelf.mean_db.get(slot)
        if usual is None:
            self.strange += 1
        else:
            self.dev += min(abs(level - usual) / shelf.spread_db[slot], DEV_MOST)
            self.dev_n += 1
        known = usual is not None
        if zone == gate.near:
            self.near_db = max(self.near_db, level)
            self.near_lift += level - (usual or level)
            self.near_n += known
        elif zone == gate.far:
            self.far_db = max(self.far_db, level)
            self.far_lift += level - (usual or level)
            self.far_n += known


class Seen(msgspec.Struct, frozen=True):
    """A tag where it stood (by the loudest antenna of each side), then before, while and after somebody was counted; when it was
    last heard at all, and by the inner side (Unix seconds).
    """

    shelf: Shelf
    near_db: float
    far_db: float
    parts: tuple[Part, ...]
    last_at: float
    near_at: float


def seen_around(trail: Trail, gate: GateLayout, counted: float) -> Seen:
    """How loud it was, of a tag of which the sides are known."""
    steps, edges = sorted(trail.steps), bounds(counted)
    shelf = shelf_of(trail, steps[: bisect_left(steps, (edges[0], ""))])
    unheard_db = shelf.loudest_db + UNHEARD_DB
    parts = tuple(Part(near_db=unheard_db, far_db=unheard_db) for _ in range(3))
    near_at = -math.inf
    for step in steps[bisect_left(steps, (edges[1], "")) :]:
        zone = gate.zones.get(step[1])
        parts[bisect_right(edges, step[0]) - PARTS.start].hear(step, shelf, zone, gate)
        near_at = step[0] if zone == gate.near else near_at
    near_db, far_db = (_loudest(shelf, gate, zone) for zone in (gate.near, gate.far))
    return Seen(shelf, near_db, far_db, parts, steps[-1][0], near_at)


def _loudest(shelf: Shelf, gate: GateLayout, zone: int | None) -> float:
    heard = (level_db for slot, level_db in shelf.mean_db.items() if gate.zones.get(slot) == zone)
    return max(heard, default=shelf.loudest_db + _UNKNOWN_DB)


def compared(
    trails: Iterable[tuple[Key, Trail]], gate: GateLayout, counts: Sequence[tuple[float, str]], counted: float, now: float,
    floor_db: float, least: float,
) -> Iterator[tuple[Key, float, dict[str, float]]]:  # fmt: skip
    """Of the tags that stood in view when somebody was `counted`, those of which the sides tell (`Sides.crude`) at least `least`:
    whose trail it is, what the sides tell, and every sign.
    """
    stood = [(key, trail, sides) for key, trail in trails if (sides := sides_of(trail, gate, counted)) is not None]
    told = [sides.crude() for _, _, sides in stood]
    shared = _given([sides for _, _, sides in stood], now - counted) | passed_lately(counts, counted)
    ranked = sorted(told)
    for (key, trail, sides), crude in zip(stood, told, strict=True):
        if crude >= least:
            seen = seen_around(trail, gate, counted)
            signs = picked_signs(sides, seen, counted, now, floor_db) | _at_threshold(trail, seen.shelf, counted, floor_db)
            yield key, crude, signs | shared | among(crude, ranked)


def _given(shelf: Sequence[Sides], age_s: float) -> dict[str, float]:
    heard = [float(sum(sides.near[part] + sides.far[part] for sides in shelf)) for part in (BEFORE, PASSING, AFTER)]
    seconds = (BEFORE_S - AROUND_S, 2 * AROUND_S, age_s - AROUND_S)
    stretches = dict(zip(("before", "passing", "after"), zip(heard, seconds, strict=True), strict=True))
    return given(sum(sides.stay.rate_hz for sides in shelf), stretches)


def _at_threshold(trail: Trail, shelf: Shelf, counted: float, floor_db: float) -> dict[str, float]:
    """How loud it was around the moment of the count."""
    around = around_count(trail, counted)
    return window_signs("passing", around.windows[AT_COUNT], shelf) | {
        "fall": fall_db(trail, around),
        "passing_loud": around.loudest_db((AT_COUNT,), shelf.loudest_db + UNHEARD_DB) - floor_db,
    }


def picked_signs(sides: Sides, seen: Seen, counted: float, now: float, floor_db: float) -> dict[str, float]:
    """Every sign of one tag by name, but for those against the others of its shelf (`among`)."""
    stay, (before, _, after) = sides.stay, seen.parts
    quiet_s = min(now - seen.last_at, NEVER_S)
    told = sides.told(AFTER, OUTSIDE)
    return {
        "n": float(sum(sides.near) + sum(sides.far)),
        "age": now - counted,
        "pace": stay.rate_hz,
        "stood_s": counted - stay.since,
        "share": sides.share,
        "shelf_reads": stay.reads,
        "shelf_far": seen.far_db - floor_db,
        "shelf_near": seen.near_db - floor_db,
        "before_near": float(sides.near[BEFORE]),
        "before_far": float(sides.far[BEFORE]),
        "passing_near": float(sides.near[PASSING]),
        "passing_far": float(sides.far[PASSING]),
        "after_near": float(sides.near[AFTER]),
        "after_far": float(sides.far[AFTER]),
        "after_told": told,
        "gone_told": told + sides.told(PASSING, OUTSIDE),
        "before_told": sides.told(BEFORE, INSIDE),
        "before_dev": before.dev,
        "before_devmean": before.dev / before.dev_n if before.dev_n else -1.0,
        "after_dev": after.dev,
        "after_devmean": after.dev / after.dev_n if after.dev_n else -1.0,
        "after_far_rise": after.far_db - seen.far_db,
        "after_near_rise": after.near_db - seen.near_db,
        "before_near_rise": before.near_db - seen.near_db,
        "after_far_loud": after.far_db - floor_db,
        "before_strange": float(before.strange),
        "after_strange": float(after.strange),
        "after_far_lift": after.far_lift / after.far_n if after.far_n else 0.0,
        "before_near_lift": before.near_lift / before.near_n if before.near_n else 0.0,
        "before_far_lift": before.far_lift / before.far_n if before.far_n else 0.0,
        "quiet": quiet_s,
        "quiet_owed": quiet_s * stay.rate_hz,
        "near_quiet": min(now - seen.near_at, NEVER_S),
        "after_owed": stay.rate_hz * (now - counted - AROUND_S) - sides.near[AFTER] - sides.far[AFTER],
        "before_owed": stay.rate_hz * (BEFORE_S - AROUND_S) - sides.near[BEFORE] - sides.far[BEFORE],
    }
