"""How much an alarm matters: how many items, worth how much, how many of one article, and whether it is a sweep. Pure."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from rfidguard.alarm import SEVERITIES, Alarm, Item, worth
from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, Verdict
from rfidguard.verdict import judge

if TYPE_CHECKING:
    from rfidguard.layout import Critical, Layout


def weighed(layout: "Layout", alarm: Alarm) -> tuple[str, str]:
    """Kind and severity of an alarm with these items. Both only ever grow; an alarm without unpaid items keeps what it has."""
    unpaid = [item for item in alarm.items if item.state == "unpaid"]
    if not unpaid or alarm.drill:
        return alarm.kind, alarm.severity
    severity = heavier(alarm.severity, "critical" if _is_critical(layout.critical, unpaid) else "warning")
    verdict = _as_a_whole(layout, alarm, unpaid)
    if verdict.kind is None:
        return alarm.kind, severity
    return verdict.kind, heavier(severity, verdict.severity)


def heavier(one: str, other: str) -> str:
    """The higher of two severities."""
    return max(one, other, key=SEVERITIES.index)


def _is_critical(limits: "Critical", unpaid: Sequence[Item]) -> bool:
    alike = max(Counter(item.gtin or item.epc for item in unpaid).values())
    value = worth(unpaid) or Decimal(0)
    return any(limit and found >= limit for limit, found in (
        (limits.items, len(unpaid)), (limits.value, value), (limits.same_article, alike),
    ))  # fmt: skip


def _as_a_whole(layout: "Layout", alarm: Alarm, unpaid: Sequence[Item]) -> Verdict:
    """What the rules say of the incident, rather than of one of its items."""
    order = sorted(unpaid, key=lambda item: (item.decided_at, item.epc))
    passage = Passage(
        trigger="incident", gate=alarm.gate, start=alarm.raised_at, crossing=alarm.updated_at, direction="out", certainty=1.0,
        terms={}, unpaid=tuple(item.epc for item in order), unpaid_at=tuple(item.decided_at for item in order),
        unknown_epc=layout.policy.unknown_epc,
    )  # fmt: skip
    return judge(layout, passage, LedgerAnswer("unknown"))
