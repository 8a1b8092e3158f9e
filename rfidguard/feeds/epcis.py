"""EPCIS events to ledger records. Pure.

The disposition decides what an event means, then its step; `action` does not matter. An error declaration voids the event that
carries it. An event is known by its eventID, else by a hash of its content, so that it is taken once.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from pydantic import ValidationError

from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.article_number import untaggable
from rfidguard.feeds.cbv import kind_of
from rfidguard.feeds.epcis_event import FIELDS, OTHER_TYPES, READ_TYPES, EventDocument, QuantityElement
from rfidguard.feeds.goods_name import NO_TRADE_ITEM, Goods, goods_named
from rfidguard.feeds.ledger_csv import Taken, fitting
from rfidguard.feeds.local_time import EARLIEST_AT, NO_CLOCK
from rfidguard.refusal import complaints
from rfidguard.rfc3339 import unix_seconds
from rfidguard.sale import MAX_QUANTITY

SOURCE = "epcis"
MAX_DOCUMENT_ID = 150
_MAX_TRANSACTION = 128


class Named(msgspec.Struct):
    """What the lists of an event name: items by ledger key, units by GTIN, and what could not be taken, with its reason."""

    items: dict[str, Goods] = msgspec.field(default_factory=dict)
    articles: Counter[str] = msgspec.field(default_factory=Counter)
    passed: list[str] = msgspec.field(default_factory=list)
    faults: list[RefusedInput] = msgspec.field(default_factory=list)


def event_taken(body: Any, place: str, line: int = 0) -> Iterator[Taken]:
    """What becomes of one event (`body` as JSON decodes it): records, refusals with their `place`, and what is passed over.

    An event that is not as EPCIS says gives refusals only.
    """
    kind = body.get("type") if isinstance(body, dict) else None
    if kind in OTHER_TYPES:
        yield Taken(line, passed="other_event")
        return
    if kind not in READ_TYPES:
        known = ", ".join((*READ_TYPES, *OTHER_TYPES))
        yield Taken(line, reason="bad_event", text=f"{place}: is no EPCIS event; its type is one of {known}")
        return
    try:
        event = EventDocument.model_validate(body)
    except ValidationError as error:
        faults = complaints(error, FIELDS)
        yield Taken(line, reason="bad_event", text="\n".join(f"{place}.{fault}" for fault in faults))
        return
    yield from map(fitting, _records(event, place, line))


def event_name(event: EventDocument, named: Named) -> str:
    """What the event's records are called: its eventID, or the hash of what it says, however that is spelled."""
    if event.eventID is not None:
        short = event.eventID
        return short if len(short) <= MAX_DOCUMENT_ID else f"epcis:{hashlib.sha256(short.encode()).hexdigest()}"
    said = (
        event.type, round(unix_seconds(event.eventTime), 3), event.action, event.bizStep, event.disposition,
        sorted(named.items), sorted(named.articles.items()), sorted(event.epcList or ()) if named.faults else None,
        event.readPoint and event.readPoint.id, event.bizLocation and event.bizLocation.id,
        sorted(transaction.bizTransaction for transaction in event.bizTransactionList),
    )  # fmt: skip
    return f"epcis:{hashlib.sha256(repr(said).encode()).hexdigest()}"


def _records(event: EventDocument, place: str, line: int) -> Iterator[Taken]:
    named = _named(event)
    name = event_name(event, named)
    if event.errorDeclaration is not None:
        at = unix_seconds(event.errorDeclaration.declarationTime)
        yield Taken(line, Ledger(at=at, id=f"{name}/void", kind="void", ref=name, source=SOURCE))
        return
    kind = _kind(event)
    if kind is None:
        yield Taken(line, passed="not_retail")
        return
    at = unix_seconds(event.eventTime)
    if at < EARLIEST_AT:
        yield Taken(line, reason="bad_time", text=f"{place}.eventTime: {event.eventTime} {NO_CLOCK}")
        return
    yield from (Taken(line, passed=reason) for reason in named.passed)
    yield from (Taken(line, reason=fault.reason, text=f"{place}: {fault}") for fault in named.faults)
    common: dict[str, Any] = {"at": at, "kind": kind, "source": SOURCE, "transaction": _transaction(event)}
    for number, fields in enumerate(_goods(named), 1):
        yield Taken(line, Ledger(id=f"{name}/{number}", **fields, **common))


def _goods(named: Named) -> Iterator[dict[str, Any]]:
    """Items, then articles, in an order of their own. Of so many units those named as items are no further units."""
    for key in sorted(named.items):
        item = named.items[key]
        yield {"epc": item.epc, "gtin": item.gtin, "serial": item.serial}
    apart = Counter(item.article for item in named.items.values())
    for gtin in sorted(named.articles):
        if named.articles[gtin] > apart[gtin]:
            yield {"gtin": gtin, "quantity": named.articles[gtin] - apart[gtin]}


def _kind(event: EventDocument) -> str | None:
    persistent = event.persistentDisposition
    given = (*(() if event.disposition is None else (event.disposition,)), *(persistent.set if persistent else ()))
    returned = any(_bare(transaction.type) == "rma" for transaction in event.bizTransactionList)
    return kind_of(event.bizStep, given, persistent.unset if persistent else (), returned=returned)


def _bare(text: str | None) -> str:
    return (text or "").lower().replace("-", ":").replace("/", ":").rpartition(":")[2]


def _transaction(event: EventDocument) -> str | None:
    for transaction in event.bizTransactionList:
        name = transaction.bizTransaction.strip()
        if name and name.isprintable():
            return name[-_MAX_TRANSACTION:]
    return None


def _named(event: EventDocument) -> Named:
    named = Named()
    for text in event.epcList or ():
        _name_item(text, named)
    for element in event.quantityList or ():
        _name_article(element, named)
    over = [gtin for gtin, quantity in named.articles.items() if quantity > MAX_QUANTITY]
    for gtin in over:
        del named.articles[gtin]
        named.faults.append(RefusedInput("bad_quantity", f"quantityList: more than {MAX_QUANTITY} of {gtin}"))
    return named


def _name_item(text: str, named: Named) -> None:
    try:
        goods = goods_named(text)
    except RefusedInput as error:
        _pass_or_blame(error, "epcList", named)
        return
    if goods.item is None:
        named.faults.append(RefusedInput("bad_epc", f"epcList: {ascii(text)[:100]} names an article, not an item"))
    else:
        named.items.setdefault(goods.item, goods)


def _name_article(element: QuantityElement, named: Named) -> None:
    try:
        goods = goods_named(element.epcClass)
    except RefusedInput as error:
        _pass_or_blame(error, "quantityList", named)
        return
    gtin, quantity = goods.article, element.quantity
    reason = _no_units(element) or (gtin and untaggable(gtin))
    if reason or gtin is None or quantity is None:
        named.passed.append(reason or NO_TRADE_ITEM)
    else:
        named.articles[gtin] += int(quantity)


def _no_units(element: QuantityElement) -> str | None:
    """Why this names no number of units."""
    if element.quantity is None:
        return "quantity_unknown"
    if element.uom not in (None, "", "EA", "H87", "C62", "PCE"):
        return "measured_goods"
    if not element.quantity.is_integer():
        return "fractional_quantity"
    return "zero_quantity" if element.quantity == 0 else None


def _pass_or_blame(error: RefusedInput, where: str, named: Named) -> None:
    if error.reason == NO_TRADE_ITEM:
        named.passed.append(NO_TRADE_ITEM)
    else:
        named.faults.append(RefusedInput(error.reason, f"{where}: {error}"))
