"""Step 3b: from a track's evidence to a passage: did this tag go out, come in, stay, or stand? Pure.

`look` is asked at fixed moments, ten times a second at most; it changes the track's state and says what there is to judge.
"""

import math

import msgspec

from rfidguard.layout import GateLayout
from rfidguard.motion import Evidence, evidence, slot_levels
from rfidguard.track import BIN_S, Base, Track

MOVED = 1.5
"""Log-odds of motion from which a tag counts as carried."""
TOLD = 1.5
"""Direction score from which the direction counts as known."""
OUTSIDE_DB = 4.0
"""How much louder the outer zone must be before somebody still in view counts as gone through."""
GONE_S = 0.8
GONE_MAX_S = 2.0
REST_S = 3.0
STANDING_LOOK_S = 0.5
_REST_SPAN_DB = 5.0
_BASE_STEP_DB = 4.0
_BASE_WEIGHT = 20
_RISE_DB = 5.0
_PRESENCE_S = 2.0


class Presence(msgspec.Struct):
    """People at a gate, lately: (time, direction) of each count, and whether the counters work (None: there are none)."""

    counts: list[tuple[float, str]] = []
    healthy: bool | None = None


class Found(msgspec.Struct, frozen=True):
    """What `look` found: `direction` out, in, none or unknown, and a reason of its own where nothing left."""

    direction: str
    crossing: float
    start: float
    certainty: float
    terms: dict[str, float]
    reason: str | None = None


def look(track: Track, gate: GateLayout, presence: Presence, now: float) -> Found | None:
    """Judges the track at `now`; None while there is nothing (more) to say."""
    track.checked_at = now
    if track.state == "standing" and not _departed(track, now):
        return None
    seen = _weighed(track, gate, presence, now)
    quiet_s = now - track.last_at
    if quiet_s >= _patience_s(track):
        return _vanished(track, gate, presence, seen)
    if track.state == "left":
        return _returned(track, gate, seen)
    if _came_to_rest(track, seen, now):
        return _settled(track, seen, now)
    if gate.tells_direction():
        return _went_through(track, gate, seen, now)
    return _passed_by(track, presence, seen)


def _weighed(track: Track, gate: GateLayout, presence: Presence, now: float) -> Evidence:
    """The motion evidence with what else speaks for or against a person carrying the tag."""
    seen = evidence(track, gate.zones, gate.near, gate.far, now)
    when = seen.crossing or seen.peak_at
    near = [direction for at, direction in presence.counts if abs(at - when) <= _PRESENCE_S]
    extra = {
        "presence": 1.0 if near else (-1.0 if presence.healthy else 0.0),
        "stood": -min(track.still_s / 10.0, 2.0),
        "rise": _rise_term(track, gate),
    }
    lean = 0.8 * (("out" in near) - ("in" in near))
    return msgspec.structs.replace(
        seen,
        motion=seen.motion + sum(extra.values()),
        direction=seen.direction + (lean if gate.tells_direction() else 0.0),
        terms={**seen.terms, **extra, "counted": lean},
    )


def _rise_term(track: Track, gate: GateLayout) -> float:
    """A shelf tag that is carried out must come nearer to the gate than its shelf is; shadow alone never makes it louder."""
    if not track.base or track.still_s < REST_S:
        return 0.0
    first = track.start_at - BIN_S
    peaks = slot_peaks(track, first)
    rise_db = max((peak - track.base[slot].mean_db for slot, peak in peaks.items() if slot in track.base), default=0.0)
    inner = [base.mean_db for slot, base in track.base.items() if gate.zones.get(slot) == gate.near]
    outer = [base.mean_db for slot, base in track.base.items() if gate.zones.get(slot) == gate.far]
    in_the_gate = bool(inner and outer) and abs(max(inner) - max(outer)) < 3.0 and track.still_s < 60.0
    if in_the_gate:
        return 0.0
    return min((rise_db - _RISE_DB) / 1.5, 1.0) if rise_db < _RISE_DB else 1.0


def slot_peaks(track: Track, first: float) -> dict[str, float]:
    """The loudest half second (mean dB) of each antenna since `first`."""
    peaks: dict[str, float] = {}
    start = first
    end = track.last_at + BIN_S
    while start < end:
        for slot, (mean, n) in slot_levels(track.bins, start, start + 0.5).items():
            if n >= 2 or track.fresh_reads < 8:
                peaks[slot] = max(peaks.get(slot, -200.0), mean)
        start += 0.5
    return peaks


def _departed(track: Track, now: float) -> bool:
    """True once a standing tag is no longer where its baseline says; the track is then a candidate again."""
    levels = slot_levels(track.bins, now - 1.0, now + BIN_S)
    recent = [place for place in track.bins if place.index * BIN_S >= now - 1.0]
    phase = sum(place.phase_llr for place in recent)
    quiet = not levels and now - track.last_at >= GONE_MAX_S
    moved = any(_off_base(track, slot, mean, n) for slot, (mean, n) in levels.items())
    if quiet:
        track.gone = True
        return False
    if not moved and phase <= 3.0:
        _learn_base(track, levels)
        track.still_s += STANDING_LOOK_S
        return False
    track.state = "candidate"
    track.start_at = now - 1.0
    track.fresh_reads = sum(cell.n for place in recent for cell in place.cells)
    return True


def _off_base(track: Track, slot: str, mean: float, n: int) -> bool:
    base = track.base.get(slot)
    return n >= 3 and (base is None or abs(mean - base.mean_db) > _BASE_STEP_DB)


