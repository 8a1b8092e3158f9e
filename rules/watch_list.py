"""An item of the watch list leaves unpaid: critical, and even where the ledger has never heard of it. List it before `unpaid`."""

from typing import Literal

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import ListedParams, Passage, Verdict

KINDS = ("unpaid_items",)


class Params(ListedParams):
    """`items` and `list_file`: what to watch for; `severity` of an alarm with one of them."""

    severity: Literal["warning", "critical"] = "critical"

    def claims(self, epc: str) -> bool:
        return self.holds(epc)


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:
    if passage.trigger != "tag" or not passage.leaves() or not params.holds(passage.epc):
        return None
    if answer.state in ("sold", "personal") or (answer.state == "unknown" and passage.carried_in):
        return None
    if passage.unknown_epc == "observe":
        return Verdict("observed", "watch_listed")
    return Verdict("unpaid", "watch_listed", "unpaid_items", params.severity, firm=True)
