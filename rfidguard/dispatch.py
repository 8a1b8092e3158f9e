"""Carries out what the core decided, in order: light and siren first and locally, then database, broker and staff page."""

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from sqlalchemy import Connection

from rfidguard import crash_points
from rfidguard.alarm import transition_message
from rfidguard.alarm_db import store_change
from rfidguard.answer_desk import AnswerDesk
from rfidguard.driver import Order, SetOutput
from rfidguard.effects import AlarmChanged, AnswerJudged, BindCredit, Effect, Noted, SwitchOutput
from rfidguard.ledger_db import bind_credit
from rfidguard.metrics import Family, counter
from rfidguard.outbox import OutboxRow, rows_for
from rfidguard.store import FOR_EVER, Store
from rfidguard.web.live import Broadcast

log = logging.getLogger(__name__)


class Dispatch:
    """Called on the core's thread only. `order` hands an order to a reader (False: it takes none now), `note` tells what is no
    alarm (topic device, ledger or command). `counts`: orders sent and refused; `transitions`: of alarms, by kind and event type.
    """

    def __init__(
        self,
        store: Store,
        desk: AnswerDesk,
        broadcast: Broadcast,
        order: Callable[[str, Order], bool],
        note: Callable[[str, dict[str, Any]], None],
        listed: Callable[[], None],
    ) -> None:
        """`listed`: the index of alarms is another one now."""
        self._store = store
        self._desk = desk
        self._broadcast = broadcast
        self._order = order
        self._note = note
        self._listed = listed
        self.counts: Counter[str] = Counter()
        self.transitions: Counter[tuple[str, str]] = Counter()

    def __call__(self, effects: list[Effect]) -> None:
        """Carries out `effects`. Outputs come first: they must work with the database and the broker dead."""
        for effect in effects:
            if isinstance(effect, SwitchOutput):
                self._switch(effect)
        for effect in effects:
            self._carry_out(effect)

    def families(self) -> list[Family]:
        """What was told and ordered, for /metrics. Any thread."""
        told: dict[tuple[str, ...], float] = {key: float(count) for key, count in self.transitions.copy().items()}
        return [
            Family("rfidguard_alarm_events", "counter", "Transitions of alarms.", ("kind", "event"), told),
            counter("rfidguard_outputs", "Lights and sirens switched.", self.counts, "what"),
        ]

    def _carry_out(self, effect: Effect) -> None:
        match effect:
            case AlarmChanged():
                self._announce(effect)
            case BindCredit():
                self._store.write(lambda conn: bind_credit(conn, effect), FOR_EVER)
            case AnswerJudged():
                self._desk.judged(effect)
            case Noted():
                self._note(effect.topic, effect.body)
            case _:
                pass

    def _switch(self, effect: SwitchOutput) -> None:
        if self._order(effect.reader, SetOutput(effect.id, effect.pin, effect.seconds)):
            self.counts["orders"] += 1
        else:
            self.counts["orders_refused"] += 1
            log.error("output %s: reader %s takes no orders", effect.id, effect.reader)

    def _announce(self, change: AlarmChanged) -> None:
        alarm = change.alarm
        log.info(
            "alarm %s %s: %s at %s, %d items, %s",
            alarm.id, change.event_type, alarm.kind, alarm.gate, len(alarm.items), alarm.severity,
            extra={"alarm": alarm.id, "gate": alarm.gate},
        )  # fmt: skip
        self.transitions[alarm.kind, change.event_type] += 1
        crash_points.reached("after_decision")
        rows = rows_for(change)
        stored = self._store.write(partial(_store, change=change, rows=rows), FOR_EVER)
        stored.add_done_callback(lambda _done: crash_points.reached("after_commit"))
        if change.notify:
            stored.add_done_callback(lambda done: self._show(done, change))

    def _show(self, stored: "Future[bool]", change: AlarmChanged) -> None:
        if stored.cancelled() or stored.exception() is not None or not stored.result():
            return
        self._listed()
        self._broadcast.publish(transition_message(change.alarm, change.event_type, change.event_at))


def _store(conn: Connection, change: AlarmChanged, rows: list[OutboxRow]) -> bool:
    fresh = store_change(conn, change, rows)
    crash_points.reached("before_commit")
    return fresh
