"""Webhooks of Square: payments, orders, refunds. A call names an order only; what was sold is asked for then.

Shapes: Square webhooks payment.*, order.*, refund.* and the Orders API. A call is signed over the address that Square calls and
the body. An order may have no lines yet when its payment is told: the call is then answered with 503, and Square sends it again.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import StringConstraints

from rfidguard.errors import DeviceLost, RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.contract import Context, FeedSettings
from rfidguard.feeds.http_get import get
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.shop_hook import (
    ShopLine,
    check_signature,
    lines_taken,
    moment,
    object_of,
    objects,
    part,
    secret_of,
    words,
)

MAX_ORDER_BYTES = 4_000_000
API_VERSION = "2024-10-17"
_Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")]


class SquareSettings(FeedSettings):
    secret_file: Path
    """The signature key of the webhook subscription."""
    called_at: _Url
    """The address that Square calls, exactly as it is in the subscription: it is part of what is signed."""
    token_file: Path
    """The access token with which orders are asked for."""
    api: _Url = "https://connect.squareup.com"
    locations: tuple[str, ...] = ()
    """`location_id` of this shop; none: all."""


class Square:
    """A Hook. Document ids are feed:order:ID; lines are called by their uid, returned ones by return-uid."""

    Settings = SquareSettings

    def __init__(self, settings: SquareSettings, context: Context) -> None:
        self._settings, self._context = settings, context

    def heard(self, headers: Mapping[str, str], body: bytes) -> Sequence[Taken]:
        """Raises Unsigned, RefusedInput, and DeviceLost where the order cannot be asked for now or has no lines yet."""
        signed = self._settings.called_at.encode() + body
        check_signature(secret_of(self._settings.secret_file), signed, headers.get("x-square-hmacsha256-signature"))
        call = object_of(body)
        order = _order_of(call)
        if order is None:
            return (Taken(0, passed="no_order"),)
        return tuple(self._order(self._asked(order)))

    def doctor(self) -> str:
        """Raises DeviceLost."""
        secret_of(self._settings.secret_file)
        self._get("/v2/locations")
        return f"Square answers; it is to call /v1/hooks/{self._context.feed}"

    def _asked(self, order: str) -> Mapping[str, Any]:
        found = object_of(self._get(f"/v2/orders/{quote(order, safe='')}")).get("order")
        if not isinstance(found, dict) or words(found.get("id")) is None:
            raise RefusedInput("no_order", f"the API gave no order {order[:60]!r}")
        return found

    def _get(self, path: str) -> bytes:
        headers = {"Square-Version": API_VERSION, "Accept": "application/json"}
        return get(self._settings.api.rstrip("/") + path, headers, self._settings.token_file, MAX_ORDER_BYTES)[0]

    def _order(self, order: Mapping[str, Any]) -> Iterator[Taken]:
        if self._settings.locations and order.get("location_id") not in self._settings.locations:
            yield Taken(0, passed="other_location")
            return
        name, state = f"{self._context.feed}:order:{words(order.get('id'))}", order.get("state")
        at = moment(order.get("closed_at"), order.get("updated_at"), order.get("created_at"))
        if state == "CANCELED":
            yield Taken(0, Ledger(at=at, id=f"{name}:cancelled/void", kind="void", ref=name))
            return
        sold = [_line(line, "") for line in objects(order.get("line_items"))]
        back = [
            _line(line, "return-") for entry in objects(order.get("returns")) for line in objects(entry.get("return_line_items"))
        ]
        if state != "COMPLETED":
            yield Taken(0, passed="not_completed")
        elif not sold and not back:
            raise DeviceLost(f"order {name} has no lines yet")
        else:
            receipt = words(order.get("ticket_name")) or words(order.get("reference_id"))
            yield from lines_taken(self._context, name, "sold", at, sold, receipt, None)
            yield from lines_taken(self._context, name, "returned", at, back, receipt, None)


def _order_of(call: Mapping[str, Any]) -> str | None:
    """The order that a call is about; None where it is about none, or nothing has been paid yet."""
    found = part(call, "data", "object")
    payment, refund = part(found, "payment"), part(found, "refund")
    if payment is not None:
        return words(part(payment, "order_id")) if part(payment, "status") == "COMPLETED" else None
    if refund is not None:
        return words(part(refund, "order_id")) if part(refund, "status") in ("COMPLETED", "APPROVED") else None
    changed = next((part(found, name) for name in ("order_updated", "order_created") if part(found, name)), None)
    return words(part(changed, "order_id")) if part(changed, "state") in ("COMPLETED", "CANCELED") else None


def _line(line: Mapping[str, Any], prefix: str) -> ShopLine:
    uid = words(line.get("uid"))
    codes = (words(line.get("catalog_object_id")), words(part(line, "metadata", "sku")), words(part(line, "metadata", "gtin")))
    name = prefix + uid if uid is not None else None
    return ShopLine(name, tuple(code for code in codes if code is not None), line.get("quantity"))
