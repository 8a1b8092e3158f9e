"""The simulated air interface against rates measured on readers and computed from Gen2 timing."""

import itertools
from collections import Counter
from random import Random

import pytest

from drivers.llrp import newcomers
from simulators.gen2 import ALL_S, INSIDE_SESSION, MARK_EVERY, MODES, NEW_S, OUTSIDE_SESSION, Newcomers, Plan, inventory


def everyone(tags: int, level: float = -50.0) -> list[tuple[int, float]]:
    return [(tag, level) for tag in range(tags)]


def rate(plan: Plan, tags: int, seconds: float = 10.0) -> float:
    """Reads a second of `tags` tags in view of every antenna."""
    heard = everyone(tags)
    return sum(1 for _ in inventory(plan, lambda port, at: heard, 0.0, seconds, Random(1))) / seconds


def test_one_tag_and_one_antenna_give_seventy_reads_a_second() -> None:
    assert rate(Plan((1,), MODES["m4_dense"]), 1) == pytest.approx(69.7, rel=0.1)


def test_one_tag_and_four_antennas_give_one_read_a_visit() -> None:
    assert rate(Plan((1, 2, 3, 4), MODES["m4_dense"]), 1) == pytest.approx(23, rel=0.15)


@pytest.mark.parametrize(("mode", "expected"), [("fm0", 1100), ("m2", 460), ("m4", 340), ("m4_dense", 220), ("m8", 135)])
def test_many_tags_are_read_at_nearly_the_rate_of_the_link_mode(mode: str, expected: float) -> None:
    reached = rate(Plan((1,), MODES[mode], dwell_s=2.0), 200, 20.0)
    assert 0.55 * expected < reached <= 1.1 * expected


def test_strays_starve_a_carried_tag() -> None:
    plan = Plan((1, 2), MODES["m4_dense"])
    reads = {}
    for strays in (20, 100, 300):
        heard = everyone(strays + 1)
        found = [tag for _, _, tag in inventory(plan, lambda port, at, heard=heard: heard, 0.0, 30.0, Random(2))]
        reads[strays] = found.count(strays) / 30.0
    assert reads[20] > 2 * reads[100] > 3 * reads[300]


def test_times_only_go_forward_and_antennas_take_turns() -> None:
    heard = everyone(10)
    found = list(inventory(Plan((3, 1), MODES["m2"]), lambda port, at: heard, 5.0, 8.0, Random(3)))
    times = [at for at, _, _ in found]
    assert times == sorted(times)
    assert all(5.0 <= at < 8.3 for at in times)
    ports = [port for _, port, _ in found]
    assert set(ports) == {1, 3}


def test_a_visit_in_session_0_reads_each_tag_once() -> None:
    heard = everyone(8)
    found = list(inventory(Plan((1, 2), MODES["m2"]), lambda port, at: heard, 0.0, 0.12, Random(3)))
    first_visit = Counter(tag for _, port, tag in found if port == 1)
    assert set(first_visit.values()) == {1}


def test_session_2_with_one_target_reads_a_tag_that_stays_once() -> None:
    heard = everyone(5)
    plan = Plan((1,), MODES["m2"], session=2, dual_target=False)
    found = list(inventory(plan, lambda port, at: heard, 0.0, 3.0, Random(4)))
    assert Counter(tag for _, _, tag in found) == dict.fromkeys(range(5), 1)


def test_session_1_reads_a_tag_again_after_a_while() -> None:
    heard = everyone(1)
    plan = Plan((1,), MODES["m2"], session=1, dual_target=False)
    found = [at for at, _, _ in inventory(plan, lambda port, at: heard, 0.0, 20.0, Random(4))]
    gaps = [b - a for a, b in itertools.pairwise(found)]
    assert len(found) >= 5
    assert all(0.8 <= gap <= 4.2 for gap in gaps)


def reads_of_a_newcomer(how: Newcomers, ports: tuple[int, ...], inside: frozenset[int] = frozenset()) -> list[int]:
    """The ports that read a tag which comes into view after 10 s among 150 that were there, and stays for 3 s."""
    heard, crowd = everyone(151), everyone(150)
    plan = Plan(ports, MODES["m2"], newcomers=how, inside=inside)
    found = inventory(plan, lambda port, at: heard if 10.0 <= at < 13.0 else crowd, 0.0, 20.0, Random(6))
    return [port for _, port, tag in found if tag == 150]


def test_a_newcomer_without_a_mark_is_read_far_more_often() -> None:
    often = reads_of_a_newcomer("marks", (1, 2))
    assert len(often) > 2 * len(reads_of_a_newcomer("no", (1, 2)))


def test_marks_leave_most_of_the_air_time_to_all() -> None:
    crowd = everyone(150)
    plan = Plan((1, 2), MODES["m2"], newcomers="marks")
    found = Counter(tag for _, _, tag in inventory(plan, lambda port, at: crowd, 0.0, 20.0, Random(7)))
    assert len(found) == 150
    assert sum(found.values()) / 20.0 > 0.5 * rate(Plan((1, 2), MODES["m2"]), 150)


def first_heard_after(how: Newcomers) -> float:
    """Mean seconds until a tag that comes into view of two antennas is read, among 150 that were there. Twenty come."""
    plan = Plan((1, 2), MODES["m2"], newcomers=how, inside=frozenset({1}))
    came = {150 + number: 5.0 + number for number in range(20)}

    def heard(port: int, at: float) -> list[tuple[int, float]]:
        return everyone(150) + [(tag, -50.0) for tag, since in came.items() if since <= at]

    first: dict[int, float] = {}
    for at, _, tag in inventory(plan, heard, 0.0, 40.0, Random(8)):
        first.setdefault(tag, at)
    return sum(first[tag] - since for tag, since in came.items()) / len(came)


def test_in_sessions_of_their_own_newcomers_are_heard_sooner() -> None:
    assert 2 * first_heard_after("sessions") < first_heard_after("no")


def test_nothing_in_view_gives_nothing() -> None:
    assert list(inventory(Plan((1, 2), MODES["fm0"]), lambda port, at: [], 0.0, 2.0, Random(1))) == []


def test_a_much_louder_tag_wins_its_slot() -> None:
    heard = [(0, -40.0), *((tag, -70.0) for tag in range(1, 40))]
    found = Counter(tag for _, _, tag in inventory(Plan((1, 2), MODES["m4_dense"]), lambda port, at: heard, 0.0, 20.0, Random(5)))
    others = [found[tag] for tag in range(1, 40)]
    assert found[0] > sum(others) / len(others)


def test_the_simulated_plans_are_those_that_the_driver_asks_for() -> None:
    assert {way: ms / 1000 for way, ms in newcomers.NEW_MS.items()} == NEW_S
    assert {way: ms / 1000 for way, ms in newcomers.ALL_MS.items()} == ALL_S
    assert newcomers.CYCLES == MARK_EVERY
    assert (newcomers.INSIDE_SESSION, newcomers.OUTSIDE_SESSION) == (INSIDE_SESSION, OUTSIDE_SESSION)
