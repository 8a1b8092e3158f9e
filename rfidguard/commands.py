"""What an operator's command does to the gates. Pure."""

from rfidguard.arming import LONGEST_MOVEMENT_S, MOVEMENT, MOVEMENT_S, MUTE_S, goods_moved
from rfidguard.core_state import CoreState, GateState
from rfidguard.effects import Effect, Noted
from rfidguard.events import Command
from rfidguard.incident import announced, raised
from rfidguard.layout import Layout


def commanded(layout: Layout, state: CoreState, event: Command) -> list[Effect]:
    """Carries out a command to one gate or to all, and answers it."""
    names = list(state.gates) if event.gate is None else [event.gate]
    if any(name not in state.gates for name in names):
        return [_reply(event, "rejected", f"no gate is called {event.gate!r}")]
    effects: list[Effect] = []
    for name in names:
        match event.name:
            case "mute":
                seconds = MUTE_S if event.seconds is None else event.seconds
                state.gates[name].muted_until = state.now + seconds
            case "unmute":
                state.gates[name].muted_until = -1.0
            case "arm":
                _armed(state.gates[name])
            case "disarm":
                effects += _disarmed(layout, state, name, event)
            case "test":
                effects += _test_alarm(layout, state, name)
            case _:
                return []
    return [*effects, _reply(event, "accepted", None)]


def _armed(memory: GateState) -> None:
    memory.disarmed = False
    memory.disarmed_until = memory.movement_until = -1.0


def _disarmed(layout: Layout, state: CoreState, gate: str, event: Command) -> list[Effect]:
    """For goods movement: for a time, and no longer. Else until `arm`, or as long as was said."""
    if event.reason == MOVEMENT:
        seconds = min(MOVEMENT_S if event.seconds is None else event.seconds, LONGEST_MOVEMENT_S)
        return goods_moved(layout, state, gate, state.now + seconds, f"command {event.id}")
    memory = state.gates[gate]
    memory.disarmed = True
    memory.disarmed_until = -1.0 if event.seconds is None else state.now + event.seconds
    return []


def _test_alarm(layout: Layout, state: CoreState, gate: str) -> list[Effect]:
    incident = raised(
        layout, gate=gate, kind="test", severity="info", items=(), crossing=state.now, start=state.now,
        first="test", now=state.now, drill=True,
    )  # fmt: skip
    state.incidents[incident.alarm.id] = incident
    return announced(layout, incident, "raised", state.now)


def _reply(event: Command, status: str, reason: str | None) -> Noted:
    return Noted("command", {"id": event.id, "name": event.name, "status": status, "reason": reason})
