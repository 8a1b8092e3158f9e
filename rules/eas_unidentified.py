"""A pedestal rings and no tag that was read explains it."""

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("eas_unidentified",)


class Params(RuleParams):
    """No parameters."""


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "eas" or passage.unpaid or passage.sold:
        return None
    if passage.direction == "in":
        return Verdict("silent", "eas_inbound")
    return Verdict("silent", "eas_unidentified", "eas_unidentified")
