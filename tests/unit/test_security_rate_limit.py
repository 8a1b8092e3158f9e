"""The token bucket: a burst, then a rate, for each name apart, in bounded memory."""

from rfidguard.rate_limit import MAX_NAMES, RateLimit


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def test_a_burst_is_allowed_and_then_the_rate() -> None:
    clock = HandClock()
    limit = RateLimit(2.0, 5, clock)
    assert [limit.take("a") for _ in range(7)] == [True] * 5 + [False] * 2
    clock.at = 0.4
    assert not limit.take("a")
    clock.at = 0.5
    assert [limit.take("a"), limit.take("a")] == [True, False]


def test_one_who_is_quiet_saves_up_no_more_than_the_burst() -> None:
    clock = HandClock()
    limit = RateLimit(2.0, 3, clock)
    clock.at = 1e6
    assert [limit.take("a") for _ in range(4)] == [True, True, True, False]


def test_one_name_does_not_use_up_what_is_anothers() -> None:
    limit = RateLimit(1.0, 1, HandClock())
    assert (limit.take("a"), limit.take("a"), limit.take("b")) == (True, False, True)


def test_a_million_names_need_no_more_memory_than_a_thousand() -> None:
    limit = RateLimit(1.0, 1, HandClock())
    for number in range(1_000_000):
        limit.take(str(number))
    assert len(limit) == MAX_NAMES


def test_who_is_refused_stays_refused_while_others_come_and_go() -> None:
    limit = RateLimit(0.001, 1, HandClock())
    limit.take("thief")
    for number in range(MAX_NAMES * 2):
        limit.take(f"n{number}")
        assert not limit.take("thief")
