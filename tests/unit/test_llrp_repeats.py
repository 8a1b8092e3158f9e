"""The watch over a ROSpec that ends by itself: told to start, left alone, or given up."""

from hypothesis import given
from hypothesis import strategies as st

from drivers.llrp.repeats import LONGEST, MAX_ODD, PATIENCE_S, RESTART_S, SHORTEST, Repeats

RUN_S = 4.0
FAR = 1e9
AHEAD_S = 5000.0
"""The reader's clock before ours, in these tests."""


def watched(now: float = 0.0) -> Repeats:
    return Repeats(RUN_S, now)


def start(repeats: Repeats, now: float) -> None:
    repeats.started(now, now + AHEAD_S)


def end(repeats: Repeats, now: float) -> None:
    repeats.ended(now, now + AHEAD_S)


def read(repeats: Repeats, now: float) -> None:
    repeats.read(now, now + AHEAD_S)


def run(repeats: Repeats, now: float, lasts: float) -> float:
    start(repeats, now)
    end(repeats, now + lasts)
    return now + lasts


lengths = st.floats(SHORTEST * RUN_S + 0.01, LONGEST * RUN_S - 0.01)


@given(runs=st.lists(st.tuples(lengths, st.floats(0, PATIENCE_S - 0.01)), max_size=30), now=st.floats(0, 1e6))
def test_a_rospec_that_runs_again_and_again_is_left_alone(runs: list[tuple[float, float]], now: float) -> None:
    repeats = watched(now)
    for lasts, late in runs:
        now = run(repeats, now, lasts)
        assert repeats.fault(now + late, FAR) is None
        now += late
    start(repeats, now)
    assert not repeats.start_due(now + FAR)


def test_a_rospec_that_stays_ended_is_told_to_start_once() -> None:
    repeats = watched()
    now = run(repeats, 0.0, RUN_S)
    assert not repeats.start_due(now + RESTART_S - 0.01)
    assert repeats.start_due(now + RESTART_S)
    repeats.asking()
    assert not repeats.start_due(now + FAR)
    repeats.answered(now + 0.1, now + 0.1, runs=True)
    assert repeats.fault(now + FAR, FAR) is None
    end(repeats, now + RUN_S)
    assert repeats.start_due(now + RUN_S + RESTART_S)
    assert repeats.fault(now + RUN_S, FAR) is None


def test_what_overtakes_the_answer_to_start_says_more() -> None:
    repeats = watched()
    now = run(repeats, 0.0, RUN_S)
    repeats.asking()
    now = run(repeats, now + 0.1, RUN_S)
    repeats.answered(now, now, runs=True)
    assert repeats.start_due(now + RESTART_S)


def test_a_rospec_that_does_not_run_again_is_given_up_after_patience() -> None:
    repeats = watched()
    now = run(repeats, 0.0, RUN_S)
    repeats.asking()
    repeats.answered(now + 0.1, now + 0.1, runs=False)
    due = now + PATIENCE_S
    assert repeats.fault(due - 0.01, FAR) is None
    assert "has not started the inventory again for 2.0 s" in (repeats.fault(due, due) or "")
    assert repeats.fault(due + 9, due - 0.01) is None, "the link stood still: the start may be under way"
    read(repeats, due)
    assert repeats.fault(due, due) is None, "it reads"


@given(lasts=st.sampled_from([0.0, 0.4, 0.49, 1.51, 3.0]))
def test_runs_of_quite_another_length_are_given_up(lasts: float) -> None:
    repeats, now = watched(), 0.0
    for _ in range(MAX_ODD):
        assert repeats.fault(now, now) is None
        now = run(repeats, now, lasts * RUN_S)
    assert "longer or shorter" in (repeats.fault(now, now) or "")


def test_odd_runs_count_only_in_a_row() -> None:
    repeats, now = watched(), 0.0
    for number in range(30):
        now = run(repeats, now, RUN_S if number % MAX_ODD == 2 else 0.0)
        assert repeats.fault(now, now) is None


def test_starts_that_only_an_answer_tells_of_are_measured_too() -> None:
    repeats = watched()
    for number in range(MAX_ODD):
        assert repeats.fault(number, FAR) is None
        repeats.asking()
        repeats.answered(number, number + AHEAD_S, runs=True)
        end(repeats, number + 0.1)
    assert repeats.fault(MAX_ODD, FAR)


@given(burst_at=st.floats(RUN_S, 60.0), runs=st.integers(1, 20))
def test_a_link_that_stood_still_is_not_the_readers_fault(burst_at: float, runs: int) -> None:
    """Everything comes at once; the reader's stamps tell when it was."""
    repeats = watched()
    for number in range(runs):
        began = AHEAD_S + number * RUN_S
        repeats.started(burst_at, began)
        repeats.read(burst_at, began + 0.1)
        repeats.ended(burst_at, began + RUN_S)
        assert repeats.fault(burst_at, burst_at) is None


@given(jump=st.floats(-1e6, 1e6))
def test_a_clock_that_jumps_is_no_odd_run(jump: float) -> None:
    repeats, now = watched(), 0.0
    for number in range(2 * MAX_ODD):
        repeats.started(now, number * jump)
        repeats.read(now + 1, (number + 1) * jump)
        repeats.ended(now + RUN_S, (number + 1) * jump)
        now += RUN_S
        assert repeats.fault(now, now) is None


def test_reads_long_after_a_told_start_without_an_end_come_from_a_reader_that_ignores_durations() -> None:
    repeats = watched()
    start(repeats, 0.0)
    due = MAX_ODD * LONGEST * RUN_S
    read(repeats, due - 0.01)
    assert repeats.fault(FAR, FAR) is None
    read(repeats, due + 0.01)
    assert repeats.fault(due, due)


def test_a_quiet_gate_is_no_fault() -> None:
    repeats = watched()
    start(repeats, 0.0)
    assert repeats.fault(FAR, FAR) is None
    assert not repeats.start_due(FAR)


def test_a_reader_that_tells_nothing_is_not_given_up_and_told_to_start_after_a_silence() -> None:
    repeats = watched()
    for second in range(1, 1000):
        read(repeats, second)
        assert repeats.fault(second, second) is None
        assert not repeats.start_due(second)
    due = 999 + RUN_S + PATIENCE_S
    assert not repeats.start_due(due - 0.01)
    for runs in (True, None):
        assert repeats.start_due(due)
        repeats.asking()
        repeats.answered(due, due, runs)
        assert not repeats.start_due(due + 1)
        assert repeats.fault(due + FAR, FAR) is None
        due += RUN_S + PATIENCE_S


def test_a_reader_that_says_it_does_not_run_is_given_up_even_if_it_tells_no_end() -> None:
    repeats = watched()
    repeats.asking()
    repeats.answered(1.0, 1.0, runs=False)
    assert repeats.fault(1.0, FAR) is None
    assert repeats.fault(1.0 + PATIENCE_S, FAR)
