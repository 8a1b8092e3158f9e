"""Which way people went through two beams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.beams import BeamCounter, BeamPins, Crossing

INNER, OUTER = 0, 1


def walk(steps: str, timeout_s: float = 2.0) -> tuple[list[str], dict[str, int]]:
    """Steps a second apart in tenths: I and O break a beam, i and o clear it, '.' lets a second pass."""
    doorway = BeamCounter(2, timeout_s)
    at, found = 0.0, []
    for step in steps:
        at += 1.0 if step == "." else 0.1
        if step != ".":
            found += doorway.change(at, INNER if step in "Ii" else OUTER, step.isupper())
    doorway.expire(at)
    return [crossing.direction for crossing in found], dict(doorway.ignored)


@pytest.mark.parametrize(
    ("steps", "directions"),
    [
        ("IOio", ["out"]),
        ("OIoi", ["in"]),
        ("IiOo", ["out"]),
        ("OoIi", ["in"]),
        ("Ii.Oo", ["out"]),
        ("IOiOio", ["out"]),  # leans back within the overlap
        ("IOioOIoi", ["out", "in"]),
        ("IiIiOoOo", ["out", "out"]),  # two people in a row, both beams narrow
        ("IOioIOio", ["out", "out"]),
    ],
)
def test_direction_is_told_by_the_order_of_the_beams(steps: str, directions: list[str]) -> None:
    assert walk(steps) == (directions, {})


@pytest.mark.parametrize("steps", ["IOoi", "OIio", "IOoIOoi"])
def test_who_turns_round_within_the_beams_is_not_counted(steps: str) -> None:
    assert walk(steps) == ([], {"turned_back": 1})


def test_half_a_passage_that_finds_no_other_half_in_time_is_not_counted() -> None:
    assert walk("Ii...Oo...") == ([], {"turned_back": 2})


def test_both_beams_at_the_same_instant_go_by_the_one_left_last() -> None:
    doorway = BeamCounter(2, 2.0)
    doorway.change(1.0, INNER, True)
    doorway.change(1.0, OUTER, True)
    doorway.change(1.5, INNER, False)
    assert doorway.change(1.6, OUTER, False) == [Crossing(1.0, "out")]


def test_nothing_but_simultaneous_beams_is_a_crossing_of_unknown_direction() -> None:
    doorway = BeamCounter(2, 2.0)
    for broken, at in ((True, 1.0), (False, 1.5)):
        doorway.change(at, INNER, broken)
        found = doorway.change(at, OUTER, broken)
    assert found == [Crossing(1.0, "unknown")]


def test_single_beam_counts_without_a_direction_as_soon_as_it_breaks() -> None:
    doorway = BeamCounter(1, 2.0)
    assert doorway.change(1.0, 0, True) == [Crossing(1.0, "unknown")]
    assert doorway.change(1.4, 0, False) == []


def test_crossing_happened_when_the_second_beam_broke() -> None:
    doorway = BeamCounter(2, 2.0)
    for at, beam, broken in ((1.0, INNER, True), (1.2, OUTER, True), (1.4, INNER, False)):
        doorway.change(at, beam, broken)
    assert doorway.change(1.9, OUTER, False) == [Crossing(1.2, "out")]


def test_blocked_beam_is_named_and_what_began_with_it_is_not_counted() -> None:
    doorway = BeamCounter(2, 2.0)
    doorway.change(1.0, INNER, True)
    assert doorway.blocked(20.0, 30.0) == []
    assert doorway.blocked(32.0, 30.0) == [INNER]
    doorway.change(33.0, OUTER, True)
    doorway.change(34.0, INNER, False)
    assert doorway.change(35.0, OUTER, False) == []
    assert doorway.ignored == {"blocked": 1}


def test_swinging_door_keeps_memory_bounded() -> None:
    doorway = BeamCounter(2, 1000.0)
    for step in range(1000):
        doorway.change(step * 0.1, INNER, True)
        doorway.change(step * 0.1 + 0.05, INNER, False)
    assert doorway.ignored["too_many"] == 1000 - 64


def pins(normally_open: bool = True) -> BeamPins:
    return BeamPins((7, 9), broken_high=normally_open, debounce_s=0.03, timeout_s=2.0, blocked_s=30.0)


def play(beams: BeamPins, edges: list[tuple[float, int, bool]]) -> list[Crossing]:
    return [crossing for at, pin, high in edges for crossing in beams.edge(at, pin, high)]


EDGES = [(1.0, 7, True), (1.3, 9, True), (1.6, 7, False), (1.9, 9, False)]


def test_pins_are_inner_then_outer() -> None:
    beams = pins()
    assert play(beams, EDGES) + beams.settle(3.0) == [Crossing(1.3, "out")]


def test_normally_closed_beams_are_broken_when_the_pin_falls() -> None:
    beams = pins(normally_open=False)
    assert play(beams, [(at, pin, not high) for at, pin, high in EDGES]) + beams.settle(3.0) == [Crossing(1.3, "out")]


def test_bouncing_beam_counts_one_person() -> None:
    beams = pins()
    bounced = [(at + late, pin, high ^ (late == 0.005)) for at, pin, high in EDGES for late in (0.0, 0.005, 0.01)]
    assert [crossing.direction for crossing in play(beams, bounced) + beams.settle(3.0)] == ["out"]


@given(
    edges=st.lists(st.tuples(st.integers(1, 900), st.sampled_from([7, 9]), st.booleans()), max_size=40),
    looks=st.lists(st.integers(0, 60_000), max_size=20),
)
def test_looking_at_the_beams_more_often_changes_no_count(edges: list[tuple[int, int, bool]], looks: list[int]) -> None:
    at, plan = 0, []
    for ms, pin, high in edges:
        at += ms
        plan.append((at / 1000, pin, high))
    plain, looked = pins(), pins()
    expected = play(plain, plan) + plain.settle(at / 1000 + 10)
    found: list[Crossing] = []
    times = sorted(look / 1000 for look in looks if look / 1000 < at / 1000)
    for when, pin, high in plan:
        while times and times[0] < when:
            found += looked.settle(times.pop(0))
        found += looked.edge(when, pin, high)
    assert found + looked.settle(at / 1000 + 10) == expected
