"""The SL flag of tags in the simulated reader: what Selects make of it, how long it lasts, who is let through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.llrp_reader.flags import FORGETS_S, LATELY_S, MAX_SEEN, ByFlag, Flags
from simulators.llrp_reader.select import Select

TAG, OTHER = bytes.fromhex("30340000000000000000ABCD"), bytes.fromhex("E2000000000000000000EF01")
NEW, MARKED = {1: ByFlag((), False)}, {1: ByFlag((), True)}


def select(action: int, bits: str = "0011", antenna: int = 1) -> dict[int, ByFlag]:
    return {antenna: ByFlag((Select(1, 32, bits, action),), None)}


def marked(flags: Flags, epc: bytes, now: float) -> bool:
    flags.begin(MARKED, now)
    return flags.answers(epc, None, 1, now)


MARK_ALL = {1: ByFlag((Select(1, 32, "0011", 1), Select(1, 32, "0011", 6)), None)}


@pytest.mark.parametrize(
    ("action", "before", "matching", "other"),
    [
        (0, False, True, False), (0, True, True, False),
        (1, False, True, False), (1, True, True, True),
        (2, False, False, False), (2, True, True, False),
        (3, False, True, False), (3, True, False, True),
        (4, False, False, True), (4, True, False, True),
        (5, False, False, False), (5, True, False, True),
        (6, False, False, True), (6, True, True, True),
        (7, False, False, True), (7, True, True, False),
    ],
)  # fmt: skip
def test_actions_are_those_of_the_standard(action: int, before: bool, matching: bool, other: bool) -> None:
    flags = Flags()
    flags.begin(MARK_ALL if before else {}, 0.0)
    for epc in (TAG, OTHER):
        flags.answers(epc, None, 1, 0.0)
    flags.begin(select(action), 0.1)
    assert (marked(flags, TAG, 0.2), marked(flags, OTHER, 0.2)) == (matching, other)


def test_a_select_comes_once_an_aispec() -> None:
    flags = Flags()
    flags.begin(select(3), 0.0)
    for _ in range(4):
        assert flags.answers(TAG, None, 1, 0.0)
    assert marked(flags, TAG, 0.1)


def test_newcomers_are_who_was_not_marked() -> None:
    flags = Flags()
    flags.begin(MARK_ALL, 0.0)
    assert flags.answers(TAG, None, 1, 0.0)
    flags.begin(NEW, 0.1)
    assert not flags.answers(TAG, None, 1, 0.1)
    assert flags.answers(OTHER, None, 1, 0.1)


@given(away=st.floats(0, 3 * FORGETS_S))
def test_a_tag_out_of_sight_forgets(away: float) -> None:
    flags = Flags()
    flags.begin(MARK_ALL, 0.0)
    flags.answers(TAG, None, 1, 0.0)
    flags.begin(NEW, away)
    assert flags.answers(TAG, None, 1, away) == (away >= FORGETS_S)


@given(ago=st.floats(0, 2 * LATELY_S), antenna=st.integers(1, 2))
def test_a_select_reaches_what_was_in_view_of_its_antenna_lately(ago: float, antenna: int) -> None:
    flags = Flags()
    flags.begin({}, 0.0)
    flags.answers(TAG, None, antenna, 0.0)
    flags.begin(MARK_ALL, ago)
    assert marked(flags, TAG, ago) == (antenna == 1 and ago < LATELY_S)


def test_memory_is_bounded() -> None:
    flags = Flags()
    flags.begin({}, 0.0)
    for number in range(MAX_SEEN + 10):
        flags.answers(number.to_bytes(12), None, 1, 0.0)
    flags.begin(MARK_ALL, 0.0)
    assert not marked(flags, bytes(12), 0.0)
    assert marked(flags, (MAX_SEEN + 9).to_bytes(12), 0.0)
