"""Step 3c: what one tag's last seconds show, as named numbers: levels by zone, motion, its shelf, people counted. Pure.

Every number is relative (differences of levels, seconds since, shares), so that no gate's absolute levels matter.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from rfidguard.around import Around
from rfidguard.glance import (
    LATELY_S,
    NEVER_S,
    NOBODY,
    ONE_S,
    SILENT_DB,
    SPANS,
    THREE_S,
    by_side,
    counters_work,
    lately_counted,
    of_track,
    span_of,
)
from rfidguard.handover import handover_signs
from rfidguard.layout import GateLayout
from rfidguard.motion import doppler_spread, level_spread, liveliest_second, phase_spread
from rfidguard.off_shelf import off_shelf_signs
from rfidguard.path import Place, Presence
from rfidguard.track import BIN_S, VISIT_LEAD_S, Bin, Cell, Track
from rfidguard.visit import visit_signs

_FADE_DB_S = 10.0
_BEFORE_S = 2.0
_UNHEARD_SIDE_DB = 20.0
_MOST_MISSED = 30.0


def signs(
    track: Track, gate: GateLayout, presence: Presence, place: Place | None, around: Around, now: float
) -> dict[str, float]:
    """Every sign by name. `place`: where the tag probably is, at a gate whose zones tell."""
    first, last = int((track.start_at - VISIT_LEAD_S) // BIN_S), int(now // BIN_S)
    bins = [place_ for place_ in track.bins if place_.index >= first and place_.cells]
    found = _levels(bins, gate, last, around.floor_db)
    found |= _changes(bins, last)
    found |= of_track(track, around, now)
    found |= off_shelf_signs(track, gate, presence, bins, now)
    found |= handover_signs(track, gate, presence, bins, now)
    found |= visit_signs(track, gate, presence, bins, now)
    found |= _since_count(bins, gate, presence, now)
    found["missed"] = _missed(found["n3"], now - track.last_at)
    found |= _people(presence, now, found["peak_age"], track, place)
    return found | _place(place, now) if place is not None else found


def _changes(bins: Sequence[Bin], last: int) -> dict[str, float]:
    """What speaks for motion: of the phase, the levels, Doppler shifts, and against the shelf, in the last second and in all."""
    recent = [place for place in bins if last - place.index <= ONE_S]
    lately = [place for place in bins if last - place.index <= THREE_S]
    off1, off3 = sum(place.off for place in recent), sum(place.off for place in lately)
    offn1, offn3 = sum(place.off_n for place in recent), sum(place.off_n for place in lately)
    step1, stepn1 = sum(place.phase_llr for place in recent), sum(place.phase_n for place in recent)
    turn, ripple, doppler = phase_spread(recent), level_spread(recent), doppler_spread(recent)
    return {
        "off1": off1,
        "off3": off3,
        "offmean1": off1 / (offn1 + 1.0),
        "offmean3": off3 / (offn3 + 1.0),
        "offn1": float(offn1),
        "step1": step1,
        "steps": sum(place.phase_llr for place in bins),
        "stepmean1": step1 / (stepn1 + 2.0),
        "liveliest": liveliest_second(bins),
        "turn": -1.0 if turn is None else turn,
        "ripple": -1.0 if ripple is None else ripple,
        "doppler": -1.0 if doppler is None else doppler,
    }


def _since_count(bins: Sequence[Bin], gate: GateLayout, presence: Presence, now: float) -> dict[str, float]:
    """How each side's level changed when somebody was last counted going out: for who stays by nothing, else one up, one down."""
    counted = presence.last_out(now)
    if counted is None or now - counted > LATELY_S:
        return {"n_since": 0.0, "near_step": 0.0, "far_step": 0.0}
    first, split = int((counted - _BEFORE_S) // BIN_S), int(counted // BIN_S)
    before = [cell for place in bins if first <= place.index <= split for cell in place.cells]
    after = [cell for place in bins if place.index > split for cell in place.cells]
    sides = [_peak(cells, gate, zone) for cells in (before, after) for zone in (gate.near, gate.far)]
    floor = max(sides) - _UNHEARD_SIDE_DB
    near_before, far_before, near_after, far_after = (max(level, floor) for level in sides)
    return {
        "n_since": float(sum(cell.n for cell in after)),
        "near_step": near_after - near_before,
        "far_step": far_after - far_before,
    }


def _peak(cells: Iterable[Cell], gate: GateLayout, zone: int | None) -> float:
    return max((cell.total_db / cell.n for cell in cells if gate.zones.get(cell.slot) == zone), default=SILENT_DB)


def _missed(n3: float, quiet_s: float) -> float:
    """How many reads a tag owes: as many as it gave in the same time before it fell silent."""
    return min(n3 / max(3.0 - quiet_s, 0.5) * quiet_s, _MOST_MISSED)


def _people(presence: Presence, now: float, peak_s: float, track: Track, place: Place | None) -> dict[str, float]:
    """Whom the counters saw lately, and how well that fits this tag: was it loudest, or over the threshold, just then?"""
    found, lately = {"counter": counters_work(presence)}, lately_counted(presence, now)
    if not lately:
        return found | _NOBODY
    crossed_s = NEVER_S if place is None or place.crossed_at is None else now - place.crossed_at
    return found | _by_way(lately, peak_s, crossed_s, now - track.start_at)


def _by_way(lately: Mapping[str, Sequence[float]], peak_s: float, crossed_s: float, started_s: float) -> dict[str, float]:
    """`lately`: how long ago each was counted, by way; the others are how long ago it was loudest, crossed, began."""
    found: dict[str, float] = {}
    for way, ages in lately.items():
        found[f"count_{way}_s"] = min(ages, default=NEVER_S)
        found[f"counts_{way}"] = float(sum(age <= 1.5 for age in ages))
        found[f"peak_{way}_s"] = min((peak_s - age for age in ages), key=abs, default=NEVER_S)
        found[f"cross_{way}_s"] = min((crossed_s - age for age in ages), key=abs, default=NEVER_S)
        found[f"first_{way}_s"] = min((started_s - age for age in ages), default=NEVER_S)
    return found


_NOBODY = _by_way(NOBODY, 0.0, 0.0, 0.0)
"""What nearly every look asks: with nobody counted, nothing depends on the tag."""


def _place(place: Place, now: float) -> dict[str, float]:
    return {
        "p_out": _log_odds(place.out),
        "p_entered": _log_odds(place.entered),
        "p_inside": _log_odds(place.inside),
        "p_still": place.still,
        "side": place.side_db,
        "swing": place.swing_db,
        "was_inner": float(place.inner),
        "was_outer": float(place.outer),
        "crossed_s": NEVER_S if place.crossed_at is None else now - place.crossed_at,
    }


class _Zone:
    """What one side of the gate heard: peak and when, level now, reads and mean levels of three spans of time."""

    __slots__ = ("fading", "first", "last", "n", "peak", "peak_at", "sums", "time", "weight")

    def __init__(self) -> None:
        self.peak, self.peak_at, self.first, self.last = SILENT_DB, 0, -1, -1
        self.fading = SILENT_DB
        self.n, self.sums = [0] * (SPANS + 1), [0.0] * (SPANS + 1)
        self.weight = self.time = 0.0

    def hear(self, index: int, level: float, n: int, age: int) -> None:
        faded = self.fading - _FADE_DB_S * BIN_S * (index - self.last)
        self.fading = level if faded < level or self.last < 0 else 0.5 * (level + faded)
        self.last = index
        if self.first < 0:
            self.first = index
        if level > self.peak:
            self.peak, self.peak_at = level, index
        weight = math.exp((level + 60.0) * 0.115)
        self.weight += weight
        self.time += weight * index
        span = span_of(age)
        self.n[span] += n
        self.sums[span] += n * level

    def now(self, last: int, floor: float) -> float:
        return max(self.fading - _FADE_DB_S * BIN_S * (last - self.last), floor) if self.last >= 0 else floor

    def mean(self, span: int, otherwise: float) -> float:
        return self.sums[span] / self.n[span] if self.n[span] else otherwise


class _Ears:
    """What each antenna heard of the tag: its loudest, quietest and latest level, and how often it was read lately."""

    __slots__ = ("high", "latest", "low", "n", "n1", "n3", "peak", "peak_at")

    def __init__(self, last: int) -> None:
        self.high: dict[str, float] = {}
        self.low: dict[str, float] = {}
        self.latest: dict[str, float] = {}
        self.peak, self.peak_at = SILENT_DB, last
        self.n = self.n1 = self.n3 = 0

    def hear(self, slot: str, level: float, index: int) -> None:
        self.latest[slot] = level
        if level > self.peak:
            self.peak, self.peak_at = level, index
        if level > self.high.get(slot, SILENT_DB):
            self.high[slot] = level
        if level < self.low.get(slot, -SILENT_DB):
            self.low[slot] = level

    def count(self, n: int, age: int) -> None:
        self.n += n
        self.n3 += n if age <= THREE_S else 0
        self.n1 += n if age <= ONE_S else 0


def _levels(bins: Sequence[Bin], gate: GateLayout, last: int, floor_db: float) -> dict[str, float]:
    """How loud each side and each antenna heard the tag, over time."""
    near, far, ears = _Zone(), _Zone(), _Ears(last)
    for place in bins:
        _hear(place, gate, near, far, ears, last)
    high, spans = ears.high, [top - ears.low[slot] for slot, top in ears.high.items()]
    found = {
        "loud": ears.peak - floor_db,
        "peak_age": (last - ears.peak_at) * BIN_S,
        "span": max(spans, default=0.0),
        "spans": sum(spans) / max(len(spans), 1),
        "fall": max((top - ears.latest[slot] for slot, top in high.items()), default=0.0),
        "slots": float(len(high)),
        "bins": float(len(bins)),
        "n1": float(ears.n1),
        "n3": float(ears.n3),
        "n": float(ears.n),
    }
    if gate.near == gate.far:
        found["least_peak"] = min(high.values()) - ears.peak if high else 0.0
        return found | _ages("near", near, last)
    return found | _sides(near, far, last, ears.peak, floor_db) | _ages("near", near, last) | _ages("far", far, last)


def _hear(place: Bin, gate: GateLayout, near: _Zone, far: _Zone, ears: _Ears, last: int) -> None:
    for cell in place.cells:
        ears.hear(cell.slot, cell.total_db / cell.n, place.index)
    heard, inner_n, inner, outer_n, outer = by_side(place, gate)
    age = last - place.index
    ears.count(heard, age)
    if inner_n:
        near.hear(place.index, inner, inner_n, age)
    if outer_n:
        far.hear(place.index, outer, outer_n, age)


def _sides(near: _Zone, far: _Zone, last: int, peak: float, floor_db: float) -> dict[str, float]:
    """Inner against outer side."""
    floor = peak - 20.0
    inner, outer = max(near.peak, floor), max(far.peak, floor)
    inner_now, outer_now = near.now(last, floor), far.now(last, floor)
    spans = [far.mean(k, floor_db) - near.mean(k, floor_db) for k in range(SPANS)]
    return {
        "peak_diff": outer - inner,
        "now_diff": outer_now - inner_now,
        "near_fall": inner - inner_now,
        "far_fall": outer - outer_now,
        "far_vs_peak": outer_now - peak,
        "near_vs_peak": inner_now - peak,
        "far_loud": far.mean(0, far.mean(1, floor_db)) - floor_db,
        "near_loud": near.mean(0, near.mean(1, floor_db)) - floor_db,
        "diff_0": spans[0],
        "diff_1": spans[1],
        "diff_2": spans[2],
        "turned": spans[0] - spans[2],
        "centroid": (far.time / far.weight - near.time / near.weight) * BIN_S if near.weight and far.weight else _lone(far),
        "peaks_apart": (far.peak_at - near.peak_at) * BIN_S if near.last >= 0 and far.last >= 0 else _lone(far),
        "firsts_apart": (far.first - near.first) * BIN_S if near.last >= 0 and far.last >= 0 else _lone(far),
    }


def _lone(far: _Zone) -> float:
    """A time for where only one side heard the tag."""
    return 3.0 if far.last >= 0 else -3.0


def _ages(name: str, zone: _Zone, last: int) -> dict[str, float]:
    return {
        f"{name}_age": min((last - zone.last) * BIN_S, NEVER_S) if zone.last >= 0 else NEVER_S,
        f"{name}_peak_age": min((last - zone.peak_at) * BIN_S, NEVER_S) if zone.last >= 0 else NEVER_S,
        f"{name}_n0": float(zone.n[0]),
        f"{name}_n1": float(zone.n[1]),
        f"{name}_n2": float(zone.n[2]),
    }


def _log_odds(share: float) -> float:
    return min(max(math.log((share + 1e-3) / (1.0 - share + 1e-3)), -6.0), 6.0)
