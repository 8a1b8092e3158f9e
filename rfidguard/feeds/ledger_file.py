"""Ledger records from a file: journal lines, or CSV with a header; told apart by content, plain or packed (.gz, .zst)."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from itertools import chain, islice
from typing import BinaryIO

from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.ledger_csv import Taken, check_fits, csv_rows, separator_of
from rfidguard.journal import decode_line
from rfidguard.journal_files import lines_of

_HEAD_LINES = 40
_EPCIS_TYPES = (
    "EPCISDocument", "EPCISQueryDocument", "ObjectEvent", "AggregationEvent", "TransactionEvent", "TransformationEvent",
    "AssociationEvent",
)  # fmt: skip
_LATER = "this version does not read it yet; it takes journal lines (.jsonl) and CSV with a header"


def ledger_lines(file: BinaryIO, zone: tzinfo, now: float) -> Iterator[Taken]:
    """Everything in the file, in order. `zone` is that of times without one, `now` (Unix seconds) the time of rows without any.

    Raises RefusedInput for a file that is neither journal nor CSV: empty_file, poslog, epcis, unknown_format, bad_header.
    """
    torn: Counter[str] = Counter()
    lines = lines_of(file, torn)
    head = list(islice(lines, _HEAD_LINES))
    form = _form(head)
    everything = chain(head, lines)
    yield from _csv(everything, zone, now) if form == "csv" else _journal(everything)
    for reason, count in torn.items():
        yield Taken(0, reason=reason, text=f"{count} places of the file are broken and could not be read")


def _form(head: list[bytes]) -> str:
    """ "journal" or "csv". Raises RefusedInput for anything else."""
    start = b"\n".join(head).lstrip()
    if not start:
        raise RefusedInput("empty_file", "there is nothing in this file")
    if start.startswith(b"<"):
        raise _xml_refusal(start)
    if start[:1] in (b"{", b"["):
        if not _is_journal(start.partition(b"\n")[0]):
            raise _json_refusal(start)
        return "journal"
    first = _text(start.partition(b"\n")[0])
    if separator_of(first) is None:
        raise RefusedInput(
            "unknown_format", f"this is neither a journal nor CSV with a header: the first line is {ascii(first)[:80]}"
        )
    return "csv"


def _is_journal(first: bytes) -> bool:
    try:
        body = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("type"), str) and body["type"] not in _EPCIS_TYPES


def _xml_refusal(start: bytes) -> RefusedInput:
    for name, mark in (("POSLog", b"POSLog"), ("EPCIS", b"EPCIS")):
        if mark in start:
            return RefusedInput(name.lower(), f"this is {name} XML: {_LATER}")
    return RefusedInput("unknown_format", f"this is XML, but neither POSLog nor EPCIS; {_LATER.partition('; ')[2]}")


def _json_refusal(start: bytes) -> RefusedInput:
    if any(f'"{name}"'.encode() in start for name in _EPCIS_TYPES) or b"epcis" in start.lower():
        return RefusedInput("epcis", f"this is EPCIS JSON: {_LATER}")
    return RefusedInput("unknown_format", 'this is JSON, but its first line is no journal line (one object with a "type")')


def _journal(lines: Iterable[bytes]) -> Iterator[Taken]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = decode_line(line)
            if isinstance(event, Ledger):
                check_fits(event)
        except RefusedInput as error:
            yield Taken(number, reason=error.reason, text=str(error))
        else:
            yield Taken(number, event if isinstance(event, Ledger) else None)


def _csv(lines: Iterable[bytes], zone: tzinfo, now: float) -> Iterator[Taken]:
    return csv_rows((_text(line) for line in lines), zone, now)


def _text(line: bytes) -> str:
    """UTF-8, or the Latin-1 of old spreadsheets: what matters in a row is ASCII."""
    try:
        return line.decode("utf-8-sig").rstrip("\r")
    except UnicodeDecodeError:
        return line.decode("latin-1").rstrip("\r")
