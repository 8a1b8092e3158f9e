"""Commands that operators send over MQTT: checked, carried out by the core or the daemon, and written to the audit trail."""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rfidguard import audit
from rfidguard.clock import Clock
from rfidguard.driver import Emit
from rfidguard.errors import RefusedInput
from rfidguard.events import Command
from rfidguard.rate_limit import RateLimit
from rfidguard.refusal import complaints
from rfidguard.site_state import COUNT_S, begin_count, end_count
from rfidguard.store import FOR_EVER, Store, StoreUnavailable

log = logging.getLogger(__name__)

CORE_COMMANDS = ("mute", "unmute", "arm", "disarm", "test")
DAEMON_COMMANDS = ("reload", "rebirth")
SITE_COMMANDS = ("stock_count", "stock_count_end")

WHO = "mqtt:cmd"
"""The broker tells nobody who sent a command: its access list says who may."""

COMMANDS_PER_S, COMMANDS_BURST = 2.0, 40
_MAX_PENDING = 1_000


class CommandDocument(BaseModel):
    """The payload of `cmd/<name>`: {"id"?, "gate"?, "seconds"?, "reason"?}; an empty payload will do.

    `disarm` with the reason "goods_movement" is for `seconds` (600), at most 4 h.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    id: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    gate: Annotated[str, StringConstraints(max_length=64)] | None = None
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    reason: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")] | None = None


class _Pending(NamedTuple):
    document: CommandDocument
    reply: "Future[Any]"


class CommandDesk:
    """`take` is called on the inbox's thread, `judged` on the core's. `rejects`: refused commands, by reason."""

    def __init__(self, store: Store, emit: Emit, clock: Clock, daemon_command: Callable[[str], str | None]) -> None:
        """`daemon_command`: carries out a command to the daemon itself; None, or why it did not."""
        self._store = store
        self._emit = emit
        self._clock = clock
        self._daemon_command = daemon_command
        self._limit = RateLimit(COMMANDS_PER_S, COMMANDS_BURST, clock)
        self._lock = threading.Lock()
        self._pending: OrderedDict[tuple[str, str], _Pending] = OrderedDict()
        self.rejects: Counter[str] = Counter()

    def take(self, name: str, payload: bytes) -> "Mapping[str, Any] | Future[Any]":
        """Commands to the core are answered by the core, in a while; the daemon's own at once. Raises RefusedInput."""
        if not self._limit.take(WHO):
            self.rejects["rate_limited"] += 1
            raise RefusedInput("rate_limited", "too many commands at once; try again in a second")
        try:
            document = _read(name, payload)
        except RefusedInput as error:
            self.rejects[error.reason] += 1
            self._write(name, CommandDocument(), "rejected", f"{error.reason}: {error}")
            raise
        now = self._clock.now()
        if name in CORE_COMMANDS:
            command_id = document.id or f"{name}-{round(now * 1000)}"
            reply = self._remember(name, command_id, document)
            given = document.model_dump(include={"gate", "seconds", "reason"})
            self._emit(Command(at=now, id=command_id, name=name, **given))
            return reply
        problem = self._of_the_site(name, document, now) if name in SITE_COMMANDS else self._daemon_command(name)
        status = "rejected" if problem else "accepted"
        self._write(name, document, status, problem)
        return {"id": document.id, "name": name, "status": status, "reason": problem}

    def judged(self, body: Mapping[str, Any]) -> bool:
        """The core's reply to a command {"id", "name", "status", "reason"}. False where nobody waits for it any more: it is told
        again after a restart.
        """
        with self._lock:
            pending = self._pending.pop((body["name"], body["id"]), None)
        if pending is None:
            return False
        self._write(body["name"], pending.document, body["status"], body["reason"])
        pending.reply.set_result(body)
        return True

    def movement(self, body: Mapping[str, Any]) -> None:
        """A staff badge began a goods movement {"gate", "at", "movement": {"until", "by"}}: the audit trail has that too."""
        by, until = body["movement"]["by"], body["movement"]["until"]
        entry = audit.Entry(
            at=body["at"], kind="command", who=by, what=body["gate"], action="goods_movement", result="accepted",
            detail={"seconds": round(until - body["at"], 1)},
        )  # fmt: skip
        self._store.write(partial(audit.append, entry=entry), FOR_EVER)

    def _of_the_site(self, name: str, document: CommandDocument, now: float) -> str | None:
        if document.gate is not None:
            return "gate: a stock count is of the whole site"
        try:
            if name == "stock_count":
                self._store.write(partial(begin_count, now=now, seconds=document.seconds or COUNT_S)).result()
            else:
                self._store.write(partial(end_count, now=now)).result()
        except StoreUnavailable as error:
            return str(error)
        return None

    def _remember(self, name: str, command_id: str, document: CommandDocument) -> "Future[Any]":
        """The reply to come. Two commands of one name and id are one: the later sender gets the reply."""
        pending = _Pending(document, Future())
        forgotten = None
        with self._lock:
            self._pending[name, command_id] = pending
            if len(self._pending) > _MAX_PENDING:
                _, forgotten = self._pending.popitem(last=False)
        if forgotten is not None:
            forgotten.reply.cancel()
        return pending.reply

    def _write(self, name: str, document: CommandDocument, status: str, reason: str | None) -> None:
        log.info("command %s of %s: %s %s", name[:64], document.gate or "the site", status, reason or "", extra=_fields(document))
        entry = audit.Entry(
            at=self._clock.now(),
            kind="command",
            who=WHO,
            what=document.gate or "",
            action=name,
            result=status,
            reason=reason or "",
            detail=document.model_dump(exclude_none=True),
        )
        self._store.write(partial(audit.append, entry=entry), FOR_EVER)


def _read(name: str, payload: bytes) -> CommandDocument:
    if name not in (known := (*CORE_COMMANDS, *DAEMON_COMMANDS, *SITE_COMMANDS)):
        raise RefusedInput("unknown_command", f"there is no command {name!r}; {', '.join(known)}")
    try:
        return CommandDocument.model_validate_json(payload or b"{}")
    except ValidationError as error:
        raise RefusedInput("invalid", "; ".join(complaints(error, tuple(CommandDocument.model_fields)))) from error


def _fields(document: CommandDocument) -> dict[str, str]:
    return {"gate": document.gate} if document.gate else {}
