"""What tills, staff and operators may ask of the running daemon: the handlers of MQTT and the services of the web in one."""

import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rfidguard.alarm import Alarm
from rfidguard.alarm_db import get_alarm, list_alarms
from rfidguard.answer_desk import AnswerDesk
from rfidguard.clock import Clock
from rfidguard.driver import Emit
from rfidguard.effects import AnswerJudged
from rfidguard.errors import RefusedInput
from rfidguard.events import Command
from rfidguard.intake import SaleReply, take_heartbeat, take_sale
from rfidguard.metrics import Family
from rfidguard.refusal import complaints
from rfidguard.store import Store
from rfidguard.web.live import Broadcast, Subscription

log = logging.getLogger(__name__)

CORE_COMMANDS = ("mute", "unmute", "arm", "disarm", "test")
DAEMON_COMMANDS = ("reload", "rebirth")


class CommandDocument(BaseModel):
    """The payload of `cmd/<name>`: {"id"?, "gate"?, "seconds"?}; an empty payload will do."""

    model_config = ConfigDict(extra="forbid", strict=True)
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    gate: Annotated[str, StringConstraints(max_length=64)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None


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
    ) -> None:
        """`note` publishes what is no alarm (topic "ledger": refused sales)."""
        self.clock = clock
        self.health = health
        self.ready = ready
        self.counters = counters
        self._store = store
        self._desk = desk
        self._broadcast = broadcast
        self._emit = emit
        self._daemon_command = daemon_command
        self._note = note

    def take_sale(self, payload: bytes, source: str, lane: str | None) -> SaleReply:
        now = self.clock.now()
        reply = take_sale(self._store, payload, source=source, lane=lane, now=now, emit=self._emit)
        if reply.status == "rejected":
            told = {"kind": "rejected", "at": now, "source": source, "lane": lane, "id": reply.id, "reason": reply.reason}
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

    def on_command(self, name: str, payload: bytes) -> Mapping[str, Any] | None:
        """Commands to the core are answered by the core; the daemon's own at once. Raises RefusedInput."""
        if name not in (*CORE_COMMANDS, *DAEMON_COMMANDS):
            raise RefusedInput("unknown_command", f"there is no command {name!r}; {', '.join(CORE_COMMANDS + DAEMON_COMMANDS)}")
        try:
            document = CommandDocument.model_validate_json(payload or b"{}")
        except ValidationError as error:
            raise RefusedInput("invalid", "; ".join(complaints(error, tuple(CommandDocument.model_fields)))) from error
        now = self.clock.now()
        if name in CORE_COMMANDS:
            command_id = document.id or f"{name}-{round(now * 1000)}"
            self._emit(Command(at=now, id=command_id, name=name, gate=document.gate, seconds=document.seconds))
            return None
        problem = self._daemon_command(name)
        return {"id": document.id, "name": name, "status": "rejected" if problem else "accepted", "reason": problem}
