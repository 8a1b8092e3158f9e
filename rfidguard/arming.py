"""When a gate holds its tongue: observing, muted, disarmed. What it would have said is recorded with the reason. Pure."""

from rfidguard.core_state import GateState
from rfidguard.layout import GateLayout
from rfidguard.rule import Verdict


def quietened(gate: GateLayout, memory: GateState, verdict: Verdict, now: float) -> Verdict:
    """The same verdict without its alarm where the gate only observes, is disarmed or is muted."""
    if verdict.kind is None:
        return verdict
    if memory.disarmed or now < memory.muted_until:
        return Verdict(verdict.state, "muted")
    return Verdict(verdict.state, "gate_observes") if gate.mode == "observe" else verdict
