"""Reads of a standing tag of which no bin is made show the same, once somebody asks, as bins that were made of each at once."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard import add_read as reading
from rfidguard import bins
from rfidguard.add_read import add_read
from rfidguard.bins import binned, forget_before, oldest
from rfidguard.shelf import caught_up, forget_bins
from rfidguard.spot import Spot, Turn
from rfidguard.standing import STIRRED, departed
from rfidguard.track import Track

T0 = 1_790_000_000.0
SLOTS = ("r/1", "r/2", "r/3")

STEPS = st.one_of(
    st.tuples(
        st.just("read"),
        st.one_of(st.floats(0.0, 0.3), st.floats(0.0, 4.0), st.floats(-3.0, 0.0), st.sampled_from([0.05, 0.1, -9.0, 9.0])),
        st.sampled_from(SLOTS),
        st.sampled_from([-60.0, -60.5, -61.0, -70.0]),
        st.sampled_from([None, 1, 2]),
        st.one_of(st.none(), st.floats(0.0, 6.28)),
        st.one_of(st.none(), st.floats(-5.0, 5.0)),
    ),
    st.tuples(st.sampled_from(["look", "forget", "forget all", "asked", "restart"])),
)


def standing() -> Track:
    """A tag that two antennas know where it stands."""
    turns = {10: Turn(5.0, 4.0, 2.0), 20: Turn(5.0, -4.0, 2.0)}
    base = {slot: Spot(10.0, -60.0, turns=copy.deepcopy(turns)) for slot in SLOTS[:2]}
    track = Track(gate="g", epc="E", first_at=T0, last_at=T0, start_at=T0, state="standing", checked_at=T0)
    track.base, track.ears = base, {"r/1": 3.0}
    return track


def shown(track: Track) -> bytes:
    """All of a track but its bins, which need not have been made."""
    bare = copy.copy(track)
    bare.bins, bare.loose, bare.phase_ref = [], [], {}
    return msgspec.json.encode(bare)


def run(steps: list[tuple[Any, ...]]) -> list[bytes]:
    """What each step leaves behind, and the whole track at the end."""
    track, now, seen = standing(), T0, []
    for what, *told in steps:
        if what == "read":
            gap, slot, level, channel, phase, doppler = told
            add_read(track, slot, now + gap, level, channel, phase, 1, doppler)
            now = max(now, now + gap)
        elif track.state == "standing":
            track = _happened(track, what, now)
        seen.append(shown(track))
    binned(track)
    return [*seen, msgspec.json.encode(track)]


def _happened(track: Track, what: str, now: float) -> Track:
    match what:
        case "look":
            if track.stir < STIRRED:
                caught_up(track, now)
            else:
                departed(track, now)
                track.state = "standing" if now % 1.0 < 0.5 else track.state
        case "forget":
            forget_bins(track, now)
        case "forget all":
            first = oldest(track)
            forget_before(track, 0 if first is None else first + 3)
        case "asked":
            binned(track)
        case "restart":
            return msgspec.json.decode(msgspec.json.encode(track), type=Track)
    return track


@given(st.lists(STEPS, min_size=10, max_size=80), st.sampled_from([2, 7, 512]))
def test_loose_reads_show_the_same_once_bins_are_asked_for(steps: list[tuple[Any, ...]], most: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bins, "_MOST_LOOSE", most)
        loose = run(steps)
        patched.setattr(reading, "may_wait", lambda *_: False)
        assert loose == run(steps)
