"""POSLog XML to ledger records: streamed, transaction by transaction, any namespace. Pure.

A record's id is store-workstation-day-sequence/line, the one that a till's own sale document has. Training, suspended and
cancelled transactions are passed over; voids undo their line, or give back what they cannot name.
"""

from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any

from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.ledger_csv import Taken, fitting
from rfidguard.feeds.local_time import EARLIEST_AT, NO_CLOCK, local_seconds
from rfidguard.feeds.poslog_key import lane_of, line_number, transaction_id
from rfidguard.feeds.poslog_line import KEPT, Line, is_true, line_of
from rfidguard.feeds.poslog_void import Units, whole_voids
from rfidguard.feeds.xml_stream import Element, elements

SOURCE = "poslog"
_VOIDED = frozenset(("voided", "postvoided", "transactionvoided", "void", "postvoid"))
_UNFINISHED = frozenset(("canceled", "cancelled", "projection", "subtotal", "inprocess", "failed"))
_TICK_S = 1e-6
"""Keeps the lines of one transaction in their order where they concern the same item."""


def poslog_taken(chunks: Iterable[bytes], zone: tzinfo, now: float) -> Iterator[Taken]:
    """What becomes of every transaction, in order.

    `zone`: that of times without one. `now`: Unix seconds. Raises RefusedInput as `xml_stream.elements`; what came before
    was good.
    """
    empty = True
    for transaction in elements(chunks, frozenset(("Transaction",)), KEPT.__contains__):
        empty = False
        yield from map(fitting, _transaction_taken(transaction, zone, now))
    if empty:
        yield Taken(0, passed="no_transaction")


def _transaction_taken(transaction: Element, zone: tzinfo, now: float) -> Iterator[Taken]:
    sales = transaction.all("RetailTransaction")
    passed = _passed(transaction, sales)
    if passed is not None:
        yield Taken(transaction.line, passed=passed)
        return
    name = transaction_id(transaction)
    try:
        if name is None:
            raise RefusedInput("no_key", "a Transaction needs its SequenceNumber (and store, workstation and day)")
        common: dict[str, Any] = {"at": _time(transaction, sales, zone, now), "source": SOURCE, "lane": lane_of(transaction)}
    except RefusedInput as error:
        yield Taken(transaction.line, reason=error.reason, text=f"line {transaction.line}: {error}")
        return
    common["transaction"] = name.rpartition("-")[2]
    links = [link for sale in (transaction, *sales) for link in sale.all("TransactionLink")]
    if _is_voided(sales, links):
        for fields in whole_voids(name, transaction, links):
            yield Taken(transaction.line, Ledger(kind="void", **fields, **common))
        return
    yield from _lines_taken(name, transaction, [line for sale in sales for line in sale.all("LineItem")], common)


def _passed(transaction: Element, sales: list[Element]) -> str | None:
    """Why the whole transaction says nothing to a ledger."""
    statuses = {_status(sale) for sale in sales}
    if not sales:
        return "no_sale"
    if is_true(transaction, "TrainingModeFlag") or "training" in statuses:
        return "training"
    if any(status.startswith("suspended") for status in statuses):
        return "suspended"
    return "cancelled" if is_true(transaction, "CancelFlag") or statuses & _UNFINISHED else None


def _status(sale: Element) -> str:
    text = sale.attributes.get("TransactionStatus") or sale.value("TransactionStatus") or ""
    return text.rpartition(":")[2].strip().lower()


def _is_voided(sales: list[Element], links: list[Element]) -> bool:
    reasons = {(link.attributes.get("ReasonCode") or link.value("ReasonCode") or "").strip().lower() for link in links}
    return "voided" in reasons or any(_status(sale) in _VOIDED for sale in sales)


def _time(transaction: Element, sales: list[Element], zone: tzinfo, now: float) -> float:
    names = ("EndDateTime", "POSLogDateTime", "ReceiptDateTime", "BeginDateTime")
    text = next((text for part in (transaction, *sales) if (text := part.value(*names))), None)
    if text is None:
        raise RefusedInput("no_time", f"a Transaction needs a time: {', '.join(names)}")
    try:
        at = local_seconds(text, zone, now)
    except ValueError as error:
        raise RefusedInput("bad_time", f"EndDateTime {error}") from error
    if at < EARLIEST_AT:
        raise RefusedInput("bad_time", f"EndDateTime: {text[:40]} {NO_CLOCK}")
    return at


def _lines_taken(name: str, transaction: Element, elements: list[Element], common: dict[str, Any]) -> Iterator[Taken]:
    units = Units(name, transaction)
    numbers: dict[str, int] = {}
    for place, element in enumerate(elements, 1):
        if is_true(element, "CancelFlag"):
            yield Taken(element.line, passed="cancelled")
            continue
        line = line_of(element, _own_number(line_number(element, place), numbers))
        if line is not None:
            yield from _line_taken(line, units, common)


def _own_number(number: str, seen: dict[str, int]) -> str:
    """Some tills number two lines alike; the later one is told apart."""
    seen[number] = seen.get(number, 0) + 1
    return number if seen[number] == 1 else f"{number}~{seen[number]}"


def _line_taken(line: Line, units: Units, common: dict[str, Any]) -> Iterator[Taken]:
    place = line.element.line
    for fault in line.faults:
        yield Taken(place, reason=fault.reason, text=f"line {place}: {fault}")
    if line.passed is not None and (not line.items or line.units > len(line.items)):
        yield Taken(place, passed=line.passed)
    for fields in units.voids(line) if line.void else units.sells(line):
        at = common["at"] + _TICK_S * fields.pop("turn", 0)
        yield Taken(place, Ledger(**{**common, "at": at}, **fields))
    for reason in units.missed():
        yield Taken(place, passed=reason)
