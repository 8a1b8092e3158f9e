"""`mode` of a gate: how loud it may be, from how often it is right."""

from collections.abc import Iterator

from rfidguard.config import Config, Gate
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Evidence, right
from rfidguard.tuning.rung import ITEM_KINDS, RINGS

STEPS = ("handheld", "light", "siren")
LOUDER = {"handheld": (30, 0.9), "light": (50, 0.95)}
"""How many answered alarms, and which share of them right, speak for the next step."""
SOFTER = (20, 0.3)
"""A siren that is mostly wrong is soon not heard any more."""


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """One answer a gate: a step louder, a step softer, or neither."""
    for gate in config.gate:
        yield _of_gate(evidence, gate)


def _of_gate(evidence: Evidence, gate: Gate) -> Advice:
    about = f"gate[{gate.id}].mode"
    if gate.mode == "observe":
        return Advice(about, "no proposal: the gate only observes; set it to handheld once its decisions look right")
    mine = [case for case in evidence.cases if case.rung.gate == gate.id and case.rung.kind in ITEM_KINDS]
    answered = evidence.answered(case for case in mine if case.rung.sound == RINGS)
    found, total = len(right(answered)), len(answered)
    least, share = SOFTER
    if total < least:
        return few(about, "answered alarms", total, least)
    told = f"{found} of {total} answered alarms were right"
    place = STEPS.index(gate.mode)
    if place and found < share * total:
        return Advice(about, told, (f"{about}={STEPS[place - 1]}",))
    least, share = LOUDER.get(gate.mode, (0, 2.0))
    if total >= least and found >= share * total and _has_output(gate, STEPS[place + 1 :][0]):
        return Advice(about, told, (f"{about}={STEPS[place + 1]}",))
    return Advice(about, f"no proposal: {told}")


def _has_output(gate: Gate, step: str) -> bool:
    return any(output.sounds() == (step == "siren") for output in gate.output)
