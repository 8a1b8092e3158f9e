"""When a gate holds its tongue, and why: goods are being moved, it is muted, disarmed, closed, or only observes. Pure.

What it would have said is recorded with the reason. Goods movement is begun by a staff badge that leaves with the goods, or by
a command; never by how much leaves. It ends by itself.
"""

import msgspec

from rfidguard.alarm import OPEN_STATES
from rfidguard.core_state import CoreState, GateState
from rfidguard.effects import Effect, Noted, SwitchOutput
from rfidguard.incident import GROUP_GAP_S, Incident, announced
from rfidguard.layout import GateLayout, Layout
from rfidguard.rule import Verdict

MOVEMENT = "goods_movement"
MOVEMENT_S = 600.0
LONGEST_MOVEMENT_S = 4 * 3600.0
MUTE_S = 600.0
BADGE_VIEW_S = 2.0
BADGE_HOLD_S = 1.5
"""While a badge moves in the gate an item waits so long for it to go out too."""


class Quiet(msgspec.Struct, frozen=True):
    """Why a gate is quiet (a reason code), until when (None: until somebody changes it), and who wanted it."""

    reason: str
    until: float | None = None
    by: str | None = None


def quiet(gate: GateLayout, memory: GateState, now: float) -> Quiet | None:
    """Why the gate is quiet now; None where it is not."""
    if now < memory.movement_until:
        return Quiet(MOVEMENT, memory.movement_until, memory.movement_by)
    if now < memory.muted_until:
        return Quiet("muted", memory.muted_until)
    if memory.disarmed and (memory.disarmed_until < 0 or now < memory.disarmed_until):
        return Quiet("disarmed", None if memory.disarmed_until < 0 else memory.disarmed_until)
    if gate.after_hours == "disarm" and not gate.is_open(now):
        return Quiet("disarmed", by="hours")
    return Quiet("gate_observes") if gate.mode == "observe" else None


def quietened(gate: GateLayout, memory: GateState, verdict: Verdict, now: float) -> Verdict:
    """The same verdict without its alarm where the gate is quiet; what is moved by staff has not left unpaid at all."""
    if verdict.kind is None or (why := quiet(gate, memory, now)) is None:
        return verdict
    return Verdict("silent" if why.reason == MOVEMENT else verdict.state, why.reason)


def hushed(layout: Layout, state: CoreState, effects: list[Effect]) -> list[Effect]:
    """The same without light and siren of gates that are quiet now, whenever their alarm began: it may still ring afterwards.
    A drill rings: somebody asked for it.
    """
    return [effect for effect in effects if not (isinstance(effect, SwitchOutput) and _held_back(layout, state, effect))]


def goods_moved(
    layout: Layout, state: CoreState, gate: str, until: float, by: str, crossing: float | None = None
) -> list[Effect]:
    """Goods are moved through the gate up to `until`. `crossing`: when a badge left; what rang for its group is cleared."""
    memory = state.gates[gate]
    if state.now >= memory.movement_until:
        memory.movement_since = state.now
    until = min(max(until, memory.movement_until), memory.movement_since + LONGEST_MOVEMENT_S)
    memory.movement_until, memory.movement_by = until, by
    if crossing is None:
        return []
    effects: list[Effect] = [Noted("gate", {"gate": gate, "at": state.now, "movement": {"until": until, "by": by}})]
    for incident in state.incidents.values():
        effects += _cleared(layout, state, incident) if _of_the_group(incident, gate, crossing) else []
    return effects


def hold_s(layout: Layout, state: CoreState, gate: GateLayout, now: float) -> tuple[float, str]:
    """How long an unpaid item waits before it makes a noise, and why: the till may be late, or staff may be moving it."""
    wanted = BADGE_HOLD_S if layout.badges.prefixes or layout.badges.epcs else 0.0
    if wanted > layout.late_sale_hold_s and _badge_moves(layout, state, gate, now):
        return wanted, "badge_near"
    return layout.late_sale_hold_s, "pending_sale"


def _held_back(layout: Layout, state: CoreState, switch: SwitchOutput) -> bool:
    alarm_id, output = switch.id.split("/", 1)
    incident = state.incidents.get(alarm_id)
    if incident is None or incident.alarm.drill:
        return False
    gate = incident.alarm.gate
    if quiet(layout.gates[gate], state.gates[gate], state.now) is None:
        return False
    incident.rung.remove(output)
    incident.rang = bool(incident.rung)
    return True


def _badge_moves(layout: Layout, state: CoreState, gate: GateLayout, now: float) -> bool:
    return any(
        now - track.last_at <= BADGE_VIEW_S and track.state == "candidate" and layout.badges.holds(track.epc)
        for track in state.tracks[gate.id].values()
    )


def _of_the_group(incident: Incident, gate: str, crossing: float) -> bool:
    alarm = incident.alarm
    mine = alarm.gate == gate and alarm.state in OPEN_STATES and alarm.kind in ("unpaid_items", "bulk") and not alarm.drill
    return mine and abs(incident.last_crossing - crossing) <= GROUP_GAP_S


def _cleared(layout: Layout, state: CoreState, incident: Incident) -> list[Effect]:
    alarm = incident.alarm
    items = tuple(
        item if item.state in ("sold", "cleared") else msgspec.structs.replace(item, state="cleared", reason=MOVEMENT)
        for item in alarm.items
    )
    for item in items:
        state.unpaid_out.pop(item.epc, None)
    incident.holds.clear()
    incident.alarm = msgspec.structs.replace(alarm, items=items, state="cleared", outcome=MOVEMENT)
    return announced(layout, incident, "cleared", state.now)
