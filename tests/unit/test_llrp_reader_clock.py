"""A reader's clock: offset, drift, backlog, steps, and clocks of no use."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.llrp.reader_clock import ReaderClock

BOOT = 1_000_000.0


def live(clock: ReaderClock, start: float, seconds: int, delay: float = 0.01, pace: float = 1.0) -> None:
    """Messages ten a second, `delay` on the way, from a reader whose clock is BOOT behind and runs at `pace`."""
    for step in range(seconds * 10):
        at = start + step / 10
        clock.hear(at * pace - BOOT, at + delay)


def test_before_anything_was_heard_receipt_counts() -> None:
    assert ReaderClock().at(5.0, 100.0) == 100.0


def test_a_reader_without_time_stamps_is_dated_by_receipt() -> None:
    clock = ReaderClock()
    live(clock, BOOT, 1)
    assert clock.at(None, BOOT + 7) == BOOT + 7


def test_the_fastest_message_is_the_truest() -> None:
    clock = ReaderClock()
    clock.hear(10.0, BOOT + 10.3)
    clock.hear(11.0, BOOT + 11.01)
    clock.hear(12.0, BOOT + 12.2)
    assert abs(clock.at(12.0, BOOT + 12.2) - (BOOT + 12.01)) < 0.001


def test_nothing_happens_after_it_was_heard() -> None:
    clock = ReaderClock()
    clock.hear(10.0, BOOT + 10.3)
    assert clock.at(10.5, BOOT + 10.3) == BOOT + 10.3


def test_a_backlog_keeps_its_times_and_teaches_nothing() -> None:
    clock = ReaderClock()
    clock.hear(0.0, BOOT)
    for step in range(1000):
        clock.hear(-300.0 + step * 0.3, BOOT + step * 0.005)
    assert abs(clock.at(-300.0, BOOT + 5) - (BOOT - 300)) < 0.01
    clock.hear(6.0, BOOT + 6)
    assert abs(clock.at(6.0, BOOT + 6) - (BOOT + 6)) < 0.01
    assert clock.take_fault() is None


@pytest.mark.parametrize("drift", [50e-6, 0.002, 0.03, 0.083])
def test_a_drifting_clock_is_followed_both_ways(drift: float) -> None:
    """From a crystal's drift to the most by which chrony sets a clock right."""
    for pace in (1 - drift, 1 + drift):
        clock = ReaderClock()
        live(clock, 0.0, 3600, pace=pace)
        assert abs(clock.at(3600.0 * pace - BOOT, 3600.01) - 3600.01) < 0.05
        assert clock.take_fault() is None


@given(st.floats(-0.05, 0.05), st.randoms(use_true_random=False), st.floats(0.0, 0.3), st.integers(1, 30))
def test_a_drift_that_begins_never_moves_a_read_by_a_step(drift: float, rng: Random, late_s: float, rate_hz: int) -> None:
    """Whatever the delays, as long as a message every other second is fast. Half a minute without drift, a minute with it."""
    clock, reader_s, before = ReaderClock(), 0.0, 0.0
    for step in range(90 * rate_hz):
        at = BOOT + step / rate_hz
        reader_s += (1.0 + drift if step > 30 * rate_hz else 1.0) / rate_hz
        delay = 0.005 if step % (2 * rate_hz) == 0 else rng.uniform(0.005, late_s + 0.005)
        clock.hear(reader_s, at + delay)
        off = clock.at(reader_s, at + delay) - at
        assert -0.45 < off < 0.35
        assert abs(off - before) < 0.4
        before = off
    assert clock.take_fault() is None


def test_a_hold_up_of_four_seconds_is_no_drift() -> None:
    clock = ReaderClock()
    live(clock, 0.0, 20)
    live(clock, 20.0, 4, delay=0.3)
    assert abs(clock.at(23.9 - BOOT, 24.2) - 23.9) < 0.05


def test_a_drift_is_still_known_when_nobody_was_heard_for_half_a_minute() -> None:
    clock = ReaderClock()
    live(clock, 0.0, 30, pace=0.97)
    clock.hear(60 * 0.97 - BOOT, 60.01)
    assert abs(clock.at(60 * 0.97 - BOOT, 60.01) - 60.0) < 0.05
    assert clock.take_fault() is None


def test_a_clock_set_back_is_relearnt_within_seconds() -> None:
    clock = ReaderClock()
    live(clock, 0.0, 10)
    for step in range(50):
        at = 10 + step / 10
        clock.hear(at - BOOT - 3600, at + 0.01)
    assert abs(clock.at(15 - BOOT - 3600, 15.01) - 15.01) < 0.1
    assert "set back by 3600" in (clock.take_fault() or "")


def test_a_clock_set_forward_is_believed_at_the_second_message() -> None:
    clock = ReaderClock()
    live(clock, 0.0, 10)
    clock.hear(10 - BOOT + 3600, 10.01)
    assert clock.at(10 - BOOT + 3600, 10.01) == 10.01
    clock.hear(10.1 - BOOT + 3600, 10.11)
    assert "set forward by 3600" in (clock.take_fault() or "")
    assert abs(clock.at(10.1 - BOOT + 3600, 10.11) - 10.11) < 0.01


def test_one_mad_time_stamp_spoils_nothing() -> None:
    clock = ReaderClock()
    live(clock, 0.0, 10)
    clock.hear(10 - BOOT + 1e9, 10.01)
    live(clock, 10.1, 1)
    assert abs(clock.at(11 - BOOT, 11.01) - 11.01) < 0.01
    assert clock.take_fault() is None


def test_a_clock_that_stands_still_is_not_used() -> None:
    clock = ReaderClock()
    for step in range(50):
        clock.hear(77.0, step / 10)
    assert "stands still" in (clock.take_fault() or "")
    assert clock.at(77.0, 5.0) == 5.0
