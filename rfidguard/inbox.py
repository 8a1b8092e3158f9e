"""What comes in over MQTT: handed to who it concerns on a thread of its own, confirmed only once it is safe.

A sale is confirmed after its commit, an answer after it is stored. While the database takes nothing the message waits here,
unconfirmed, and is tried again; the broker holds back what follows, and sends it all again should this box die. What nobody
can use (too large, a bug of ours) is confirmed, counted and buried with its reason, so that it cannot block the next sale.
A retained message never acts: the broker would send it again on every connect, for ever.
"""

import logging
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

import msgspec

from rfidguard.clock import Clock
from rfidguard.dead_letter import bury
from rfidguard.errors import RefusedInput, RfidguardError
from rfidguard.mqtt_wire import Arrived
from rfidguard.outbox import encoded
from rfidguard.publisher import Note
from rfidguard.pulse import late_s
from rfidguard.store import Store
from rfidguard.store_engine import condition_of
from rfidguard.topics import Inbound, Topics

log = logging.getLogger(__name__)

MAX_BYTES = {"sale": 1_000_000}
MAX_OTHER_BYTES = 16_384
CAPACITY = 1_000
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0

Reply = Mapping[str, Any] | msgspec.Struct
"""Becomes the JSON of a reply. Of a struct only `id`, `status`, `reason` and `errors` are told."""

Outcome = Reply | Future[Any] | None
"""A handler's answer: now, later (a future of a Reply), or none. Whatever it is, the message is safe when the handler returns."""


class Handlers(Protocol):
    """Called on the inbox's thread, one message at a time. Names come from the topic, so from the sender's login.

    RefusedInput: the sender is told so, the payload is buried. Any other RfidguardError (StoreUnavailable), and a database
    that fails: the same message is handed in again after a pause. Anything else is a bug: logged, counted, buried.
    """

    def on_sale(self, payload: bytes, lane: str) -> Outcome: ...
    def on_heartbeat(self, payload: bytes, lane: str) -> Outcome: ...
    def on_answer(self, payload: bytes, user: str) -> Outcome: ...
    def on_presence(self, user: str, online: bool) -> None: ...
    def on_command(self, name: str, payload: bytes) -> Outcome: ...


