"""The daemon's side of MQTT: one connection for out and in, made again for ever, on one thread that owns it.

On every connect: subscriptions, `status` online, `info`, every other state, then all open alarms and what else the outbox holds.
Commit to publish is immediate: each commit wakes the thread.
"""

import logging
import random
import secrets
import socket
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from rfidguard import outbox_db, topics
from rfidguard.alarm import utc_text
from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.inbox import Handlers, Inbox
from rfidguard.messages import status_message
from rfidguard.mqtt_wire import Acked, Arrived, BrokerLost, Connected, Lost, Signal, Subscribed, Subscription, Will, Wire
from rfidguard.outbox import encoded
from rfidguard.publisher import Note, Publisher
from rfidguard.pulse import late_s
from rfidguard.state_board import StateBoard
from rfidguard.store import Store, StoreUnavailable
from rfidguard.topics import Topics

log = logging.getLogger(__name__)

CONNACK_DEADLINE_S = 5.0
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
HUNG_S = 30.0
STEADY_S = 10.0
"""After a connection that lasted this long the next try comes soon. Two daemons of one name must not chase each other."""
HOUSEKEEPING_S = 60.0
FLUSH_S = 5.0
LONGEST_TURN_S = 1.0

_WATCHED = "alarm/+"


class MqttLink:
    """`start` once, `stop` once. Every other method may be called from any thread, connected or not."""

    def __init__(self, config: Config, store: Store, clock: Clock, handlers: Handlers, info: Mapping[str, Any]) -> None:
        """`store` must be open by `start`. `info`: the body of the retained topic `info` (messages.info_message)."""
        self._config = config.mqtt
        self._client_id = config.mqtt.client_id or f"{config.mqtt.prefix}-{config.site.id}".replace("/", "-")
        self._store = store
        self._clock = clock
        self._topics = Topics(config.mqtt.prefix, config.site.id)
        self._board = StateBoard(first=(topics.STATUS, topics.INFO))
        self._publisher = Publisher(store, self._board, self._topics.whole, clock, self.wake)
        self._inbox = Inbox(handlers, self._topics, store, clock, self._confirm, self._note)
        self._confirmed: deque[tuple[object, int]] = deque()
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._live, name="mqtt", daemon=True)
        self._stopping = threading.Event()
        self._rebirth = threading.Event()
        self._final_state = "stopped"
        self._wire: Wire | None = None
        self._deadline = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._steady_at = 0.0
        self._unreadable = False
        self._seq = 0
        self._connected = False
        self.session = f"{round(clock.now() * 1000):012x}{secrets.token_hex(4)}"
        self.problem: str | None = None
        self.counts: Counter[str] = Counter()
        self.beat_at = clock.monotonic()
        self._board.set(topics.INFO, encoded(info))

    def start(self) -> None:
        self._store.after_commit(self._on_commit)
        self._inbox.start()
        self._thread.start()

    def stop(self, status: str = "stopped") -> None:
        """Takes no more in, tells `stopping`, flushes up to FLUSH_S seconds, tells `status`, and disconnects."""
        self._final_state = status
        if self._thread.ident is not None:
            self._inbox.stop(FLUSH_S)
            self._stopping.set()
            self.wake()
            self._thread.join(FLUSH_S * 4)
        self._wake_in.close()
        self._wake_out.close()

    def set_state(self, topic: str, body: Mapping[str, Any] | Callable[[], Mapping[str, Any]]) -> None:
        """Publishes `body` retained on `topic` (below the root), now and on every connect; only the newest counts. A function
        is asked when it is sent, on the MQTT thread: for what is large and changes often.
        """
        self._board.set(topic, (lambda: encoded(body())) if callable(body) else encoded(body))
        self.wake()

    def send(self, topic: str, body: Mapping[str, Any], retain: bool = False) -> None:
        """Publishes `body` once on `topic` (below the root); kept in RAM over a short outage. For replies and notes."""
        self._note(Note(self._topics.whole(topic), encoded(body), retain))

    def wake(self) -> None:
        """There is something to do. Cheap; never waits."""
        with suppress(OSError):  # the pipe is full of wakes already, or the link has ended
            self._wake_in.send(b"\0")

    def rebirth(self) -> None:
        """Publishes everything retained again: status, info, states, all open alarms, the index."""
        self._rebirth.set()
        self.wake()

    @property
    def connected(self) -> bool:
        return self._connected

    def late_s(self, now: float) -> float:
        """How long its own thread is over its deadline at `now` (monotonic): for the watchdog."""
        return late_s(self._thread, self.beat_at, now, HUNG_S)

    def inbox_late_s(self, now: float) -> float:
        """The same of the thread that takes what came in."""
        return self._inbox.late_s(now, HUNG_S)

    @property
    def no_listener(self) -> bool:
        """True while nobody listens for alarms, as the broker told when one was published."""
        return self._publisher.no_listener_since() is not None

    @property
    def tells_no_listener(self) -> bool | None:
        """Whether this broker tells when nobody listens; None until it has shown."""
        return self._publisher.tells_no_listener

    def handhelds(self) -> list[str]:
        """Users whose handheld is online."""
        return sorted(user for user, online in self._inbox.presence.copy().items() if online)

    def counters(self) -> Counter[str]:
        """Everything counted on the way out and in, by reason."""
        return self.counts.copy() + self._publisher.counts.copy() + self._inbox.counts.copy()

    def health(self) -> dict[str, Any]:
        """The MQTT part of `health`. Raises StoreUnavailable where the outbox cannot be read now."""
        depth = self._store.read(outbox_db.depth)
        silent_since = self._publisher.no_listener_since()
        return {
            "connected": self._connected,
            "session": self.session,
            "problem": self.problem,
            "outbox": {
                "depth": depth.rows,
                "oldest_age_s": None if depth.oldest_at is None else round(max(0.0, self._clock.now() - depth.oldest_at), 3),
                "parked": depth.parked,
            },
            "no_listener_s": None if silent_since is None else round(self._clock.monotonic() - silent_since, 3),
            "tells_no_listener": self.tells_no_listener,
            "handhelds": self.handhelds(),
            "counters": dict(self.counters()),
        }

    def _live(self) -> None:
        next_try_at, next_housekeeping_at = 0.0, self._clock.monotonic() + HOUSEKEEPING_S
        while not self._stopping.is_set():
            now = self.beat_at = self._clock.monotonic()
            try:
                if self._wire is None and now >= next_try_at:
                    self._open()
                if now >= next_housekeeping_at:
                    next_housekeeping_at = now + HOUSEKEEPING_S
                    self._publisher.housekeep()
                self._turn(next_try_at)
            except BrokerLost as error:
                next_try_at = self._lost(str(error))
            except Exception as error:  # thread root: the link is made anew, whatever happened
                log.exception("the MQTT thread failed; connecting anew")
                self.counts["link_failed"] += 1
                next_try_at = self._lost(f"{type(error).__name__}: {error}")
        try:
            self._farewell()
        except Exception:  # thread root
            log.exception("MQTT could not be ended in order")

    def _open(self) -> None:
        self._seq += 1
        will = Will(self._topics.whole(topics.STATUS), encoded(self._status("offline")))
        self._wire = Wire(self._config, self._client_id, will)
        self._deadline = self._clock.monotonic() + CONNACK_DEADLINE_S + LONGEST_PAUSE_S
        self._wire.open()
        self._deadline = self._clock.monotonic() + CONNACK_DEADLINE_S

    def _turn(self, next_try_at: float) -> None:
        """Waits for something to happen and does what follows. Raises BrokerLost."""
        now = self._clock.monotonic()
        if self._wire is None:
            self._sleep(max(0.0, min(next_try_at - now, LONGEST_TURN_S)))
            return
        for signal in self._wire.turn(min(self._publisher.next_due_s(), LONGEST_TURN_S), self._wake_out):
            self._heard(signal)
        self._drain_wakes()
        if not self._connected and self._clock.monotonic() > self._deadline:
            raise BrokerLost(f"no answer to CONNECT within {CONNACK_DEADLINE_S:.0f} s")
        if self._connected:
            self._serve()

    def _serve(self) -> None:
        assert self._wire is not None
        while self._confirmed:
            wire, mid = self._confirmed.popleft()
            if wire is self._wire:
                self._wire.ack(mid)
        if self._rebirth.is_set():
            self._rebirth.clear()
            self._publisher.rebirth()
        if self._publisher.overdue():
            self.counts["puback_overdue"] += 1
            raise BrokerLost("a message was not acknowledged in time")
        self._pump()

    def _pump(self) -> None:
        try:
            self._publisher.pump()
            self._unreadable = False
        except StoreUnavailable as error:
            self.counts["outbox_unreadable"] += 1
            if not self._unreadable:
                log.error("the outbox cannot be read, alarms wait: %s", error)
            self._unreadable = True

    def _heard(self, signal: Signal) -> None:
        match signal:
            case Connected():
                self._on_connected(signal)
            case Acked():
                self._publisher.acked(signal)
            case Arrived():
                self._on_arrived(signal)
            case Subscribed():
                self._on_subscribed(signal)
            case Lost():
                raise BrokerLost(signal.reason)

    def _on_connected(self, connected: Connected) -> None:
        assert self._wire is not None
        wire = self._wire
        self._connected = True
        self._steady_at = self._clock.monotonic() + STEADY_S
        self.problem = connected.problem
        self.counts["connects"] += 1
        self.counts["sessions_forgotten"] += not connected.session and self.counts["connects"] > 1
        log.info("connected to %s%s", self._config.url, f"; {connected.problem}" if connected.problem else "")
        wire.subscribe(self._subscriptions())
        self._board.set(topics.STATUS, encoded(self._status("online")))
        self._publisher.connected(
            lambda topic, payload, retain, expiry_s, correlation: wire.publish(
                topic, payload, retain=retain, expiry_s=expiry_s, correlation=correlation
            ),
            connected.window,
            connected.max_packet_bytes,
            forgotten=not connected.session,
        )
        self._publisher.ask_who_listens(f"{topics.NOBODY}/{self.session}-{self._seq}")

    def _on_arrived(self, message: Arrived) -> None:
        if (self._topics.below(message.topic) or "").startswith("alarm/"):
            if message.retain and message.payload:
                self._remove_ghost(message.topic)
            return
        if message.topic.endswith("/presence"):
            self._publisher.listener_came()
        self._inbox.put(self._wire, message)

    def _remove_ghost(self, topic: str) -> None:
        """The broker holds an alarm that is over: closed while the broker was away, or restored from an old copy of it."""
        name = self._topics.below(topic) or ""
        try:
            held = self._store.read(lambda conn: outbox_db.newest(conn, name))
        except StoreUnavailable:
            self.counts["ghosts_unchecked"] += 1
            return
        if not held:
            self.counts["ghosts_removed"] += 1
            self._note(Note(topic, b"", retain=True, expiry_s=None))

    def _on_subscribed(self, signal: Subscribed) -> None:
        refused = [entry.pattern for entry, code in zip(self._subscriptions(), signal.codes, strict=False) if code >= 0x80]
        if refused:
            self.counts["subscriptions_refused"] += len(refused)
            self.problem = f"the broker refuses subscriptions: {', '.join(refused)}"
            log.error("%s", self.problem)

    def _subscriptions(self) -> tuple[Subscription, ...]:
        inbound = tuple(Subscription(self._topics.whole(pattern)) for pattern in topics.INBOUND)
        return (*inbound, Subscription(self._topics.whole(_WATCHED), watch=True))

    def _lost(self, reason: str) -> float:
        """Cleans up after a connection; returns when to try the next (monotonic)."""
        if self._wire is not None:
            self._wire.drop()
        if self._connected or self.problem != reason:
            log.warning("no broker at %s: %s%s", self._config.url, reason, _hint(reason))
        self.counts["disconnects" if self._connected else "connects_failed"] += 1
        if self._connected and self._clock.monotonic() >= self._steady_at:
            self._pause_s = FIRST_PAUSE_S
        self._wire, self._connected, self.problem = None, False, reason
        self._confirmed.clear()
        self._publisher.disconnected()
        pause_s = self._pause_s * random.uniform(0.5, 1.0)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)
        return self._clock.monotonic() + pause_s

    def _farewell(self) -> None:
        """Flushes what can be flushed, says goodbye, and ends the connection."""
        if self._wire is None or not self._connected:
            self._lost("stopped")
            return
        try:
            self._flush("stopping", FLUSH_S)
            self._flush(self._final_state, 1.0)
            self._wire.close()
        except BrokerLost as error:
            self._lost(str(error))
        self._connected = False

    def _flush(self, state: str, timeout_s: float) -> None:
        assert self._wire is not None
        self._board.set(topics.STATUS, encoded(self._status(state)))
        until = self._clock.monotonic() + timeout_s
        self._serve()
        while not self._publisher.idle() and (now := self._clock.monotonic()) < until:
            self.beat_at = now
            for signal in self._wire.turn(min(until - now, 0.1), self._wake_out):
                self._heard(signal)
            self._drain_wakes()
            self._serve()

    def _status(self, state: str) -> dict[str, Any]:
        return status_message(state, self.session, self._seq, utc_text(self._clock.now()))

    def _on_commit(self) -> None:
        self._publisher.look()
        self.wake()

    def _confirm(self, wire: object, message: Arrived) -> None:
        if message.qos:
            self._confirmed.append((wire, message.mid))
            self.wake()

    def _note(self, note: Note) -> None:
        self._publisher.note(note)

    def _sleep(self, timeout_s: float) -> None:
        """Until something is to be done; while offline only the end is."""
        self._stopping.wait(timeout_s)
        self._drain_wakes()

    def _drain_wakes(self) -> None:
        with suppress(BlockingIOError):
            while self._wake_out.recv(4096):
                continue


def _hint(reason: str) -> str:
    if "protocol version" in reason.lower():
        return '; the broker speaks no MQTT 5: set mqtt.protocol = "3.1.1"'
    if "taken over" in reason.lower():
        return "; another program uses the same client id: set mqtt.client_id"
    return ""
