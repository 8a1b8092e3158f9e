"""Many unpaid items leave at once: a sweep. The alarm stays the same one; its kind becomes `bulk`, its severity critical."""

from typing import Annotated

from pydantic import Field

from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, RuleParams, Verdict

KINDS = ("bulk",)


class Params(RuleParams):
    """`items_min` items judged within `window_s` make a sweep. (A tenth of the big events of real shops have ten and more.)"""

    items_min: Annotated[int, Field(ge=2)] = 8
    window_s: Annotated[float, Field(gt=0, le=60)] = 10.0


def judge(passage: Passage, answer: LedgerAnswer, params: Params) -> Verdict | None:  # noqa: ARG001
    if passage.trigger != "incident":
        return None
    times, n = passage.unpaid_at, params.items_min
    if not any(last - first <= params.window_s for first, last in zip(times, times[n - 1 :], strict=False)):
        return None
    return Verdict("unpaid", "bulk_exit", "bulk", "critical")
