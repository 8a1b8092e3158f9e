"""Own goods leave while the shop is closed: critical, whatever is known of them, unless they are sold."""

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("unpaid_items",)


class Params(RuleParams):
    """No parameters; the gate's `hours` and `after_hours = "critical"` say when."""


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "tag" or not passage.leaves() or not passage.after_hours or answer.state in ("sold", "foreign"):
        return None
    if passage.unknown_epc == "observe":
        return Verdict("observed", "after_hours")
    return Verdict("unpaid", "after_hours", "unpaid_items", "critical")
