"""The last seconds of a tag against the rest of its visit, however long that is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import T0, config

from rfidguard.add_read import add_read
from rfidguard.handover import handover_signs
from rfidguard.layout import layout_from
from rfidguard.path import Presence
from rfidguard.standing import STIRRED, departed, settle
from rfidguard.track import KEEP_BINS, Older, Track
from rfidguard.visit import visit_signs

GATE = layout_from(config()).gates["front"]
INSIDE, OUTSIDE = "front-1/1", "front-1/2"
STEP_S = 0.3
SLOTS = {"i": INSIDE, "o": OUTSIDE}


def heard(sides: str, levels: tuple[float, float] = (-60.0, -60.0)) -> Track:
    """A tag read by these sides (i inside, o outside, - not at all), one every STEP_S, at the levels of inside and outside."""
    track = Track(gate="front", epc="00", first_at=T0, last_at=T0, start_at=T0)
    for number, side in enumerate(sides):
        if side != "-":
            add_read(track, SLOTS[side], T0 + number * STEP_S, levels["io".index(side)], None, None, 1)
    return track


def told(track: Track, reads: int, *counts: tuple[float, str]) -> dict[str, float]:
    now = T0 + reads * STEP_S
    return visit_signs(track, GATE, Presence(counts=[(T0 + at, way) for at, way in counts]), track.bins, now)


@given(st.text("io", min_size=1, max_size=120))
def test_no_read_of_a_visit_is_forgotten_but_what_bins_hold(sides: str) -> None:
    track = heard(sides)
    held = {slot: sum(cell.n for place in track.bins for cell in place.cells if cell.slot == slot) for slot in SLOTS.values()}
    for side, slot in SLOTS.items():
        older = track.older.get(slot, Older())
        assert older.n + held[slot] == sides.count(side)
        assert older.total_db == pytest.approx(-60.0 * older.n)


def test_who_waited_long_and_is_then_heard_outside_only_is_told_from_who_waits_on() -> None:
    waits, leaves = "io" * 40, "io" * 35 + "ooooooooo"
    assert len(leaves) * STEP_S > 2 * KEEP_BINS * 0.1
    still, gone = told(heard(waits), len(waits)), told(heard(leaves), len(leaves))
    assert gone["visit_ears"] > 2.0 > 0.0 > still["visit_ears"]
    assert gone["visit_far"] == pytest.approx(0.5, abs=0.06)


def test_a_change_of_antennas_counts_the_whole_wait_before_it() -> None:
    short, long = "io" * 4 + "o" * 20, "io" * 30 + "o" * 20
    split = [handover_signs(heard(s), GATE, Presence(), heard(s).bins, T0 + len(s) * STEP_S)["split"] for s in (short, long)]
    assert split[1] > split[0] > 0.0


def test_each_antenna_is_held_against_itself() -> None:
    track = heard("io" * 30, (-50.0, -70.0))
    add_read(track, OUTSIDE, T0 + 60 * STEP_S, -60.0, None, None, 1)
    signs = told(track, 61)
    assert signs["far_lift"] == pytest.approx(10.0 / 3, abs=0.1)
    assert signs["near_lift"] == pytest.approx(0.0)


def test_reads_after_somebody_was_counted_going_out_are_told_apart() -> None:
    signs = told(heard("ioioioio" + "oooi"), 12, (2.0, "out"))
    assert (signs["near_since"], signs["far_since"]) == (1.0, 3.0)
    assert told(heard("ioio"), 4, (1.0, "in"))["far_since"] == 0.0


def test_a_silence_is_worth_the_reads_that_the_visit_would_have_given() -> None:
    quick, slow = heard("io" * 30 + "-" * 10), heard("i--o--" * 10 + "-" * 10)
    assert told(quick, 70)["visit_owed"] == pytest.approx(3 * told(slow, 70)["visit_owed"], rel=0.3)
    assert told(quick, 70)["visit_owed"] > 8.0


def test_a_tag_just_met_has_no_visit_yet() -> None:
    signs = told(heard("ioo"), 3)
    assert signs == dict.fromkeys(signs, 0.0) | {"visit_far": 0.5, "visit_ears": signs["visit_ears"]}


def test_a_visit_ends_where_its_tag_comes_to_rest_and_another_begins_where_it_leaves() -> None:
    track = heard("io" * 30)
    assert track.older
    settle(track, 0.9)
    assert not track.older
    for number in range(30):
        add_read(track, INSIDE, T0 + 20.0 + number, -60.0, None, None, 1)
    assert not track.older
    track.stir, track.stir_at, track.older = STIRRED, T0 + 49.0, {INSIDE: Older(3.0, -180.0)}
    assert departed(track, T0 + 49.1)
    assert not track.older
