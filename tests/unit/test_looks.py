"""When a tag is looked at: at once after a read or a count, now and then while it is silent, seldom while it stands."""

from walks import T0, own

from rfidguard.add_read import add_read
from rfidguard.around import Around
from rfidguard.layout import GateLayout
from rfidguard.passage import LOOK_S, QUIET_LOOK_S, wants_look, watched
from rfidguard.path import Presence
from rfidguard.standing import STANDING_LOOK_S, STIRRED
from rfidguard.track import Track

GATE = GateLayout("g", "observe", {"r/1": -1, "r/2": 1}, near=-1, far=1)


def looked_at() -> Track:
    """A tag of two reads, looked at right after them."""
    track = Track(gate="g", epc=own(1), first_at=T0, last_at=T0, start_at=T0)
    add_read(track, "r/1", T0, -60.0, None, None, 1)
    add_read(track, "r/2", T0 + 0.05, -62.0, None, None, 1)
    watched(track, GATE, Presence(), Around(), T0 + LOOK_S)
    return track


def test_a_new_read_wants_the_next_look() -> None:
    track = looked_at()
    assert not wants_look(track, Presence(), T0 + 2 * LOOK_S)
    add_read(track, "r/1", T0 + 0.12, -61.0, None, None, 1)
    assert wants_look(track, Presence(), T0 + 2 * LOOK_S)


def test_a_person_counted_wants_a_look_at_every_tag_that_does_not_stand() -> None:
    track, presence = looked_at(), Presence([(T0 + 0.15, "out")], True)
    assert wants_look(track, presence, T0 + 2 * LOOK_S)
    track.state = "standing"
    assert not wants_look(track, presence, T0 + 2 * LOOK_S)


def test_a_silent_tag_is_looked_at_now_and_then_and_one_that_stands_seldom() -> None:
    track = looked_at()
    assert wants_look(track, Presence(), T0 + LOOK_S + QUIET_LOOK_S)
    track.state = "standing"
    assert not wants_look(track, Presence(), T0 + LOOK_S + QUIET_LOOK_S)
    assert wants_look(track, Presence(), T0 + LOOK_S + STANDING_LOOK_S)


def test_a_shelf_tag_that_stirs_is_looked_at_at_once() -> None:
    track = looked_at()
    track.state, track.stir = "standing", STIRRED
    assert wants_look(track, Presence(), T0 + LOOK_S + 0.01)
