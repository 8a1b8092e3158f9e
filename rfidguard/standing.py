"""Step 3a: goods that stand near the gate: when a tag has come to rest, how loud it is there, when it is no longer. Pure."""

import math

from rfidguard.layout import GateLayout
from rfidguard.motion import since, slot_levels
from rfidguard.track import BIN_S, Base, Track

REST_S = 3.0
GONE_MAX_S = 2.0
STANDING_LOOK_S = 0.5
LONG_REST_S = 7.5
_REST_SPAN_DB = 1.5
_REST_NOISE_DB = 3.0
_BASE_STEP_DB = 4.0
_BASE_SPREADS = 3.5
_BASE_WEIGHT = 20
_RISE_DB = 4.0
_UNHEARD_DB = 8.0
_LONG_S = 20.0
"""Who stood as long belongs there; who stood less may only have waited."""


def departed(track: Track, now: float) -> bool:
    """True once a standing tag is no longer where its baseline says; the track is then a candidate again."""
    levels = slot_levels(track.bins, now - 1.0, now + BIN_S)
    recent = since(track.bins, now - 1.0)
    phase = sum(place.phase_llr for place in recent)
    if not levels and now - track.last_at >= GONE_MAX_S:
        track.gone = True
        return False
    moved = any(_off_base(track, slot, mean, n) for slot, (mean, n) in levels.items())
    if not moved and phase <= 3.0:
        _learn_base(track, levels)
        track.still_s += STANDING_LOOK_S
        track.seen_s += STANDING_LOOK_S
        return False
    track.state = "candidate"
    track.start_at = now - 1.0
    track.fresh_reads = sum(cell.n for place in recent for cell in place.cells)
    track.path = None
    return True


def came_to_rest(track: Track, now: float) -> bool:
    """True where the last seconds look like goods on a shelf: steady levels, steady phase. Few reads need a longer look."""
    since_s = now - max(track.start_at, track.bins[0].index * BIN_S if track.bins else now)
    for window_s in (REST_S, LONG_REST_S):
        if since_s < window_s:
            return False
        steady = _steady(track, now, window_s)
        if steady is not None:
            return steady
    return False


def settle(track: Track, now: float, inside: float) -> None:
    """The tag stands from now on; `inside` is the probability that it stands inside."""
    track.state = "standing"
    track.base = {}
    _learn_base(track, slot_levels(track.bins, now - REST_S, now + BIN_S))
    track.still_s = max(track.still_s, REST_S)
    track.path = None
    track.inside = min(max(inside, 0.03), 0.97)


def rise_term(track: Track, gate: GateLayout) -> float:
    """A shelf tag that is carried out gets louder at the outer antennas; a person's shadow never makes it louder."""
    if not track.base or track.still_s < REST_S:
        return 0.0
    far = {slot: base.mean_db for slot, base in track.base.items() if gate.zones.get(slot) == gate.far}
    unheard = max(base.mean_db for base in track.base.values()) - _UNHEARD_DB
    peaks = _slot_peaks(track, track.start_at - BIN_S)
    rises = [peak - far.get(slot, unheard) for slot, peak in peaks.items() if gate.zones.get(slot) == gate.far]
    rise_db = max(rises, default=0.0)
    weight = min(track.still_s / _LONG_S, 1.0)
    return weight * min(max((rise_db - _RISE_DB) / 1.2, -5.0), 1.0)


def _steady(track: Track, now: float, window_s: float) -> bool | None:
    """True where levels and phase held over three parts of the window; None where too few reads say so."""
    third = window_s / 3
    parts = [slot_levels(track.bins, now - window_s + k * third, now - window_s + (k + 1) * third) for k in range(3)]
    recent = since(track.bins, now - window_s)
    steps = sum(place.phase_n for place in recent)
    shared = [slot for slot in parts[0] if slot in parts[1] and slot in parts[2]]
    enough = 4 if window_s == REST_S else 2
    if not any(min(part[slot][1] for part in parts) >= enough for slot in shared):
        return None
    if steps >= 4 and sum(place.phase_llr for place in recent) / steps > -0.3:
        return False
    return all(_holds([part[slot] for part in parts]) for slot in shared)


def _holds(levels: list[tuple[float, int]]) -> bool:
    low, high = min(levels), max(levels)
    return high[0] - low[0] < _REST_SPAN_DB + _REST_NOISE_DB / math.sqrt(min(n for _, n in levels))


def _slot_peaks(track: Track, first: float) -> dict[str, float]:
    """The loudest half second (mean dB, less a margin for few reads) of each antenna since `first`."""
    peaks: dict[str, float] = {}
    start, end = first, track.last_at + BIN_S
    while start < end:
        for slot, (mean, n) in slot_levels(track.bins, start, start + 0.5).items():
            peaks[slot] = max(peaks.get(slot, -200.0), mean - 2.0 / n)
        start += 0.5
    return peaks


def _off_base(track: Track, slot: str, mean: float, n: int) -> bool:
    """Few reads are enough where the tag has not stood for long: it may be somebody who waits."""
    base, waited = track.base.get(slot), track.still_s < _LONG_S
    if n < 3 and not waited:
        return False
    if base is None:
        return n >= (1 if waited else 3)
    noise_db = _BASE_SPREADS * base.spread_db
    return abs(mean - base.mean_db) > max(_BASE_STEP_DB if n >= 3 else 1.5 * _BASE_STEP_DB, noise_db)


def _learn_base(track: Track, levels: dict[str, tuple[float, int]]) -> None:
    for slot, (mean, n) in levels.items():
        base = track.base.get(slot)
        if base is None:
            track.base[slot] = Base(n, mean)
        else:
            base.n = min(base.n + 1, _BASE_WEIGHT)
            base.spread_db += (abs(mean - base.mean_db) - base.spread_db) / base.n
            base.mean_db += (mean - base.mean_db) / base.n
