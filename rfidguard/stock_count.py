"""Stock counts from files: which items are in the shop. A bare list of EPCs, CSV with a header, or one JSON object a line. Pure.

Every item counted is armed from the moment of the count on. A row may say when (counted_at, at or last_seen); the rest were
counted when the file says so.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo

from rfidguard.csv_cells import csv_cells
from rfidguard.epc import identify, normal_epc
from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.rfc3339 import unix_seconds

SEPARATORS = ",;\t"
SOURCE = "stock"
_EPC_NAMES = ("epc", "epc_hex", "tag", "rfid")
_TIMES = ("counted_at", "at", "last_seen", "time", "timestamp")
_OF_A_COUNT = frozenset(
    ("counted_at", "location", "zone", "shelf", "first_seen", "last_seen", "reads", "read_count", "rssi", "on_hand", "stock")
)
_OF_A_SALE = frozenset(("kind", "transaction", "lane", "quantity", "price"))
_SHORTEST_EPC = 16


def is_stock_count(first: str) -> bool:
    """Whether a file that begins with this line is a count: a list of EPCs, or what only a counting device writes."""
    line = first.strip()
    if line.startswith("{"):
        names = set(_object(line))
        return bool(names & set(_EPC_NAMES)) and "type" not in names and _OF_A_SALE.isdisjoint(names)
    if _is_epc(line):
        return True
    names = {name for separator in SEPARATORS for name in _names(line, separator)}
    return bool(names & set(_EPC_NAMES)) and bool(names & _OF_A_COUNT) and names.isdisjoint(_OF_A_SALE)


def counted(lines: Iterable[str], zone: tzinfo, at: float) -> Iterator[Taken]:
    """A `stock_in` record for every item. `at` (Unix seconds): when the count was made; `zone` that of times without one.

    The id is made of the time and the item, so that the same count again is a duplicate.
    """
    rows = enumerate(lines, 1)
    number, first = next(rows, (1, ""))
    line = first.strip()
    if line.startswith("{"):
        yield _taken(number, _object(line), zone, at)
        for number, line in rows:
            if line.strip():
                yield _taken(number, _object(line), zone, at)
    elif _is_epc(line):
        yield _taken(number, {"epc": line}, zone, at)
        for number, line in rows:
            if line.strip():
                yield _taken(number, {"epc": line.strip()}, zone, at)
    else:
        yield from _csv(line, (text for _, text in rows), zone, at)


def _csv(header: str, lines: Iterable[str], zone: tzinfo, at: float) -> Iterator[Taken]:
    separator = max(SEPARATORS, key=lambda separator: len(_names(header, separator)))
    names = _names(header, separator)
    if not set(names) & set(_EPC_NAMES):
        raise RefusedInput("bad_header", "a stock count names each item's EPC: a column `epc`, or a list of EPCs without header")
    for line, cells in csv_cells(lines, separator):
        if isinstance(cells, RefusedInput):
            yield Taken(line, reason=cells.reason, text=str(cells))
            continue
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
        if row:
            yield _taken(line, row, zone, at)


def _taken(line: int, row: dict[str, str], zone: tzinfo, at: float) -> Taken:
    try:
        text = next((row[name] for name in _EPC_NAMES if row.get(name)), None)
        if text is None:
            raise RefusedInput("no_epc", "the EPC is missing: a count of articles without EPCs arms no item")
        epc = normal_epc(str(text).strip())
        when = next((_time(str(row[name]), zone) for name in _TIMES if row.get(name)), at)
    except RefusedInput as error:
        return Taken(line, reason=error.reason, text=str(error))
    key = identify(epc).key
    return Taken(line, Ledger(at=when, id=f"stock:{when:.0f}:{key}", kind="stock_in", epc=epc, source=SOURCE))


def _time(text: str, zone: tzinfo) -> float:
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else unix_seconds(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedInput("bad_time", f"{text[:40]!r} is no time like 2026-11-22T10:14:02Z") from error
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp()


def _object(line: str) -> dict[str, str]:
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return {str(name).lower(): value for name, value in body.items()} if isinstance(body, dict) else {}


def _names(header: str, separator: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header.split(separator)]


def _is_epc(text: str) -> bool:
    try:
        return len(normal_epc(text)) >= _SHORTEST_EPC
    except RefusedInput:
        return False
