"""`ledger.late_sale_hold_s`: how long to wait for a till that reports late, from how late sales came after their exits."""

import math
from collections.abc import Iterator

from rfidguard.config import Config
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Evidence

ABOUT = "ledger.late_sale_hold_s"
ENOUGH = 10
MOST_S = 4.0
"""Four seconds after the crossing whoever left is out of reach: a longer hold would be a siren for nobody."""
SHARE = 0.9
WORTH = 0.3
"""Where fewer of the late sales than this come within MOST_S, a hold delays every ring and spares hardly any."""
STEP_S = 0.5
MARGIN_S = 0.05
"""A hold that ends as the sale comes ends too early."""


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """The shortest hold that nine of ten late sales need which a hold can wait for at all."""
    late = sorted(
        item.cleared_at - item.first_at for case in evidence.cases for item in case.rung.items if item.cleared_at is not None
    )
    if len(late) < ENOUGH:
        yield few(ABOUT, "sales that came after their exit", len(late), ENOUGH)
        return
    soon = [seconds for seconds in late if seconds <= MOST_S]
    told = f"{len(soon)} of {len(late)} late sales came within {MOST_S:g} s"
    if len(soon) < WORTH * len(late):
        yield Advice(ABOUT, f"no proposal: only {told}; no hold can wait for the rest: look at the till's connection")
        return
    needed = soon[math.ceil(SHARE * len(soon)) - 1]
    hold_s = (math.floor((needed + MARGIN_S) / STEP_S) + 1) * STEP_S
    if abs(hold_s - config.ledger.late_sale_hold_s) < STEP_S:
        yield Advice(ABOUT, f"no proposal: {told}, nine of ten of these within {needed:.1f} s; today's setting fits")
        return
    why = f"{told}, nine of ten of these within {needed:.1f} s; every ring comes that much later"
    yield Advice(ABOUT, why, (f"{ABOUT}={hold_s:g}",))
