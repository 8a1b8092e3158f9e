"""Step 3a: goods that stand near the gate: when a tag has come to rest, and when it is no longer where it stood. Pure."""

from rfidguard.bins import binned
from rfidguard.path import Presence
from rfidguard.spot import drifted
from rfidguard.track import Track

REST_S = 3.0
GONE_MAX_S = 2.5
DEPARTS_S = 3.0
"""A tag that left its place did so at most so long before it is noticed."""
STANDING_LOOK_S = 0.5
STIRRED = 3.5
"""Log-odds of having left its base from which a standing tag is watched like any other."""
_SILENT_S, _SILENT_BEATS = 1.0, 6.0
"""A standing tag that is silent for so long, and misses so many reads, may have been taken away without one that shows it."""
_COUNTED_S = 3.0
_HOME = 4.0
"""Log-odds of being where it stood from which it counts as back there."""
_RESTS = ((6.0, 5, REST_S), (2.5, 3, 8.0))
"""What tells of rest: log-odds, reads, seconds. Tags that are seldom read need longer."""


def departed(track: Track, now: float) -> bool:
    """True once a standing tag is no longer where its baseline says; the track is then a candidate again."""
    if now - track.last_at >= GONE_MAX_S:
        track.gone = True
        return False
    if track.stir < STIRRED:
        track.still_s += STANDING_LOOK_S
        track.seen_s += STANDING_LOOK_S
        return False
    binned(track)
    track.state = "candidate"
    track.start_at = max(track.stir_at, now - DEPARTS_S)
    track.fresh_reads = 0
    track.lately, track.calm, track.calm_n = {}, 0.0, 0
    track.older = {}
    track.home = 0.0
    track.path = None
    return True


def went_out(presence: Presence, now: float) -> bool:
    """True where somebody was counted who may have taken something along."""
    return any(direction != "in" and now - at <= _COUNTED_S for at, direction in presence.counts)


def overdue(track: Track, now: float) -> bool:
    """True where a standing tag has missed more reads than chance lets it."""
    silent_s = now - track.last_at
    return silent_s >= _SILENT_S and silent_s >= _SILENT_BEATS * track.beat_s


def missed(track: Track) -> None:
    """Reads of a standing tag that are missing say as much as reads from elsewhere."""
    track.stir_at = track.stir_at if track.stir > 0.0 else track.last_at
    track.stir = max(track.stir, STIRRED)


def came_to_rest(track: Track, now: float) -> bool:
    """True where the last seconds look like goods on a shelf, be it a new place or the old one."""
    if track.base and (track.stir <= 0.0 or track.home >= _HOME):
        return True
    if drifted(track.lately.values()):
        return False
    calm_s = now - track.calm_at
    return any(track.calm >= odds and track.calm_n >= reads and calm_s >= seconds for odds, reads, seconds in _RESTS)


def settle(track: Track, inside: float) -> None:
    """The tag stands from now on; `inside` is the probability that it stands inside. Back in its place it knows it already."""
    track.state = "standing"
    if not track.base or (track.stir > 0.0 and track.home < _HOME):
        track.moved_at = track.last_at if track.base else track.moved_at
        track.settled_at = track.last_at
        track.base = track.lately
        track.ears = {slot: spot.n for slot, spot in track.lately.items()}
        track.beat_s = max(track.last_at - track.calm_at, 0.0) / max(track.calm_n, 1)
        track.home_at = track.last_at
    track.lately, track.older = {}, {}
    track.flips = max(track.flips - 1, 0)
    track.stir = 0.0
    track.still_s = max(track.still_s, REST_S)
    track.path = None
    track.inside = min(max(inside, 0.03), 0.97)
