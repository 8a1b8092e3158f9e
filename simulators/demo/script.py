"""What happens when in the demo: the scene's events as actions of devices and people, relative to its start. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from rfidguard.alarm import utc_text
from rfidguard.events import Count, Eas, Event, Ledger
from rfidguard.ledger import document_of

BEAM_S = 0.15


class Deed(msgspec.Struct, frozen=True):
    """One action: `at` seconds after the start (negative: before it). `kind`: sale, eas or beam."""

    at: float
    kind: str
    what: Any


def deeds(events: Iterable[Event], epoch: float, speed: float) -> list[Deed]:
    """Sales (whole documents), pedestal words and light-barrier edges of a scene, in order."""
    sales: dict[str, list[Ledger]] = {}
    found: list[Deed] = []
    for event in events:
        when = ((event.received or event.at) - epoch) / speed
        if isinstance(event, Ledger) and event.kind != "stock_in":
            sales.setdefault(document_of(event.id), []).append(event)
        elif isinstance(event, Eas):
            found.append(Deed(when, "eas", event.kind))
        elif isinstance(event, Count):
            found += _beams(when, event.direction)
    for name, lines in sales.items():
        heard = max((line.received or line.at) for line in lines)
        found.append(Deed((heard - epoch) / speed, "sale", (name, tuple(lines))))
    return sorted(found, key=lambda deed: deed.at)


def sale_document(name: str, lines: tuple[Ledger, ...], at: float) -> dict[str, Any]:
    """The sale document of some ledger lines, as of `at` (Unix seconds)."""
    body = [
        {"line": number, "kind": line.kind, **({"epc": line.epc} if line.epc else {"gtin": line.gtin, "quantity": line.quantity})}
        for number, line in enumerate(lines, 1)
    ]
    return {"id": name, "at": utc_text(at), "kind": "sale", "transaction": lines[0].transaction or name, "lines": body}


def _beams(at: float, direction: str) -> list[Deed]:
    """Somebody walks through two light barriers: pin 1 is the inner one, pin 2 the outer."""
    first, second = (2, 1) if direction == "in" else (1, 2)
    edges = ((-2, first, True), (-1, second, True), (0, first, False), (1, second, False))
    return [Deed(at + step * BEAM_S, "beam", (pin, high)) for step, pin, high in edges]


def moved_truth(truth: dict[str, Any], epoch: float, start: float, speed: float, seconds: float | None) -> dict[str, Any]:
    """The truth at the times of this run; of a store that closes after `seconds`, only what was over by then.

    `cut` names the tags of the passages that were not, and since when nothing can be said of a pedestal's alarm.
    """

    def when(at: float | None) -> float | None:
        return None if at is None else start + (at - epoch) / speed

    passages = [
        {
            **passage,
            "start": when(passage["start"]),
            "end": when(passage["end"]),
            "cross": when(passage["cross"]),
            **({"late": {epc: when(at) for epc, at in passage["late"].items()}} if "late" in passage else {}),
        }
        for passage in truth["passages"]
    ]
    expected = [{**entry, "at": when(entry["at"])} for entry in truth.get("expected", [])]
    if seconds is None:
        return {**truth, "passages": passages, "expected": expected}
    end = start + seconds
    whole = [passage for passage in passages if (passage["cross"] or passage["end"]) + 4.0 <= end]
    cut = {"tags": [epc for passage in passages if passage not in whole for epc in passage["tags"]], "since": end - 6.0}
    return {**truth, "passages": whole, "expected": [entry for entry in expected if entry["at"] + 6.0 <= end], "cut": cut}
