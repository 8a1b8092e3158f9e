"""A box that is too slow for its gates looks less often, and is never late by more than a moment for long."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from rfidguard.pace import BEHIND_S, GIVE_UP_S, STEPS, Pacer, Seen

TURN_S = 0.05
LEAST = 0.5 * sum(1.0 / tenths for tenths in STEPS[-1])


@dataclass
class Box:
    """A queue: `load` is the work of looking always, as a share of what the box can do; half of it are tags that are heard."""

    pacer: Pacer
    at: float = 0.0
    waiting: float = 0.0
    idle: float = 0.0
    given_up: float = 0.0

    def work(self, load: float, seconds: float) -> list[float]:
        waits = []
        end = self.at + seconds
        while self.at < end:
            self.at += TURN_S
            heard, quiet = STEPS[self.pacer.step]
            share = load * (0.5 / heard + 0.5 / quiet)
            self.waiting += (share - 1.0) * TURN_S
            if self.waiting < 0.0:
                self.idle -= self.waiting
                self.waiting = 0.0
            seen = Seen(self.at, self.waiting, self.idle)
            if self.pacer.hopeless(seen):
                self.given_up += self.waiting - GIVE_UP_S
                self.waiting = GIVE_UP_S
            self.pacer.look(seen)
            waits.append(self.waiting)
        return waits


@given(st.floats(0.1, 0.8 / LEAST))
def test_a_load_that_the_least_pace_can_take_makes_nothing_wait_for_long(load: float) -> None:
    box = Box(Pacer(0.0))
    box.work(load, 60.0)
    assert max(box.work(load, 120.0)) < 2 * BEHIND_S
    assert not box.given_up


@given(st.floats(0.1, 0.8 / LEAST))
def test_a_box_with_time_again_looks_as_often_as_ever(load: float) -> None:
    box = Box(Pacer(0.0))
    box.work(load, 60.0)
    box.work(0.3, 60.0)
    assert box.pacer.step == 0


@given(st.floats(1.2 / LEAST, 3.0 / LEAST))
def test_only_a_load_beyond_the_least_pace_loses_reads_and_the_rest_is_late_by_seconds_only(load: float) -> None:
    box = Box(Pacer(0.0))
    box.work(load, 60.0)
    assert max(box.work(load, 120.0)) < 4 * GIVE_UP_S
    assert box.given_up


@given(st.floats(0.0, 0.38), st.floats(0.1, 20.0))
def test_a_pause_alone_does_not_change_the_pace_for_long(load: float, pause_s: float) -> None:
    box = Box(Pacer(0.0))
    box.work(load, 10.0)
    box.waiting += pause_s
    box.work(load, 60.0)
    assert box.pacer.step == 0
    assert not box.given_up
