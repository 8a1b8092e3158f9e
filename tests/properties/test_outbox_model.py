"""Whatever brokers answer and whenever connections break: the last state stands, and every transition is heard."""

from functools import partial
from typing import Any

import hypothesis.strategies as st
from hypothesis import given, settings
from wait import wait_for

from rfidguard import outbox_db
from rfidguard.clock import SystemClock
from rfidguard.mqtt_wire import Acked, BrokerLost
from rfidguard.outbox import OutboxRow
from rfidguard.publisher import Publisher
from rfidguard.state_board import StateBoard
from rfidguard.store import Store


class _Clock:
    """Runs ahead with every look, so that every pause is soon over."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return 1_800_000_000.0 + self.seconds

    def monotonic(self) -> float:
        self.seconds += 0.05
        return self.seconds


class _Broker:
    """What a broker holds and delivers. A message may be taken and its PUBACK lost."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.heard: list[bytes] = []
        self.unanswered: list[tuple[int, str, bytes]] = []
        self.connected = False
        self._mid = 0

    def send(self, topic: str, payload: bytes, retain: bool, _expiry_s: Any, _correlation: Any) -> int:
        if not self.connected:
            raise BrokerLost("gone")
        self._mid += 1
        self.unanswered.append((self._mid, topic, payload))
        if retain:
            self.retained[topic] = payload
        return self._mid

    def answer(self, publisher: Publisher, code: int) -> None:
        if self.unanswered:
            mid, topic, payload = self.unanswered.pop(0)
            if code == 0 and topic == "event/alarm":
                self.heard.append(payload)
            publisher.acked(Acked(mid, code))


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), st.integers(0, 4)),
        st.tuples(st.just("close"), st.integers(0, 4)),
        st.tuples(st.just("answer"), st.sampled_from([0x00, 0x00, 0x10, 0x87, 0x97])),
        st.tuples(st.sampled_from(["pump", "cut", "connect", "forget", "restart", "housekeep"]), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=25)
@given(_STEPS)
def test_nothing_is_lost_and_the_last_word_stands(steps: list[tuple[str, int]]) -> None:
    clock, broker = _Clock(), _Broker()
    with Store("sqlite://", SystemClock()) as store:
        publisher = _publisher(store, clock)
        expected: dict[str, bytes] = {}
        events: list[bytes] = []
        for number, (step, value) in enumerate(steps):
            match step:
                case "raise" | "close":
                    payload = b"" if step == "close" else f"{number}".encode()
                    event = f"event {number}".encode()
                    rows = [OutboxRow("event/alarm", event, False), OutboxRow(f"alarm/{value}", payload, True)]
                    store.write(partial(outbox_db.append, rows=rows, now=clock.now())).result(10)
                    publisher.look()
                    events.append(event)
                    expected[f"alarm/{value}"] = payload
                case "answer":
                    broker.answer(publisher, value)
                case "pump":
                    publisher.pump()
                case "cut":
                    _cut(publisher, broker)
                case "connect":
                    _connect(publisher, broker)
                case "forget":
                    _cut(publisher, broker)
                    broker.retained.clear()
                case "restart":
                    _cut(publisher, broker)
                    publisher = _publisher(store, clock)
                case "housekeep":
                    publisher.housekeep()
        _cut(publisher, broker)
        _connect(publisher, broker)
        wait_for(lambda: _drained(publisher, broker, store), what="an empty outbox")
        held = {topic: payload for topic, payload in broker.retained.items() if payload}
        assert held == {topic: payload for topic, payload in expected.items() if payload}
        assert set(broker.heard) == set(events)


def _publisher(store: Store, clock: _Clock) -> Publisher:
    return Publisher(store, StateBoard(), lambda topic: topic, clock, lambda: None)


def _connect(publisher: Publisher, broker: _Broker) -> None:
    if not broker.connected:
        broker.connected = True
        publisher.connected(broker.send, 5, None)


def _cut(publisher: Publisher, broker: _Broker) -> None:
    broker.connected = False
    broker.unanswered.clear()
    publisher.disconnected()


def _drained(publisher: Publisher, broker: _Broker, store: Store) -> bool:
    publisher.look()
    publisher.pump()
    while broker.unanswered:
        broker.answer(publisher, 0x00)
    publisher.pump()
    return not store.read(outbox_db.depth).rows and not broker.unanswered and not store.waiting()
