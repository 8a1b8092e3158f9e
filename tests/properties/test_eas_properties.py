"""What holds for any bytes and any levels."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.contacts import Debounce
from drivers.eas_lines import Line, LineDecoder, encode_line
from drivers.eas_profiles import load_profile, profile_names

PROFILES = [load_profile(name) for name in profile_names()]
REASONS = {"too_long", "no_start", "no_checksum", "bad_checksum", "not_text", "unknown_line", "bad_number", "torn"}

words = st.sampled_from([b"ALARM", b"\r\n", b"\n", b"\x02", b"\x03", b"A1*70", b"IN 2", b"0001,ALARM,IN", b"x" * 300, b"\xff"])
noise = st.lists(st.one_of(words, st.binary(max_size=40)), max_size=30).map(b"".join)


def decode_all(pieces: list[bytes], profile_at: int) -> tuple[list[Line], Counter[str]]:
    rejects: Counter[str] = Counter()
    decoder = LineDecoder(PROFILES[profile_at], rejects)
    found = [line for piece in pieces for line in decoder.feed(piece)]
    decoder.close()
    return found, rejects


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted(place % (len(data) + 1) for place in at), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@pytest.mark.parametrize("profile_at", range(len(PROFILES)))
@given(data=noise, at=st.lists(st.integers(min_value=0), max_size=8))
def test_pieces_in_which_bytes_arrive_do_not_matter(profile_at: int, data: bytes, at: list[int]) -> None:
    assert decode_all(cut(data, at), profile_at) == decode_all([data], profile_at)


@pytest.mark.parametrize("profile_at", range(len(PROFILES)))
@given(data=noise)
def test_any_bytes_give_lines_or_counted_reasons_and_nothing_else(profile_at: int, data: bytes) -> None:
    profile = PROFILES[profile_at]
    found, rejects = decode_all([data], profile_at)
    ends = sum(data.count(end.encode()) for end in profile.end)
    assert set(rejects) <= REASONS
    assert len(found) + rejects.total() <= ends + 1


@pytest.mark.parametrize("profile_at", range(len(PROFILES)))
@given(data=st.lists(noise, max_size=20))
def test_memory_stays_bounded_by_the_longest_line(profile_at: int, data: list[bytes]) -> None:
    profile = PROFILES[profile_at]
    decoder = LineDecoder(profile, Counter())
    for piece in data:
        decoder.feed(piece)
        assert len(decoder._rest) <= profile.max_bytes


@given(data=noise)
def test_line_after_any_noise_is_read(data: bytes) -> None:
    found, _ = decode_all([data, b"\n", encode_line("ALARM OUT", PROFILES[-1])], len(PROFILES) - 1)
    assert found[-1:] == [Line(kind="alarm_out")]


ticks = st.lists(st.tuples(st.integers(min_value=1, max_value=120), st.booleans()), max_size=60)
"""Levels and for how many milliseconds each is held."""

DEBOUNCE_MS = 50


def run(held: list[tuple[int, bool]], extra_looks: bool = False) -> list[tuple[int, bool]]:
    """All changes, in milliseconds, of a wire that starts low and holds each level for its time."""
    wire, at, changes = Debounce(DEBOUNCE_MS), 0, []
    for ms, high in held:
        changes.append(wire.edge(at, high))
        if extra_looks:
            changes += [wire.sample(at + passed, high) for passed in range(0, ms, 7)]
            changes += [wire.settle(at + passed) for passed in range(0, ms, 11)][-1:]
        at += ms
    changes.append(wire.settle(at))
    return [(int(change.at), change.high) for change in changes if change is not None]


def joined(held: list[tuple[int, bool]]) -> list[tuple[int, int, bool]]:
    """(start, length, level) of each stretch in which the level did not change."""
    stretches: list[tuple[int, int, bool]] = []
    at = 0
    for ms, high in held:
        if stretches and stretches[-1][2] == high:
            start, length, _ = stretches.pop()
            stretches.append((start, length + ms, high))
        else:
            stretches.append((at, ms, high))
        at += ms
    return stretches


@given(ticks)
def test_debounced_wire_gives_exactly_the_stretches_that_lasted(held: list[tuple[int, bool]]) -> None:
    expected, level = [], False
    for start, length, high in joined(held):
        if length >= DEBOUNCE_MS and high != level:
            expected.append((start, high))
            level = high
    assert run(held) == expected


@given(ticks)
def test_looking_more_often_changes_nothing(held: list[tuple[int, bool]]) -> None:
    assert run(held, extra_looks=True) == run(held)


@given(st.lists(st.tuples(st.integers(min_value=1, max_value=200), st.booleans()), max_size=60))
def test_sampled_wire_alternates_and_never_tells_the_same_level_twice(looks: list[tuple[int, bool]]) -> None:
    wire, at, told = Debounce(DEBOUNCE_MS), 0, [False]
    for ms, high in looks:
        at += ms
        change = wire.sample(at, high)
        if change is not None:
            told.append(change.high)
            assert change.high == high
    assert all(a != b for a, b in pairwise(told))
