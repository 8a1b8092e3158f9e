"""Webhooks of Shopify: orders, refunds, cancellations. Point of sale only unless told otherwise: what a web shop sends by post
leaves through no gate.

Shapes: Shopify Admin REST, topics orders/create, orders/paid, orders/updated, orders/cancelled, refunds/create. `orders/paid`
of a point of sale comes some 15 minutes late; `orders/create` is prompt.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.contract import Context, FeedSettings
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.shop_hook import (
    ShopLine,
    check_signature,
    epc_in,
    lines_taken,
    moment,
    object_of,
    objects,
    part,
    secret_of,
    words,
)

PAID = ("paid", "partially_refunded", "refunded")


class ShopifySettings(FeedSettings):
    secret_file: Path
    """The secret with which Shopify signs."""
    sources: tuple[str, ...] = ("pos",)
    """`source_name` of orders whose goods leave here; none: all."""
    locations: tuple[str, ...] = ()
    """`location_id` of this shop; none: all."""
    unpaid_too: bool = False
    """Orders that are only authorised count as well: at a point of sale the money is captured later."""


class Shopify:
    """A Hook. Its document ids are feed:order:ID and feed:refund:ID, so that every topic of one order tells the same lines."""

    Settings = ShopifySettings

    def __init__(self, settings: ShopifySettings, context: Context) -> None:
        self._settings, self._context = settings, context

    def heard(self, headers: Mapping[str, str], body: bytes) -> Sequence[Taken]:
        """Raises Unsigned, RefusedInput, DeviceLost (the secret cannot be read)."""
        check_signature(secret_of(self._settings.secret_file), body, headers.get("x-shopify-hmac-sha256"))
        topic = headers.get("x-shopify-topic", "")
        document = object_of(body)
        if document.get("test") is True:
            return (Taken(0, passed="test"),)
        if topic == "refunds/create":
            return tuple(self._refund(document))
        if topic == "orders/cancelled":
            return (self._cancelled(document),)
        if topic in ("orders/create", "orders/paid", "orders/updated", "orders/edited"):
            return tuple(self._order(document))
        return (Taken(0, passed="other_topic"),)

    def doctor(self) -> str:
        """Raises DeviceLost."""
        secret_of(self._settings.secret_file)
        return f"the secret is there; Shopify is to call /v1/hooks/{self._context.feed}"

    def _order(self, order: Mapping[str, Any]) -> Iterator[Taken]:
        reason = self._elsewhere(order)
        paid = order.get("financial_status") in PAID or (
            self._settings.unpaid_too and order.get("financial_status") in ("authorized", "partially_paid")
        )
        if reason is not None or not paid:
            yield Taken(0, passed=reason or "not_paid")
            return
        at = moment(order.get("processed_at"), order.get("created_at"))
        lines = [self._line(line, line) for line in objects(order.get("line_items"))]
        till = words(order.get("device_id"))
        yield from lines_taken(self._context, self._order_name(order), "sold", at, lines, words(order.get("name")), till)

    def _refund(self, refund: Mapping[str, Any]) -> Iterator[Taken]:
        """What came back into the shop; money alone, or goods that the customer keeps, change nothing."""
        lines = []
        for entry in objects(refund.get("refund_line_items")):
            if entry.get("restock_type") not in (None, "return"):
                yield Taken(0, passed="not_brought_back")
                continue
            bought = entry.get("line_item")
            bought = bought if isinstance(bought, dict) else {}
            lines.append(self._line(entry, bought))
        if not lines:
            yield Taken(0, passed="no_goods")
            return
        at = moment(refund.get("processed_at"), refund.get("created_at"))
        name = f"{self._context.feed}:refund:{_id(refund)}"
        yield from lines_taken(self._context, name, "returned", at, lines, words(refund.get("order_id")), None)

    def _cancelled(self, order: Mapping[str, Any]) -> Taken:
        reason = self._elsewhere(order)
        if reason is not None:
            return Taken(0, passed=reason)
        name = self._order_name(order)
        at = moment(order.get("cancelled_at"), order.get("updated_at"))
        return Taken(0, Ledger(at=at, id=f"{name}:cancelled/void", kind="void", ref=name))

    def _elsewhere(self, order: Mapping[str, Any]) -> str | None:
        if self._settings.sources and order.get("source_name") not in self._settings.sources:
            return "other_channel"
        if self._settings.locations and words(order.get("location_id")) not in self._settings.locations:
            return "other_location"
        return None

    def _order_name(self, order: Mapping[str, Any]) -> str:
        return f"{self._context.feed}:order:{_id(order)}"

    def _line(self, entry: Mapping[str, Any], goods: Mapping[str, Any]) -> ShopLine:
        codes = (words(goods.get("sku")), words(goods.get("barcode")), words(goods.get("variant_id")))
        epc = epc_in(objects(part(goods, "properties")))
        return ShopLine(words(entry.get("id")), tuple(code for code in codes if code is not None), entry.get("quantity"), epc)


def _id(body: Mapping[str, Any]) -> str:
    name = words(body.get("id"))
    if name is None or len(name) > 40:
        raise RefusedInput("no_id", "the order has no id")
    return name
