"""Step 3f: from the signs of a tag to a passage: did it go out, come in, stay, or stand? Pure.

`look` is asked at fixed moments, ten times a second at most; it changes the track's state and says what there is to judge.
Two scores decide, one for "has gone out" and one for "has come in" (trees.py): sums of terms, learnt from simulated passages.
"""

import msgspec

from rfidguard.around import Around, accompanied
from rfidguard.found import Found, found
from rfidguard.layout import GateLayout
from rfidguard.overlook import GONE_S, REST_LOOK_S, came_in_before, fresh_path, overlooked, tables, vanished
from rfidguard.path import Place, Presence, followed
from rfidguard.signs import signs
from rfidguard.standing import STANDING_LOOK_S, STIRRED, came_to_rest, departed, settle
from rfidguard.track import Track
from rfidguard.trees import Table, score

OUT, OUT_COUNTED = 2.6, 3.2
"""Log-odds of having gone out from which a passage is judged to be one, and where counters work: there the score of what goes out
gets higher, and shelf goods beside somebody who is counted are most of what would ring wrongly.
"""
COUNTED = 1.6
"""The same at a gate in one plane, whose counters tell the direction."""
THROUGH = 1.4
"""The same of having gone through whichever way, at a gate that can tell no direction: there the score never gets as high."""
IN = 0.0
"""The same of having come in: being wrong here silences a later exit, being too strict rings at own clothes."""
FEW = 2.0
"""How much more a passage of fewer than four reads needs: shelf goods read for the first time look like arrivals."""
BLIND = 0.3
"""How much less is asked after a time in which nobody listened: what it could have shown is missing by our own fault."""
COMPANY = 2.5
"""How much less is asked, at a gate that tells direction, of what came into view with others that have just left unpaid."""
FLIP = 1.5
"""How much more each return inside asks of the next exit."""
LEAVING = 0.75
LOOK_S = 0.1
QUIET_LOOK_S = 0.3
"""A tag of which nothing new was heard is looked at so often: only time passes, and a look costs far more than a read."""
_COUNTED_S = 0.5
"""A person counted so lately may belong to any tag."""
_BACK = 0.97
_BACK_S = 1.5
_BACK_HELD_S = 3.0
"""Standing inside for so long says that it came back, whatever its way in looked like."""
_AWAY = -2.0
_NEAR_S = 2.0
_RIVAL_S = 0.4
_FEW = 4
_NEW_S = 12.0


class Seen(msgspec.Struct, frozen=True):
    """What a look at one tag shows: its signs, and where it probably is (None at a gate whose zones do not tell)."""

    signs: dict[str, float]
    place: Place | None


