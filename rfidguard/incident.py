"""Step 6: verdicts close in time and place -> one incident -> one alarm that grows under one id. Pure.

Every function takes an incident and gives effects; deadlines (hold, escalation, expiry) are data that `due_at` tells.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from rfidguard.alarm import OPEN_STATES, Alarm, Item, alarm_id, utc_text
from rfidguard.answer import judge_answer, raised_severity
from rfidguard.effects import AlarmChanged, Effect, SwitchOutput
from rfidguard.escalation import first_told, next_at, rings_out, widened
from rfidguard.events import Answer
from rfidguard.layout import Layout
from rfidguard.ledger import LedgerAnswer
from rfidguard.weight import heavier, weighed

GROUP_GAP_S = 5.0
"""Items whose crossings lie closer together than this left together."""
GROUP_SPAN_S = 60.0
EAS_REACH_S = 3.0
"""A pedestal is wide: its alarm and the crossing of what rang it lie at most this far apart."""
LASTING = ("blind_gate",)
"""Kinds that last as long as their cause, whoever answers."""
UPDATE_S = 0.3
"""An alarm that grows is told at once, and then no more often than this: a sweep of 60 items is a few messages a second."""
ACKNOWLEDGED_EXPIRE_S = 8 * 3600.0
"""An acknowledged alarm that nobody resolved by the end of a shift is closed as unknown."""
_JOINABLE = ("unpaid_items", "bulk", "eas_unidentified")
_RANK = {"eas_unidentified": 0, "tag_not_deactivated": 1, "unpaid_items": 2, "bulk": 3}
_UNPAID = ("unpaid_items", "bulk")


class Incident(msgspec.Struct, kw_only=True):
    """An alarm in the making. `holds`: EPC -> when its wait for a late sale ends. `rung`: outputs that were switched for it.
    `unsaid`: it has grown since it was told last, at `told_at`.
    """

    alarm: Alarm
    first_crossing: float
    last_crossing: float
    holds: dict[str, float] = {}
    escalations: int = 0
    rang: bool = False
    answered: dict[str, str] = {}
    rung: list[str] = []
    told_at: float = -1.0
    unsaid: bool = False


def joins(incident: Incident, gate: str, kind: str, crossing: float) -> bool:
    """True where something of `kind` that left `gate` at `crossing` belongs to this incident."""
    alarm = incident.alarm
    same = alarm.kind == kind or (alarm.kind in _UNPAID and kind in _UNPAID)
    return (
        alarm.gate == gate
        and alarm.state in OPEN_STATES
        and not alarm.drill
        and (same or (alarm.kind in _JOINABLE and kind in _RANK))
        and abs(crossing - incident.last_crossing) <= (GROUP_GAP_S if same else EAS_REACH_S)
        and crossing - incident.first_crossing <= GROUP_SPAN_S
    )


def raised(
    layout: Layout, *, gate: str, kind: str, severity: str, items: tuple[Item, ...], crossing: float, start: float,
    first: str, now: float, evidence: dict[str, Any] | None = None, drill: bool = False,
) -> Incident:  # fmt: skip
    """A new incident, not yet announced: call `announced` for its effects. Its journal evidence is the passage's time span."""
    alarm = Alarm(
        id=alarm_id(now, layout.site, gate, first, start),
        revision=0,
        site=layout.site,
        gate=gate,
        kind=kind,
        state="open",
        severity=severity,
        raised_at=now,
        updated_at=now,
        items=items,
        currency=layout.currency,
        drill=drill,
        to=first_told(layout.groups),
        evidence={"journal": f"{utc_text(start)}/{utc_text(now)}", "camera": None, **(evidence or {})},
    )
    return Incident(alarm=alarm, first_crossing=crossing, last_crossing=crossing)


def grown(incident: Incident, items: Iterable[Item], kind: str, crossing: float, severity: str = "info", **evidence: str) -> None:
    """Adds items (an EPC that is known is replaced), takes over the weightier kind and severity, and the evidence."""
    alarm = incident.alarm
    merged = {item.epc: item for item in alarm.items} | {item.epc: item for item in items}
    weightier = kind if _RANK.get(kind, 3) > _RANK.get(alarm.kind, 3) else alarm.kind
    incident.alarm = msgspec.structs.replace(
        alarm,
        items=tuple(merged.values()),
        kind=weightier,
        severity=heavier(alarm.severity, severity),
        evidence={**alarm.evidence, **evidence},
    )
    incident.last_crossing = max(incident.last_crossing, crossing)


def growth(layout: Layout, incident: Incident, before: Alarm, now: float) -> list[Effect]:
    """Tells that the alarm `before` has grown: at once where it matters more than before, else with the next update."""
    kind, severity = weighed(layout, incident.alarm)
    rings = _unpaid(incident.alarm) and not _unpaid(before)
    if not rings and (kind, severity) == (before.kind, before.severity) and now < _update_at(incident):
        incident.unsaid = True
        return []
    return announced(layout, incident, "updated", now)


