"""Step 3c: of goods that stood in view, did these go along with whoever was just counted going out? Pure.

Goods taken from a shelf are no newcomers: they are read seldom, at levels that a body beside the shelf makes, too, and of two
hundred that stand there a few look like that by chance each time. But the counter says when. What each side heard before and
after that moment, against how it heard the tag all along, and how many others of the shelf show the same, tells more than
seconds that slide along.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec

from rfidguard.layout import GateLayout
from rfidguard.trail import Step, Trail, add

Key = TypeVar("Key")

TABLE = "zones-picked"
AGES_S = (1.6, 2.4, 3.3)
"""So long after somebody was counted it is asked: a ring is of use for 4 s."""
OUTSIDE = 0.87
_INSIDE = 0.2
"""Which share of the reads of what is outside the outer antennas give, and of what is on its way there."""
_EARLIER_S = 7.0
"""What was heard so long before the count tells of the shelf."""
_BEFORE_S = 4.0
_AROUND_S = 0.2
_LEAST_READS, _LEAST_S = 3, 15.0
"""So often, and for so long, a tag was heard that is said to have stood here."""
_SHARE_READS = 0.7
_SPREAD_DB = 1.5
_DEV_MOST = 4.0
_UNHEARD_DB, _UNKNOWN_DB = -30.0, -15.0
"""Against the loudest antenna of its shelf: a side that heard nothing just then, and one that never hears the tag there."""
_NEVER_S = 9.0
_MANY = 30.0
_NEAR_S = 4.0


class Shelf(msgspec.Struct, frozen=True):
    """How a tag was heard where it stood. `share`: of its reads by the outer antennas. `mean_db`, `spread_db`: by antenna;
    `near_db`, `far_db`: by the loudest of each side; `unheard_db`: what a side that hears nothing counts as.
    """

    reads: float
    rate_hz: float
    share: float
    mean_db: dict[str, float]
    spread_db: dict[str, float]
    near_db: float
    far_db: float
    unheard_db: float


class Part(msgspec.Struct, kw_only=True):
    """What one stretch of time holds of a tag: reads by each side, and by antennas that did not know it (`strange`); the loudest
    level of each side; how far levels are from those of its shelf, in spreads (`dev`, of `dev_n`) and in dB (`…_lift`, of `…_n`).
    """

    near: int = 0
    far: int = 0
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
            self.dev += min(abs(level - usual) / shelf.spread_db[slot], _DEV_MOST)
            self.dev_n += 1
        known = usual is not None
        if zone == gate.near:
            self.near += 1
            self.near_db = max(self.near_db, level)
            self.near_lift += level - (usual or level)
            self.near_n += known
        elif zone == gate.far:
            self.far += 1
            self.far_db = max(self.far_db, level)
            self.far_lift += level - (usual or level)
            self.far_n += known


class Seen(msgspec.Struct, frozen=True):
    """A tag before, while and after somebody was counted; when it was last heard at all, and by the inner side (Unix seconds)."""

    shelf: Shelf
    before: Part
    passing: Part
    after: Part
    last_at: float
    near_at: float

    def crude(self) -> float:
        """How much the sides alone speak for its having gone along."""
        return _told(self.after, self.shelf, OUTSIDE) + 0.5 * _told(self.before, self.shelf, _INSIDE)


def seen_around(trail: Trail, gate: GateLayout, counted: float, now: float) -> Seen | None:
    """What is known of a tag `now` that may have gone along with somebody `counted`; None where it did not stand here, or was not
    heard around then.
    """
    if not trail.steps or trail.steps[-1][0] < counted - _BEFORE_S - 1.0:
        return None
    steps = sorted(trail.steps)
    first = bisect_left(steps, (counted - _BEFORE_S, ""))
    if first >= len(steps):
        return None
    shelf = _shelf(trail, steps[: bisect_left(steps, (counted - _EARLIER_S, ""))], gate, counted - _EARLIER_S)
    if shelf is None:
        return None
    unheard = Part(near_db=shelf.unheard_db, far_db=shelf.unheard_db)
    parts = unheard, msgspec.structs.replace(unheard), msgspec.structs.replace(unheard)
    near_at = -math.inf
    for step in steps[first : bisect_right(steps, (now, "~"))]:
        part = 0 if step[0] < counted - _AROUND_S else 1 if step[0] < counted + _AROUND_S else 2
        zone = gate.zones.get(step[1])
        parts[part].hear(step, shelf, zone, gate)
        near_at = step[0] if zone == gate.near else near_at
    return Seen(shelf, *parts, steps[-1][0], near_at)


def _shelf(trail: Trail, earlier: Sequence[Step], gate: GateLayout, until: float) -> Shelf | None:
    heard = {slot: msgspec.structs.replace(known) for slot, known in trail.before.items()}
    for _, slot, level_db in earlier:
        add(heard, slot, level_db)
    since = trail.since if trail.since is not None else (earlier[0][0] if earlier else until)
    reads = sum(known.n for known in heard.values())
    last = earlier[-1][0] if earlier else until
    if reads < _LEAST_READS or last - since < _LEAST_S:
        return None
    far = sum(known.n for slot, known in heard.items() if gate.zones.get(slot) == gate.far)
    near = sum(known.n for slot, known in heard.items() if gate.zones.get(slot) == gate.near)
    mean = {slot: known.total_db / known.n for slot, known in heard.items()}
    loudest_db = max(mean.values())
    spread = {
        slot: math.sqrt(max(known.square_db / known.n - mean[slot] ** 2, 0.0) + _SPREAD_DB) for slot, known in heard.items()
    }
    return Shelf(
        reads=reads,
        rate_hz=reads / (until - since + 1.0),
        share=(far + _SHARE_READS) / (far + near + 2 * _SHARE_READS),
        mean_db=mean,
        spread_db=spread,
        near_db=max((db for slot, db in mean.items() if gate.zones.get(slot) == gate.near), default=loudest_db + _UNKNOWN_DB),
        far_db=max((db for slot, db in mean.items() if gate.zones.get(slot) == gate.far), default=loudest_db + _UNKNOWN_DB),
        unheard_db=loudest_db + _UNHEARD_DB,
    )


def _told(part: Part, shelf: Shelf, outside: float) -> float:
    """How much (natural log) the sides speak for a place that the outer antennas hear at `outside` of all reads, against its
    shelf.
    """
    return part.far * math.log(outside / shelf.share) + part.near * math.log((1.0 - outside) / (1.0 - shelf.share))


def compared(
    trails: Iterable[tuple[Key, Trail]], gate: GateLayout, counts: Sequence[tuple[float, str]], counted: float, now: float,
    floor_db: float, least: float = -math.inf,
) -> Iterator[tuple[Key, float, dict[str, float]]]:  # fmt: skip
    """Of the tags that stood in view when somebody was `counted`, those of which the sides tell (`Seen.crude`) at least `least`:
    whose trail it is, what the sides tell, and every sign.
    """
    seen = [(key, each) for key, trail in trails if (each := seen_around(trail, gate, counted, now)) is not None]
    told = [each.crude() for _, each in seen]
    passed = passed_lately(counts, counted)
    for (key, each), crude, others in zip(seen, told, among(told), strict=True):
        if crude >= least:
            yield key, crude, picked_signs(each, counted, now, floor_db) | others | passed


def picked_signs(seen: Seen, counted: float, now: float, floor_db: float) -> dict[str, float]:
    """Every sign of one tag by name, but for those against the others of its shelf (`among`)."""
    shelf, before, passing, after = seen.shelf, seen.before, seen.passing, seen.after
    quiet_s = min(now - seen.last_at, _NEVER_S)
    told = _told(after, shelf, OUTSIDE)
    return {
        "n": float(sum(part.near + part.far for part in (before, passing, after))),
        "age": now - counted,
        "pace": shelf.rate_hz,
        "share": shelf.share,
        "shelf_reads": shelf.reads,
        "shelf_far": shelf.far_db - floor_db,
        "shelf_near": shelf.near_db - floor_db,
        "before_near": float(before.near),
        "before_far": float(before.far),
        "passing_near": float(passing.near),
        "passing_far": float(passing.far),
        "after_near": float(after.near),
        "after_far": float(after.far),
        "after_told": told,
        "gone_told": told + _told(passing, shelf, OUTSIDE),
        "before_told": _told(before, shelf, _INSIDE),
        "before_dev": before.dev,
        "before_devmean": before.dev / before.dev_n if before.dev_n else -1.0,
        "after_dev": after.dev,
        "after_devmean": after.dev / after.dev_n if after.dev_n else -1.0,
        "after_far_rise": after.far_db - shelf.far_db,
        "after_near_rise": after.near_db - shelf.near_db,
        "before_near_rise": before.near_db - shelf.near_db,
        "after_far_loud": after.far_db - floor_db,
        "before_strange": float(before.strange),
        "after_strange": float(after.strange),
        "after_far_lift": after.far_lift / after.far_n if after.far_n else 0.0,
        "before_near_lift": before.near_lift / before.near_n if before.near_n else 0.0,
        "before_far_lift": before.far_lift / before.far_n if before.far_n else 0.0,
        "quiet": quiet_s,
        "quiet_owed": quiet_s * shelf.rate_hz,
        "near_quiet": min(now - seen.near_at, _NEVER_S),
        "after_owed": shelf.rate_hz * (now - counted - _AROUND_S) - after.near - after.far,
        "before_owed": shelf.rate_hz * (_BEFORE_S - _AROUND_S) - before.near - before.far,
    }


def among(told: Sequence[float]) -> list[dict[str, float]]:
    """Of each tag how it compares with the others of its shelf, by how much the sides told of each (`Seen.crude`)."""
    ranked = sorted(told)
    many = len(ranked)
    top, second = ranked[-1] if ranked else 0.0, ranked[-2] if many > 1 else 0.0
    return [
        {
            "rank": min(float(many - bisect_right(ranked, own)), _MANY),
            "rivals": min(float(many - bisect_right(ranked, own - 1.0)), _MANY),
            "ahead": own - (second if own >= top else top),
            "shelf_tags": float(min(many, 300)),
        }
        for own in told
    ]


def passed_lately(counts: Iterable[tuple[float, str]], counted: float) -> dict[str, float]:
    """How many passed either way around then."""
    near = [direction for at, direction in counts if abs(at - counted) < _NEAR_S]
    return {"passed_in": float(near.count("in")), "passed_out": float(len(near) - near.count("in"))}
