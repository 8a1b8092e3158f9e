"""Never rings for what is on the list: display pieces, staff uniforms, test tags. List it before `unpaid`."""

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import ListedParams, Passage, Verdict

KINDS = ()


class Params(ListedParams):
    """`items` and `list_file`: what may pass."""


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "tag" or not passage.leaves() or not params.holds(passage.epc):
        return None
    return Verdict("silent", "allow_listed")