def announced(layout: Layout, incident: Incident, event_type: str, now: float) -> list[Effect]:
    """The next revision of the alarm, told to whom it concerns. Each light and siren rings once, when first there is cause."""
    kind, severity = weighed(layout, incident.alarm)
    alarm = msgspec.structs.replace(incident.alarm, kind=kind, severity=severity)
    unpaid = _unpaid(alarm)
    first = event_type == "raised"
    certainty = max((item.certainty for item in alarm.items), default=1.0)
    deeds = layout.deeds(alarm.gate, alarm.kind, alarm.severity, certainty, now)
    if alarm.drill:
        deeds = deeds | {"handheld"}
    told = "handheld" in deeds or (alarm.told and not first)
    alarm = msgspec.structs.replace(alarm, revision=alarm.revision + 1, updated_at=now, told=told)
    incident.alarm, incident.told_at, incident.unsaid = alarm, now, False
    effects: list[Effect] = []
    if event_type in ("raised", "updated") and (unpaid or (first and alarm.kind not in _UNPAID and not alarm.items)):
        effects = _rung(layout, incident, deeds)
    if event_type == "escalated" and rings_out(layout.groups, alarm, incident.escalations) and _is_loud(alarm):
        effects = _rung(layout, incident, layout.last_resort(alarm.gate))
    return [*effects, AlarmChanged(alarm, event_type, now, alarm.told)]


def _unpaid(alarm: Alarm) -> bool:
    return any(item.state == "unpaid" for item in alarm.items)


def _is_loud(alarm: Alarm) -> bool:
    """Whether it may make noise at the gate: items that nobody paid for, or a pedestal's alarm that nothing explains."""
    return alarm.told and (_unpaid(alarm) or alarm.kind == "eas_unidentified")


def _update_at(incident: Incident) -> float:
    return round(incident.told_at + UPDATE_S, 3)


def sale_heard(layout: Layout, incident: Incident, answers: dict[str, LedgerAnswer], now: float) -> list[Effect]:
    """A sale came in after the exit: items that it covers are cleared, and the alarm with its last one."""
    alarm = incident.alarm
    if not answers or alarm.state not in OPEN_STATES:
        return []
    items = tuple(
        msgspec.structs.replace(item, state="cleared", reason="late_sale") if item.epc in answers else item
        for item in alarm.items
    )
    for epc in answers:
        incident.holds.pop(epc, None)
    clear = all(item.state in ("cleared", "sold") for item in items)
    incident.alarm = msgspec.structs.replace(
        alarm, items=items, state="cleared" if clear else alarm.state, outcome="paid_late" if clear else alarm.outcome
    )
    return announced(layout, incident, "cleared" if clear else "updated", now)


def answered(layout: Layout, incident: Incident, answer: Answer, now: float) -> list[Effect]:
    """A person's answer, judged. A repeat of the same answer changes nothing and is accepted again."""
    name = f"{answer.by}/{answer.id}"
    alarm, event_type, judged = judge_answer(incident.alarm, answer, now)
    if name in incident.answered:
        return [msgspec.structs.replace(judged, status=incident.answered[name], reason=None)]
    incident.answered[name] = judged.status
    if alarm is None or event_type is None:
        return [judged]
    incident.alarm = widened(layout.groups, alarm) if event_type == "escalated" else alarm
    return [AlarmChanged(incident.alarm, event_type, now, alarm.told), judged]


def due_at(layout: Layout, incident: Incident) -> float | None:
    """When something will happen to this incident by itself; None for a closed one."""
    alarm = incident.alarm
    update = [_update_at(incident)] if incident.unsaid else []
    if alarm.state == "acknowledged":
        return min([alarm.updated_at + ACKNOWLEDGED_EXPIRE_S, *incident.holds.values(), *update])
    if alarm.state != "open":
        return None
    escalation = next_at(layout.groups, alarm, incident.escalations, layout.escalate_s)
    expiry = [] if alarm.kind in LASTING else [alarm.raised_at + layout.expire_s]
    risen = [] if escalation is None else [escalation]
    return min([*expiry, *risen, *incident.holds.values(), *update], default=None)


def time_passed(layout: Layout, incident: Incident, now: float) -> list[Effect]:
    """What `due_at` announced: an end of hold, an escalation or an expiry at `now`."""
    ended = [epc for epc, end in incident.holds.items() if end <= now]
    if ended:
        return _hold_ended(layout, incident, ended, now)
    if incident.unsaid and now >= _update_at(incident):
        return announced(layout, incident, "updated", now)
    alarm = incident.alarm
    expiry = alarm.raised_at + layout.expire_s if alarm.state == "open" else alarm.updated_at + ACKNOWLEDGED_EXPIRE_S
    if now >= expiry and (alarm.kind not in LASTING or alarm.state == "acknowledged"):
        outcome = "no_response" if alarm.state == "open" else "unknown"
        incident.alarm = msgspec.structs.replace(alarm, state="expired", outcome=outcome)
        return announced(layout, incident, "expired", now)
    incident.escalations += 1
    incident.alarm = widened(layout.groups, msgspec.structs.replace(alarm, severity=raised_severity(alarm.severity)))
    return announced(layout, incident, "escalated", now)


def _hold_ended(layout: Layout, incident: Incident, ended: list[str], now: float) -> list[Effect]:
    for epc in ended:
        del incident.holds[epc]
    items = tuple(
        msgspec.structs.replace(item, state="unpaid", reason="unpaid_exit", decided_at=now)
        if item.epc in ended and item.state == "pending"
        else item
        for item in incident.alarm.items
    )
    incident.alarm = msgspec.structs.replace(incident.alarm, items=items)
    return announced(layout, incident, "updated", now)


def _rung(layout: Layout, incident: Incident, deeds: frozenset[str]) -> list[Effect]:
    """An alarm taken over from the database says only that it `rang`: it makes no more noise."""
    if incident.rang and not incident.rung:
        return []
    outputs = [
        out
        for out in layout.gates[incident.alarm.gate].outputs
        if ("siren" if out.sounds else "light") in deeds and out.id not in incident.rung
    ]
    incident.rung += [out.id for out in outputs]
    incident.rang = incident.rang or bool(outputs)
    return [SwitchOutput(f"{incident.alarm.id}/{out.id}", out.reader, out.pin, out.seconds) for out in outputs]
