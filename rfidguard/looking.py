"""Which tags of a gate have anything to look at, so that a shelf of thousands costs next to nothing. Pure.

What moves, stirs, or has just come to rest is lively, and asked after at every look. What stands undisturbed waits until it is
heard no more; a read that stirs it makes it lively at once.
"""

from collections.abc import Iterable, Mapping

import msgspec

from rfidguard.around import moves
from rfidguard.path import Presence
from rfidguard.shelf import TENTHS, caught_up, looked_at_from
from rfidguard.standing import GONE_MAX_S, STIRRED, missed, overdue, went_out
from rfidguard.track import Track

MISSING_TENTHS = 5
WAIT_S = 2 * GONE_MAX_S
"""A shelf tag that was silent for so long is asked whether it is gone. On a full shelf each is heard every few seconds: asked any
sooner, most would be found gone and be heard again right after.
"""


class Looking(msgspec.Struct, omit_defaults=True):
    """Of one gate, by EPC: the tags that are `lively`, and for all others in view the tenth of a second at which each is `due`.
    `waiting`: the latter by tenth; an entry counts only where `due` says the same.

    It is made of the tracks, and no part of a snapshot.
    """

    lively: dict[str, Track] = {}
    due: dict[str, int] = {}
    waiting: dict[int, list[Track]] = {}


def looking_at(tracks: Iterable[Track]) -> Looking:
    """For a gate that remembers `tracks`."""
    looking = Looking()
    placed(looking, tracks)
    return looking


def anew(tracks: Iterable[Track], now: float) -> Looking:
    """The same after looks up to `now` from which some were hidden."""
    known, tenth = list(tracks), round(now * TENTHS) + 1
    for track in known:
        if track.state == "standing" and not track.gone:
            looked_at_from(track, tenth)
    return looking_at(known)


def lively_ones(looking: Looking, now: float) -> list[Track]:
    """The tags that may want a look at `now`; after it they must be `placed` again. Of the others those that fell silent are
    gone.
    """
    tenth = round(now * TENTHS)
    for each in [each for each in looking.waiting if each <= tenth]:
        for track in looking.waiting.pop(each):
            if looking.due.get(track.epc) == each:
                _ended(looking, track, now)
    return list(looking.lively.values())


def anything_in_view(looking: Looking) -> bool:
    """Whether the gate has anything to look at, now or later."""
    return bool(looking.lively or looking.due)


def missing_ones(looking: Looking, tracks: Mapping[str, Track], presence: Presence, now: float) -> None:
    """Makes those of `tracks` lively that stand, and miss their reads since somebody went out. Asks twice a second."""
    if round(now * TENTHS) % MISSING_TENTHS or not went_out(presence, now):
        return
    for track in tracks.values():
        if track.state == "standing" and not track.gone and overdue(track, now):
            caught_up(track, now - 0.5 / TENTHS)
            if not track.gone:
                missed(track)
                stirred(looking, track)


def placed(looking: Looking, tracks: Iterable[Track]) -> None:
    """Puts each of these tags where it belongs."""
    for track in tracks:
        if track.gone:
            forgotten(looking, track.epc)
        elif track.state != "standing" or track.stir >= STIRRED or track.leaving or moves(track):
            stirred(looking, track)  # while others are judged by it (`around_of`) too
        else:
            looking.lively.pop(track.epc, None)
            _wait(looking, track)


def stirred(looking: Looking, track: Track) -> None:
    """A tag is worth a look."""
    looking.lively[track.epc] = track
    looking.due.pop(track.epc, None)


def returned(looking: Looking, track: Track, next_look: float) -> None:
    """A tag that was gone is heard again. `next_look`: when its gate is looked at next."""
    if track.state == "standing":
        looked_at_from(track, round(next_look * TENTHS))
    if track.epc not in looking.due:
        placed(looking, [track])


def forgotten(looking: Looking, epc: str) -> None:
    """A tag is not in view any more."""
    looking.lively.pop(epc, None)
    looking.due.pop(epc, None)


def _wait(looking: Looking, track: Track) -> None:
    tenth = int((track.last_at + WAIT_S) * TENTHS) + 1
    if looking.due.get(track.epc) != tenth:
        looking.due[track.epc] = tenth
        looking.waiting.setdefault(tenth, []).append(track)


def _ended(looking: Looking, track: Track, now: float) -> None:
    """A tag has waited: it was heard meanwhile, or is gone."""
    if now - track.last_at < WAIT_S:
        _wait(looking, track)
        return
    if not track.gone:
        caught_up(track, now)
    if track.gone:
        forgotten(looking, track.epc)
    else:
        stirred(looking, track)
