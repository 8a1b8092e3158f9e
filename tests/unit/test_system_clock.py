"""Time of the daemon: it never goes back and never stands still."""

from wait import wait_for

from rfidguard.clock import SystemClock


def test_clock_that_is_ahead_of_the_machine_goes_on_and_says_by_how_much() -> None:
    clock = SystemClock()
    ahead = clock.now() + 3600.0
    clock.start_at(ahead)
    first = clock.now()
    assert first >= ahead
    assert 3500.0 < clock.ahead_s() <= 3600.0
    wait_for(lambda: clock.now() > first + 0.05, 20, "time to go on")


def test_clock_follows_the_machine_where_it_is_not_ahead() -> None:
    clock = SystemClock()
    clock.start_at(0.0)
    assert clock.ahead_s() < 0.01
