"""The journal's line format: events to JSON Lines and back. Pure; files are recorder.py's and replay.py's."""

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from rfidguard.epc import normal_epc, normal_gtin
from rfidguard.errors import RefusedInput
from rfidguard.events import (
    ANSWER_ACTIONS,
    COUNT_DIRECTIONS,
    DEVICE_STATES,
    EAS_KINDS,
    LEDGER_KINDS,
    Answer,
    Count,
    Device,
    Eas,
    Event,
    Ledger,
    Read,
)

VERSION = 1
MAX_LINE_BYTES = 64 * 1024 * 1024
"""A snapshot of a large shelf is some 10 MB; anything beyond this is not a journal line."""

HEADER = b'{"type":"journal","version":1}\n'

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_probe = msgspec.json.Decoder(dict[str, object])
_KNOWN_TYPES = frozenset(
    ("read", "ledger", "eas", "count", "device", "answer", "command", "gpi", "output", "lookup", "tick", "state")
)
_CLOSED = {
    Eas: ((EAS_KINDS, "kind"),),
    Count: ((COUNT_DIRECTIONS, "direction"),),
    Device: ((DEVICE_STATES, "state"),),
    Answer: ((ANSWER_ACTIONS, "action"),),
}


def encode_line(event: Event) -> bytes:
    """One event as one line, newline included. The same event always gives the same bytes."""
    return _encoder.encode(event) + b"\n"


def decode_line(line: bytes) -> Event | None:
    """One line -> its event; None for the optional header and for types this version does not know.

    Raises RefusedInput: not_json, not_an_object, no_type, too_long, bad_field (the text names the field), bad_epc, bad_value.
    """
    if len(line) > MAX_LINE_BYTES:
        raise RefusedInput("too_long", f"a line of {len(line)} bytes; at most {MAX_LINE_BYTES} are read")
    try:
        return _normal(_decoder.decode(line))
    except msgspec.ValidationError as error:
        _raise_unless_newer(line, error)
        return None
    except msgspec.DecodeError as error:
        raise RefusedInput("not_json", f"not JSON: {error}") from error


def decode_lines(lines: Iterable[bytes], refused: Counter[str]) -> Iterator[Event]:
    """Every event of `lines`, in order. Refused lines are counted in `refused` by reason and passed over."""
    for line in lines:
        if not line.strip():
            continue
        try:
            event = decode_line(line)
        except RefusedInput as error:
            refused[error.reason] += 1
            continue
        if event is not None:
            yield event


def _raise_unless_newer(line: bytes, error: msgspec.ValidationError) -> None:
    """Returns for a type of a newer version; else raises why the line was refused."""
    try:
        body = _probe.decode(line)
    except msgspec.ValidationError as wrong:
        raise RefusedInput("not_an_object", "a journal line is one JSON object") from wrong
    kind = body.get("type")
    if not isinstance(kind, str):
        raise RefusedInput("no_type", 'a journal line needs a "type"') from error
    if kind in _KNOWN_TYPES:
        raise RefusedInput("bad_field", f"{kind}: {error}") from error


def _normal(event: Event) -> Event:
    """The event with EPCs in upper case and its closed sets checked."""
    if isinstance(event, Read):
        epc = event.epc if event.epc.isalnum() and event.epc.isupper() and not len(event.epc) % 2 else normal_epc(event.epc)
        return event if epc is event.epc else msgspec.structs.replace(event, epc=epc)
    if isinstance(event, Ledger):
        return _normal_ledger(event)
    for kinds, field in _CLOSED.get(type(event), ()):
        if getattr(event, field) not in kinds:
            raise RefusedInput("bad_value", f"{field} is one of {', '.join(kinds)}, not {getattr(event, field)!r}")
    return event


def _normal_ledger(event: Ledger) -> Ledger:
    """Unknown kinds are refused by reason; a void needs only its ref, everything else an EPC or a GTIN."""
    if event.kind not in LEDGER_KINDS:
        raise RefusedInput("bad_value", f"kind is one of {', '.join(LEDGER_KINDS)}, not {event.kind!r}")
    if event.kind == "void":
        if event.ref is None:
            raise RefusedInput("bad_field", "ledger: a void needs `ref`, the id that it undoes")
        return event
    if event.epc is None and event.gtin is None:
        raise RefusedInput("bad_field", "ledger: one of `epc` and `gtin` is needed")
    if event.quantity < 1:
        raise RefusedInput("bad_value", f"quantity is at least 1, not {event.quantity}")
    return msgspec.structs.replace(
        event,
        epc=None if event.epc is None else normal_epc(event.epc),
        gtin=None if event.gtin is None else normal_gtin(event.gtin),
    )
