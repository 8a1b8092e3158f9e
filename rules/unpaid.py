"""An own item leaves and the ledger knows no sale of it."""

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("unpaid_items",)


class Params(RuleParams):
    """No parameters; what an item without any record means is `ledger.unknown_epc`."""


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "tag" or not passage.leaves():
        return None
    if answer.state == "sold":
        return Verdict("sold", "sold_credit" if answer.credit else "sold")
    if answer.state == "personal":
        return _carried_in(passage)
    if answer.state in ("armed", "reserved", "unknown"):
        return _unsold(passage, answer)
    return None


def _unsold(passage: Passage, answer: LedgerAnswer) -> Verdict:
    if passage.unknown_epc == "observe":
        return Verdict("observed", "unknown_item" if answer.state == "unknown" else "unpaid_exit")
    if answer.state == "unknown" and passage.unknown_epc == "stock_only":
        return Verdict("silent", "not_in_stock")
    if answer.state == "unknown" and passage.carried_in:
        return _carried_in(passage)
    return Verdict("unpaid", "reserved_exit" if answer.state == "reserved" else "unpaid_exit", "unpaid_items")


def _carried_in(passage: Passage) -> Verdict:
    """Own clothes, mostly: nobody rings, but a site may want to be told."""
    if passage.carried_in_policy == "note" and passage.unknown_epc == "strict":
        return Verdict("unverified", "carried_in", "unpaid_items", "info")
    return Verdict("silent", "carried_in")
