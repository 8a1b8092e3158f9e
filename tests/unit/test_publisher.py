"""What the publisher does with each answer of a broker, on a real database and with the time in the test's hands."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from alarms import T0
from wait import wait_for

from rfidguard import outbox_db
from rfidguard.clock import SystemClock
from rfidguard.mqtt_wire import Acked, BrokerLost
from rfidguard.outbox import OutboxRow
from rfidguard.publisher import MAX_NOTES, Note, Publisher
from rfidguard.state_board import StateBoard
from rfidguard.store import Store

OK, NOBODY, DENIED, QUOTA = 0x00, 0x10, 0x87, 0x97


class HandClock:
    """Moves when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return T0 + self.seconds

    def monotonic(self) -> float:
        return self.seconds


class Bench:
    """A publisher and the broker's end of its wire: `sent` in order, `answer` acknowledges the oldest."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = HandClock()
        self.board = StateBoard(first=("status",))
        self.publisher = Publisher(store, self.board, lambda topic: topic, self.clock, lambda: None)
        self.sent: list[tuple[str, bytes, float | None]] = []
        self.broken = False
        self._open: list[int] = []
        self._mid = 0

    def connect(self, window: int = 20, max_packet_bytes: int | None = None) -> None:
        self.publisher.connected(self._send, window, max_packet_bytes)
        self.settle()

    def append(self, *rows: OutboxRow) -> None:
        self.store.write(partial(outbox_db.append, rows=rows, now=self.clock.now())).result(10)
        self.publisher.look()

    def pump(self) -> list[tuple[str, bytes, float | None]]:
        """What this pump sent."""
        before = len(self.sent)
        self.publisher.pump()
        return self.sent[before:]

    def answer(self, code: int = OK) -> None:
        self.publisher.acked(Acked(self._open.pop(0), code, "reason"))

    def answer_all(self, code: int = OK) -> None:
        while self._open:
            self.answer(code)

    def settle(self) -> None:
        """Until everything that was handed to the database is in it."""
        self.publisher.pump()
        self.store.write(lambda _conn: None).result(10)
        wait_for(lambda: not self.store.waiting())
        self.publisher.look()

    def depth(self) -> outbox_db.Depth:
        return self.store.read(outbox_db.depth)

    def _send(self, topic: str, payload: bytes, _retain: bool, expiry_s: float | None, _correlation: bytes | None) -> int:
        if self.broken:
            raise BrokerLost("cut")
        self._mid += 1
        self._open.append(self._mid)
        self.sent.append((topic, payload, expiry_s))
        return self._mid


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Store(f"sqlite:///{tmp_path / 'rfidguard.db'}", SystemClock()) as store:
        yield Bench(store)


def event(text: str, expiry_s: float | None = None) -> OutboxRow:
    return OutboxRow("event/alarm", text.encode(), False, expiry_s, "A")


def state(text: str, topic: str = "alarm/A") -> OutboxRow:
    return OutboxRow(topic, text.encode(), True, None, "A")


def payloads(sent: list[tuple[str, bytes, float | None]]) -> list[str]:
    return [payload.decode() for _, payload, _ in sent]


def test_nothing_is_sent_before_there_is_a_connection(bench: Bench) -> None:
    bench.append(event("1"))
    assert bench.pump() == []


def test_no_more_than_the_window_is_on_its_way(bench: Bench) -> None:
    bench.append(*(event(str(number)) for number in range(30)))
    bench.publisher.connected(bench._send, 20, None)
    assert len(bench.pump()) == 20
    bench.answer()
    assert payloads(bench.pump()) == ["20"]


def test_status_goes_before_alarms_and_other_states_after(bench: Bench) -> None:
    bench.append(event("alarm"))
    bench.board.set("health", b"health")
    bench.board.set("status", b"status")
    bench.publisher.connected(bench._send, 20, None)
    assert payloads(bench.pump()) == ["status", "alarm", "health"]


def test_an_acknowledged_row_is_done(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.answer()
    bench.settle()
    assert bench.depth().rows == 0
    assert bench.pump() == []


def test_what_was_not_acknowledged_is_sent_again_after_a_reconnect(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"), event("2"))
    bench.pump()
    bench.answer()
    bench.settle()
    bench.publisher.disconnected()
    bench.publisher.connected(bench._send, 20, None)
    assert payloads(bench.pump()) == ["2"]


def test_a_connection_that_breaks_while_sending_loses_nothing(bench: Bench) -> None:
    bench.connect()
    bench.broken = True
    bench.publisher.note(Note("event/device", b"note"))
    with pytest.raises(BrokerLost):
        bench.pump()
    bench.publisher.disconnected()
    bench.broken = False
    bench.publisher.connected(bench._send, 20, None)
    assert "note" in payloads(bench.pump())


def test_nobody_listening_pauses_events_and_probes_with_one_row_ever_slower(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"), event("2"), event("3"))
    bench.pump()
    bench.answer_all(NOBODY)
    assert bench.publisher.no_listener_since() == 0.0
    waits = []
    for _ in range(7):
        assert bench.pump() == []
        waits.append(bench.publisher.next_due_s())
        bench.clock.seconds += waits[-1]
        assert payloads(bench.pump()) == ["1"]
        bench.answer(NOBODY)
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0]


def test_the_first_listener_gets_everything_in_order(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"), event("2"))
    bench.pump()
    bench.answer_all(NOBODY)
    bench.clock.seconds += 1
    bench.pump()
    bench.answer(OK)
    assert payloads(bench.pump()) == ["2"]
    assert bench.publisher.no_listener_since() is None


def test_a_handheld_that_comes_ends_the_pause_at_once(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.answer(NOBODY)
    assert bench.pump() == []
    bench.publisher.listener_came()
    assert payloads(bench.pump()) == ["1"]


def test_a_retained_topic_that_nobody_hears_is_stored_by_the_broker_and_done(bench: Bench) -> None:
    bench.connect()
    bench.append(state("x"))
    bench.pump()
    bench.answer(NOBODY)
    bench.settle()
    assert bench.depth().rows == 0


def test_nobody_listening_holds_up_no_other_topic(bench: Bench) -> None:
    bench.connect()
    bench.append(*(event(str(number)) for number in range(100)), state("standing"))
    bench.pump()
    bench.answer_all(NOBODY)
    assert payloads(bench.pump()) == ["standing"]


def test_a_refused_row_is_parked_and_tried_again_a_minute_later(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.answer(DENIED)
    bench.settle()
    assert bench.depth().parked == {"not_authorised": 1}
    assert bench.pump() == []
    bench.publisher.housekeep()
    bench.settle()
    assert payloads(bench.pump()) == ["1"]


def test_a_released_row_goes_at_once_and_waits_for_no_other(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.answer(DENIED)
    bench.settle()
    assert bench.pump() == []
    bench.publisher.housekeep()
    wait_for(lambda: payloads(bench.pump()) == ["1"], what="the released row")


def test_a_refused_row_gets_another_chance_on_every_connect(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.answer(DENIED)
    bench.settle()
    bench.publisher.disconnected()
    bench.connect()
    bench.pump()
    assert payloads(bench.sent) == ["1", "1"]


def test_a_quota_is_waited_out_not_parked(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.answer(QUOTA)
    assert bench.pump() == []
    assert bench.publisher.no_listener_since() is None
    bench.clock.seconds += 1
    assert payloads(bench.pump()) == ["1"]


def test_a_refused_state_is_not_sent_again_and_again(bench: Bench) -> None:
    bench.connect()
    bench.board.set("health", b"h")
    bench.pump()
    bench.answer(DENIED)
    assert bench.pump() == []
    bench.publisher.housekeep()
    assert payloads(bench.pump()) == ["h"]


def test_an_event_carries_the_time_that_it_has_left(bench: Bench) -> None:
    bench.append(event("1", expiry_s=100))
    bench.clock.seconds += 60
    bench.publisher.connected(bench._send, 20, None)
    assert bench.pump()[0][2] == 40


def test_an_event_past_its_time_is_not_sent_and_counted(bench: Bench) -> None:
    bench.append(event("1", expiry_s=100))
    bench.clock.seconds += 101
    bench.connect()
    bench.settle()
    assert bench.sent == []
    assert bench.publisher.counts["expired"] == 1
    assert bench.depth().rows == 0


def test_what_the_broker_cannot_take_is_parked_unsent(bench: Bench) -> None:
    bench.append(event("x" * 2000))
    bench.connect(max_packet_bytes=1000)
    bench.settle()
    assert bench.sent == []
    assert bench.depth().parked == {"bad_payload": 1}


def test_too_many_notes_drop_the_oldest_and_are_counted(bench: Bench) -> None:
    for number in range(MAX_NOTES + 3):
        bench.publisher.note(Note("event/device", str(number).encode()))
    bench.connect()
    assert bench.sent[0][1] == b"3"
    assert bench.publisher.counts["notes_dropped"] == 3


def test_an_answer_that_is_missing_is_overdue_after_five_seconds(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    bench.pump()
    bench.clock.seconds += 4.9
    assert not bench.publisher.overdue()
    bench.clock.seconds += 0.2
    assert bench.publisher.overdue()


def test_a_broker_that_answers_what_was_never_asked_changes_nothing(bench: Bench) -> None:
    bench.connect()
    bench.publisher.acked(Acked(77, OK))
    assert bench.publisher.counts["puback_unknown"] == 1


def test_idle_means_that_nothing_is_left_to_say(bench: Bench) -> None:
    bench.connect()
    bench.append(event("1"))
    assert not bench.publisher.idle()
    bench.pump()
    assert not bench.publisher.idle()
    bench.answer()
    bench.settle()
    wait_for(_pumped(bench, bench.publisher.idle))


def _pumped(bench: Bench, condition: Callable[[], bool]) -> Callable[[], bool]:
    def check() -> bool:
        bench.publisher.pump()
        return condition()

    return check
