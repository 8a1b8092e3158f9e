"""EPCIS XML, 1.2 and 2.0: each event is brought into the shape of the JSON binding and then taken as that. Pure, streamed."""

from collections.abc import Iterable, Iterator
from typing import Any

from rfidguard.feeds.epcis import event_taken
from rfidguard.feeds.epcis_event import OTHER_TYPES, READ_TYPES
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.xml_stream import Element, elements

ROOTS = ("EPCISDocument", "EPCISQueryDocument", *READ_TYPES, *OTHER_TYPES)
_EVENTS = frozenset((*READ_TYPES, *OTHER_TYPES))
_TEXTS = ("eventTime", "eventTimeZoneOffset", "eventID", "action", "bizStep", "disposition")
_ZONE_FROM = len("2026-11-22T10:14:02")


def epcis_xml_taken(chunks: Iterable[bytes]) -> Iterator[Taken]:
    """What becomes of every event, in order. Raises RefusedInput as `xml_stream.elements`; what came before was good."""
    for element in elements(chunks, _EVENTS):
        body = {"type": element.name} if element.name in OTHER_TYPES else _as_json(element)
        yield from event_taken(body, element.name, element.line)


def _as_json(event: Element) -> dict[str, Any]:
    parts = list(_flat(event))
    body: dict[str, Any] = {"type": event.name}
    body |= {part.name: part.text for part in parts if part.name in _TEXTS}
    for part in parts:
        if part.name in _LISTS:
            body[part.name] = _LISTS[part.name](part)
    body["eventTime"] = _with_zone(body.get("eventTime", ""), body.get("eventTimeZoneOffset", ""))
    return body


def _flat(event: Element) -> Iterator[Element]:
    """The fields, with those that EPCIS 1.x hides in extensions."""
    for part in event.children:
        if part.name in ("extension", "baseExtension"):
            yield from _flat(part)
        else:
            yield part


def _with_zone(time: str, offset: str) -> str:
    """XML may leave the zone to the other field."""
    has_zone = time.endswith(("Z", "z")) or any(sign in time[_ZONE_FROM:] for sign in "+-")
    return time if has_zone else time + offset


def _quantities(part: Element) -> list[dict[str, Any]]:
    return [_quantity(element) for element in part.all("quantityElement")]


def _quantity(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {child.name: child.text for child in element.children}
    try:
        return {**found, "quantity": float(found["quantity"])} if found.get("quantity") else found
    except ValueError:
        return found


def _declaration(part: Element) -> dict[str, Any]:
    ids = part.first("correctiveEventIDs")
    return {
        "declarationTime": part.value("declarationTime") or "",
        "reason": part.value("reason"),
        "correctiveEventIDs": [child.text for child in ids.all("correctiveEventID")] if ids else [],
    }


_LISTS: dict[str, Any] = {
    "epcList": lambda part: [epc.text for epc in part.all("epc")],
    "quantityList": _quantities,
    "errorDeclaration": _declaration,
    "readPoint": lambda part: {"id": part.value("id") or ""},
    "bizLocation": lambda part: {"id": part.value("id") or ""},
    "bizTransactionList": lambda part: [
        {"type": found.attributes.get("type"), "bizTransaction": found.text} for found in part.all("bizTransaction")
    ],
    "persistentDisposition": lambda part: {
        name: [found.text for found in part.all(name)] for name in ("set", "unset") if part.all(name)
    },
    "sensorElementList": lambda part: [{} for _ in part.children],
}
