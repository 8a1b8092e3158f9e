"""The journal's line format: events to JSON Lines and back. Pure; files are recorder.py's and replay.py's."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

import msgspec

from rfidguard.epc import normal_epc, normal_gtin
from rfidguard.errors import RefusedInput
from rfidguard.events import (
    ANSWER_ACTIONS,
    COUNT_DIRECTIONS,
    DEVICE_STATES,
    EAS_KINDS,
    FEED_STATES,
    LEDGER_KINDS,
    Answer,
    Count,
    Device,
    Eas,
    Event,
    Feed,
    Ledger,
    Lookup,
    Pace,
    Read,
)

VERSION = 1
MAX_LINE_BYTES = 16 * 1024 * 1024
"""The longest line but a snapshot, a ledger's answer, is far below this."""

MAX_STATE_BYTES = 96 * 1024 * 1024
"""At some 3.4 kB a tag, the 20,000 that a gate remembers at most are 68 MB; anything beyond this is not a journal line."""

MAX_PACE = 100
"""Tenths of a second: a gate that is looked at less often than that is not guarded."""

HEADER = b'{"type":"journal","version":1}\n'

_STATE_START = re.compile(rb'\s*\{\s*"type"\s*:\s*"state"')

_END_OF_TIME = 253_402_300_800.0
"""The first second of the year 10000, which no calendar text can name."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_probe = msgspec.json.Decoder(dict[str, object])
_seen_epc = lru_cache(maxsize=65_536)(normal_epc)
_LOOKUP_KINDS = (*LEDGER_KINDS, "bound")
"""What the ledger answers may hold besides what a till can say: which EPC used a unit of a credit."""

_KNOWN_TYPES = frozenset(
    {"read", "ledger", "eas", "count", "device", "answer", "command", "gpi", "output", "lookup", "feed", "site"}
    | {"pace", "tick", "state"}
)
_CLOSED = {
    Eas: ((EAS_KINDS, "kind"),),
    Count: ((COUNT_DIRECTIONS, "direction"),),
    Device: ((DEVICE_STATES, "state"),),
    Feed: ((FEED_STATES, "state"),),
    Answer: ((ANSWER_ACTIONS, "action"),),
}


def encode_line(event: Event) -> bytes:
    """One event as one line, newline included. The same event always gives the same bytes."""
    return _encoder.encode(event) + b"\n"


def header_line(at: float, site: str, session: str, program: str) -> bytes:
    """The first line of a recorded journal: when, where and by which run and version of the program it was written."""
    body = {"type": "journal", "version": VERSION, "at": at, "site": site, "session": session, "program": program}
    return _encoder.encode(body) + b"\n"


def longest(start: bytes) -> int:
    """How many bytes a line that begins so may have. Only a snapshot, which names its type first, may be very long."""
    return MAX_STATE_BYTES if _STATE_START.match(start) else MAX_LINE_BYTES


def decode_line(line: bytes) -> Event | None:
    """One line -> its event; None for the optional header and for types this version does not know.

    Raises RefusedInput: not_json, not_an_object, no_type, too_long, bad_field (the text names the field), bad_epc, bad_gtin,
    bad_value.
    """
    if len(line) > longest(line):
        raise RefusedInput("too_long", f"a line of {len(line)} bytes; at most {longest(line)} are read")
    try:
        return _normal(_decoder.decode(line))
    except msgspec.ValidationError as error:
        return _second_look(line, error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedInput("not_json", f"not JSON: {error}") from error


def decode_lines(lines: Iterable[bytes], refused: Counter[str]) -> Iterator[Event]:
    """Every event of `lines`, in order. Refused lines are counted in `refused` by reason and passed over, as empty ones are."""
    for line in lines:
        try:
            event = decode_line(line)
        except RefusedInput as error:
            if line.strip():
                refused[error.reason] += 1
            continue
        if event is not None:
            yield event


def _second_look(line: bytes, error: msgspec.ValidationError) -> Event | None:
    """None for a type of a newer version, the event of a void that names no id; else raises why the line was refused."""
    try:
        body = _probe.decode(line)
    except msgspec.ValidationError as wrong:
        raise RefusedInput("not_an_object", "a journal line is one JSON object") from wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise RefusedInput("not_json", f"not JSON: {wrong}") from wrong
    kind = body.get("type")
    if not isinstance(kind, str):
        raise RefusedInput("no_type", 'a journal line needs a "type"') from error
    if kind not in _KNOWN_TYPES:
        return None
    if kind == "ledger" and body.get("kind") == "void" and "id" not in body and "ref" in body:
        return decode_line(_encoder.encode({**body, "id": f"void:{body['ref']}"}))
    raise RefusedInput("bad_field", f"{kind}: {error}") from error


def _normal(event: Event) -> Event:
    """The event with EPCs in upper case, its times and closed sets checked."""
    if not (0.0 <= event.at < _END_OF_TIME and (event.received is None or 0.0 <= event.received < _END_OF_TIME)):
        raise RefusedInput("bad_value", f"a time is Unix seconds, up to the year 9999, not {event.at!r} or {event.received!r}")
    if type(event) is Read:
        return _normal_read(event)
    if isinstance(event, Ledger):
        return _normal_ledger(event, LEDGER_KINDS)
    for kinds, field in _CLOSED.get(type(event), ()):
        if getattr(event, field) not in kinds:
            raise RefusedInput("bad_value", f"{field} is one of {', '.join(kinds)}, not {getattr(event, field)!r}")
    if isinstance(event, Pace) and not (1 <= event.heard <= MAX_PACE and 1 <= event.quiet <= MAX_PACE):
        raise RefusedInput("bad_value", f"pace: heard {event.heard}, quiet {event.quiet}: tenths of a second, 1 to {MAX_PACE}")
    if isinstance(event, Lookup):
        return msgspec.structs.replace(event, records=tuple(_normal_ledger(r, _LOOKUP_KINDS) for r in event.records))
    if isinstance(event, Answer) and event.items:
        return msgspec.structs.replace(event, items=tuple(_normal_item(item) for item in event.items))
    return event


def _normal_read(event: Read) -> Read:
    if event.count < 1 or event.antenna < 0:
        raise RefusedInput(
            "bad_value", f"read: count {event.count}, antenna {event.antenna}: count is 1 or more, antenna 0 or more"
        )
    epc = _seen_epc(event.epc)
    return event if epc == event.epc else msgspec.structs.replace(event, epc=epc)


def _normal_ledger(event: Ledger, kinds: Collection[str]) -> Ledger:
    """Unknown kinds are refused by reason; a void needs only its ref, everything else an EPC or a GTIN."""
    if event.kind not in kinds:
        raise RefusedInput("bad_value", f"kind is one of {', '.join(kinds)}, not {event.kind!r}")
    if event.kind == "void" and not event.ref:
        raise RefusedInput("bad_field", "ledger: a void needs `ref`, the id that it undoes")
    if event.kind != "void" and event.epc is None and event.gtin is None:
        raise RefusedInput("bad_field", "ledger: one of `epc` and `gtin` is needed")
    if event.quantity < 1:
        raise RefusedInput("bad_value", f"quantity is at least 1, not {event.quantity}")
    epc = None if event.epc is None else normal_epc(event.epc)
    gtin = None if event.gtin is None else normal_gtin(event.gtin)
    return event if (epc, gtin) == (event.epc, event.gtin) else msgspec.structs.replace(event, epc=epc, gtin=gtin)


def _normal_item(item: dict[str, str]) -> dict[str, str]:
    return {**item, "epc": normal_epc(item["epc"])} if "epc" in item else item
