"""A pedestal rings while only sold goods leave: the till forgot to deactivate or remove a label."""

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("tag_not_deactivated",)


class Params(RuleParams):
    """No parameters."""


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "eas" or passage.direction == "in" or passage.unpaid or not passage.sold:
        return None
    return Verdict("sold", "tag_not_deactivated", "tag_not_deactivated", "info")