class Inbox:
    """Filled by the MQTT thread. `presence`: user -> online. `counts`: messages by kind, and what was not used, by reason."""

    def __init__(
        self,
        handlers: Handlers,
        topics: Topics,
        store: Store,
        clock: Clock,
        confirm: Callable[[object, Arrived], None],
        note: Callable[[Note], None],
    ) -> None:
        """`confirm(link, message)`: any thread, acknowledges `message` that came over `link`. `note`: publishes a reply."""
        self._handlers = handlers
        self._topics = topics
        self._store = store
        self._clock = clock
        self._confirm = confirm
        self._note = note
        self._queue: queue.Queue[tuple[object, Arrived] | None] = queue.Queue(CAPACITY)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="mqtt-inbox", daemon=True)
        self.presence: dict[str, bool] = {}
        self.counts: Counter[str] = Counter()
        self.beat_at = clock.monotonic()
        self.busy = False

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Ends after the message at hand. What waits stays unconfirmed: the broker sends it again."""
        self._stop.set()
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            log.debug("the inbox has plenty to do and needs no nudge")
        self._thread.join(timeout_s)

    def put(self, link: object, message: Arrived) -> None:
        """Takes a message that came over `link`. Never waits: what does not fit is counted, and unconfirmed."""
        try:
            self._queue.put_nowait((link, message))
        except queue.Full:
            self.counts["inbox_full"] += 1

    def late_s(self, now: float, deadline_s: float) -> float:
        """How long it is over its deadline at `now` (monotonic); a message that waits for the database is no hang."""
        return late_s(self._thread, self.beat_at if self.busy else None, now, deadline_s)

    def _live(self) -> None:
        while not self._stop.is_set():
            self.beat_at = self._clock.monotonic()
            try:
                entry = self._queue.get(timeout=1.0)
            except queue.Empty:
                continue
            if entry is not None:
                self.busy = True
                self._serve(*entry)
                self.busy = False

    def _serve(self, link: object, message: Arrived) -> None:
        """One message, until it is safe. Returns without confirming it only when the inbox stops."""
        pause_s = FIRST_PAUSE_S
        while not self._stop.is_set():
            self.beat_at = self._clock.monotonic()
            try:
                self._take(message)
            except Exception as error:  # thread root: one bad message must not stop the sales behind it
                if not self._is_passing(error):
                    log.exception("a message on %s could not be handled", message.topic)
                    error = RefusedInput("handler_failed", f"{type(error).__name__}: {error}")
                    if self._bury(message, error):
                        self._confirm(link, message)
                        return
                self.counts["tried_again"] += 1
                log.warning("%s waits: %s", message.topic, error)
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self._confirm(link, message)
                return

    def _take(self, message: Arrived) -> None:
        inbound = self._topics.inbound(message.topic)
        if inbound is None:
            self.counts["unknown_topic"] += 1
            return
        self.counts[inbound.kind] += 1
        if inbound.kind == "presence":
            self._take_presence(inbound.name, message.payload)
            return
        try:
            self._check(inbound, message)
            outcome = self._call(inbound, message.payload)
        except RefusedInput as error:
            self._refuse(inbound, message, error)
            return
        if isinstance(outcome, Future):
            outcome.add_done_callback(partial(self._reply_later, inbound, message))
        elif outcome is not None:
            self._reply(inbound, message, _body(outcome))

    def _check(self, inbound: Inbound, message: Arrived) -> None:
        if message.retain:
            raise RefusedInput("retained", "the message is marked retained; publish it without, it would come again for ever")
        most = MAX_BYTES.get(inbound.kind, MAX_OTHER_BYTES)
        if len(message.payload) > most:
            raise RefusedInput("too_large", f"at most {most} bytes are taken here, this message has {len(message.payload)}")

    def _call(self, inbound: Inbound, payload: bytes) -> Outcome:
        match inbound.kind:
            case "sale":
                return self._handlers.on_sale(payload, inbound.name)
            case "heartbeat":
                return self._handlers.on_heartbeat(payload, inbound.name)
            case "answer":
                return self._handlers.on_answer(payload, inbound.name)
            case _:
                return self._handlers.on_command(inbound.name, payload)

    def _take_presence(self, user: str, payload: bytes) -> None:
        """Presence is a state, so retained is right; an empty payload takes the user off. Anything odd counts as offline."""
        online = _state_of(payload) == "online"
        if payload:
            self.presence[user] = online
        else:
            self.presence.pop(user, None)
        self._handlers.on_presence(user, online)

    def _refuse(self, inbound: Inbound, message: Arrived, error: RefusedInput) -> None:
        self.counts[error.reason] += 1
        log.warning("message on %s refused (%s): %s", message.topic, error.reason, error)
        if error.reason not in _NOT_KEPT:
            self._bury(message, error)
        self._reply(inbound, message, _rejection(inbound, message.payload, error))

    def _bury(self, message: Arrived, error: RefusedInput) -> bool:
        """True once it is buried; False where the database takes nothing now."""
        self.counts["buried"] += 1
        job = partial(
            bury,
            source=f"mqtt:{message.topic.removeprefix(self._topics.root)}",
            reason=error.reason,
            detail=str(error),
            payload=message.payload,
            at=self._clock.now(),
        )
        try:
            self._store.write(job).result()
        except RfidguardError as failure:
            log.warning("a refused message could not be kept: %s", failure)
            return False
        return True

    def _reply_later(self, inbound: Inbound, message: Arrived, done: "Future[Any]") -> None:
        if done.cancelled() or done.exception() is not None:
            self.counts["unanswered"] += 1
            return
        self._reply(inbound, message, _body(done.result()))

    def _reply(self, inbound: Inbound, message: Arrived, body: Mapping[str, Any]) -> None:
        payload = encoded(body)
        if inbound.reply is not None:
            self._note(Note(self._topics.whole(inbound.reply), payload))
        response = message.response_topic
        if response is None or response == self._topics.whole(inbound.reply or ""):
            return
        if self._topics.may_answer_on(inbound, response):
            self._note(Note(response, payload, correlation=message.correlation))
        else:
            self.counts["response_topic_refused"] += 1

    @staticmethod
    def _is_passing(error: Exception) -> bool:
        """Whether the same message may work later."""
        return isinstance(error, RfidguardError) or condition_of(error) is not None


_NOT_KEPT = ("retained", "rate_limited")
"""The broker sends retained messages again on every connect, and a flood must not wash away what is kept of others."""

_TOLD = ("id", "status", "reason", "errors")
_CLAIMED_ID = re.compile(rb'"id"\s*:\s*"([ !#-\[\]-~]{1,200})"')


def _body(reply: Reply) -> Mapping[str, Any]:
    if isinstance(reply, msgspec.Struct):
        return {name: getattr(reply, name) for name in _TOLD if hasattr(reply, name)}
    return reply


def _rejection(inbound: Inbound, payload: bytes, error: RefusedInput) -> dict[str, Any]:
    found = _CLAIMED_ID.search(payload[:4096])
    body: dict[str, Any] = {"id": found.group(1).decode("ascii") if found else None, "status": "rejected", "reason": error.reason}
    if inbound.kind == "sale":
        return body | {"errors": [str(error)]}
    return body | {"reason": f"{error.reason}: {error}"}


def _state_of(payload: bytes) -> object:
    try:
        return msgspec.json.decode(payload, type=dict[str, Any]).get("state")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
