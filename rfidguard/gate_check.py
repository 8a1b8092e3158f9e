"""Looks at a gate's sight now and then: raises `blind_gate`, clears it by itself, and tells the gate's state. Pure."""

import msgspec

from rfidguard.alarm import OPEN_STATES
from rfidguard.core_state import CoreState, GateState
from rfidguard.effects import Effect, Noted
from rfidguard.gate_faults import BLIND, faults, fed
from rfidguard.gate_watch import looked
from rfidguard.incident import announced, raised
from rfidguard.layout import GateLayout, Layout
from rfidguard.passage_votes import trusted


def checked(layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, now: float) -> list[Effect]:
    """One look at the gate. Tells what has changed since the last one."""
    watch, tracks = memory.watch, state.tracks[gate.id]
    looked(watch, memory.presence, now)
    counters_judged(memory)
    fed(watch, tracks.values(), now)
    before, watch.faults = watch.faults, faults(watch, gate, tracks.values(), now)
    if before.keys() == watch.faults.keys():
        return []
    return [*_alarm(layout, state, gate, memory, now), _told(gate, watch.faults, now)]


def counters_judged(memory: GateState) -> None:
    """The gate's counters are evidence while all of them work, and count what surely leaves."""
    if memory.counters:
        memory.presence.healthy = all(memory.counters.values()) and trusted(memory.watch)


def _alarm(layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, now: float) -> list[Effect]:
    watch = memory.watch
    reasons = {name: text for name, text in watch.faults.items() if name in BLIND}
    known = None if watch.alarm is None else state.incidents.get(watch.alarm)
    if reasons and watch.alarm is None:
        incident = raised(
            layout, gate=gate.id, kind="blind_gate", severity="warning", items=(), crossing=now, start=max(watch.read_at, 0.0),
            first="blind", now=now, evidence={"blind": reasons},
        )  # fmt: skip
        state.incidents[incident.alarm.id] = incident
        watch.alarm = incident.alarm.id
        return announced(layout, incident, "raised", now)
    if reasons or watch.alarm is None:
        return []
    watch.alarm = None
    if known is None or known.alarm.state not in OPEN_STATES:
        return []
    known.alarm = msgspec.structs.replace(known.alarm, state="cleared", outcome="device_fault")
    return announced(layout, known, "cleared", now)


def _told(gate: GateLayout, found: dict[str, str], now: float) -> Noted:
    return Noted("gate", {"gate": gate.id, "at": now, "faults": dict(found)})
