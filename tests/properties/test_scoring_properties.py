"""What must hold of every score, whatever happened and whatever rang."""

import math
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from rfidguard.direction_score import score_directions
from rfidguard.effects import Decided
from rfidguard.evaluate import EARLIEST_S, LATEST_S, Passage, Ring, Truth, during, score_rings
from rfidguard.figures import figures
from rfidguard.intervals import count_interval, share_interval
from rfidguard.tally import Tally

EPCS = [f"E{n}" for n in range(6)]
times = st.floats(0, 200, allow_nan=False).map(lambda at: round(at, 2))


@st.composite
def passages(draw: st.DrawFn, name: str) -> Passage:
    cross, direction = draw(times), draw(st.sampled_from(["in", "out", "none"]))
    tags = draw(st.lists(st.sampled_from(EPCS), unique=True, max_size=4))
    unpaid = [epc for epc in tags if direction == "out" and draw(st.booleans())]
    reads = {epc: draw(st.integers(0, 9)) for epc in tags}
    crossed = None if direction == "none" else cross
    return Passage(name, f"{direction}-kind", cross - 2, cross + 2, crossed, direction, tuple(unpaid), tuple(tags), reads=reads)


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    people = [draw(passages(f"p{n}")) for n in range(draw(st.integers(0, 5)))]
    return Truth(tuple(people), ("E5",), 300.0)


@st.composite
def rung(draw: st.DrawFn) -> list[Ring]:
    pairs = draw(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(EPCS)), unique=True, max_size=10))
    return sorted((Ring(alarm, epc, draw(times)) for alarm, epc in pairs), key=lambda ring: ring.at)


@given(truths(), rung())
def test_counts_are_consistent(truth: Truth, rings: list[Ring]) -> None:
    found = score_rings(truth, rings)
    assert found.items_read_found <= found.items_found <= found.items
    assert found.thefts_read_found <= found.thefts_found <= found.thefts
    assert found.rings_right <= found.rings == len(rings)
    assert found.false_in + found.duplicates <= found.false_alarms <= found.alarms
    assert sum(found.false_by.values()) == found.false_alarms
    assert found.thefts + found.clean == found.passages == sum(found.kinds.values())
    assert sum(found.items_found_by.values()) == found.items_found
    assert sum(found.missed_by.values()) == found.thefts - found.thefts_found
    assert all(EARLIEST_S <= delay <= LATEST_S for delay in found.delays_s)


@given(truths(), rung())
def test_a_kinder_window_never_finds_less(truth: Truth, rings: list[Ring]) -> None:
    strict, kind = score_rings(truth, rings), score_rings(truth, rings, during)
    assert kind.items_found >= strict.items_found
    assert kind.rings_right >= strict.rings_right


@given(truths(), rung(), st.floats(0, 10_000).map(round))
def test_time_has_no_zero(truth: Truth, rings: list[Ring], shift: int) -> None:
    later = Truth(tuple(_shifted(passage, shift) for passage in truth.passages), truth.standing, truth.seconds)
    moved = [Ring(ring.alarm, ring.epc, ring.at + shift) for ring in rings]
    one, other = score_rings(truth, rings), score_rings(later, moved)
    on_the_edge = any(
        abs(abs(ring.at - (passage.cross or 0.0) - edge)) < 1e-6
        for ring in rings
        for passage in truth.passages
        for edge in (EARLIEST_S, LATEST_S)
    )
    assert on_the_edge or (one.items_found, one.false_alarms) == (other.items_found, other.false_alarms)


@given(truths())
def test_silence_is_never_false_and_a_prompt_ring_for_each_theft_is_all_that_is_asked(truth: Truth) -> None:
    silent = score_rings(truth, [])
    assert (silent.false_alarms, silent.items_found, silent.rings) == (0, 0, 0)
    perfect = [Ring(p.passage, epc, p.cross or 0.0) for p in truth.passages for epc in p.unpaid]
    found = score_rings(truth, perfect)
    assert found.items_found == len({ring.epc + _server(truth, ring) for ring in perfect})
    assert found.false_alarms == found.duplicates


@given(st.lists(st.tuples(truths(), rung()), min_size=2, max_size=4), st.randoms())
def test_adding_up_does_not_depend_on_the_order_but_for_the_lists(scenes: list[Any], random: Any) -> None:
    tallies = [score_rings(truth, rings) for truth, rings in scenes]
    mixed = random.sample(tallies, len(tallies))
    assert figures(sum(tallies, Tally())) == figures(sum(mixed, Tally()))


@example(0, 69)
@given(st.integers(0, 400), st.integers(1, 400))
def test_intervals_hold_what_was_seen(count: int, more: int) -> None:
    low, high = share_interval(count, count + more)
    assert 0.0 <= low <= count / (count + more) <= high <= 1.0
    low, high = count_interval(count)
    assert 0.0 <= low <= count < high


def test_the_interval_of_a_count_is_the_published_one() -> None:
    """Garwood's table: 0 -> 0, 3.689; 5 -> 1.623, 11.668; 100 -> 81.364, 121.627."""
    for count, low, high in ((0, 0.0, 3.689), (5, 1.623, 11.668), (100, 81.364, 121.627)):
        assert all(math.isclose(a, b, abs_tol=1e-3) for a, b in zip(count_interval(count), (low, high), strict=True))


@given(truths(), st.lists(st.tuples(st.sampled_from(EPCS), times, st.sampled_from(["in", "out", "none", "unknown"])), max_size=8))
def test_directions_are_counted_once_for_each_tag_that_crossed_and_was_heard(truth: Truth, said: list[Any]) -> None:
    decisions = [Decided(epc, "front", at, "silent", "x", direction, 1.0, {}) for epc, at, direction in said]
    pairs = score_directions(truth, decisions).directions
    crossed = [n for p in truth.passages if p.cross is not None for epc, n in p.reads.items()]
    assert sum(pairs.values()) == sum(n >= 4 for n in crossed)
    shown = figures(Tally(directions=pairs))["direction"]
    assert shown["right_of_told"]["count"] <= shown["told"]["count"] <= sum(pairs.values())


def _shifted(passage: Passage, by: float) -> Passage:
    cross = None if passage.cross is None else passage.cross + by
    return msgspec.structs.replace(passage, start=passage.start + by, end=passage.end + by, cross=cross)


def _server(truth: Truth, ring: Ring) -> str:
    """The passage that a ring is counted for: the first that fits."""
    fits = (p for p in truth.passages if ring.epc in p.unpaid and EARLIEST_S <= ring.at - (p.cross or 0.0) <= LATEST_S)
    return next(fits).passage
