"""`ledger.unknown_epc`: go live, or not yet, from how much of what leaves the ledger knows."""

from collections.abc import Iterator

from rfidguard.config import Config
from rfidguard.exit_tally import advice
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Evidence
from rfidguard.tuning.staff import FALSE, RIGHT

ABOUT = "ledger.unknown_epc"
ENOUGH_FALSE = 10


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """observe -> stock_only once the ledger is good enough for it; strict -> stock_only where strict mostly rings in vain."""
    today = config.ledger.unknown_epc
    passed = evidence.passed
    told = f"{passed.total} own items left: {passed.sold} sold, {passed.unsold} unsold, {passed.unknown} not in the ledger"
    if today == "observe":
        ready, text = advice(passed, today, evidence.full_count)
        yield (
            Advice(ABOUT, f"{told}; a full stock count is there", (f"{ABOUT}=stock_only",))
            if ready
            else Advice(ABOUT, f"no proposal: {text} ({told})")
        )
    elif today == "strict":
        yield _strict(evidence, told)
    else:
        yield Advice(ABOUT, f"no proposal: {advice(passed, today, evidence.full_count)[1]} ({told})")


def _strict(evidence: Evidence, told: str) -> Advice:
    """What the ledger does not know is often somebody's own; only with a stock count is its silence an answer."""
    answered = evidence.answered()
    false = [case for case in answered if case.meaning == FALSE]
    right = [case for case in answered if case.meaning == RIGHT]
    if len(false) < ENOUGH_FALSE:
        return few(ABOUT, "alarms that staff called false", len(false), ENOUGH_FALSE)
    if len(false) <= len(right):
        return Advice(ABOUT, f"no proposal: of {len(answered)} answered alarms {len(right)} were right, {len(false)} false")
    if not evidence.full_count:
        return Advice(
            ABOUT,
            f"no proposal: {len(false)} of {len(answered)} answered alarms were false, but stock_only needs a full stock count",
        )
    why = f"{len(false)} of {len(answered)} answered alarms were false; {told}"
    return Advice(ABOUT, why, (f"{ABOUT}=stock_only",))
