"""EPCIS 2.0 JSON and JSON-LD: documents, query documents, single events, lists of events, and one event a line. Pure."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rfidguard.errors import RefusedInput
from rfidguard.feeds.epcis import event_taken
from rfidguard.feeds.epcis_event import OTHER_TYPES, READ_TYPES
from rfidguard.feeds.ledger_csv import Taken

MAX_DOCUMENT_BYTES = 64_000_000
DOCUMENT_TYPES = ("EPCISDocument", "EPCISQueryDocument")
_MARK = b"\xef\xbb\xbf"
_MEND = 'it is an object with "type": "EPCISDocument", an event, or a list of events'


def epcis_json_taken(payload: bytes) -> Iterator[Taken]:
    """What becomes of every event, in order.

    Raises RefusedInput for the whole: not_json, too_deep, too_large, not_epcis, no_context, bad_document.
    """
    if len(payload) > MAX_DOCUMENT_BYTES:
        raise RefusedInput("too_large", f"an EPCIS document has at most {MAX_DOCUMENT_BYTES} bytes; split it")
    for number, body in _bodies(payload):
        for place, event in _events(body):
            yield from event_taken(event, place, number)


def _bodies(payload: bytes) -> Iterator[tuple[int, Any]]:
    """The document, with line 0; or each line's, where every line is a document of its own."""
    lines = payload.splitlines()
    try:
        yield 0, _decoded(payload)
    except RefusedInput as error:
        if error.reason != "not_json" or len(lines) < 2 or not _is_json(lines[0]):
            raise
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _decoded(line)


def _is_json(line: bytes) -> bool:
    try:
        _decoded(line)
    except RefusedInput:
        return False
    return True


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload.removeprefix(_MARK))
    except RecursionError as error:
        raise RefusedInput("too_deep", "the document is nested too deep") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise RefusedInput("not_json", f"the document is not JSON: {error}") from error


def _events(body: Any) -> Iterator[tuple[str, Any]]:
    """Place and event, of each."""
    if isinstance(body, list):
        yield from ((f"[{number}]", event) for number, event in enumerate(body))
        return
    kind = body.get("type") if isinstance(body, dict) else None
    if kind in DOCUMENT_TYPES:
        yield from _of_document(body, str(kind))
    elif kind in (*READ_TYPES, *OTHER_TYPES):
        yield str(kind), body
    else:
        raise RefusedInput("not_epcis", f"this is no EPCIS document: {_MEND}")


def _of_document(body: dict[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    if not body.get("@context"):
        context = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld"
        raise RefusedInput("no_context", f'@context: is missing; an EPCIS document names its own, like ["{context}"]')
    place, found = "epcisBody", body.get("epcisBody")
    path = ("queryResults", "resultsBody") if kind == "EPCISQueryDocument" else ()
    for step in path:
        place, found = f"{place}.{step}", found.get(step) if isinstance(found, dict) else None
    events = found.get("eventList") if isinstance(found, dict) else None
    if events is None and isinstance(found, dict) and isinstance(found.get("event"), dict):
        yield f"{place}.event", found["event"]
        return
    if not isinstance(events, list):
        raise RefusedInput("bad_document", f"{place}.eventList: must be a list of events in [ ]")
    yield from ((f"{place}.eventList[{number}]", event) for number, event in enumerate(events))
