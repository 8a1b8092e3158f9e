"""One line of a POSLog transaction: what it sells, takes back or voids. Pure.

Format: ARTS/OMG POSLog 2.x to 6, RetailTransaction/LineItem. An EPC stands in one of five places; a void in one of four ways.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from rfidguard.epc import identify
from rfidguard.errors import RefusedInput
from rfidguard.feeds.article_number import PLU, gtin_of, untaggable
from rfidguard.feeds.goods_name import Goods, goods_named
from rfidguard.feeds.xml_stream import Element
from rfidguard.sale import MAX_QUANTITY

KINDS = {
    "Sale": "sold",
    "Return": "returned",
    "SaleForPickup": "sold",
    "SaleForDelivery": "sold",
    "ReturnForPickup": "returned",
    "ReturnForDelivery": "returned",
    "Layaway": "reserved",
    "CustomerOrderForPickup": "reserved",
    "CustomerOrderForDelivery": "reserved",
    "PreviousLayaway": "reserved",
    "PreviousCustomerOrder": "reserved",
}
"""What each kind of line means to an item that it names."""

_ARTICLE_KINDS = {"SaleForPickup": "reserved", "SaleForDelivery": "reserved", "ReturnForPickup": None, "ReturnForDelivery": None}
"""Where it names an article only: what is handed over elsewhere or later is no free credit for whoever leaves now."""

_PREVIOUS = {
    **dict.fromkeys(("complete", "completed", "pickup", "pickedup"), "sold"),
    **dict.fromkeys(("cancel", "canceled", "cancelled"), "stock_in"),
}
"""What has become of an earlier layaway or order, by its Action."""

_EPC_TYPES = frozenset(("epc", "sgtin", "rfid"))
_MEASURES = frozenset(
    ("KGM", "KG", "GRM", "G", "LBR", "LB", "ONZ", "OZ", "LTR", "L", "MLT", "MTR", "M", "CMT", "FOT", "YRD", "MTK")
)
_TRUE = ("true", "1")
KEPT = frozenset((
    "RetailStoreID", "BusinessUnit", "UnitID", "WorkstationID", "SequenceNumber", "TransactionID", "BusinessDayDate",
    "BeginDateTime", "EndDateTime", "POSLogDateTime", "ReceiptDateTime", "RetailTransaction", "TransactionStatus",
    "TransactionLink", "ReasonCode", "LineItem", "LineItemSequenceNumber", "Voids", "ItemLink", "Quantity", "ItemID",
    "POSIdentity", "POSItemID", "SerialNumber", "EPC", "Disposal", "Action", *KINDS,
))  # fmt: skip
"""The only elements that are looked at: names, cards, phones and vendors' own are dropped at the parser."""


class Line(msgspec.Struct, frozen=True):
    """`number` as in the record's id. `items` by EPC; `units`: how many in all; `gtin` where a credit is possible.

    `passed`: why the units beyond the items are no ledger record. `element`: for what a void links to.
    """

    number: str
    kind: str | None
    void: bool
    element: Element
    items: tuple[Goods, ...] = ()
    units: int = 0
    gtin: str | None = None
    article_kind: str | None = None
    passed: str | None = None
    faults: tuple[RefusedInput, ...] = ()


def line_of(element: Element, number: str) -> Line | None:
    """The line in a LineItem; None where it is no line of goods."""
    goods = element.first(*KINDS)
    void = is_true(element, "VoidFlag") or element.first("Voids") is not None
    if goods is None:
        return Line(number, None, void, element) if void else None
    quantity, faults = _quantity(goods)
    items, bad = _items(goods)
    kind = _kind(goods, None if void else quantity)
    gtin, passed = _article(goods, quantity)
    article_kind = _ARTICLE_KINDS.get(goods.name, kind)
    if gtin is not None and article_kind is None:
        passed = "handed_over_elsewhere"
    units = max(int(abs(quantity)), len(items)) if quantity is not None else len(items)
    return Line(number, kind, void, element, items, units, None if passed else gtin, article_kind, passed, (*faults, *bad))


def is_true(element: Element, name: str) -> bool:
    """Whether a flag is set, written as attribute or as child."""
    return (element.attributes.get(name) or element.value(name) or "").strip().lower() in _TRUE


