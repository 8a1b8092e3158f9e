"""What tills, staff and operators may ask of the running daemon: the handlers of MQTT and the services of the web in one."""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from datetime import tzinfo
from functools import partial
from typing import Any, TypeVar

from rfidguard.alarm import Alarm
from rfidguard.alarm_db import get_alarm, list_alarms
from rfidguard.answer_desk import AnswerDesk
from rfidguard.clock import Clock
from rfidguard.command_desk import CommandDesk
from rfidguard.driver import Emit
from rfidguard.effects import AnswerJudged
from rfidguard.events import Event, Ledger, ReadBatch
from rfidguard.feeds.capture import CaptureReply, OwnsLane, take_capture, take_poslog
from rfidguard.feeds.feed_desk import HookReply
from rfidguard.intake import SaleReply, take_heartbeat, take_sale
from rfidguard.log_repeats import left_out
from rfidguard.metrics import Family, counter
from rfidguard.sale_watch import SaleWatch
from rfidguard.store import Store
from rfidguard.web.live import Broadcast, Subscription

log = logging.getLogger(__name__)

T = TypeVar("T")


class FrontDesk:
    """Satisfies `web.services.Services` and `inbox.Handlers`. Every method may be called from any thread."""

    def __init__(
        self,
        store: Store,
        desk: AnswerDesk,
        broadcast: Broadcast,
        emit: Emit,
        clock: Clock,
        *,
        health: Callable[[], Mapping[str, Any]],
        ready: Callable[[], tuple[bool, Mapping[str, str]]],
        counters: Callable[[], Iterable[Family]],
        daemon_command: Callable[[str], str | None],
        note: Callable[[str, dict[str, Any]], None],
        zone: tzinfo,
        watch: SaleWatch,
        hook: Callable[[str, Mapping[str, str], bytes], HookReply] | None = None,
    ) -> None:
        """`note` publishes what is no alarm (topic "ledger": refused sales). `zone` is that of the site."""
        self.clock = clock
        self.health = health
        self.ready = ready
        self.counters: Callable[[], Iterable[Family]] = lambda: [*counters(), *self._own_counters()]
        self._store = store
        self._desk = desk
        self._broadcast = broadcast
        self._emit = emit
        self._watch = watch
        self._hook = hook
        self._commands = CommandDesk(store, emit, clock, daemon_command)
        self._note = note
        self._zone = zone

    def take_sale(self, payload: bytes, source: str, lane: str | None) -> SaleReply:
        now = self.clock.now()
        reply = self._watched(lambda emit: take_sale(self._store, payload, source=source, lane=lane, now=now, emit=emit))
        if reply.status == "rejected":
            told = {"kind": "rejected", "at": now, "source": source, "lane": lane, "id": reply.id, "reason": reply.reason}
            self._note("ledger", {**told, "errors": list(reply.errors)})
        return reply

    def take_capture(self, payload: bytes, source: str, lane: str | None, proceed: bool) -> CaptureReply:
        now = self.clock.now()
        take = partial(take_capture, self._store, payload, source=source, now=now, lane=lane, proceed=proceed)
        reply = self._watched(lambda emit: take(emit=emit))
        return self._noted(reply, source, now)

    def take_poslog(self, payload: bytes, source: str, owns_lane: OwnsLane) -> CaptureReply:
        now = self.clock.now()
        take = partial(take_poslog, self._store, payload, zone=self._zone, source=source, now=now, owns_lane=owns_lane)
        reply = self._watched(lambda emit: take(emit=emit))
        return self._noted(reply, source, now)

    def take_hook(self, feed: str, headers: Mapping[str, str], payload: bytes) -> HookReply:
        if self._hook is None:
            return HookReply(404, "rejected", errors=("no [[feed]] is configured",))
        reply = self._hook(feed, headers, payload)
        if reply.rejected:
            told = {"kind": "rejected", "at": self.clock.now(), "source": feed, "lane": None, "id": None}
            self._note("ledger", {**told, "reason": next(iter(reply.rejected)), "errors": list(reply.errors)})
        return reply

    def watched_emit(self, item: Event | ReadBatch) -> None:
        """Hands on to the core what a feed stored; sales are looked at for signs of forgery."""
        self._emit(item)
        if isinstance(item, Ledger):
            for odd in self._watch.look([item]):
                self._note("ledger", {**odd, "at": self.clock.now()})

    def _noted(self, reply: CaptureReply, source: str, now: float) -> CaptureReply:
        if reply.rejected:
            reason = next(iter(reply.rejected))
            told = {"kind": "rejected", "at": now, "source": source, "lane": None, "id": None, "reason": reason}
            self._note("ledger", {**told, "errors": list(reply.errors)})
        return reply

    def submit_answer(self, payload: bytes, by: str, alarm: str | None = None) -> "Future[AnswerJudged]":
        return self._desk.submit(payload, by, alarm=alarm)

    def list_alarms(self, include_closed: bool, limit: int) -> list[Alarm]:
        return self._store.read(partial(list_alarms, include_closed=include_closed, limit=limit))

    def get_alarm(self, alarm_id: str) -> Alarm | None:
        return self._store.read(partial(get_alarm, alarm_id=alarm_id))

    def subscribe(self) -> Subscription:
        return self._broadcast.subscribe()

    def on_sale(self, payload: bytes, lane: str) -> SaleReply:
        return self.take_sale(payload, f"mqtt:{lane}", lane)

    def on_heartbeat(self, payload: bytes, lane: str) -> None:
        take_heartbeat(self._store, payload, f"mqtt:{lane}", lane, self.clock.now())

    def on_answer(self, payload: bytes, user: str) -> "Future[AnswerJudged]":
        return self._desk.submit(payload, user)

    def on_presence(self, user: str, online: bool) -> None:
        log.info("handheld %s is %s", user, "online" if online else "offline")

    def on_command(self, name: str, payload: bytes) -> "Mapping[str, Any] | Future[Any]":
        return self._commands.take(name, payload)

    def command_judged(self, body: Mapping[str, Any]) -> bool:
        """The core's reply to a command; True where its sender gets it."""
        return self._commands.judged(body)

    def goods_moved(self, body: Mapping[str, Any]) -> None:
        """A badge made a gate quiet."""
        self._commands.movement(body)

    def _watched(self, take: Callable[[Emit], T]) -> T:
        """What `take` returns; the sales that it stored are looked at for signs of forgery."""
        fresh: list[Ledger] = []

        def emit(item: Event | ReadBatch) -> None:
            if isinstance(item, Ledger):
                fresh.append(item)
            self._emit(item)

        reply = take(emit)
        for odd in self._watch.look(fresh):
            self._note("ledger", {**odd, "at": self.clock.now()})
        return reply

    def _own_counters(self) -> list[Family]:
        return [
            counter("rfidguard_answers_refused", "Answers refused before they were judged.", self._desk.rejects),
            counter("rfidguard_commands_refused", "Commands refused.", self._commands.rejects),
            counter("rfidguard_odd_sales", "Sales that look forged.", self._watch.counts, "kind"),
            counter("rfidguard_log_lines_left_out", "Log lines that repeated others.", left_out, "level"),
        ]
