"""Alarms for tests of what is made of them."""

from typing import Any

from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.effects import AlarmChanged

T0 = 1_800_000_000.0


def an_alarm(number: int = 1, at: float = T0, **changes: Any) -> Alarm:
    epc = f"3034257BF400{number:012X}"
    item = Item(
        epc=epc, gtin="00614141123452", serial=str(number), state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=at
    )
    fields: dict[str, Any] = {
        "id": alarm_id(at, "0001", "front", epc, at), "revision": 1, "site": "0001", "gate": "front", "kind": "unpaid_items",
        "state": "open", "severity": "warning", "raised_at": at, "updated_at": at, "items": (item,), "currency": "EUR",
    }  # fmt: skip
    return Alarm(**(fields | changes))


def a_change(alarm: Alarm, event_type: str = "raised", notify: bool = True) -> AlarmChanged:
    return AlarmChanged(alarm, event_type, alarm.updated_at, notify)