def _kind(goods: Element, quantity: Decimal | None) -> str:
    kind = KINDS[goods.name]
    if goods.name.startswith("Previous"):
        action = goods.attributes.get("Action") or goods.value("Action") or ""
        return _PREVIOUS.get(action.strip().lower(), kind)
    return "returned" if kind == "sold" and quantity is not None and quantity < 0 else kind


def _quantity(goods: Element) -> tuple[Decimal | None, list[RefusedInput]]:
    text = goods.value("Quantity")
    if text is None:
        return Decimal(1), []
    try:
        quantity = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None, [RefusedInput("bad_quantity", f"Quantity is a number, not {ascii(text)[:40]}")]
    if not quantity.is_finite() or abs(quantity) > MAX_QUANTITY:
        return None, [RefusedInput("bad_quantity", f"Quantity is at most {MAX_QUANTITY}, not {text[:40]}")]
    return quantity, []


def _items(goods: Element) -> tuple[tuple[Goods, ...], list[RefusedInput]]:
    found: dict[str, Goods] = {}
    faults: list[RefusedInput] = []
    for text in _epcs(goods):
        try:
            item = goods_named(text)
        except RefusedInput as error:
            faults.append(error)
            continue
        if item.item is None:
            faults.append(RefusedInput("bad_epc", f"{ascii(text)[:80]} names an article, not an item"))
        else:
            found.setdefault(item.item, item)
    return tuple(found.values()), faults


def _epcs(goods: Element) -> Iterator[str]:
    """Every EPC of a line, from its five places."""
    for element in goods.all("EPC"):
        yield from element.text.split()
    for disposal in goods.all("Disposal"):
        for element in disposal.all("EPC"):
            yield from element.text.split()
    for serial in goods.all("SerialNumber"):
        if serial.text and (_is_epc_type(serial, "Type") or _looks_like_epc(serial.text)):
            yield serial.text
    yield from (name.text for name in goods.all("ItemID") if name.text and _is_epc_type(name, "Type"))
    for identity in goods.all("POSIdentity"):
        if _is_epc_type(identity, "POSIDType"):
            yield from (name.text for name in identity.all("POSItemID") if name.text)


def _is_epc_type(element: Element, attribute: str) -> bool:
    return element.attributes.get(attribute, "").rpartition(":")[2].strip().lower() in _EPC_TYPES


def _looks_like_epc(text: str) -> bool:
    """A serial number of no declared type is an EPC only where it cannot be anything else."""
    if text.lower().startswith("urn:epc:"):
        return True
    try:
        return len(text) >= 24 and identify(text).gtin is not None
    except RefusedInput:
        return False


def _article(goods: Element, quantity: Decimal | None) -> tuple[str | None, str | None]:
    """The GTIN, and why it gives no credit."""
    gtin, passed = _gtin(goods)
    if passed is not None or quantity is None:
        return gtin, passed or "quantity_unknown"
    measure = next((element.attributes.get("UnitOfMeasureCode", "") for element in goods.all("Quantity")), "")
    if measure.upper() in _MEASURES:
        return gtin, "measured_goods"
    if quantity != quantity.to_integral_value():
        return gtin, "fractional_quantity"
    return gtin, "zero_quantity" if quantity == 0 else None


def _gtin(goods: Element) -> tuple[str | None, str | None]:
    worst = "no_gtin"
    for text in _numbers(goods):
        try:
            gtin = gtin_of(text)
        except RefusedInput:
            worst = _no_gtin(text, worst)
            continue
        return gtin, untaggable(gtin)
    return None, worst


def _no_gtin(text: str, worst: str) -> str:
    if not (text.isascii() and text.isdigit()):
        return worst
    return PLU if len(text.lstrip("0")) <= 6 else "bad_check_digit"


def _numbers(goods: Element) -> Iterator[str]:
    for identity in goods.all("POSIdentity"):
        if not _is_epc_type(identity, "POSIDType"):
            yield from (name.text for name in identity.all("POSItemID") if name.text)
    yield from (name.text for name in goods.all("ItemID") if name.text and not _is_epc_type(name, "Type"))
