"""What a person's answer does to an alarm. Pure. The first valid answer wins; the second person is told who was first."""

import msgspec

from rfidguard.alarm import OPEN_STATES, OUTCOMES, SEVERITIES, Alarm, Item
from rfidguard.effects import AnswerJudged
from rfidguard.events import Answer

SLOW_CLOCK_S = 60.0
"""By so much the clock of a handheld may be behind ours before its answer seems to be older than the alarm."""

Judged = tuple[Alarm | None, str | None, AnswerJudged]
"""The new alarm and its event type (both None where nothing changes), and what the person is told."""


def judge_answer(alarm: Alarm | None, answer: Answer, at: float) -> Judged:
    """Applies `answer` at time `at` to the alarm it names (None: there is no such alarm)."""
    refusal = _refusal(alarm, answer)
    if alarm is None or refusal is not None:
        return None, None, AnswerJudged(answer.id, answer.by, "rejected", refusal)
    changed, event_type = _applied(alarm, answer)
    accepted = AnswerJudged(answer.id, answer.by, "accepted")
    if event_type is None:
        return None, None, accepted
    return msgspec.structs.replace(changed, revision=alarm.revision + 1, updated_at=at), event_type, accepted


def raised_severity(severity: str) -> str:
    """The next severity up; critical stays."""
    return SEVERITIES[min(SEVERITIES.index(severity) + 1, len(SEVERITIES) - 1)]


def _refusal(alarm: Alarm | None, answer: Answer) -> str | None:
    if alarm is None:
        return "unknown_alarm: no alarm has this id"
    if alarm.state not in OPEN_STATES:
        return f"already {alarm.state}" + (f" by {alarm.resolved_by}" if alarm.resolved_by else "")
    if answer.at < alarm.raised_at - SLOW_CLOCK_S:
        return f"stale: given {alarm.raised_at - answer.at:.0f} s before this alarm was raised"
    if answer.action == "acknowledge" and alarm.acknowledged_by not in (None, answer.by):
        return f"already acknowledged by {alarm.acknowledged_by}"
    outcomes = [answer.outcome, *(item.get("outcome") for item in answer.items)]
    wrong = [outcome for outcome in outcomes if outcome is not None and outcome not in OUTCOMES]
    if wrong:
        return f"unknown outcome {wrong[0]!r}; one of {', '.join(OUTCOMES)}"
    known = {item.epc for item in alarm.items}
    strange = [item.get("epc", "") for item in answer.items if item.get("epc", "").upper() not in known]
    return f"unknown item {strange[0]!r}: not in this alarm" if strange else None


def _applied(alarm: Alarm, answer: Answer) -> tuple[Alarm, str | None]:
    match answer.action:
        case "received":
            return _received(alarm, answer)
        case "acknowledge":
            return _acknowledged(alarm, answer)
        case "resolve":
            return _resolved(alarm, answer), "resolved"
        case _:
            return msgspec.structs.replace(alarm, severity=raised_severity(alarm.severity)), "escalated"


def _received(alarm: Alarm, answer: Answer) -> tuple[Alarm, str | None]:
    """A handheld that does not ring for this alarm has received it in vain."""
    if alarm.delivered_by is not None or (alarm.to and answer.by not in alarm.to):
        return alarm, None
    return msgspec.structs.replace(alarm, delivered_by=answer.by), "delivered"


def _acknowledged(alarm: Alarm, answer: Answer) -> tuple[Alarm, str | None]:
    if alarm.acknowledged_by == answer.by:
        return alarm, None
    return msgspec.structs.replace(alarm, state="acknowledged", acknowledged_by=answer.by), "acknowledged"


def _resolved(alarm: Alarm, answer: Answer) -> Alarm:
    named = {item.get("epc", "").upper(): item.get("outcome") for item in answer.items}
    items = tuple(
        msgspec.structs.replace(item, outcome=named.get(item.epc) or item.outcome or answer.outcome) for item in alarm.items
    )
    outcome = answer.outcome or _summary(items)
    return msgspec.structs.replace(alarm, state="resolved", resolved_by=answer.by, items=items, outcome=outcome)


def _summary(items: tuple[Item, ...]) -> str:
    """The outcome of the whole: the one that all items share, else the first in the order in which OUTCOMES lists them."""
    given = {item.outcome for item in items if item.outcome}
    return next((outcome for outcome in OUTCOMES if outcome in given), "unknown")
