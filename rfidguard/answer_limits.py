"""How many answers one person may give. A stolen or broken handheld must not drown the others."""

from rfidguard.clock import Clock
from rfidguard.errors import RefusedInput
from rfidguard.rate_limit import RateLimit

PEOPLE_PER_S, PEOPLE_BURST = 5.0, 100
RECEIPTS_PER_S, RECEIPTS_BURST = 50.0, 1_000
"""Handhelds confirm by themselves that an alarm arrived: after an outage many at once, which must not lock the person out."""

RATE_LIMITED = "rate_limited"


class AnswerLimits:
    """Asked by the answer desk. Any thread."""

    def __init__(self, clock: Clock) -> None:
        self._people = RateLimit(PEOPLE_PER_S, PEOPLE_BURST, clock)
        self._receipts = RateLimit(RECEIPTS_PER_S, RECEIPTS_BURST, clock)
        self._floods = RateLimit(1 / 60.0, 1, clock)

    def check(self, by: str, receipt: bool = False) -> None:
        """Raises RefusedInput(rate_limited) where `by` has used up what is allowed."""
        limit = self._receipts if receipt else self._people
        if not limit.take(by):
            raise RefusedInput(RATE_LIMITED, RATE_LIMITED)

    def is_news(self, by: str) -> bool:
        """Whether it is worth writing down that `by` is limited: once a minute, or the flood would fill the audit trail."""
        return self._floods.take(by)
