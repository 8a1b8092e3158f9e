"""What holds for every air interface and every walk, whatever the numbers."""

import itertools
from random import Random
from typing import get_args

from hypothesis import example, given, settings
from hypothesis import strategies as st

from simulators.gen2 import MODES, Newcomers, Plan, inventory
from simulators.people import walk_through

metres = st.floats(-6, 6, allow_nan=False)
legs = st.lists(st.tuples(metres, metres, st.floats(0.1, 6), st.sampled_from([0.0, 0.0, 2.5])), min_size=2, max_size=6)


@settings(max_examples=40)
@given(
    ports=st.lists(st.integers(1, 8), min_size=1, max_size=4, unique=True),
    mode=st.sampled_from(sorted(MODES)),
    session=st.integers(0, 3),
    dual=st.booleans(),
    newcomers=st.sampled_from(get_args(Newcomers)),
    tags=st.integers(0, 40),
    dwell=st.floats(0.03, 1.0),
    seed=st.integers(0, 1000),
)
def test_reads_are_in_order_of_time_and_only_of_tags_in_view(
    ports: list[int], mode: str, session: int, dual: bool, newcomers: Newcomers, tags: int, dwell: float, seed: int
) -> None:
    heard = [(tag, -50.0 - tag) for tag in range(tags)]
    plan = Plan(tuple(ports), MODES[mode], dwell, session, dual, newcomers, frozenset(ports[1:]))
    found = list(inventory(plan, lambda port, at: heard if port == ports[0] else [], 0.0, 1.5, Random(seed)))
    times = [at for at, _, _ in found]
    assert times == sorted(times)
    assert all(port == ports[0] and 0 <= tag < tags for _, port, tag in found)
    assert found == list(inventory(plan, lambda port, at: heard if port == ports[0] else [], 0.0, 1.5, Random(seed)))


@given(legs=legs, start=st.floats(0, 1000))
@example(legs=[(0.0, 3.125, 1.0, 0.0), (0.0, -1.0298066814326646e-260, 0.52734375, 0.0)], start=0.0)
def test_a_walk_is_continuous_and_crosses_as_often_as_its_sides_change(
    legs: list[tuple[float, float, float, float]], start: float
) -> None:
    walk = walk_through(legs, start)
    assert list(walk.times) == sorted(walk.times)
    assert walk.position(walk.start - 0.1) is None
    assert walk.position(walk.end + 0.1) is None
    sides = [y < 0 for _, y in walk.points]
    crossings = walk.crossings()
    assert len(crossings) == sum(a != b for a, b in itertools.pairwise(sides))
    for at, _ in crossings:
        there = walk.position(at)
        assert there is not None
        assert abs(there[1]) < 0.01


@given(legs=legs)
def test_crossings_alternate_between_out_and_in(legs: list[tuple[float, float, float, float]]) -> None:
    ways = [way for _, way in walk_through(legs).crossings()]
    assert all(a != b for a, b in itertools.pairwise(ways))
