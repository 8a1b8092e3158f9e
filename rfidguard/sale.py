"""The sale document: what a till says was sold, returned or taken back, and the ledger records it means. Pure.

The same document comes over MQTT, HTTP and in Python (the contract, section 6).
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rfidguard.epc import identify, normal_epc, normal_gtin
from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.rfc3339 import unix_seconds

MAX_LINES = 5_000
MAX_QUANTITY = 10_000
EARLIEST_AT = 1_577_836_800.0
"""2020-01-01: a till that sends earlier times has no clock, and its sales would be older than the stock they clear."""

MAX_ID = 160
CREDIT = ".credit"
"""What the rest of a line with an EPC and a quantity is called, behind the line's own id."""

LINE_KINDS = {"sale": "sold", "return": "returned"}
"""What a line is where it does not say so, by the document's kind."""


def _refused_as_value_error(check: Callable[[str], str]) -> Callable[[str], str]:
    def checked(text: str) -> str:
        try:
            return check(text)
        except RefusedInput as error:
            raise ValueError(str(error)) from error

    return checked


def printable(text: str) -> str:
    """`text` itself. Raises ValueError for control characters and for blanks around it."""
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"must be printable text with no blanks around it, not {ascii(text)[:60]}")
    return text


def _time(text: str) -> str:
    if unix_seconds(text) < EARLIEST_AT:
        raise ValueError(f"{text} is before 2020: is the till's clock set?")
    return text


def _level(text: str) -> str:
    if set(text) & set("+#/"):
        raise ValueError(f"must not hold + # or / (it is a topic level), not {text!r}")
    return text


DocumentId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_ID), AfterValidator(printable)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=128), AfterValidator(printable)]
Lane = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(printable), AfterValidator(_level)]
Epc = Annotated[str, AfterValidator(_refused_as_value_error(normal_epc))]
Gtin = Annotated[str, AfterValidator(_refused_as_value_error(normal_gtin))]
Time = Annotated[str, AfterValidator(_time), Field(json_schema_extra={"format": "date-time"})]
LineKind = Literal["sold", "returned", "stock_in", "reserved", "shipped", "released", "retired"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SaleLine(_Strict):
    """One line: an `epc` (hex), or a `gtin` (8, 12, 13 or 14 digits) with or without `serial`. In a void only `line`."""

    line: Annotated[int, Field(ge=1, le=999_999)] | None = None
    kind: LineKind | None = None
    epc: Epc | None = None
    gtin: Gtin | None = None
    serial: Short | None = None
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)] = 1


