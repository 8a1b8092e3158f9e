"""`unknown_direction` of a gate: what a passage counts as whose direction the gate could not tell, from what became of those."""

from collections.abc import Iterator

from rfidguard.config import Config, Gate
from rfidguard.layout import layout_from
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Case, Evidence, right
from rfidguard.tuning.rung import RINGS
from rfidguard.tuning.staff import FALSE

ENOUGH = 8
MOSTLY = 0.8


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """One answer for each gate that rings for passages without a direction."""
    layout = layout_from(config)
    for gate in config.gate:
        if layout.gates[gate.id].unknown_counts_as_out():
            yield _of_gate(evidence, gate)


def _of_gate(evidence: Evidence, gate: Gate) -> Advice:
    about = f"gate[{gate.id}].unknown_direction"
    answered = evidence.answered(case for case in evidence.cases if case.rung.gate == gate.id and _untold(evidence, case))
    if len(answered) < ENOUGH:
        return few(about, "answered alarms without a direction", len(answered), ENOUGH)
    false = sum(case.meaning == FALSE for case in answered)
    found = len(right(answered))
    if found or false < MOSTLY * len(answered):
        return Advice(
            about, f"no proposal: of {len(answered)} answered alarms without a direction {found} were right, {false} false"
        )
    why = f"{false} of {len(answered)} answered alarms without a direction were false, none was right"
    return Advice(about, why, (f"{about}=ignore",))


def _untold(evidence: Evidence, case: Case) -> bool:
    items = [item for item in case.rung.items if item.rang_at is not None]
    untold = all(evidence.direction_of(case.rung, item) == "unknown" for item in items)
    return case.rung.sound == RINGS and bool(items) and untold
