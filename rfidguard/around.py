"""Step 3b: what else there is at a gate while one tag is looked at. Pure."""

from collections.abc import Collection

import msgspec

from rfidguard.standing import STIRRED
from rfidguard.track import Track

NEW_S = 12.0
_MISSING_S = 1.0
_GONE_S = 2.5
_TOGETHER_S = 1.5


class Around(msgspec.Struct, frozen=True):
    """What else there is at a gate: tags that move, that are probably leaving, that are missing from where they stood, and the
    floor of its hearing (dB). `gone`: of the newcomers that have just left unpaid, when each came into view.
    """

    movers: int = 0
    leaving: int = 0
    missing: int = 0
    floor_db: float = -70.0
    gone: tuple[float, ...] = ()


def around_of(active: Collection[Track], floor_db: float, now: float) -> Around:
    """What else there is, of the tags in view of a gate."""
    missing = sum(is_missing(track, now) for track in active)
    gone = tuple(track.first_at for track in active if _just_taken(track, now))
    return Around(sum(map(moves, active)), sum(track.leaving for track in active), missing, floor_db, gone)


def _just_taken(track: Track, now: float) -> bool:
    return track.state == "left" and track.left_unpaid and track.new and now - track.start_at <= _GONE_S


def accompanied(track: Track, around: Around) -> bool:
    """True for a newcomer of which others that came into view with it have just left unpaid: what one person takes goes together.
    Paid goods are no such sign: their buyers pass hundreds of goods that nobody took.
    """
    return track.new and any(abs(at - track.first_at) <= _TOGETHER_S for at in around.gone)


def moves(track: Track) -> bool:
    """True for what has just come into view, or stirs: somebody is near."""
    return track.stir > STIRRED or (track.new and track.seen_s < NEW_S)


def is_missing(track: Track, now: float) -> bool:
    """A shadow hides many shelf tags at once, a hand takes few away."""
    return track.state == "candidate" and bool(track.base) and now - track.last_at > _MISSING_S
