"""`after_hours` of a gate: what rings while the shop is closed, staff at work or burglars."""

from collections.abc import Iterator

from rfidguard.config import Config, Gate
from rfidguard.opening import Opening
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Evidence, right

ENOUGH = 5
ENOUGH_RIGHT = 3
STAFF = ("staff_or_transfer", "goods_movement")


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """One answer a gate."""
    for gate in config.gate:
        yield _of_gate(evidence, config, gate)


def _of_gate(evidence: Evidence, config: Config, gate: Gate) -> Advice:
    about = f"gate[{gate.id}].after_hours"
    hours = gate.hours or config.site.open
    if hours is None:
        return Advice(about, "no proposal: no opening hours are configured (site.open, or hours of the gate)")
    if gate.after_hours != "guard":
        return Advice(about, f'no proposal: it is "{gate.after_hours}" already')
    opening = Opening(hours, config.site.zone())
    closed = [case for case in evidence.cases if case.rung.gate == gate.id and not opening.is_open(case.rung.raised_at)]
    answered = evidence.answered(closed)
    staff = [case for case in answered if case.said.outcome in STAFF]
    if len(answered) < ENOUGH:
        return few(about, "answered alarms while the shop was closed", len(answered), ENOUGH)
    if len(staff) == len(answered):
        why = (
            f"all {len(staff)} answered alarms while closed were staff at work, of {len(closed)}; a burglar would be silent, too"
        )
        return Advice(about, why, (f"{about}=disarm",))
    found = len(right(answered))
    if found >= ENOUGH_RIGHT and 2 * found >= len(answered):
        return Advice(about, f"{found} of {len(answered)} answered alarms while closed were right", (f"{about}=critical",))
    return Advice(
        about, f"no proposal: while closed {found} of {len(answered)} answered alarms were right, {len(staff)} were staff"
    )
