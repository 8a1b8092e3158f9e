"""One replay's alarms, each as a value: what was told, what rang, and when. Pure."""

from collections.abc import Sequence

import msgspec

from rfidguard.alarm import Alarm, Item
from rfidguard.effects import AlarmChanged, Effect, SwitchOutput
from rfidguard.weight import heavier

SILENT, TOLD, RINGS = 0, 1, 2
"""How loud an alarm became: nobody heard of it, staff were told without noise, it rang."""
ITEM_KINDS = ("unpaid_items", "bulk")
"""Kinds that ring for an item that is `unpaid`; any other kind is as loud as it gets once it is told."""
_TIME_LETTERS = 10


class RungItem(msgspec.Struct, frozen=True, kw_only=True):
    """One item of an alarm. `reason` is the first one. `first_at`: when it was judged, `rang_at`: when it turned unpaid,
    `cleared_at`: when a late sale came; None: never.
    """

    epc: str
    gtin: str | None = None
    price: str | None = None
    reason: str
    certainty: float
    first_at: float
    rang_at: float | None = None
    cleared_at: float | None = None


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm of one replay. `severity` is the highest it reached before anything `escalated` it; `outputs`: lights and sirens
    that were switched; `outcome`: how it ended in the replay.
    """

    id: str
    gate: str
    kind: str
    severity: str
    raised_at: float
    rang_at: float | None = None
    told: bool = False
    escalated: bool = False
    items: tuple[RungItem, ...] = ()
    outputs: tuple[str, ...] = ()
    outcome: str | None = None

    @property
    def passage(self) -> str:
        return passage_of(self.id)

    @property
    def sound(self) -> int:
        """SILENT, TOLD or RINGS."""
        if not self.told and not self.outputs:
            return SILENT
        return TOLD if self.rang_at is None else RINGS

    @property
    def unpaid(self) -> frozenset[str]:
        """The EPCs that it rang for."""
        return frozenset(item.epc for item in self.items if item.rang_at is not None)


def passage_of(alarm_id: str) -> str:
    """What two alarms about the same passage share, whenever each was raised: the hash in their ids."""
    return alarm_id[_TIME_LETTERS:]


class Heard:
    """Listens to a core. `rung`: alarm id -> the alarm as it has become, in the order in which they were raised. Drills and
    alarms that were open before it listened are left out.
    """

    def __init__(self) -> None:
        self.rung: dict[str, Rung] = {}

    def take(self, effects: Sequence[Effect]) -> None:
        """The effects of one event. A light is switched before its alarm is told, so orders are looked at last."""
        for effect in effects:
            if isinstance(effect, AlarmChanged) and not effect.alarm.drill:
                self._changed(effect)
        for effect in effects:
            if isinstance(effect, SwitchOutput):
                self._switched(*effect.id.partition("/")[::2])

    def _changed(self, change: AlarmChanged) -> None:
        before = self.rung.get(change.alarm.id)
        if before is None and change.event_type == "raised":
            before = _first(change.alarm)
        if before is not None:
            self.rung[change.alarm.id] = _grown(before, change)

    def _switched(self, alarm: str, output: str) -> None:
        known = self.rung.get(alarm)
        if known is not None and output not in known.outputs:
            self.rung[alarm] = msgspec.structs.replace(known, outputs=(*known.outputs, output))


def _first(alarm: Alarm) -> Rung:
    return Rung(id=alarm.id, gate=alarm.gate, kind=alarm.kind, severity="info", raised_at=alarm.raised_at)


def _grown(before: Rung, change: AlarmChanged) -> Rung:
    alarm, at = change.alarm, change.event_at
    items = {item.epc: item for item in before.items}
    items |= {item.epc: _moved(items.get(item.epc) or _new(item), item, at) for item in alarm.items}
    rings = alarm.kind not in ITEM_KINDS or any(item.state == "unpaid" for item in alarm.items)
    escalated = before.escalated or change.event_type == "escalated"
    return msgspec.structs.replace(
        before,
        kind=alarm.kind,
        severity=before.severity if escalated else heavier(before.severity, alarm.severity),
        rang_at=at if before.rang_at is None and rings else before.rang_at,
        told=before.told or change.notify,
        escalated=escalated,
        items=tuple(items.values()),
        outcome=alarm.outcome,
    )


def _new(item: Item) -> RungItem:
    return RungItem(
        epc=item.epc, gtin=item.gtin, price=item.price, reason=item.reason, certainty=item.certainty, first_at=item.decided_at
    )


def _moved(known: RungItem, item: Item, at: float) -> RungItem:
    rang = known.rang_at is None and item.state == "unpaid"
    cleared = known.cleared_at is None and item.state == "cleared" and item.reason == "late_sale"
    if not rang and not cleared:
        return known
    return msgspec.structs.replace(known, rang_at=at if rang else known.rang_at, cleared_at=at if cleared else known.cleared_at)
