"""Alarms and evidence made by hand, for tests of `tune`."""

from rfidguard.alarm import alarm_id
from rfidguard.tuning.evidence import Case, Evidence, Way
from rfidguard.tuning.rung import Rung, RungItem
from rfidguard.tuning.staff import Said

T0 = 1_800_000_000.0


def an_item(number: int = 1, at: float = T0, **changes: object) -> RungItem:
    fields: dict[str, object] = {
        "epc": f"3034257BF400{number:012X}", "gtin": "00614141123452", "reason": "unpaid_exit", "certainty": 0.98,
        "first_at": at, "rang_at": at,
    }  # fmt: skip
    return RungItem(**(fields | changes))  # type: ignore[arg-type]


def a_rung(number: int = 1, at: float = T0, items: tuple[RungItem, ...] | None = None, **changes: object) -> Rung:
    """An alarm that rang for one item. Alarms of the same `number` are about the same passage."""
    found = (an_item(number, at),) if items is None else items
    fields: dict[str, object] = {
        "id": alarm_id(at, "0001", "front", f"first-{number}", 0.0), "gate": "front", "kind": "unpaid_items",
        "severity": "warning", "raised_at": at, "rang_at": at, "told": True, "items": found,
    }  # fmt: skip
    return Rung(**(fields | changes))  # type: ignore[arg-type]


def a_case(outcome: str | None, number: int = 1, **changes: object) -> Case:
    return Case(a_rung(number, **changes), Said(outcome))  # type: ignore[arg-type]


def cases(*groups: tuple[int, str | None]) -> tuple[Case, ...]:
    """So many alarms with such an outcome, one after the other."""
    outcomes = [outcome for count, outcome in groups for _ in range(count)]
    return tuple(a_case(outcome, number, at=T0 + 60.0 * number) for number, outcome in enumerate(outcomes))


def evidence(*groups: tuple[int, str | None], **changes: object) -> Evidence:
    return Evidence(**({"cases": cases(*groups)} | changes))  # type: ignore[arg-type]


def ways(direction: str, cases: tuple[Case, ...], before_s: float = 0.0) -> dict[str, list[Way]]:
    """Every item of these alarms went so, so long before its alarm."""
    return {item.epc: [Way(item.first_at - before_s, case.rung.gate, direction)] for case in cases for item in case.rung.items}
