"""What holds of places and passages for any walk and any reads."""

import math

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0, alarms, leave, own, run, walk

from rfidguard.add_read import add_read
from rfidguard.path import Presence, followed, new_path
from rfidguard.track import BIN_S, Path, Track, copied

ITEM = own(1)
FEW = settings(max_examples=settings().max_examples // 8)
SEEDS = st.integers(0, 10_000)
ZONES = {"r/1": -1, "r/2": 1, "r/3": 0}
READS = st.lists(
    st.tuples(st.floats(0, 9), st.sampled_from(sorted(ZONES)), st.floats(-95, -20), st.floats(0, 6.28)), min_size=1, max_size=40
)
COUNTS = st.lists(st.tuples(st.floats(0, 9), st.sampled_from(["in", "out", "unknown"])), max_size=5)


@FEW
@given(READS, COUNTS, st.sampled_from([None, True, False]), st.floats(0.03, 0.97))
def test_places_are_probabilities_whatever_is_read(
    reads: list[tuple[float, str, float, float]], counts: list[tuple[float, str]], healthy: bool | None, inside: float
) -> None:
    track = Track(gate="g", epc=ITEM, first_at=T0, last_at=T0, start_at=T0)
    path = new_path(int(T0 // BIN_S) - 1, inside)
    presence = Presence([(T0 + at, direction) for at, direction in counts], healthy)
    for at, slot, rssi, phase in sorted(reads):
        add_read(track, slot, T0 + at, rssi, 1.0, phase, 1)
        path, place = followed(path, track.bins, ZONES, -1, 1, T0 + at + BIN_S, presence)
        assert all(0.0 <= share <= 1.0 + 1e-9 for share in (place.out, place.entered, place.inside, place.still))
        assert math.isclose(sum(map(sum, path.weights)), 1.0, abs_tol=1e-6)
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(path)), Path) == path


@given(READS, st.lists(st.floats(0, 2), min_size=40, max_size=40), COUNTS, st.sampled_from([None, True, False]))
def test_a_path_kept_from_the_last_look_is_the_one_worked_out_anew(
    reads: list[tuple[float, str, float, float]], late_s: list[float], counts: list[tuple[float, str]], healthy: bool | None
) -> None:
    track = Track(gate="g", epc=ITEM, first_at=T0, last_at=T0, start_at=T0)
    kept = new_path(int(T0 // BIN_S) - 1, 0.5)
    anew, presence, waiting = copied(kept), Presence([], healthy), sorted(counts)
    for now, (at, slot, rssi, phase) in sorted((read[0] + late, read) for read, late in zip(reads, late_s, strict=False)):
        while waiting and waiting[0][0] <= now:
            presence.hear(T0 + waiting[0][0], waiting.pop(0)[1], 20.0)
        add_read(track, slot, T0 + at, rssi, 1.0, phase, 1)
        anew.ahead = None
        kept, place = followed(kept, track.bins, ZONES, -1, 1, T0 + now, presence)
        anew, same = followed(anew, track.bins, ZONES, -1, 1, T0 + now, presence)
        assert place == same
    assert msgspec.structs.replace(kept, ahead=None) == msgspec.structs.replace(anew, ahead=None)


@FEW
@given(SEEDS, st.floats(0.6, 2.0), st.floats(-2.5, -0.5), st.floats(0, 3))
def test_who_turns_back_inside_never_rings(seed: int, speed: float, nearest: float, wait_s: float) -> None:
    there = (nearest + 3.0) / speed
    path = [(0, -3), (there, nearest), (there + wait_s, nearest), (2 * there + wait_s, -3)]
    assert alarms(run(walk(ITEM, path, seed=seed, rate_hz=15.0))) == []


@FEW
@given(SEEDS, st.floats(0.5, 2.5))
def test_walking_in_never_rings(seed: int, speed: float) -> None:
    assert alarms(run(walk(ITEM, [(0, 3), (6 / speed, -3)], seed=seed))) == []


@FEW
@given(SEEDS, st.floats(0.5, 2.5), st.sampled_from([6.0, 15.0, 40.0]))
def test_leaving_rings_exactly_once_and_in_time(seed: int, speed: float, rate_hz: float) -> None:
    raised = alarms(run(leave(ITEM, speed=speed, seed=seed, rate_hz=rate_hz)))
    assert [-1.0 <= change.event_at - (T0 + 3.0 / speed) <= 4.0 for change in raised] == [True]
