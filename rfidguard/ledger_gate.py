"""The gate's side of an item's story: what it would say of the item now, and the alarms that named it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, LargeBinary, func, literal, select

from rfidguard.alarm import Alarm, utc_text
from rfidguard.alarm_db import alarms_where
from rfidguard.epc import Identity
from rfidguard.layout import Layout
from rfidguard.ledger_story import Story
from rfidguard.reasons import reason_text
from rfidguard.rule import Passage, Verdict
from rfidguard.schema import alarms
from rfidguard.verdict import judge


def at_the_gate(layout: Layout, story: Story, stale: Mapping[str, str]) -> Verdict | None:
    """The verdict, were the item carried out at the time of its story by somebody whom the gate saw well.

    None for a whole article, and where there is no gate. `stale`: sources of sales that are silent, and why.
    """
    gate = next(iter(layout.gates), None)
    if gate is None or (story.identity.serial is None and story.identity.gtin is not None):
        return None
    passage = Passage(
        gate=gate, epc=story.identity.epc, start=story.at, crossing=story.at, direction="out", certainty=1.0, terms={},
        unknown_epc=layout.policy.unknown_epc, carried_in_policy=layout.carried_in,
    )  # fmt: skip
    verdict = judge(layout, passage, story.answer)
    if verdict.state == "unpaid" and stale and layout.on_stale != "alarm":
        return Verdict("unverified", "ledger_stale", verdict.kind, "info")
    return verdict


def alarms_of(conn: Connection, identity: Identity, until: float) -> list[Alarm]:
    """Every alarm up to `until` (Unix seconds) that named the item, or any of the article; oldest first."""
    needle = literal((identity.gtin or identity.epc).encode(), LargeBinary())
    found = func.instr(alarms.c.body, needle) if conn.dialect.name == "sqlite" else func.position(needle.op("IN")(alarms.c.body))
    statement = select(alarms.c.body).where(alarms.c.raised_at <= until, found > 0).order_by(alarms.c.raised_at, alarms.c.id)
    return [alarm for alarm in alarms_where(conn, statement) if any(_is(identity, item) for item in alarm.items)]


def gate_message(verdict: Verdict | None) -> dict[str, Any] | None:
    """The verdict as a JSON object."""
    if verdict is None:
        return None
    return {"verdict": verdict.state, "reason": verdict.reason, "text": reason_text(verdict.reason), "alarm": verdict.kind}


def alarm_message(alarm: Alarm, identity: Identity) -> dict[str, Any]:
    """What an alarm was for the item, as a JSON object."""
    item = next(item for item in alarm.items if _is(identity, item))
    return {
        "id": alarm.id, "raised_at": utc_text(alarm.raised_at), "gate": alarm.gate, "kind": alarm.kind, "state": alarm.state,
        "item": {"epc": item.epc, "state": item.state, "reason": item.reason}, "outcome": item.outcome or alarm.outcome,
    }  # fmt: skip


def gate_line(verdict: Verdict | None) -> list[str]:
    """For people."""
    if verdict is None:
        return []
    rings = f"; raises {verdict.kind}" if verdict.kind else ""
    return [f"  carried out now: {verdict.state}{rings} ({verdict.reason}). {reason_text(verdict.reason)}"]


def alarm_text(alarm: Alarm, identity: Identity) -> str:
    """What an alarm was for the item, in words."""
    told = alarm_message(alarm, identity)
    outcome = f", {told['outcome']}" if told["outcome"] else ""
    return f"{alarm.id}  at {alarm.gate}: {told['item']['state']} ({told['item']['reason']}), {alarm.state}{outcome}"


def _is(identity: Identity, item: Any) -> bool:
    if identity.gtin is None:
        return bool(item.epc == identity.epc)
    return bool(item.gtin == identity.gtin and identity.serial in (None, item.serial))
