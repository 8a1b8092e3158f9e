"""Articles: what a GTIN is called and costs. Read from CSV with a header. Pure.

Columns, in any order: gtin, and at least one of name, price, department, picture, sku (English and some German words for them
are understood). What shop systems call an article may stand in several columns, and several in one cell, parted by blanks.
Separated by comma, semicolon or tab. The last row of a GTIN counts.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from rfidguard.csv_cells import csv_cells
from rfidguard.epc import normal_gtin
from rfidguard.errors import RefusedInput

SEPARATORS = ",;\t"
COLUMNS = {
    "gtin": ("gtin", "ean", "upc", "barcode", "gtin14", "gtin-14", "ean13"),
    "name": ("name", "title", "description", "bezeichnung", "artikel"),
    "price": ("price", "retail_price", "unit_price", "preis"),
    "department": ("department", "category", "abteilung", "warengruppe"),
    "picture": ("picture", "image", "image_url", "picture_url", "bild"),
    "codes": ("sku", "codes", "code", "article_number", "artikelnummer", "variant_id", "catalog_object_id"),
}
"""Our names, and what else they are called."""

LONGEST = {"name": 200, "department": 100, "picture": 500}
LONGEST_CODE = 128
_LEDGER_COLUMNS = frozenset(("kind", "at", "serial", "transaction", "epc", "quantity", "lane"))
_OURS = {name: ours for ours, names in COLUMNS.items() for name in names}
_MONEY = re.compile(r"[^\d-]*(-?[0-9.,'\s]*[0-9])[^\d]*")
_MOST = Decimal(10) ** 12


class CatalogueRow(msgspec.Struct, frozen=True):
    """One article as the catalogue keeps it. `price` is a decimal in the site's currency, `picture` says where to find one."""

    gtin: str
    name: str | None = None
    price: str | None = None
    department: str | None = None
    picture: str | None = None
    codes: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """A row that cannot be used: its line, a short code, and what to mend."""

    line: int
    reason: str
    text: str


def is_catalogue(header: str) -> bool:
    """True for the header of a list of articles: a GTIN and what it is called or costs, and nothing that a sale would have."""
    _, names = _split(header)
    ours = {_OURS[name] for name in names if name in _OURS}
    return "gtin" in ours and len(ours) > 1 and _LEDGER_COLUMNS.isdisjoint(names)


def catalogue_rows(lines: Iterable[str]) -> Iterator[CatalogueRow | Refused]:
    """Every row below the header. Raises RefusedInput(bad_header)."""
    rows = iter(lines)
    header = next(rows, "")
    separator, names = _split(header)
    if not is_catalogue(header):
        raise RefusedInput("bad_header", f"a list of articles names gtin and one of {', '.join(list(COLUMNS)[1:])}")
    columns = [_OURS.get(name) for name in names]
    for line, cells in csv_cells(rows, separator):
        if isinstance(cells, RefusedInput):
            yield Refused(line, cells.reason, str(cells))
            continue
        named = [(name, cell.strip()) for name, cell in zip(columns, cells, strict=False) if name and cell.strip()]
        if named:
            codes = [code for name, cell in named if name == "codes" for code in cell.split()]
            yield _article(line, dict(named), tuple(dict.fromkeys(codes)))


def normal_price(text: str) -> str:
    """ "1.299,90 €", "12.9", "$1,299" -> "1299.90", "12.9", "1299". Raises RefusedInput(bad_price)."""
    found = _MONEY.fullmatch(text)
    if found is None:
        raise RefusedInput("bad_price", f"a price is a number, not {text[:40]!r}")
    digits = re.sub(r"['\s]", "", found[1])
    last = max(digits.rfind("."), digits.rfind(","))
    grouped = last >= 0 and len(digits) - last == 4 and (digits.count(digits[last]) > 1 or digits[last] == ",")
    whole, part = (digits, "") if last < 0 or grouped else (digits[:last], digits[last + 1 :])
    try:
        price = Decimal(re.sub("[.,]", "", whole) + (f".{part}" if part else ""))
    except InvalidOperation as error:
        raise RefusedInput("bad_price", f"a price is a number, not {text[:40]!r}") from error
    if not 0 <= price < _MOST:
        raise RefusedInput("bad_price", f"a price is not negative and below {_MOST}, not {text[:40]!r}")
    return str(price)


def _article(line: int, row: dict[str, str], codes: tuple[str, ...]) -> CatalogueRow | Refused:
    try:
        if "gtin" not in row:
            raise RefusedInput("no_gtin", "the gtin is missing")
        for name, longest in LONGEST.items():
            if len(row.get(name, "")) > longest or not row.get(name, "").isprintable():
                raise RefusedInput("bad_value", f"{name} has at most {longest} printable characters")
        if any(len(code) > LONGEST_CODE or not code.isprintable() for code in codes):
            raise RefusedInput("bad_value", f"a sku has at most {LONGEST_CODE} printable characters")
        price = normal_price(row["price"]) if "price" in row else None
        rest = {name: row.get(name) for name in LONGEST}
        return CatalogueRow(gtin=normal_gtin(row["gtin"]), price=price, codes=codes, **rest)
    except RefusedInput as error:
        return Refused(line, error.reason, str(error))


def _split(header: str) -> tuple[str, list[str]]:
    """The separator that gives the most columns that we know, and the columns."""
    best = max(SEPARATORS, key=lambda separator: sum(name in _OURS for name in _names(header, separator)))
    return best, _names(header, best)


def _names(header: str, separator: str) -> list[str]:
    return [name.strip().strip('"').strip().lower() for name in header.split(separator)]
