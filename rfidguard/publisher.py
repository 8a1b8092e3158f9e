"""What goes out, and when it counts as done. The MQTT thread owns it; others only fill the board, the notes and the database.

A PUBACK is not a person. `event/alarm` is what rings a handheld, so there reason 0x10 (no matching subscribers) means not
delivered: the topic pauses, its oldest row probes again after 0.5 s, later up to 15 s, and `no_listener` says so. A retained
topic is stored by the broker for whoever comes, so there 0x10 is as good as 0x00. What the broker refuses for good (not
authorised, bad format) is parked and tried again once a minute and on every connect. What is not acknowledged stays in the
database, so nothing here needs to survive.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import msgspec
from sqlalchemy import Connection

from rfidguard import crash_points, outbox_db
from rfidguard.alarm import first_id
from rfidguard.clock import Clock
from rfidguard.mqtt_wire import Acked
from rfidguard.outbox_db import StoredRow
from rfidguard.state_board import StateBoard
from rfidguard.store import FOR_EVER, Store

log = logging.getLogger(__name__)

PUBACK_DEADLINE_S = 5.0
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 15.0
LOST_ON_THE_WAY_S = 60.0
"""A broker that died takes with it what it had acknowledged and not yet handed on; what is older was heard or is stale."""
LIVE_S = 180.0
"""Alarms raised within this time go before a backlog; of one alarm everything stays in order."""
MAX_NOTES = 1_000
_LOAD = 64
_NO_SUBSCRIBERS = 0x10
_REFUSED_FOR_GOOD = {0x87: "not_authorised", 0x90: "bad_topic", 0x99: "bad_payload"}
_FAILURE = 0x80


class Note(msgspec.Struct, frozen=True):
    """A message that is not worth a database row: a reply, a device's transition. Kept over a short outage, in RAM only."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: float | None = 600.0
    correlation: bytes | None = None


class _Sent(msgspec.Struct, frozen=True):
    what: StoredRow | Note | str
    topic: str
    at: float
    probe: bool = False


class _Pause(msgspec.Struct):
    delay_s: float
    until: float
    since: float
    reason: str
    probing: bool = False


Send = Callable[[str, bytes, bool, float | None, bytes | None], int]
"""(whole topic, payload, retain, expiry_s, correlation) -> mid. Raises BrokerLost."""


