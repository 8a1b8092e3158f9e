"""Step 3b: what else there is at a gate while one tag is looked at. Pure."""

from collections.abc import Collection

import msgspec

from rfidguard.standing import STIRRED
from rfidguard.track import Track

NEW_S = 12.0
_MISSING_S = 1.0


class Around(msgspec.Struct, frozen=True):
    """What else there is at a gate: tags that move, that are probably leaving, that are missing from where they stood, and the
    floor of its hearing (dB).
    """

    movers: int = 0
    leaving: int = 0
    missing: int = 0
    floor_db: float = -70.0


def around_of(active: Collection[Track], floor_db: float, now: float) -> Around:
    """What else there is, of the tags in view of a gate."""
    missing = sum(is_missing(track, now) for track in active)
    return Around(sum(map(moves, active)), sum(track.leaving for track in active), missing, floor_db)


def moves(track: Track) -> bool:
    """True for what has just come into view, or stirs: somebody is near."""
    return track.stir > STIRRED or (track.new and track.seen_s < NEW_S)


def is_missing(track: Track, now: float) -> bool:
    """A shadow hides many shelf tags at once, a hand takes few away."""
    return track.state == "candidate" and bool(track.base) and now - track.last_at > _MISSING_S
