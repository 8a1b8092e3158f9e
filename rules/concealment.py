"""A pedestal saw metal as somebody left, and goods that stood near the gate vanished unsold shortly before: please look."""

from typing import Annotated, Literal

from pydantic import Field

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("concealment",)


class Params(RuleParams):
    """At least `items_min` items vanished within `window_s` before the metal was seen (at most 900)."""

    items_min: Annotated[int, Field(ge=1)] = 1
    window_s: Annotated[float, Field(gt=0, le=900)] = 300.0
    severity: Literal["info", "warning"] = "info"


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "metal" or passage.unknown_epc == "observe":
        return None
    gone = tuple(epc for epc, before_s in passage.vanished if before_s <= params.window_s)
    if len(gone) < params.items_min:
        return None
    return Verdict("unverified", "concealment", "concealment", params.severity, gone)
