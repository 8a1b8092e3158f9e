"""The same EPC is sold twice, or leaves twice: a copied tag, or a receipt that was booked twice. List it before `unpaid`."""

from pydantic import Field

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("cloned_epc",)


class Params(RuleParams):
    """`sold_apart_s`: two sales closer together are one that two feeds tell. `left_apart_s`: the same of two exits."""

    sold_apart_s: float = Field(900.0, ge=0)
    left_apart_s: float = Field(60.0, ge=0)


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:
    """The item is let go, as it is sold; staff are told quietly, for who carries it is a customer until somebody has looked."""
    if passage.trigger != "tag" or not passage.leaves() or answer.state != "sold":
        return None
    if answer.sold_before is not None and (answer.at or 0.0) - answer.sold_before >= params.sold_apart_s:
        return Verdict("sold", "sold_twice", "cloned_epc", "info")
    if passage.left_before is not None and passage.crossing - passage.left_before >= params.left_apart_s:
        return Verdict("sold", "left_twice", "cloned_epc", "info")
    return None
