"""Ledger records from CSV: a header, then one item or article a row. Pure.

Columns, in any order: epc or gtin (+ serial), and where they exist quantity, kind, at, transaction, lane, source, id.
Separated by comma, semicolon or tab. A row without `id` gets one from its content, so that the same rows in a later file
are duplicates.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import tzinfo

import msgspec

from rfidguard.csv_cells import csv_cells
from rfidguard.epc import normal_epc, normal_gtin
from rfidguard.errors import RefusedInput
from rfidguard.events import LEDGER_KINDS, Ledger
from rfidguard.feeds.local_time import local_seconds
from rfidguard.sale import MAX_QUANTITY

COLUMNS = ("epc", "gtin", "serial", "quantity", "kind", "at", "transaction", "lane", "source", "id")
SEPARATORS = ",;\t"
_LONGEST = {"serial": 128, "transaction": 128, "lane": 64, "source": 64, "id": 200, "ref": 200}
_SHORT = min(_LONGEST.values())
"""All texts together that are no longer than this fit, each of them."""
_KINDS = tuple(kind for kind in LEDGER_KINDS if kind != "void")


class Taken(msgspec.Struct, frozen=True):
    """One line of a file: its record, or why it was refused (`reason` is a short code), or why it rightly is no ledger
    record (`passed`, a short code). None of these: it is no ledger line. `line` is 0 where `text` names the place.
    """

    line: int
    record: Ledger | None = None
    reason: str | None = None
    text: str | None = None
    passed: str | None = None


def separator_of(header: str) -> str | None:
    """What separates the columns of this header; None where it names neither epc nor gtin."""
    for separator in SEPARATORS:
        if {"epc", "gtin"} & set(_names(header, separator)):
            return separator
    return None


def csv_rows(lines: Iterable[str], zone: tzinfo, now: float) -> Iterator[Taken]:
    """Every row below the header. `zone` is that of times without one; `now` (Unix seconds) the time of rows without any.

    A negative quantity is a return. Raises RefusedInput(bad_header) for columns that no one knows.
    """
    rows = iter(lines)
    header = next(rows, "")
    separator = separator_of(header) or ","
    names = _names(header, separator)
    _check_header(names)
    seen: Counter[str] = Counter()
    for line, cells in csv_cells(rows, separator):
        if isinstance(cells, RefusedInput):
            yield Taken(line, reason=cells.reason, text=str(cells))
        elif any(cell.strip() for cell in cells):
            yield _taken(line, names, cells, seen, zone, now)


def row_taken(line: int, row: dict[str, str], zone: tzinfo, now: float) -> Taken:
    """What becomes of one row that is no CSV: our names of columns -> texts, with an `id`."""
    try:
        return Taken(line, _record(row, Counter(), zone, now))
    except RefusedInput as error:
        return Taken(line, reason=error.reason, text=str(error))


def check_fits(record: Ledger) -> None:
    """Raises RefusedInput(bad_value) for texts that no column holds and quantities that no till sells."""
    texts = (record.serial, record.transaction, record.lane, record.source, record.id, record.ref)
    together = "".join(filter(None, texts))
    if len(together) > _SHORT or not together.isprintable():
        for text, (name, longest) in zip(texts, _LONGEST.items(), strict=True):
            if text is not None and (len(text) > longest or not text.isprintable()):
                raise RefusedInput("bad_value", f"{name} has at most {longest} printable characters")
    if record.quantity > MAX_QUANTITY:
        raise RefusedInput("bad_value", f"quantity is at most {MAX_QUANTITY}, not {record.quantity}")


def fitting(taken: Taken) -> Taken:
    """`taken`, or its refusal where no column holds its record."""
    try:
        if taken.record is not None:
            check_fits(taken.record)
    except RefusedInput as error:
        return Taken(taken.line, reason=error.reason, text=str(error))
    return taken


def _taken(line: int, names: list[str], cells: list[str], seen: Counter[str], zone: tzinfo, now: float) -> Taken:
    try:
        if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            raise RefusedInput("bad_row", f"{len(cells)} cells, but the header names {len(names)} columns")
        row = {name: text for name, cell in zip(names, cells, strict=False) if (text := cell.strip())}
        return Taken(line, _record(row, seen, zone, now))
    except RefusedInput as error:
        return Taken(line, reason=error.reason, text=str(error))


def _record(row: dict[str, str], seen: Counter[str], zone: tzinfo, now: float) -> Ledger:
    epc = normal_epc(row["epc"]) if "epc" in row else None
    gtin = _gtin(row["gtin"]) if "gtin" in row else None
    quantity = _quantity(row.get("quantity", "1"))
    if epc is None and gtin is None:
        raise RefusedInput("no_item", "epc or gtin is needed")
    if abs(quantity) > 1 and (epc is not None or "serial" in row):
        raise RefusedInput("bad_quantity", f"a row with an EPC or a serial is one item, not {quantity}")
    record = Ledger(
        at=_time(row["at"], zone, now) if "at" in row else now,
        id=row.get("id") or _content_id(row, seen),
        kind=_kind(row.get("kind"), quantity),
        epc=epc,
        gtin=gtin,
        serial=row.get("serial"),
        quantity=abs(quantity),
        transaction=row.get("transaction"),
        source=row.get("source", "csv"),
        lane=row.get("lane"),
    )
    check_fits(record)
    return record


def _names(header: str, separator: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header.split(separator)]


def _check_header(names: list[str]) -> None:
    if not {"epc", "gtin"} & set(names):
        raise RefusedInput(
            "bad_header", f"the first line names the columns and has to name epc or gtin; known: {', '.join(COLUMNS)}"
        )
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise RefusedInput("bad_header", f"column {twice[0]!r} is there twice")


def _gtin(text: str) -> str:
    try:
        return normal_gtin(text)
    except RefusedInput as error:
        whole = text.isdigit() and len(text) in (8, 12, 13, 14)
        hint = "" if whole else "; did a spreadsheet eat leading zeros, or write it as 8.06E+13?"
        raise RefusedInput(error.reason, f"{error}{hint}") from error


def _quantity(text: str) -> int:
    if text == "1":
        return 1
    try:
        quantity = int(text.removesuffix(".0").removesuffix(".000"))
    except ValueError as error:
        raise RefusedInput("bad_quantity", f"quantity is a whole number, not {text[:40]!r}") from error
    if not 1 <= abs(quantity) <= MAX_QUANTITY:
        raise RefusedInput("bad_quantity", f"quantity is 1 to {MAX_QUANTITY} (negative for a return), not {quantity}")
    return quantity


def _kind(text: str | None, quantity: int) -> str:
    kind = (text or "sold").lower()
    if kind not in _KINDS:
        raise RefusedInput("bad_kind", f"kind is one of {', '.join(_KINDS)}, not {kind[:40]!r}")
    if quantity > 0:
        return kind
    if kind not in ("sold", "returned"):
        raise RefusedInput("bad_quantity", f"a negative quantity is a return; it does not go with kind {kind}")
    return "returned"


def _time(text: str, zone: tzinfo, now: float) -> float:
    """RFC 3339, the same without zone (local time of the site), or Unix seconds."""
    try:
        return float(text) if text.replace(".", "", 1).isdigit() else local_seconds(text, zone, now)
    except ValueError as error:
        raise RefusedInput("bad_time", f"at {error}") from error


def _content_id(row: dict[str, str], seen: Counter[str]) -> str:
    """The same for the same row, in whichever file and place; the second of two equal rows of one file is another."""
    content = "\n".join(f"{name}={row[name]}" for name in COLUMNS if name in row)
    mark = hashlib.sha256(content.encode()).hexdigest()[:32]
    seen[mark] += 1
    return f"csv:{mark}:{seen[mark]}"
