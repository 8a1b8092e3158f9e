"""Ledger records from a file: journal lines, CSV with a header, POSLog XML, EPCIS JSON or XML; plain or packed (.gz, .zst).

What a file is is told by its content.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import tzinfo
from itertools import chain
from types import MappingProxyType
from typing import BinaryIO

from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.epcis_event import OTHER_TYPES, READ_TYPES
from rfidguard.feeds.epcis_json import DOCUMENT_TYPES, MAX_DOCUMENT_BYTES, epcis_json_taken
from rfidguard.feeds.epcis_xml import ROOTS, epcis_xml_taken
from rfidguard.feeds.ledger_csv import SEPARATORS, Taken, check_fits, csv_rows, separator_of
from rfidguard.feeds.poslog import poslog_taken
from rfidguard.feeds.xml_stream import root_name
from rfidguard.journal import decode_line
from rfidguard.journal_files import chunks_of, lines_in

NO_COLUMNS: Mapping[str, str] = MappingProxyType({})
_HEAD_BYTES = 65_536
_MARK = b"\xef\xbb\xbf"
_MARK_AND_BLANKS = _MARK + b" \t\r\n"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_POSLOG_ROOTS = ("POSLog", "Transaction")
_EPCIS_TYPES = (*DOCUMENT_TYPES, *READ_TYPES, *OTHER_TYPES)
_KNOWN = "known are journal lines (.jsonl), CSV with a header, POSLog XML, EPCIS JSON and EPCIS XML"


def ledger_lines(file: BinaryIO, zone: tzinfo, now: float, columns: Mapping[str, str] = NO_COLUMNS) -> Iterator[Taken]:
    """Everything in the file, in order. `zone` is that of times without one, `now` (Unix seconds) the time of rows without any.

    `columns`: of a CSV whose header says it otherwise, its names (lower case) to ours.

    Raises RefusedInput for a file that is none of these, or ends in something else: empty_file, unknown_format, bad_header,
    and what the readers of XML and JSON raise. What came before was good.
    """
    torn: Counter[str] = Counter()
    chunks = chunks_of(file, torn)
    head = _renamed(_head(chunks), columns)
    everything = chain([head], chunks)
    form = _form(head)
    if form == "poslog":
        yield from poslog_taken(everything, zone, now)
    elif form == "epcis_xml":
        yield from epcis_xml_taken(everything)
    elif form == "epcis":
        yield from epcis_json_taken(_whole(everything))
    else:
        lines = lines_in(everything, torn)
        yield from _csv(lines, zone, now) if form == "csv" else _journal(lines)
    for reason, count in torn.items():
        yield Taken(0, reason=reason, text=f"{count} places of the file are broken and could not be read")


def is_xml(start: bytes) -> bool:
    """Whether a document that begins so is XML, in whatever encoding."""
    return start.lstrip(_MARK_AND_BLANKS).startswith(b"<") or (start[:2] in _UTF_16 and b"<" in start[2:4])


def form_of_xml(start: bytes) -> str | None:
    """ "poslog", "epcis_xml" or None: what XML that begins so is."""
    root = root_name(start)
    if root in ROOTS or b"EPCISDocument" in start or b"EPCISQueryDocument" in start:
        return "epcis_xml"
    return "poslog" if root in _POSLOG_ROOTS or b"POSLog" in start or b"RetailTransaction" in start else None


def _head(chunks: Iterator[bytes]) -> bytes:
    """The first bytes, enough to tell what they are."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head.lstrip()) >= _HEAD_BYTES:
            break
    return head


def _renamed(head: bytes, columns: Mapping[str, str]) -> bytes:
    """The first line with the columns called by our names, where it is a header that has some of theirs."""
    first, end, rest = head.partition(b"\n")
    for separator in SEPARATORS if columns and not is_xml(head) else "":
        names = [name.strip().strip('"').strip().lower() for name in _text(first.removeprefix(_MARK)).split(separator)]
        if columns.keys() & set(names):
            return separator.join(columns.get(name, name) for name in names).encode() + end + rest
    return head


def _whole(chunks: Iterable[bytes]) -> bytes:
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > MAX_DOCUMENT_BYTES:
            raise RefusedInput("too_large", f"an EPCIS JSON file has at most {MAX_DOCUMENT_BYTES} bytes; split it")
    return bytes(found)


def _form(head: bytes) -> str:
    """ "journal", "csv", "poslog", "epcis" or "epcis_xml". Raises RefusedInput for anything else."""
    start = head.lstrip(_MARK_AND_BLANKS)
    if not start:
        raise RefusedInput("empty_file", "there is nothing in this file")
    if is_xml(head):
        form = form_of_xml(head[:_HEAD_BYTES])
        if form is None:
            raise RefusedInput("unknown_format", f"this is XML, but neither POSLog nor EPCIS; {_KNOWN}")
        return form
    first = start.partition(b"\n")[0]
    if start[:1] in (b"{", b"["):
        return "journal" if _is_journal(first) else _json_form(start[:_HEAD_BYTES])
    if separator_of(_text(first)) is None:
        raise RefusedInput(
            "unknown_format", f"this is neither a journal nor CSV with a header: the first line is {ascii(_text(first))[:80]}"
        )
    return "csv"


def _is_journal(first: bytes) -> bool:
    try:
        body = json.loads(first)
    except (ValueError, RecursionError):
        return False
    return isinstance(body, dict) and isinstance(body.get("type"), str) and body["type"] not in _EPCIS_TYPES


def _json_form(start: bytes) -> str:
    if any(f'"{name}"'.encode() in start for name in _EPCIS_TYPES) or b"epcis" in start.lower():
        return "epcis"
    raise RefusedInput(
        "unknown_format",
        'this is JSON, but neither EPCIS nor a journal: its first line is no journal line (one object with a "type")',
    )


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
        return line.removeprefix(_MARK).decode().rstrip("\r")
    except UnicodeDecodeError:
        return line.decode("latin-1").rstrip("\r")