class Publisher:
    """At most `window` messages on their way at once. `counts`: what was published, retried, refused, dropped, by reason."""

    def __init__(
        self, store: Store, board: StateBoard, whole: Callable[[str], str], clock: Clock, wake: Callable[[], None]
    ) -> None:
        """`whole`: topic below the root -> whole topic. `wake`: makes the owner's thread call `pump` soon."""
        self._store = store
        self._board = board
        self._whole = whole
        self._clock = clock
        self._wake = wake
        self._send: Send | None = None
        self._window = 0
        self._max_payload_bytes: int | None = None
        self._flying: dict[int, _Sent] = {}
        self._rows: deque[StoredRow] = deque()
        self._settling: set[int] = set()
        self._settled: deque[frozenset[int]] = deque()
        self._acked: list[int] = []
        self._pauses: dict[str, _Pause] = {}
        self._look = True
        self._question: Note | None = None
        self.tells_no_listener: bool | None = None
        """Whether the broker says so when nobody listens; None until it has shown."""
        self.notes: deque[Note] = deque()
        self.counts: Counter[str] = Counter()

    def connected(self, send: Send, window: int, max_packet_bytes: int | None, forgotten: bool = False) -> None:
        """A new connection: everything retained is announced anew, parked rows get another chance.

        `forgotten`: the broker does not know us any more, so the transitions that it took last are sent again as well.
        """
        self._send, self._window, self._max_payload_bytes = send, window, max_packet_bytes
        self._pauses.clear()
        if forgotten:
            since = self._clock.now() - LOST_ON_THE_WAY_S
            done = self._store.write(partial(outbox_db.reopen_transitions, since=since), FOR_EVER)
            done.add_done_callback(partial(self._count_reopened, "sent_again"))
        self.rebirth()

    def disconnected(self) -> None:
        """The connection is gone: what was on its way is unsent again."""
        self._send = None
        for sent in reversed(self._flying.values()):
            if isinstance(sent.what, Note):
                self.notes.appendleft(sent.what)
            elif isinstance(sent.what, str):
                self._board.again(sent.what)
        self._flying.clear()
        self._rows.clear()
        self._look = True
        self._settle()

    def rebirth(self) -> None:
        """Everything retained is published again: all open alarms, the index, every status."""
        self._board.all_again()
        self._store.write(outbox_db.reopen_retained, FOR_EVER).add_done_callback(partial(self._count_reopened, "announced_again"))
        self._unpark()

    def note(self, note: Note) -> None:
        """Any thread: publishes `note` soon. Where too many wait the oldest goes."""
        while len(self.notes) >= MAX_NOTES:
            self.notes.popleft()
            self.counts["notes_dropped"] += 1
        self.notes.append(note)
        self._wake()

    def ask_who_listens(self, topic: str) -> None:
        """Publishes to a topic that nobody has: a broker that does not answer "no matching subscribers" never will."""
        self.tells_no_listener = None
        self._question = Note(self._whole(topic), b"{}", expiry_s=1.0)
        self.note(self._question)

    def look(self) -> None:
        """There may be new rows in the database."""
        self._look = True

    def listener_came(self) -> None:
        """Somebody may listen now: paused topics are tried at once."""
        for pause in self._pauses.values():
            pause.until = self._clock.monotonic()

    def pump(self) -> None:
        """Sends what may be sent. Raises BrokerLost; StoreUnavailable where the outbox cannot be read now."""
        self._note_settled()
        self._look = self._look or any(self._is_due(pause) for pause in self._pauses.values())
        while self._send is not None and len(self._flying) < self._window:
            if not (self._pump_board(urgent=True) or self._pump_note() or self._pump_row() or self._pump_board(urgent=False)):
                break
        self._settle()

    def acked(self, ack: Acked) -> None:
        """The broker answered."""
        sent = self._flying.pop(ack.mid, None)
        if sent is None:
            self.counts["puback_unknown"] += 1
        elif ack.code >= _FAILURE:
            self._refused(sent, ack)
        elif ack.code == _NO_SUBSCRIBERS and isinstance(sent.what, StoredRow) and not sent.what.row.retain:
            self.counts["no_subscribers"] += 1
            self._pause(sent, "no_listener")
        else:
            self._delivered(sent, ack)

    def overdue(self) -> bool:
        """True where the broker owes an answer for longer than PUBACK_DEADLINE_S."""
        oldest = next(iter(self._flying.values()), None)
        return oldest is not None and self._clock.monotonic() - oldest.at > PUBACK_DEADLINE_S

    def next_due_s(self) -> float:
        """Seconds until `pump` or `overdue` should be asked again, if nothing else happens."""
        now = self._clock.monotonic()
        dues = [pause.until for pause in self._pauses.values() if not pause.probing]
        if self._flying:
            dues.append(next(iter(self._flying.values())).at + PUBACK_DEADLINE_S)
        return max(0.0, min(dues, default=now + 60.0) - now)

    def housekeep(self) -> None:
        """Once a minute: forgets what is over, keeps within bounds, gives parked rows another chance."""
        self._unpark()
        self._store.write(partial(_housekeep, now=self._clock.now())).add_done_callback(self._count_dropped)

    def no_listener_since(self) -> float | None:
        """Monotonic seconds since when nobody listens for alarms; None while somebody does."""
        return min((pause.since for pause in self._pauses.copy().values() if pause.reason == "no_listener"), default=None)

    def idle(self) -> bool:
        """True where nothing is on its way and nothing waits that could be sent now."""
        return not (self._flying or self._rows or self.notes or self._look or self._acked) and self._board.idle()

    def _pump_board(self, urgent: bool) -> bool:
        entry = self._board.next(urgent)
        if entry is None:
            return False
        topic, payload = entry
        return self._dispatch(topic, topic, payload, retain=True)

    def _pump_note(self) -> bool:
        if not self.notes:
            return False
        note = self.notes.popleft()
        return self._dispatch(note, note.topic, note.payload, note.retain, note.expiry_s, correlation=note.correlation)

    def _pump_row(self) -> bool:
        stored = self._next_row()
        if stored is None:
            return False
        row, expiry_s = stored.row, stored.row.expiry_s
        if expiry_s is not None:
            expiry_s -= max(0.0, self._clock.now() - stored.created_at)
            if expiry_s <= 0:
                self.counts["expired"] += 1
                self._acked.append(stored.id)
                return True
        pause = self._pauses.get(row.topic)
        if pause is not None:
            self._probe(row.topic, pause)
        return self._dispatch(stored, row.topic, row.payload, row.retain, expiry_s, probe=pause is not None)

    def _next_row(self) -> StoredRow | None:
        """The next row that may go now; the database is asked again where those at hand must all wait."""
        while True:
            while self._rows:
                stored = self._rows.popleft()
                if stored.row.topic not in self._held():
                    return stored
                self._look = True
            if not self._look:
                return None
            self._load()
            if not self._rows:
                return None

    def _load(self) -> None:
        flying = {sent.what.id for sent in self._flying.values() if isinstance(sent.what, StoredRow)}
        without = flying | self._settling | set(self._acked)
        live_from = first_id(max(0.0, self._clock.now() - LIVE_S))
        read = partial(outbox_db.open_rows, limit=_LOAD, without=without, topics_held=self._held(), live_from=live_from)
        due = {topic for topic, pause in self._pauses.items() if self._is_due(pause)}
        self._look = False  # before the read: a commit after it sets the flag again
        try:
            self._rows.extend(self._store.read(read))
        except BaseException:
            self._look = True
            raise
        if len(self._rows) == _LOAD:
            self._look = True
        else:
            for topic in due - {stored.row.topic for stored in self._rows}:
                del self._pauses[topic]

    def _held(self) -> set[str]:
        return {topic for topic, pause in self._pauses.items() if not self._is_due(pause)}

    def _is_due(self, pause: _Pause) -> bool:
        return not pause.probing and self._clock.monotonic() >= pause.until

    def _probe(self, topic: str, pause: _Pause) -> None:
        """One row tries whether anybody listens now; the others of its topic stay in the database until it is answered."""
        pause.probing = True
        self._rows = deque(stored for stored in self._rows if stored.row.topic != topic)
        self._look = True

    def _dispatch(
        self,
        what: StoredRow | Note | str,
        topic: str,
        payload: bytes,
        retain: bool,
        expiry_s: float | None = None,
        *,
        correlation: bytes | None = None,
        probe: bool = False,
    ) -> bool:
        whole = topic if isinstance(what, Note) else self._whole(topic)
        sent = _Sent(what, topic, self._clock.monotonic(), probe)
        if self._max_payload_bytes is not None and len(payload) + len(whole.encode()) + 64 > self._max_payload_bytes:
            self._refused(sent, Acked(0, 0x99, "larger than the broker takes"))
            return True
        assert self._send is not None
        if isinstance(what, StoredRow):
            crash_points.reached("before_publish")
        try:
            mid = self._send(whole, payload, retain, expiry_s, correlation)
        except BaseException:
            self._flying[-1] = sent  # `disconnected` puts it back
            raise
        self._flying[mid] = sent
        if isinstance(what, StoredRow):
            crash_points.reached("after_publish")
        return True

    def _delivered(self, sent: _Sent, ack: Acked) -> None:
        if isinstance(sent.what, StoredRow):
            crash_points.reached("after_puback")
            self._acked.append(sent.what.id)
            self.counts["published"] += 1
        elif sent.what is self._question:
            self._answered(ack.code == _NO_SUBSCRIBERS)
        elif isinstance(sent.what, Note):
            self.counts["notes_unheard" if ack.code == _NO_SUBSCRIBERS else "notes_published"] += 1
        else:
            self.counts["states_published"] += 1
        pause = self._pauses.pop(sent.topic, None)
        if pause is not None:
            log.info("%s is heard again", sent.topic)
            self._look = True

    def _answered(self, tells: bool) -> None:
        self.tells_no_listener = tells
        if not tells:
            log.warning("the broker does not tell when nobody listens (or somebody listens to everything): receipts alone count")

    def _refused(self, sent: _Sent, ack: Acked) -> None:
        reason = _REFUSED_FOR_GOOD.get(ack.code)
        self.counts[f"refused_{reason or f'0x{ack.code:02x}'}"] += 1
        if isinstance(sent.what, Note):
            log.warning("the broker refused a message on %s: %s", sent.topic, ack.reason)
        elif isinstance(sent.what, str):
            log.error("the broker refuses the state %s: %s", sent.topic, ack.reason)
            self._board.hold(sent.topic)
        elif reason is None:
            self._pause(sent, f"refused: {ack.reason}")
        else:
            log.error("the broker refuses %s (%s): is the access list right? It is tried again in a minute", sent.topic, reason)
            self._settling.add(sent.what.id)
            self._write(partial(outbox_db.park, row_id=sent.what.id, reason=reason), frozenset({sent.what.id}))

    def _pause(self, sent: _Sent, reason: str) -> None:
        """Stops the topic for a while. Only the answer to a probe makes the pause longer."""
        assert isinstance(sent.what, StoredRow)
        now = self._clock.monotonic()
        pause = self._pauses.get(sent.topic)
        if pause is None:
            log.warning("%s: %s; trying again", sent.topic, "nobody listens" if reason == "no_listener" else reason)
            self._pauses[sent.topic] = _Pause(FIRST_RETRY_S, now + FIRST_RETRY_S, now, reason)
        elif sent.probe:
            pause.delay_s = min(pause.delay_s * 2, LONGEST_RETRY_S)
            pause.until, pause.reason, pause.probing = now + pause.delay_s, reason, False
        self._look = True
        self._store.write(partial(outbox_db.count_attempt, ids=[sent.what.id]))

    def _settle(self) -> None:
        if self._acked:
            ids, self._acked = frozenset(self._acked), []
            self._settling |= ids
            self._write(partial(outbox_db.mark_done, ids=ids, now=self._clock.now()), ids)

    def _write(self, job: Callable[..., None], ids: frozenset[int]) -> None:
        """Commits what became of rows; until then they are in `_settling`, and afterwards the database knows."""
        self._store.write(job, FOR_EVER).add_done_callback(partial(self._committed, ids))

    def _committed(self, ids: frozenset[int], done: "Future[None]") -> None:
        error = done.exception()
        if error is None:
            self._settled.append(ids)
            self._wake()
        else:  # not settled: sent once, and again after a restart, but not again and again
            log.error("outbox: %d rows could not be settled: %s", len(ids), error)
            self.counts["unsettled"] += len(ids)

    def _note_settled(self) -> None:
        while self._settled:
            self._settling -= self._settled.popleft()

    def _unpark(self) -> None:
        self._board.release()
        self._store.write(outbox_db.unpark, FOR_EVER).add_done_callback(self._released)

    def _released(self, _done: "Future[int]") -> None:
        self._look = True
        self._wake()

    def _count_reopened(self, reason: str, done: "Future[int]") -> None:
        if done.exception() is None:
            self.counts[reason] += done.result()
        else:
            log.error("outbox: nothing could be %s: %s", reason.replace("_", " "), done.exception())

    def _count_dropped(self, done: "Future[Counter[str]]") -> None:
        if done.exception() is None:
            self.counts.update(done.result())


def _housekeep(conn: Connection, now: float) -> Counter[str]:
    expired = outbox_db.expire(conn, now)
    outbox_db.purge(conn, now)
    return +(outbox_db.trim(conn) + Counter(expired=expired))