class SaleDocument(_Strict):
    """One document of a till. `kind` sale or return is what its lines are unless they say; void undoes the document `ref`."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"kind": {"const": "void"}}, "required": ["kind"]},
            "then": {"required": ["ref"]},
            "else": {"required": ["id", "at", "lines"]},
        }
    )

    id: DocumentId | None = None
    at: Time | None = None
    kind: Literal["sale", "return", "void"] | None = None
    transaction: Short | None = None
    lane: Lane | None = None
    ref: DocumentId | None = None
    lines: Annotated[tuple[SaleLine, ...], Field(max_length=MAX_LINES, strict=False)] = ()

    @model_validator(mode="after")
    def _whole(self) -> "SaleDocument":
        found = list(_void_faults(self) if self.kind == "void" else _sale_faults(self))
        found += _number_faults(self.lines)
        if found:
            raise ValueError("\n".join(found))
        return self

    @property
    def document(self) -> str:
        """The id; a void without one is named by what it undoes, so that saying it twice is saying it once."""
        if self.id is not None:
            return self.id
        which = ",".join(str(line.line) for line in self.lines)
        named = f"void:{self.ref}:{which}" if which else f"void:{self.ref}"
        return named if len(named) <= MAX_ID else f"void:{hashlib.sha256(named.encode()).hexdigest()}"


FIELDS = frozenset(SaleDocument.model_fields) | frozenset(SaleLine.model_fields)


def sale_records(doc: SaleDocument, source: str, lane: str | None, heard_at: float = 0.0) -> list[Ledger]:
    """The ledger records that `doc` means, ids `ID/line`. `heard_at` (Unix seconds) is the time of a void that has none.

    A line with an EPC and a quantity above 1 is that item and a credit of its article for the rest, `ID/line.credit`.
    """
    at = heard_at if doc.at is None else unix_seconds(doc.at)
    common: dict[str, Any] = {"at": at, "transaction": doc.transaction, "source": source, "lane": lane or doc.lane}
    make = _void_records if doc.kind == "void" else _line_records
    return [Ledger(**fields, **common) for fields in make(doc)]


def digest(doc: SaleDocument) -> str:
    """The same for two documents that mean the same, whatever their spelling and the way they came."""
    records = [msgspec.structs.replace(record, lane=None) for record in sale_records(doc, "", None)]
    return hashlib.sha256(msgspec.json.encode(records)).hexdigest()


def _sale_faults(doc: SaleDocument) -> Iterator[str]:
    for name in ("id", "at"):
        if getattr(doc, name) is None:
            yield f"{name}: is missing"
    if doc.ref is not None:
        yield 'ref: belongs to a void only; say "kind": "void", or leave it out'
    if not doc.lines:
        yield "lines: at least one line is needed; a till with nothing to sell sends a heartbeat"
    for place, line in enumerate(doc.lines):
        yield from (f"lines[{place}]{fault}" for fault in _line_faults(line))
        if line.kind is None and doc.kind is None:
            yield f'lines[{place}].kind: is missing; say it here, or "kind": "sale" or "return" for the whole document'


def _line_faults(line: SaleLine) -> Iterator[str]:
    if line.epc is None and line.gtin is None:
        yield ": needs `epc` (hex) or `gtin` (8, 12, 13 or 14 digits)"
    if line.serial is not None and line.gtin is None:
        yield ".serial: needs its `gtin`"
    if line.quantity > 1 and line.serial is not None:
        yield ".quantity: a line with a serial is one item; give each item its own line"
    if line.quantity > 1 and line.epc is not None and _article(line) is None:
        yield f".gtin: is needed: of {line.quantity} items only one has this EPC, and it names no article"


def _void_faults(doc: SaleDocument) -> Iterator[str]:
    if doc.ref is None:
        yield "ref: is missing; a void names the id of the document that it undoes"
    for place, line in enumerate(doc.lines):
        if line.line is None:
            yield f"lines[{place}].line: is missing; a void names the numbers of the lines that it undoes"
        extra = sorted(line.model_fields_set - {"line"})
        if extra:
            yield f"lines[{place}].{extra[0]}: a line of a void holds only its number, `line`"


def _number_faults(lines: tuple[SaleLine, ...]) -> Iterator[str]:
    seen: dict[int, int] = {}
    for place, number in _numbers(lines):
        if number in seen:
            yield f"lines[{place}].line: number {number} is lines[{seen[number]}] already; each line has its own"
        seen.setdefault(number, place)


def _numbers(lines: tuple[SaleLine, ...]) -> Iterator[tuple[int, int]]:
    """Position and number of each line; a line that has no number is numbered by its position, from 1."""
    for place, line in enumerate(lines):
        yield place, place + 1 if line.line is None else line.line


def _line_records(doc: SaleDocument) -> Iterator[dict[str, Any]]:
    for place, number in _numbers(doc.lines):
        line = doc.lines[place]
        kind = line.kind or LINE_KINDS[doc.kind or "sale"]
        name = f"{doc.document}/{number}"
        quantity = line.quantity if line.epc is None else 1
        yield {"id": name, "kind": kind, "epc": line.epc, "gtin": line.gtin, "serial": line.serial, "quantity": quantity}
        gtin = _article(line)
        if line.epc is not None and line.quantity > 1 and gtin is not None:
            yield {"id": f"{name}{CREDIT}", "kind": kind, "gtin": gtin, "quantity": line.quantity - 1}


def _article(line: SaleLine) -> str | None:
    return (identify(line.epc).gtin if line.epc else None) or line.gtin


def _void_records(doc: SaleDocument) -> Iterator[dict[str, Any]]:
    if not doc.lines:
        yield {"id": f"{doc.document}/void", "kind": "void", "ref": doc.ref}
    for line in doc.lines:
        for part in ("", CREDIT):
            yield {"id": f"{doc.document}/{line.line}{part}", "kind": "void", "ref": f"{doc.ref}/{line.line}{part}"}
