"""Step 3e: from where a tag probably is to a passage: did it go out, come in, stay, or stand? Pure.

`look` is asked at fixed moments, ten times a second at most; it changes the track's state and says what there is to judge.
"""

from rfidguard.found import MOVED, PRESENCE_S, SHELF_S, Found, belongs, found, weighed
from rfidguard.layout import GateLayout
from rfidguard.motion import Evidence, paused
from rfidguard.path import Place, Presence, followed, new_path
from rfidguard.standing import came_to_rest, departed, settle
from rfidguard.track import BIN_S, Path, Track

OUT = 0.9
"""Probability of being outside, having come from inside, from which a tag still in view counts as gone through."""
OUT_SHELF = 0.97
"""The same for goods that stood near the gate: their neighbourhood moves whenever people do."""
OUT_SILENT = 0.7
"""The same once the tag is no longer heard: it could still go anywhere while it was."""
ENTERED = 0.65
BACK = 0.97
GONE_S = 0.8
GONE_MAX_S = 2.0
STANDING_LOOK_S = 0.5
LOOK_S = 0.1
COMPANY_S = 1.5
SURE = 0.8
"""Certainty from which an item's leaving speaks for those that went with it."""
_REST_LOOK_S = 0.5
_STEADY_INSIDE = 0.97
_PAST_DB = 6.0
_RIVAL_S = 0.4
_SHELF_STIR = 2.5
_STOOD_S = 12.0
_SURELY = 0.8


def look(track: Track, gate: GateLayout, presence: Presence, now: float, company: int = 0) -> Found | None:
    """Judges the track at `now`; None while there is nothing (more) to say.

    `company`: how many other items surely left within the last second; who goes along with them has likely left too.
    """
    track.seen_s += min(max(now - max(track.checked_at, track.start_at), 0.0), LOOK_S)
    track.checked_at = now
    if track.state == "standing" and not departed(track, now):
        return None
    return _zoned(track, gate, presence, now, company) if gate.tells_direction() else _unzoned(track, gate, presence, now)


def _zoned(track: Track, gate: GateLayout, presence: Presence, now: float, company: int) -> Found | None:
    company = company if track.new and track.still_s < SHELF_S else 0
    if track.path is None:
        track.path = _fresh_path(track)
    place = followed(track.path, track.bins, gate.zones, gate.near, gate.far, now, presence)
    quiet_s = now - track.last_at
    if quiet_s >= GONE_MAX_S:
        return _vanished(track, gate, presence, place, now, company)
    if quiet_s >= _patience_s(track) and track.state != "left":
        return _fell_silent(track, gate, presence, place, now, company)
    if track.state == "left":
        return _returned(track, gate, presence, place, now)
    if place.out >= _threshold(track, place, now, company) and place.inner:
        return _went_through(track, gate, presence, place, now, company)
    if place.entered >= ENTERED and place.outer and (track.inbound_at is None or track.inbound_at < track.start_at):
        return _entered(track, gate, presence, place, now)
    return _rested(track, gate, presence, now, place)


