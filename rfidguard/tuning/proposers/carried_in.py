"""`ledger.carried_in` and `carried_in_s`: own clothes, from alarms that staff called the customer's own."""

import math
from collections.abc import Iterator

from rfidguard.config import Config
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Evidence

ABOUT = "ledger.carried_in_s"
OWN = ("own_property", "return_in_progress")
ENOUGH = 5
MOST_S = 172_800.0
_HOUR_S = 3600.0


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """A window that covers how long people stayed who carried out what they had brought."""
    own = [(case, item) for case in evidence.cases for item in case.rung.items if case.outcome_of(item) in OWN]
    if len(own) < ENOUGH:
        yield few(ABOUT, "items that staff called somebody's own", len(own), ENOUGH)
        return
    came = [(evidence.came_in_at(item.epc, item.first_at), item.first_at) for _, item in own]
    stays = sorted(left - at for at, left in came if at is not None)
    told = f"{len(own)} items were somebody's own; {len(stays)} of them were heard coming in"
    if len(stays) < ENOUGH:
        yield Advice(ABOUT, f"no proposal: {told}; the rest came in unheard, or by another door")
    elif config.ledger.carried_in == "alarm":
        yield Advice("ledger.carried_in", told, ("ledger.carried_in=silent",))
    elif stays[-1] <= config.ledger.carried_in_s:
        yield Advice(ABOUT, f"no proposal: {told}, all within the window of today; the ledger knew them, so they rang")
    else:
        window_s = min(math.ceil(stays[-1] / _HOUR_S) * _HOUR_S, MOST_S)
        longest = f"the longest for {stays[-1] / _HOUR_S:.1f} h"
        yield Advice(ABOUT, f"{told}, and stayed, {longest}", (f"{ABOUT}={window_s:g}",))
