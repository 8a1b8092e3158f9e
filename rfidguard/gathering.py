"""Step 6 at a gate: items that ring go into the incident they belong to, or make a new one. Pure."""

import msgspec

from rfidguard.alarm import Item
from rfidguard.arming import hold_s
from rfidguard.core_state import CoreState
from rfidguard.effects import Effect
from rfidguard.epc import identify
from rfidguard.events import Article
from rfidguard.incident import EAS_REACH_S, Incident, announced, grown, growth, joins, raised
from rfidguard.layout import GateLayout, Layout
from rfidguard.rule import Verdict

_NO_ARTICLE = Article("")


def item_of(state: CoreState, epc: str, verdict: Verdict, certainty: float, at: float) -> Item:
    identity = identify(epc)
    article = state.articles.get(identity.gtin or "", _NO_ARTICLE)
    return Item(
        epc=epc, gtin=identity.gtin, serial=identity.serial, state=verdict.state, reason=verdict.reason,
        certainty=certainty, decided_at=at, name=article.name, price=article.price,
    )  # fmt: skip


def raise_or_grow(
    layout: Layout, state: CoreState, gate: GateLayout, items: tuple[Item, ...], verdict: Verdict, crossing: float,
    start: float, first: str, now: float,
) -> list[Effect]:  # fmt: skip
    kind = verdict.kind or "unpaid_items"
    items, holds = _held(layout, state, gate, items, now)
    severity = "info" if holds else verdict.severity
    incident = next((known for known in state.incidents.values() if joins(known, gate.id, kind, crossing)), None)
    if incident is None:
        evidence = {"eas": first} if kind in ("eas_unidentified", "tag_not_deactivated") else None
        incident = raised(
            layout, gate=gate.id, kind=kind, severity=severity, items=items, crossing=crossing, start=start, first=first,
            now=now, evidence=evidence,
        )  # fmt: skip
        state.incidents[incident.alarm.id] = incident
        incident.holds.update(holds)
        return announced(layout, incident, "raised", now)
    before = incident.alarm
    grown(incident, items, kind, crossing, severity)
    incident.holds.update(holds)
    return growth(layout, incident, before, now)


def incident_near(state: CoreState, gate: GateLayout, crossing: float) -> Incident | None:
    near = (
        incident
        for incident in state.incidents.values()
        if joins(incident, gate.id, incident.alarm.kind, crossing) and abs(incident.last_crossing - crossing) <= EAS_REACH_S
    )
    return next(near, None)


def _held(
    layout: Layout, state: CoreState, gate: GateLayout, items: tuple[Item, ...], now: float
) -> tuple[tuple[Item, ...], dict[str, float]]:
    """Unpaid items that may yet turn out paid, or moved by staff, are pending for a while, and make no noise until then."""
    wait_s, reason = hold_s(layout, state, gate, now)
    if wait_s <= 0:
        return items, {}
    held = tuple(
        msgspec.structs.replace(item, state="pending", reason=reason) if item.state == "unpaid" else item for item in items
    )
    return held, {item.epc: now + wait_s for item in held if item.state == "pending"}