def _fresh_path(track: Track) -> Path:
    path = new_path(int((track.start_at - BIN_S / 2) // BIN_S), track.inside)
    path.inner = track.inside >= _SURELY
    path.outer = track.inside <= 1.0 - _SURELY
    return path


def _threshold(track: Track, place: Place, now: float, company: int) -> float:
    """The probability of being out that rings now: less for who went with others, and for who has not come back for a while."""
    if belongs(track):
        return OUT_SHELF
    waited_s = 0.0 if place.crossed_at is None else max(now - place.crossed_at - 0.5, 0.0)
    return OUT - 0.05 * min(company, 3) - 0.12 * min(waited_s, 2.0)


def _unzoned(track: Track, gate: GateLayout, presence: Presence, now: float) -> Found | None:
    """A gate whose antennas all look at one place: judge once the tag is past its loudest moment, or somebody was counted."""
    quiet_s = now - track.last_at
    if track.state == "left":
        track.gone = quiet_s >= GONE_MAX_S
        return None
    seen = weighed(track, gate, presence, None, now)
    if quiet_s >= _patience_s(track):
        return _vanished_unzoned(track, presence, seen)
    rested = _rested(track, gate, presence, now, None)
    if rested is not None or track.state == "standing":
        return rested
    if seen.motion < _needed(track) or paused(track.bins, now):
        return None
    direction = _counted(presence, seen.peak_at)
    if direction == "out" or (seen.fall_db >= _PAST_DB and direction is not None):
        return _without_zones(track, seen, direction)
    return None


def _needed(track: Track) -> float:
    """Where no zone tells that a tag went by, goods from a shelf need more than a stir."""
    return MOVED + (_SHELF_STIR if belongs(track) else 0.0)


def _counted(presence: Presence, at: float) -> str | None:
    """Where the person counted nearest to `at` went; None where the counters saw nobody, unknown where they cannot say."""
    near = sorted((abs(when - at), direction) for when, direction in presence.counts if abs(when - at) <= PRESENCE_S)
    if not near:
        return None if presence.healthy else "unknown"
    rivals = {direction for gap, direction in near if gap - near[0][0] <= _RIVAL_S}
    return near[0][1] if len(rivals) == 1 else "unknown"


def _went_through(track: Track, gate: GateLayout, presence: Presence, place: Place, now: float, company: int) -> Found | None:
    """While the tag is still in view: it is out once it is surely beyond the threshold and keeps moving."""
    seen = weighed(track, gate, presence, place, now, company)
    if seen.motion < MOVED or seen.reads < 3 or place.still > 0.5 or not _may_leave(track, seen):
        return None
    return _left(track, seen, place)


def _may_leave(track: Track, seen: Evidence) -> bool:
    """Goods from a shelf have to have come nearer; a shadow moves sides and levels, but makes nothing louder."""
    return track.still_s < _STOOD_S or seen.terms["rise"] >= 0.0


def _entered(track: Track, gate: GateLayout, presence: Presence, place: Place, now: float) -> Found | None:
    seen = weighed(track, gate, presence, place, now)
    if seen.motion < MOVED:
        return None
    track.inbound_at = now
    return found("in", track, seen, place.entered, seen.peak_at)


def _returned(track: Track, gate: GateLayout, presence: Presence, place: Place, now: float) -> Found | None:
    """A tag that had left is inside again: the next time it leaves is a new passage."""
    if place.inside < BACK or place.still > 0.5:
        return None
    seen = weighed(track, gate, presence, place, now)
    if seen.motion < MOVED:
        return None
    track.state = "candidate"
    track.flips += 1
    what = found("in", track, seen, place.inside, now)
    track.start_at = track.last_at
    track.path = None
    track.inside = _STEADY_INSIDE
    return what


def _rested(track: Track, gate: GateLayout, presence: Presence, now: float, place: Place | None) -> Found | None:
    """The tag rests: learn where. Worth a word only where it had come from somewhere."""
    if now - track.rest_at < _REST_LOOK_S:
        return None
    track.rest_at = now
    if not came_to_rest(track, now):
        return None
    seen = weighed(track, gate, presence, place, now)
    fresh = track.still_s == 0.0
    settle(track, now, 0.5 if place is None else place.inside)
    return found("none", track, seen, 1.0, now, "stayed" if seen.motion >= MOVED else "standing") if fresh else None


def _fell_silent(track: Track, gate: GateLayout, presence: Presence, place: Place, now: float, company: int) -> Found | None:
    """Not heard for longer than usual: out, if that is where it was going. All else can wait: bodies hide tags for a second."""
    wanted = OUT if belongs(track) else OUT_SILENT - 0.1 * min(company, 2)
    if place.out < wanted or not place.inner:
        return None
    seen = weighed(track, gate, presence, place, now, company)
    return _left(track, seen, place) if seen.motion >= MOVED and _may_leave(track, seen) else None


def _vanished(track: Track, gate: GateLayout, presence: Presence, place: Place, now: float, company: int) -> Found | None:
    """The tag is no longer heard: the whole passage is known, judge it."""
    already_left = track.state == "left"
    left = None if already_left else _fell_silent(track, gate, presence, place, now, company)
    track.gone = True
    if already_left or left is not None:
        return left
    seen = weighed(track, gate, presence, place, now, company)
    if seen.motion < MOVED:
        return found("none", track, seen, 1.0, now, "too_few_reads" if seen.reads < 4 else "standing")
    if place.entered >= 0.4 and place.outer and place.entered > place.out:
        track.inbound_at = track.last_at
        return found("in", track, seen, place.entered, seen.peak_at)
    if place.inside >= 0.5:
        return found("none", track, seen, place.inside, seen.peak_at, "stayed")
    return found("unknown", track, seen, 1.0, seen.peak_at)


def _vanished_unzoned(track: Track, presence: Presence, seen: Evidence) -> Found | None:
    track.gone = True
    if seen.motion < _needed(track):
        return found("none", track, seen, 1.0, seen.peak_at, "too_few_reads" if seen.reads < 4 else "standing")
    direction = _counted(presence, seen.peak_at)
    if direction is None:
        return found("none", track, seen, 1.0, seen.peak_at, "stayed")
    return _without_zones(track, seen, direction)


def _without_zones(track: Track, seen: Evidence, direction: str) -> Found:
    if direction == "in":
        track.inbound_at = seen.peak_at
    track.state = "left"
    return found(direction, track, seen, 1.0, seen.peak_at)


def _left(track: Track, seen: Evidence, place: Place) -> Found:
    crossing = place.crossed_at if place.crossed_at is not None else seen.peak_at
    what = found("out", track, seen, place.out, crossing)
    track.state = "left"
    track.start_at = track.last_at
    return what


def _patience_s(track: Track) -> float:
    """How long a silence means that the tag is gone: some usual gaps long, but never too long to still ring in time."""
    span_s = max(track.last_at - track.start_at, 0.5)
    return min(max(GONE_S, 4.0 * span_s / max(track.fresh_reads, 1)), GONE_MAX_S)
