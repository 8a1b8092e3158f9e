"""The alarm: one incident at one gate, and its one public form. Pure.

Times inside are Unix seconds; `alarm_message` writes the public JSON object of the contract.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

SEVERITIES = ("info", "warning", "critical")
OPEN_STATES = ("open", "acknowledged")
EVENT_TYPES = (
    "raised", "updated", "delivered", "acknowledged", "escalated", "resolved", "cleared", "expired",
)  # fmt: skip
OUTCOMES = (
    "recovered", "walked_out", "paid_late", "tag_not_deactivated", "wrong_item_scanned", "foreign_tag", "own_property",
    "return_in_progress", "staff_or_transfer", "goods_movement", "checked_nothing_found", "declined_check", "stray",
    "phantom", "drill", "device_fault", "no_response", "unknown",
)  # fmt: skip
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One item of an alarm. `state`: unpaid, pending, cleared, sold or unverified; only unpaid rings."""

    epc: str
    gtin: str | None = None
    serial: str | None = None
    name: str | None = None
    price: str | None = None
    state: str
    reason: str
    certainty: float
    decided_at: float
    outcome: str | None = None


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm in one revision. `state`: open, acknowledged, resolved, cleared or expired."""

    id: str
    revision: int
    site: str
    gate: str
    kind: str
    state: str
    severity: str
    raised_at: float
    updated_at: float
    items: tuple[Item, ...] = ()
    currency: str
    drill: bool = False
    evidence: dict[str, Any] = {}
    told: bool = True
    """Whether handhelds and the staff page are told of it; an action may ask for a log entry only."""
    to: tuple[str, ...] = ()
    """The users whose handhelds ring; empty: everybody's."""
    delivered_by: str | None = None
    acknowledged_by: str | None = None
    resolved_by: str | None = None
    outcome: str | None = None


def alarm_id(raised_at: float, site: str, gate: str, first: str, passage_start: float) -> str:
    """A ULID that a replay reproduces: the milliseconds of `raised_at`, then 80 bits of SHA-256 over what happened."""
    seed = f"{site}\n{gate}\n{first}\n{round(passage_start * 1000)}".encode()
    return _ulid(raised_at, int.from_bytes(hashlib.sha256(seed).digest()[:10]))


def first_id(raised_at: float) -> str:
    """The least id that an alarm raised at that time or later may have."""
    return _ulid(raised_at, 0)


def _ulid(at: float, chance: int) -> str:
    number = (round(at * 1000) << 80) | chance
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def utc_text(at: float) -> str:
    """Unix seconds -> RFC 3339 in UTC with milliseconds, "2026-11-22T10:15:30.250Z"."""
    moment = datetime.fromtimestamp(round(at * 1000) / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def alarm_message(alarm: Alarm) -> dict[str, Any]:
    """The alarm as outside programs see it (schema rfidguard.alarm/1)."""
    body: dict[str, Any] = {"schema": "rfidguard.alarm/1", **msgspec.structs.asdict(alarm)}
    body["raised_at"] = utc_text(alarm.raised_at)
    body["updated_at"] = utc_text(alarm.updated_at)
    if not alarm.to:
        del body["to"]
    body["items"] = [_item_message(item) for item in alarm.items]
    value = worth(alarm.items)
    body["value"] = None if value is None else str(value)
    return body


def worth(items: Iterable[Item]) -> Decimal | None:
    """What the items that nobody paid for cost, as far as the catalogue knows; None where it knows no price."""
    prices = [Decimal(item.price) for item in items if item.price is not None and item.state not in ("cleared", "sold")]
    return sum(prices, Decimal(0)) if prices else None


def transition_message(alarm: Alarm, event_type: str, event_at: float) -> dict[str, Any]:
    """One message of `event/alarm`: the alarm object, what happened to it, and when."""
    return {**alarm_message(alarm), "event_type": event_type, "event_at": utc_text(event_at)}


def _item_message(item: Item) -> dict[str, Any]:
    body = msgspec.structs.asdict(item)
    body["decided_at"] = utc_text(item.decided_at)
    body["certainty"] = round(item.certainty, 3)
    if item.outcome is None:
        del body["outcome"]
    return body