def _learn_base(track: Track, levels: dict[str, tuple[float, int]]) -> None:
    for slot, (mean, n) in levels.items():
        base = track.base.get(slot)
        if base is None:
            track.base[slot] = Base(n, mean)
        else:
            base.n = min(base.n + 1, _BASE_WEIGHT)
            base.mean_db += (mean - base.mean_db) / base.n


def _came_to_rest(track: Track, seen: Evidence, now: float) -> bool:
    """True where the last seconds look like goods on a shelf: steady levels, steady phase."""
    if now - max(track.start_at, track.bins[0].index * BIN_S if track.bins else now) < REST_S:
        return False
    levels_1 = slot_levels(track.bins, now - REST_S, now - REST_S / 2)
    levels_2 = slot_levels(track.bins, now - REST_S / 2, now + BIN_S)
    shared = [slot for slot in levels_1 if slot in levels_2 and min(levels_1[slot][1], levels_2[slot][1]) >= 2]
    recent = [place for place in track.bins if place.index * BIN_S >= now - REST_S]
    steps = sum(place.phase_n for place in recent)
    calm = steps == 0 or sum(place.phase_llr for place in recent) / steps < -0.3
    steady = bool(shared) and all(abs(levels_1[slot][0] - levels_2[slot][0]) < 2.5 for slot in shared)
    return calm and steady and (steps > 0 or seen.terms["span_db"] < _REST_SPAN_DB)


def _settled(track: Track, seen: Evidence, now: float) -> Found | None:
    """The tag rests: learn where. Worth a word only where it had come from somewhere."""
    moved_s = now - track.start_at
    fresh = track.still_s == 0.0
    track.state = "standing"
    track.base = {}
    _learn_base(track, slot_levels(track.bins, now - REST_S, now + BIN_S))
    track.still_s = max(track.still_s, REST_S)
    came_in = seen.motion >= MOVED and seen.direction <= -TOLD and moved_s > REST_S and track.judged_at < track.start_at
    if came_in:
        track.inbound_at = now
        return _found("in", track, seen)
    return _found("none", track, seen, "stayed" if seen.motion >= MOVED else "standing") if fresh else None


def _went_through(track: Track, gate: GateLayout, seen: Evidence, now: float) -> Found | None:
    """While the tag is still in view: it is out once the outer zone hears it clearly louder and it keeps moving."""
    through = gate.far > 0 and seen.d_end_db >= OUTSIDE_DB and seen.d_start_db < 0
    if not (through and seen.motion >= MOVED and seen.direction >= TOLD + 0.5 and seen.crossing is not None):
        return None
    if seen.paused or seen.crossing > now or seen.reads < 4:
        return None
    return _left(track, seen)


def _passed_by(track: Track, presence: Presence, seen: Evidence) -> Found | None:
    """A gate whose antennas all look at one place: judge once the tag is clearly past its loudest moment."""
    if track.state == "left" or seen.fall_db < 6.0 or seen.motion < MOVED or seen.paused:
        return None
    return _without_zones(track, presence, seen)


def _vanished(track: Track, gate: GateLayout, presence: Presence, seen: Evidence) -> Found | None:
    """The tag is no longer heard: the whole passage is known, judge it."""
    already_left = track.state == "left"
    track.gone = True
    if already_left:
        return None
    if seen.motion < MOVED:
        return _found("none", track, seen, "too_few_reads" if seen.reads < 4 else "standing")
    if not gate.tells_direction():
        return _without_zones(track, presence, seen)
    if seen.direction >= TOLD and seen.d_end_db > 0:
        return _left(track, seen)
    if seen.direction <= -TOLD and seen.d_end_db < 0:
        track.inbound_at = track.last_at
        return _found("in", track, seen)
    if seen.d_start_db < 0 and seen.d_end_db < 0:
        return _found("none", track, seen, "stayed")
    return _found("unknown", track, seen)


def _returned(track: Track, gate: GateLayout, seen: Evidence) -> Found | None:
    """A tag that had left is inside again: the next time it leaves is a new passage."""
    if not gate.tells_direction() or seen.d_end_db > -OUTSIDE_DB or seen.direction > -TOLD or seen.motion < MOVED:
        return None
    track.state = "candidate"
    found = _found("in", track, seen)
    track.start_at = track.last_at
    return found


def _without_zones(track: Track, presence: Presence, seen: Evidence) -> Found:
    near = {direction for at, direction in presence.counts if abs(at - seen.peak_at) <= _PRESENCE_S} - {"unknown"}
    direction = near.pop() if len(near) == 1 else "unknown"
    track.state = "left"
    return _found(direction, track, seen)


def _left(track: Track, seen: Evidence) -> Found:
    found = _found("out", track, seen)
    track.state = "left"
    track.start_at = track.last_at
    return found


def _found(direction: str, track: Track, seen: Evidence, reason: str | None = None) -> Found:
    told = 1.0 if direction == "unknown" else _sigmoid(2.0 * abs(seen.direction))
    certainty = _sigmoid(seen.motion) * told
    terms = {name: round(value, 3) for name, value in seen.terms.items()}
    terms |= {"motion": round(seen.motion, 3), "direction": round(seen.direction, 3)}
    crossing = seen.crossing if seen.crossing is not None else seen.peak_at
    return Found(direction, crossing, track.start_at, round(certainty, 4), terms, reason)


def _patience_s(track: Track) -> float:
    """How long a silence means that the tag is gone: some usual gaps long, but never too long to still ring in time."""
    span_s = max(track.last_at - track.start_at, 0.5)
    return min(max(GONE_S, 4.0 * span_s / max(track.fresh_reads, 1)), GONE_MAX_S)


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))
