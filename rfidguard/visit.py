"""Step 3c: what one tag's last seconds show against the rest of its visit: louder or quieter, by which side, how often. Pure.

Somebody who waits in the gate, or looks at goods beside it, is heard by both sides for as long as that takes. Whoever then leaves
changes what each antenna hears of the tag, from what it heard all along, whether or not the tag ever stood.
"""

import math
from collections.abc import Mapping, Sequence

from rfidguard.layout import GateLayout
from rfidguard.off_shelf import LATELY, OUTER_SHARE, bin_passed, owed
from rfidguard.path import Presence
from rfidguard.track import BIN_S, Bin, Older, Track, add_older

_RECENT = 25
"""In bins: what does not count as before."""
_TOLD_MOST = 15.0
_BEFORE_MOST = 60.0
_BASE_READS = 4.0
"""What a tag's shelf is worth as reads before."""
_ENOUGH = 2


def visit_signs(track: Track, gate: GateLayout, presence: Presence, bins: Sequence[Bin], now: float) -> dict[str, float]:
    """Every sign by name; 0 each where nothing was heard before. `bins`: those of the present passage."""
    last = int(now // BIN_S)
    before = _before(track, bins, last)
    reads = sum(heard.n for heard in before.values())
    found = {"visit_n": min(reads, _BEFORE_MOST), "visit_owed": _owed(track, bins, reads, last, now)}
    if gate.near == gate.far:
        return found | {"lift": _lift(track, gate, bins, before, last, gate.near)}
    share = _share(track, gate, before)
    steps: dict[int | None, float] = {
        gate.far: math.log(OUTER_SHARE / share),
        gate.near: math.log((1.0 - OUTER_SHARE) / (1.0 - share)),
    }
    found |= {
        "visit_far": share,
        "near_lift": _lift(track, gate, bins, before, last, gate.near),
        "far_lift": _lift(track, gate, bins, before, last, gate.far),
        "visit_ears": _told(gate, bins, steps, last - LATELY),
    }
    return found | _since(gate, bins, steps, presence, now)


def _before(track: Track, bins: Sequence[Bin], last: int) -> dict[str, Older]:
    """What each antenna heard of the visit until a moment ago."""
    found = {slot: Older(known.n, known.total_db) for slot, known in track.older.items()}
    for place in bins:
        if last - place.index <= _RECENT:
            break
        add_older(found, place)
    return found


def _share(track: Track, gate: GateLayout, before: Mapping[str, Older]) -> float:
    """Which share of the reads before outer antennas gave, its shelf included; a half where nothing is known."""
    total, outer = 1.0, 0.5
    for slot, heard in before.items():
        zone = gate.zones.get(slot)
        total += heard.n if zone in (gate.near, gate.far) else 0.0
        outer += heard.n if zone == gate.far else 0.0
    shelf = sum(track.ears.values())
    if shelf:
        total += _BASE_READS
        outer += _BASE_READS * sum(n for slot, n in track.ears.items() if gate.zones.get(slot) == gate.far) / shelf
    return outer / total


def _lift(track: Track, gate: GateLayout, bins: Sequence[Bin], before: Mapping[str, Older], last: int, zone: int) -> float:
    """By how much (dB) the antennas of a zone hear it louder lately than before, each against itself."""
    n, total = 0, 0.0
    for place in reversed(bins):
        if last - place.index > LATELY:
            break
        for cell in place.cells:
            usual = _usual(track, cell.slot, before) if gate.zones.get(cell.slot) == zone else None
            if usual is not None:
                n += cell.n
                total += cell.total_db - cell.n * usual
    return total / n if n else 0.0


def _usual(track: Track, slot: str, before: Mapping[str, Older]) -> float | None:
    """The level at which an antenna heard it before; None where it did not."""
    heard = before.get(slot)
    if heard is not None and heard.n >= _ENOUGH:
        return heard.total_db / heard.n
    spot = track.base.get(slot)
    return None if spot is None else spot.mean_db


def _told(gate: GateLayout, bins: Sequence[Bin], steps: Mapping[int | None, float], after: int) -> float:
    """How much (natural log) the sides that heard it after a bin speak for outside against where it was before."""
    told = 0.0
    for place in reversed(bins):
        if place.index < after:
            break
        for cell in place.cells:
            told += cell.n * steps.get(gate.zones.get(cell.slot), 0.0)
    return min(max(told, -_TOLD_MOST), _TOLD_MOST)


def _since(
    gate: GateLayout, bins: Sequence[Bin], steps: Mapping[int | None, float], presence: Presence, now: float
) -> dict[str, float]:
    """The same since whoever was last counted going out has passed, and which side heard it how often since."""
    first = bin_passed(presence, now)
    if first is None:
        return {"visit_since": 0.0, "near_since": 0.0, "far_since": 0.0}
    near = far = 0
    for place in reversed(bins):
        if place.index < first:
            break
        for cell in place.cells:
            zone = gate.zones.get(cell.slot)
            near += cell.n if zone == gate.near else 0
            far += cell.n if zone == gate.far else 0
    return {"visit_since": _told(gate, bins, steps, first), "near_since": float(near), "far_since": float(far)}


def _owed(track: Track, bins: Sequence[Bin], reads: float, last: int, now: float) -> float:
    """How many reads it owes since the last one, by the pace of the visit so far."""
    if not reads:
        return 0.0
    began = min(track.start_at, bins[0].index * BIN_S) if bins else track.start_at
    beat_s = max((last - _RECENT) * BIN_S - began, BIN_S) / reads
    return owed(now - track.last_at, beat_s)
