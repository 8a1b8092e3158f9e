"""`ledger.swap_tolerance`: the wrong one of two alike items was scanned, from what staff found."""

from collections.abc import Iterator

from rfidguard.config import Config
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Evidence, right
from rfidguard.tuning.rung import RINGS

ABOUT = "ledger.swap_tolerance"
SWAPPED = "wrong_item_scanned"
ENOUGH = 5
WIDER = {"off": "seen", "seen": "recent", "recent": "any"}
NARROWER = {"any": "recent", "recent": "seen", "seen": "off"}
DOUBT = 0.3
"""Where so many of the alarms that were made quiet were thefts, the tolerance is a hole."""


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """Wider where staff keep finding swapped items behind a ring; narrower where what it made quiet was theft."""
    today = config.ledger.swap_tolerance
    quiet = evidence.answered(case for case in evidence.cases if any(item.reason == SWAPPED for item in case.rung.items))
    thefts = right(quiet)
    if len(quiet) >= ENOUGH and len(thefts) >= DOUBT * len(quiet) and today in NARROWER:
        why = f"{len(thefts)} of {len(quiet)} answered alarms that it made quiet were unpaid goods"
        yield Advice(ABOUT, why, (f"{ABOUT}={NARROWER[today]}",))
        return
    swapped = [case for case in evidence.cases if case.said.outcome == SWAPPED and case.rung.sound == RINGS]
    if len(swapped) < ENOUGH:
        yield few(ABOUT, f"ringing alarms that staff called {SWAPPED}", len(swapped), ENOUGH)
    elif today not in WIDER:
        yield Advice(ABOUT, f"no proposal: {len(swapped)} alarms were swapped items, but the tolerance is as wide as it can be")
    else:
        yield Advice(ABOUT, f"{len(swapped)} ringing alarms were swapped items", (f"{ABOUT}={WIDER[today]}",))
