"""Step 3c: did the antennas that hear a tag change over from one side to the other, at one moment? Pure.

A tag that stays is heard by each side in the same shares all along; whoever crosses splits its reads in two. The best split of
the reads in time against none, as a log-likelihood ratio (two binomial shares against one): levels play no part in it.
"""

import math
from collections.abc import Mapping, Sequence

from rfidguard.layout import GateLayout
from rfidguard.path import Presence
from rfidguard.track import BIN_S, Bin, Track

_MOST = 30.0
_NEVER_S = 9.0
_SHELF_READS = 4.0
"""What a tag's shelf is worth as reads before the first one."""
_OLDER_MOST = 40.0
"""The visit so far is worth at most so many: what happened long ago says less of where it was just now."""


def handover_signs(track: Track, gate: GateLayout, presence: Presence, bins: Sequence[Bin], now: float) -> dict[str, float]:
    """`split`, `split_in`: how much (natural log) speaks for one change outward, or inward; `split_s`: how long ago the outward
    one was; `split_count_s`: by how much later than somebody was counted going out.
    """
    if gate.near == gate.far:
        return {}
    heard = [(place.index, *_sides(place, gate)) for place in bins]
    out, back, index = _best(heard, *_earlier(track, gate))
    split_s = _NEVER_S if index is None else min(now - (index + 1) * BIN_S, _NEVER_S)
    gaps = [(now - split_s) - at for at, direction in presence.counts if direction != "in" and at <= now]
    near = min(gaps, key=abs, default=_NEVER_S)
    return {"split": out, "split_in": back, "split_s": split_s, "split_count_s": min(max(near, -_NEVER_S), _NEVER_S)}


def _sides(place: Bin, gate: GateLayout) -> tuple[int, int]:
    """Reads by the inner and by the outer antennas."""
    inner = outer = 0
    for cell in place.cells:
        zone = gate.zones.get(cell.slot)
        if zone == gate.near:
            inner += cell.n
        elif zone == gate.far:
            outer += cell.n
    return inner, outer


def _earlier(track: Track, gate: GateLayout) -> tuple[float, float]:
    """Reads by each side before the first bin: what its shelf is worth, and those of the visit that bins do not hold any more."""
    inner, outer = _by_side(track.ears, gate)
    if inner + outer:
        inner, outer = _SHELF_READS * inner / (inner + outer), _SHELF_READS * outer / (inner + outer)
    older_inner, older_outer = _by_side({slot: heard.n for slot, heard in track.older.items()}, gate)
    part = min(1.0, _OLDER_MOST / max(older_inner + older_outer, 1.0))
    return inner + part * older_inner, outer + part * older_outer


def _by_side(reads: Mapping[str, float], gate: GateLayout) -> tuple[float, float]:
    inner = sum(n for slot, n in reads.items() if gate.zones.get(slot) == gate.near)
    return inner, sum(n for slot, n in reads.items() if gate.zones.get(slot) == gate.far)


def _best(heard: Sequence[tuple[int, int, int]], inner: float, outer: float) -> tuple[float, float, int | None]:
    """The best split outward and inward, and after which bin the outward one is. `inner`, `outer`: reads before the first bin."""
    later_inner, later_outer = sum(entry[1] for entry in heard), sum(entry[2] for entry in heard)
    if not inner + later_inner or not outer + later_outer:
        return 0.0, 0.0, None
    whole = _log_likelihood(inner + later_inner, outer + later_outer)
    out = back = 0.0
    where = None
    for index, near, far in heard:
        inner, outer, later_inner, later_outer = inner + near, outer + far, later_inner - near, later_outer - far
        told = min(_log_likelihood(inner, outer) + _log_likelihood(later_inner, later_outer) - whole, _MOST)
        if later_outer * (inner + outer) <= outer * (later_inner + later_outer):
            back = max(back, told)
        elif told > out:
            out, where = told, index
    return out, back, where


def _log_likelihood(inner: float, outer: float) -> float:
    """Of so many reads on each side, at the share that explains them best."""
    total = inner + outer
    told = inner * math.log(inner / total) if inner > 0.0 else 0.0
    return told + (outer * math.log(outer / total) if outer > 0.0 else 0.0)
