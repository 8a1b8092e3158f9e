"""Step 3c: what a tag shows at a glance: those of its signs that cost next to nothing. Pure.

A look costs some hundred times a read, and nearly all find a tag that is far from having gone out or come in. These signs need no
path and no pass over all that was heard; a small table over them (`Table.glance`) says where no more is needed.
"""

from collections.abc import Mapping, Sequence

from rfidguard.around import Around, is_missing
from rfidguard.layout import GateLayout
from rfidguard.off_shelf import missed_beats, since_settled
from rfidguard.path import Presence
from rfidguard.track import BIN_S, VISIT_LEAD_S, Bin, Track

LATELY_S = 5.0
"""Whoever was counted longer ago plays no part."""
NEVER_S = 9.0
SILENT_DB = -200.0
ONE_S, THREE_S = 10, 30
"""In bins."""
SPANS = 3
_WAYS = ("out", "in", "unknown")


def glanced(track: Track, gate: GateLayout, presence: Presence, around: Around, now: float) -> dict[str, float]:
    """Each sign as `signs.signs` gives it."""
    found = of_track(track, around, now)
    found |= missed_beats(track, now)
    found |= since_settled(track, now)
    found |= _counted(presence, now, now - track.start_at)
    return found | _heard(track, gate, around.floor_db, now)


def of_track(track: Track, around: Around, now: float) -> dict[str, float]:
    """What the track itself says, and its company."""
    return {
        "stir": track.stir,
        "home": track.home,
        "has_base": float(bool(track.base)),
        "calm": track.calm,
        "quiet_s": now - track.last_at,
        "age_s": min(now - track.start_at, 10.0),
        "seen_s": min(track.seen_s, 60.0),
        "still_s": min(track.still_s, 60.0),
        "known_s": min(now - track.first_at, 300.0),
        "new": float(track.new),
        "company": float(around.leaving - track.leaving),
        "movers": float(around.movers),
        "missing": float(around.missing - is_missing(track, now)),
    }


def counters_work(presence: Presence) -> float:
    """1 or 0; -1 where there are none."""
    return -1.0 if presence.healthy is None else float(presence.healthy)


def lately_counted(presence: Presence, now: float) -> dict[str, list[float]]:
    """How long ago (s) people were counted lately, by way; empty where nobody was."""
    lately = [(now - at, direction) for at, direction in presence.counts if -0.5 <= now - at <= LATELY_S]
    return {way: [age for age, direction in lately if direction == way] for way in _WAYS} if lately else {}


NOBODY: Mapping[str, Sequence[float]] = dict.fromkeys(_WAYS, ())


def by_side(place: Bin, gate: GateLayout) -> tuple[int, int, float, int, float]:
    """One bin: reads in all; then of the inner side, and of the outer one, reads and the loudest antenna's level (dB)."""
    inner = outer = SILENT_DB
    inner_n = outer_n = heard = 0
    for cell in place.cells:
        level, n, zone = cell.total_db / cell.n, cell.n, gate.zones.get(cell.slot)
        heard += n
        if zone == gate.near:
            inner, inner_n = level if level > inner else inner, inner_n + n
        if zone == gate.far:
            outer, outer_n = level if level > outer else outer, outer_n + n
    return heard, inner_n, inner, outer_n, outer


def span_of(age: int) -> int:
    """Which of the SPANS of time a bin of so many bins ago belongs to; SPANS where it is older than all of them."""
    return 0 if age <= 5 else 1 if age <= 12 else 2 if age <= 25 else SPANS


def _counted(presence: Presence, now: float, started_s: float) -> dict[str, float]:
    """Whom the counters saw how long ago, and how long after the passage began (`started_s` ago)."""
    lately = lately_counted(presence, now)
    return {"counter": counters_work(presence)} | (_by_way(lately, started_s) if lately else _NOBODY)


def _by_way(lately: Mapping[str, Sequence[float]], started_s: float) -> dict[str, float]:
    found: dict[str, float] = {}
    for way, ages in lately.items():
        found[f"count_{way}_s"] = min(ages, default=NEVER_S)
        found[f"first_{way}_s"] = min((started_s - age for age in ages), default=NEVER_S)
    return found


_NOBODY = _by_way(NOBODY, 0.0)


class _Side:
    """Of one side, in three spans of time: how many reads it gave, and the sums of their levels (dB); and how long ago the last
    one was (bins; None: never).
    """

    __slots__ = ("age", "n", "sums")

    def __init__(self) -> None:
        self.n, self.sums = [0] * (SPANS + 1), [0.0] * (SPANS + 1)
        self.age: int | None = None

    def hear(self, n: int, level: float, age: int, span: int) -> None:
        self.n[span] += n
        self.sums[span] += n * level
        if self.age is None:
            self.age = age

    def mean(self, span: int, otherwise: float) -> float:
        return self.sums[span] / self.n[span] if self.n[span] else otherwise

    def told(self, name: str) -> dict[str, float]:
        n, age_s = self.n, NEVER_S if self.age is None else min(self.age * BIN_S, NEVER_S)
        return {f"{name}_age": age_s, f"{name}_n0": float(n[0]), f"{name}_n1": float(n[1]), f"{name}_n2": float(n[2])}


def _heard(track: Track, gate: GateLayout, floor_db: float, now: float) -> dict[str, float]:
    """How often, how loud, and how long ago each side heard the tag in this passage: from the last bin back to where no more is
    asked.
    """
    first, last = int((track.start_at - VISIT_LEAD_S) // BIN_S), int(now // BIN_S)
    near, far, n1, n3 = _Side(), _Side(), 0, 0
    for place in reversed(track.bins):
        age = last - place.index
        if place.index < first or (age > THREE_S and near.age is not None and far.age is not None):
            break
        heard, inner_n, inner, outer_n, outer = by_side(place, gate)
        span = span_of(age)
        if inner_n:
            near.hear(inner_n, inner, age, span)
        if outer_n:
            far.hear(outer_n, outer, age, span)
        n1 += heard if age <= ONE_S else 0
        n3 += heard if age <= THREE_S else 0
    found = {"n1": float(n1), "n3": float(n3), **near.told("near")}
    if gate.near == gate.far:
        return found
    for span in range(SPANS):
        found[f"diff_{span}"] = far.mean(span, floor_db) - near.mean(span, floor_db)
    return found | far.told("far")