def next_look(now: float) -> float:
    """The next tenth of a second after `now` (Unix seconds); strictly later, whatever floats do to tenths."""
    at = round((now // LOOK_S + 1) * LOOK_S, 3)
    return at if at > now else round(at + LOOK_S, 3)


def wants_look(track: Track, presence: Presence, now: float) -> bool:
    """False for what stands undisturbed, or of which nothing is new, and was looked at lately."""
    since = now - track.checked_at + LOOK_S / 2
    if track.state == "standing":
        return track.stir >= STIRRED or since >= STANDING_LOOK_S
    if track.reads != track.looked_reads or since >= QUIET_LOOK_S:
        return True
    return bool(presence.counts) and now - presence.counts[-1][0] <= _COUNTED_S


def look(track: Track, gate: GateLayout, presence: Presence, around: Around, now: float, blind: bool = False) -> Found | None:
    """Judges the track at `now`; None while there is nothing (more) to say. `around`: what else moves at this gate; `blind`: its
    readers were away just now.
    """
    if stands(track, now):
        return None
    left = track.state == "left"
    place = _followed(track, gate, presence, now) if left or track.leaving else None
    if _away(track, place, now) if left else overlooked(track, gate, presence, around, now):
        return None
    seen = _seen(track, gate, presence, around, now, place)
    less = BLIND * blind + COMPANY * (gate.tells_direction() and accompanied(track, around))
    return _judged(track, gate, presence, seen, now, _least(gate, presence) - less)


def watched(track: Track, gate: GateLayout, presence: Presence, around: Around, now: float) -> Seen | None:
    """Follows the track up to `now`, whatever a glance would say; None while it stands where it stood."""
    return None if stands(track, now) else _seen(track, gate, presence, around, now)


def stands(track: Track, now: float) -> bool:
    """The track is looked at `now`: True while it stands where it stood."""
    seen_until(track, now)
    if track.state != "standing" or departed(track, now):
        return False
    track.leaving = False
    return True


def _followed(track: Track, gate: GateLayout, presence: Presence, now: float) -> Place | None:
    """Where the track probably is `now`; None at a gate whose zones do not tell."""
    if not gate.tells_direction():
        return None
    if track.path is None:
        track.path = fresh_path(track)
    track.path, place = followed(track.path, track.bins, gate.zones, gate.near, gate.far, now, presence)
    track.leaving = place.out > LEAVING
    return place


def _seen(track: Track, gate: GateLayout, presence: Presence, around: Around, now: float, place: Place | None = None) -> Seen:
    """Everything about the track `now`. `place`: where it is, if that is known already."""
    place = _followed(track, gate, presence, now) if place is None else place
    return Seen(signs(track, gate, presence, place, around, now), place)


def seen_until(track: Track, now: float) -> None:
    """The track is looked at `now`."""
    track.seen_s += min(max(now - max(track.checked_at, track.start_at), 0.0), QUIET_LOOK_S)
    track.checked_at = now
    track.looked_reads = track.reads


def rested(track: Track, seen: Seen, now: float) -> bool:
    """True where the track has just come to rest: it stands from now on. Asked twice a second."""
    if now - track.rest_at < REST_LOOK_S:
        return False
    track.rest_at = now
    if not came_to_rest(track, now):
        return False
    settle(track, 0.5 if seen.place is None else seen.place.inside)
    return True


def _judged(track: Track, gate: GateLayout, presence: Presence, seen: Seen, now: float, least: float) -> Found | None:
    out_table, in_table = tables(gate, presence)
    if track.state == "left":
        return _returned(track, seen, out_table, in_table, now)
    out = score(out_table, seen.signs)
    if out >= _asked(track, seen, least):
        return _left(track, presence, seen, out_table, now)
    if _came_in(track, seen, in_table, out):
        track.inbound_at = now
        return found("in", track, in_table, seen.signs, now)
    if vanished(track, now):
        return _vanished(track, seen, out_table, now)
    fresh = track.still_s == 0.0
    if rested(track, seen, now) and fresh:
        walked = track.new and seen.signs["spans"] > 0.0
        return found("none", track, out_table, seen.signs, now, "stayed" if walked else "standing")
    return None


def _came_in(track: Track, seen: Seen, in_table: Table, out: float) -> bool:
    """True where it has come in on this passage, and that was not said yet. A score costs a look's most: asked last."""
    if came_in_before(track):
        return False
    come = score(in_table, seen.signs)
    return come >= IN and come > out


def _least(gate: GateLayout, presence: Presence) -> float:
    if gate.tells_direction():
        return OUT_COUNTED if presence.healthy else OUT
    return COUNTED if presence.healthy else THROUGH


def _asked(track: Track, seen: Seen, least: float) -> float:
    """The log-odds of having gone out that this track must show, where `least` is asked of a plain one."""
    return least + FLIP * track.flips + (FEW if seen.signs["n"] < _FEW else 0.0)


def _left(track: Track, presence: Presence, seen: Seen, out_table: Table, now: float) -> Found:
    direction = "out" if seen.place is not None or presence.healthy else _counted(presence, now)
    what = found(direction, track, out_table, seen.signs, _crossing(presence, seen.place, now))
    if direction == "in":
        track.inbound_at = now
    track.state = "left"
    track.start_at = now
    return what


def _crossing(presence: Presence, place: Place | None, now: float) -> float:
    """When the body passed the threshold: as counted, or as the tag's place tells."""
    guess = now if place is None or place.crossed_at is None else place.crossed_at
    near = [at for at, direction in presence.counts if direction != "in" and abs(at - guess) <= _NEAR_S and at <= now]
    return min(near, key=lambda at: (abs(at - guess), at), default=guess)


def _counted(presence: Presence, at: float) -> str:
    """Where the person counted nearest to `at` went, as far as a counter that is not trusted can say."""
    near = sorted((abs(when - at), direction) for when, direction in presence.counts if abs(when - at) <= _NEAR_S)
    rivals = {direction for gap, direction in near if gap - near[0][0] <= _RIVAL_S}
    return near[0][1] if len(rivals) == 1 else "unknown"


def _away(track: Track, place: Place | None, now: float) -> bool:
    """True where a tag that had left is still away: it is not heard any more, or not where it would be inside again."""
    if now - track.last_at >= GONE_S:
        track.gone = True
        return True
    if place is None or place.inside < _BACK:
        track.back_at = None
        return True
    return False


def _returned(track: Track, seen: Seen, out_table: Table, in_table: Table, now: float) -> Found | None:
    """A tag that had left is inside again: the next time it leaves is a new passage."""
    if score(out_table, seen.signs) > _AWAY:
        track.back_at = None
        return None
    track.back_at = now if track.back_at is None else track.back_at
    held = now - track.back_at >= _BACK_HELD_S
    if now - track.start_at < _BACK_S or not (held or score(in_table, seen.signs) >= IN):
        return None
    what = found("in", track, in_table, seen.signs, now)
    track.state = "candidate"
    track.flips += 1
    track.back_at = None
    track.start_at = track.last_at
    track.older = {}
    track.path = None
    track.inside = _BACK
    return what


def _vanished(track: Track, seen: Seen, out_table: Table, now: float) -> Found:
    """The tag is no longer heard, and nothing says that it went out or came in."""
    track.gone = True
    reason = "too_few_reads" if seen.signs["n"] < _FEW else "stayed"
    if track.base or (not track.new and track.seen_s > _NEW_S):
        reason = "standing"
    return found("none", track, out_table, seen.signs, now, reason)
