"""What a POSLog transaction is called: store, workstation, business day and sequence number, as the sale document's id. Pure."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import quote

from rfidguard.feeds.xml_stream import Element

_MAX_PART = 40


def transaction_id(transaction: Element, default: Element | None = None) -> str | None:
    """ "0001-3-20261122-4711". What a link leaves out is that of the transaction it stands in, `default`. None: not named."""
    parts = [_part(transaction, default, part) for part in (_store, _workstation, _day, _sequence)]
    if parts[3] is None:
        return None
    return "-".join(_safe(part or "") for part in parts)


def lane_of(transaction: Element) -> str | None:
    """The workstation."""
    lane = _workstation(transaction)
    return lane[:64] if lane and lane.isprintable() else None


def line_number(element: Element, place: int) -> str:
    """The number of a LineItem, or its place where it has none."""
    return plain_number(element.value("SequenceNumber") or str(place))


def plain_number(text: str) -> str:
    """ "003" is 3; what is no number stays as it is."""
    return str(int(text)) if text.isascii() and text.isdigit() and len(text) < _MAX_PART else _safe(text)


def linked_lines(void: Element, transaction: Element) -> Iterator[tuple[str, str]]:
    """Transaction id and line number of everything that a void line links to.

    A link is a line number, or names a transaction with LineItemSequenceNumber.
    """
    own = transaction_id(transaction)
    for link in (*void.deep("ItemLink"), *void.deep("TransactionLink")):
        line = link.value("LineItemSequenceNumber")
        if line is not None:
            named = transaction_id(link, transaction)
        else:
            named, line = own, link.text or (link.value("SequenceNumber") if link.name == "ItemLink" else None)
        if named is not None and line:
            yield named, plain_number(line)


def _part(transaction: Element, default: Element | None, part: Callable[[Element], str | None]) -> str | None:
    found = part(transaction)
    return found if found is not None or default is None else part(default)


def _store(transaction: Element) -> str | None:
    unit = transaction.first("BusinessUnit")
    return transaction.value("RetailStoreID") or (unit.value("UnitID") if unit else None) or transaction.value("UnitID")


def _workstation(transaction: Element) -> str | None:
    return transaction.value("WorkstationID")


def _day(transaction: Element) -> str | None:
    text = transaction.value("BusinessDayDate", "EndDateTime", "BeginDateTime")
    return None if text is None else text[:10].replace("-", "")


def _sequence(transaction: Element) -> str | None:
    text = transaction.value("SequenceNumber", "TransactionID")
    return None if text is None else plain_number(text)


@lru_cache(maxsize=4096)
def _safe(text: str) -> str:
    """Without the signs that part the key."""
    return quote(text, safe="").replace("-", "%2D")[:_MAX_PART]
