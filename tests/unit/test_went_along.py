"""Goods that stood in view and are carried out: what is remembered of each, and what is asked after somebody was counted."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import T0, config, own

from rfidguard.found import GROUPS
from rfidguard.layout import GateLayout, layout_from
from rfidguard.path import Presence
from rfidguard.picked_plane import passed
from rfidguard.picked_shelf import AGES_S, among
from rfidguard.picked_sides import sides_of
from rfidguard.picked_windows import COMING, GOING, GONE, PASSING
from rfidguard.track import Track
from rfidguard.trail import KEPT_S, Trail, trodden
from rfidguard.went_along import went_along

GATE = layout_from(config()).gates["front"]
READER = {"id": "front-1", "driver": "replay", "antennas": {1: "threshold", 2: "threshold"}}
PLANE = layout_from(config(gate=[{"id": "front", "mode": "observe", "reader": [READER]}])).gates["front"]
GATES = pytest.mark.parametrize("gate", [GATE, PLANE], ids=["zones", "plane"])
INNER, OUTER = (next(slot for slot, zone in GATE.zones.items() if zone == wanted) for wanted in (GATE.near, GATE.far))
COUNTED = T0 + 60.0
reads = st.lists(st.tuples(st.floats(0, 3.0), st.sampled_from([INNER, OUTER]), st.integers(-80, -40)), min_size=1, max_size=200)


def trod(gaps: Sequence[tuple[float, str, int]]) -> tuple[Trail, float]:
    trail, at = Trail(), T0
    for gap, slot, level in gaps:
        at += gap
        trodden(trail, at, slot, float(level))
    return trail, at


@given(reads)
def test_a_trail_forgets_no_read_of_the_last_seconds_and_holds_the_sums_of_those_before(gaps) -> None:
    trail, last = trod(gaps)
    lately = sum(at >= last - KEPT_S for at, _, _ in trail.steps)
    ats = [T0 + since for since in accumulate(gap for gap, _, _ in gaps)]
    assert lately == sum(at >= last - KEPT_S for at in ats)
    assert sum(heard.n for heard in trail.before.values()) <= 120.0
    if len(gaps) <= 120:
        assert len(trail.steps) + sum(heard.n for heard in trail.before.values()) == len(gaps)
    assert len(trail.steps) <= max(sum(at >= last - 1.5 * KEPT_S for at in ats), 16) + 1


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=40))
def test_whom_the_sides_speak_for_most_is_first_among_the_others(told) -> None:
    compared = [among(own, sorted(told)) for own in told]
    first = max(range(len(told)), key=told.__getitem__)
    assert compared[first]["rank"] == 0.0
    assert all(others["ahead"] <= 0.0 for own, others in zip(told, compared, strict=True) if own < told[first])


def shelf(serials: range, taken: str | None, shift_db: float = 0.0) -> list[Track]:
    """A minute of goods that stand inside, read once a second; one of them is then carried out, with somebody counted."""
    rng = Random(7)
    tracks = []
    for serial in serials:
        epc = own(serial)
        track = Track(gate="front", epc=epc, first_at=T0, last_at=T0, start_at=T0, state="standing", checked_at=COUNTED)
        at = T0 + rng.random()
        level = {INNER: rng.uniform(-66, -58), OUTER: rng.uniform(-70, -64)}
        while at < COUNTED + 4.0:
            gone = epc == taken and at > COUNTED - 1.5
            slot = (OUTER if at > COUNTED else INNER) if gone else INNER if rng.random() < 0.7 else OUTER
            if not gone or at < COUNTED + 1.6:
                trodden(track.trail, at, slot, shift_db + (_carried_db(at) if gone else level[slot]) + rng.gauss(0, 1))
                track.last_at = at
            at += 0.3 if gone else rng.uniform(0.5, 1.5)
        tracks.append(track)
    return tracks


def _carried_db(at: float) -> float:
    """Loudest in the plane, fainter with every step away from it."""
    return -48.0 - 6.0 * abs(at - COUNTED)


def told(gate: GateLayout, tracks: list[Track], presence: Presence, floor_db: float = -72.0) -> list[str]:
    found = []
    for tenth in range(45):
        now = COUNTED + tenth / 10
        found += [track.epc for track, what in went_along(gate, presence, tracks, floor_db, now) if what.direction == "out"]
    return found


@GATES
def test_goods_taken_from_a_shelf_go_along_with_who_is_counted(gate: GateLayout) -> None:
    tracks = shelf(range(1, 60), own(7))
    assert told(gate, tracks, Presence([(COUNTED, "out")], True, 1)) == [own(7)]
    assert [track.state for track in tracks if track.epc == own(7)] == ["left"]


@GATES
def test_absolute_level_does_not_matter(gate: GateLayout) -> None:
    for shift_db in (-25.0, 25.0):
        tracks = shelf(range(1, 60), own(7), shift_db)
        assert told(gate, tracks, Presence([(COUNTED, "out")], True, 1), -72.0 + shift_db) == [own(7)]


@GATES
def test_nothing_goes_along_with_nobody_or_with_who_comes_in_or_past_a_counter_that_is_not_trusted(gate: GateLayout) -> None:
    for presence in (Presence([], True), Presence([(COUNTED, "in")], True), Presence([(COUNTED, "out")], False)):
        assert told(gate, shelf(range(1, 60), own(7)), presence) == []


@GATES
def test_a_shelf_of_which_nothing_is_taken_stays(gate: GateLayout) -> None:
    assert told(gate, shelf(range(1, 60), None), Presence([(COUNTED, "out")], True, 1)) == []


@GATES
def test_what_is_found_says_why(gate: GateLayout) -> None:
    tracks = shelf(range(1, 60), own(7))
    presence = Presence([(COUNTED, "out")], True, 1)
    now = [COUNTED + age + 0.05 for age in AGES_S]
    (what,) = [found for at in now for _, found in went_along(gate, presence, tracks, -72.0, at)]
    assert what.crossing == COUNTED
    assert abs(sum(what.terms.get(name, 0.0) for name in ("prior", *GROUPS)) - what.terms["score"]) < 0.02
    assert what.terms["reads"] > 0


def test_what_has_just_come_into_view_never_stood_here() -> None:
    trail, _ = trod([(0.3, INNER, -60)] * 20)
    assert sides_of(trail, GATE, T0 + 5.0) is None
    assert passed(trail, T0 + 5.0) is None


@given(reads, st.floats(0.0, 6.0))
def test_what_fell_was_louder_at_the_count_than_since_or_is_silent_since(gaps, ago) -> None:
    trail, last = trod(gaps)
    tag = passed(trail, last - ago)
    if tag is not None and tag.fall_db > 0.0:
        then, since = (
            [step[2] for window in pair for step in tag.around.windows[window]] for pair in ((COMING, PASSING), (GOING, GONE))
        )
        assert then
        assert not since or max(then) > max(since)
