"""A change of the antennas that hear a tag: one moment splits its reads, whatever their levels."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import T0, config

from rfidguard.handover import handover_signs
from rfidguard.layout import layout_from
from rfidguard.path import Presence
from rfidguard.track import BIN_S, Bin, Cell, Track

GATE = layout_from(config()).gates["front"]
INSIDE, OUTSIDE = "front-1/1", "front-1/2"
FIRST = int(T0 // BIN_S)
SIDES = st.text("io-", min_size=1, max_size=40)


def told(sides: str, shelf: dict[str, float] | None = None, counts: tuple[tuple[float, str], ...] = ()) -> dict[str, float]:
    """Signs of a tag that was heard by these sides, a bin each: i inside, o outside, - not at all."""
    cells = {"i": [Cell(INSIDE, 1, -60.0)], "o": [Cell(OUTSIDE, 1, -60.0)], "-": []}
    bins = [Bin(FIRST + number, cells[side]) for number, side in enumerate(sides)]
    track = Track(gate="front", epc="00", first_at=T0, last_at=T0, start_at=T0, ears=shelf or {})
    return handover_signs(track, GATE, Presence(counts=list(counts)), bins, T0 + len(sides) * BIN_S)


@given(SIDES)
def test_what_speaks_for_out_speaks_for_in_when_time_runs_backwards(sides: str) -> None:
    there, back = told(sides), told(sides[::-1])
    assert there["split"] == pytest.approx(back["split_in"])
    assert there["split_in"] == pytest.approx(back["split"])


@given(st.sampled_from("io"), st.integers(1, 40))
def test_one_side_alone_tells_nothing(side: str, n: int) -> None:
    signs = told(side * n)
    assert signs["split"] == signs["split_in"] == 0.0


@given(st.integers(1, 20), st.integers(1, 20))
def test_a_clean_change_is_worth_what_no_change_leaves_unexplained(inside: int, outside: int) -> None:
    signs = told("i" * inside + "o" * outside)
    n = inside + outside
    assert signs["split"] == pytest.approx(min(inside * math.log(n / inside) + outside * math.log(n / outside), 30.0))
    assert signs["split_in"] == 0.0
    assert signs["split_s"] == pytest.approx(outside * BIN_S, abs=0.11)


def test_a_shelf_that_the_outer_antennas_hear_counts_as_having_heard_them_before() -> None:
    assert told("o" * 8, {OUTSIDE: 40.0})["split"] == 0.0
    assert told("o" * 8, {INSIDE: 40.0})["split"] > 4.0


def test_the_change_is_dated_against_who_was_counted() -> None:
    signs = told("iiiiooooo", counts=((T0 + 0.2, "out"), (T0 + 0.4, "in")))
    assert signs["split_count_s"] == pytest.approx(0.2, abs=0.11)
