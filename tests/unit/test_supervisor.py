"""The supervisor, with small real drivers that end in every way a driver can."""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from wait import wait_for

from rfidguard.clock import SystemClock
from rfidguard.driver import Emit, Orders, SetOutput, Stop
from rfidguard.errors import DeviceLost
from rfidguard.events import Device, Eas, OutputDone, Read, ReadBatch
from rfidguard.order_queue import CAPACITY
from rfidguard.supervisor import Supervisor

CLOCK = SystemClock()
Run = Callable[[int, Emit, Stop, Orders], None]


class Scripted:
    """A driver whose runs are a function of their number (from 1)."""

    device = "dev"

    def __init__(self, run: Run) -> None:
        self.rejects: Counter[str] = Counter()
        self.runs = 0
        self._run = run

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        self.runs += 1
        self._run(self.runs, emit, stop, orders)


@contextmanager
def supervised(run: Run, emit: Callable[[Any], None] | None = None) -> Iterator[tuple[Supervisor, list[Any]]]:
    events: list[Any] = []
    supervisor = Supervisor(Scripted(run), "scripted", emit or events.append, CLOCK, jitter=lambda: 0.0)
    supervisor.start()
    try:
        yield supervisor, events
    finally:
        assert supervisor.stop(10.0)


def online() -> Device:
    return Device(at=CLOCK.now(), device="dev", state="online")


def states(events: list[Any]) -> list[tuple[str, str | None]]:
    return [(event.state, event.reason) for event in events if isinstance(event, Device)]


def until_stopped(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
    emit(online())
    while not stop.wait(0.05):
        pass


def test_lost_device_is_run_again_and_told_once_per_change() -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        if number in (1, 4):
            emit(online())
        if number < 6:
            raise DeviceLost(f"away {number}")
        stop.wait()

    with supervised(run) as (supervisor, events):
        wait_for(lambda: supervisor.driver.runs == 6)  # type: ignore[attr-defined]
        assert states(events) == [("online", None), ("offline", "away 1"), ("online", None), ("offline", "away 4")]
        assert (supervisor.state, supervisor.reason) == ("offline", "away 5")
        assert supervisor.counts["restarts"] == supervisor.counts["lost"] == 5


def test_device_that_was_never_there_is_offline_once() -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        raise DeviceLost("refused")

    with supervised(run) as (supervisor, events):
        wait_for(lambda: supervisor.counts["restarts"] >= 2)
    assert states(events) == [("offline", "refused")]


def test_fault_in_a_driver_is_logged_with_its_traceback_counted_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        emit(online())
        if number == 1:
            raise KeyError("nonsense")
        stop.wait()

    with caplog.at_level(logging.ERROR), supervised(run) as (supervisor, events):
        wait_for(lambda: len(states(events)) == 3)
        assert states(events)[1] == ("offline", "fault in the driver: KeyError: 'nonsense'")
        assert supervisor.counts["crashes"] == 1
    assert any(record.exc_info and record.exc_info[0] is KeyError for record in caplog.records)


def test_driver_that_returns_unasked_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        if number > 1:
            until_stopped(number, emit, stop, orders)

    with supervised(run) as (_, events):
        wait_for(lambda: ("online", None) in states(events))
        assert states(events)[0] == ("offline", "the driver ended by itself")


def test_pauses_double_up_to_a_second() -> None:
    starts: list[float] = []

    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        starts.append(CLOCK.monotonic())
        raise DeviceLost("away")

    with supervised(run):
        wait_for(lambda: len(starts) == 5)
    pauses = [b - a for a, b in pairwise(starts)]
    # With the smallest jitter: half of 0.2, 0.4, 0.8 and 1.0 s.
    assert all(pause >= least for pause, least in zip(pauses, (0.1, 0.2, 0.4, 0.5), strict=True))


def test_same_state_is_told_once() -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        emit(online())
        emit(online())
        emit(Device(at=CLOCK.now(), device="dev", state="degraded", reason="one"))
        emit(Device(at=CLOCK.now(), device="dev", state="degraded", reason="two"))
        stop.wait()

    with supervised(run) as (supervisor, events):
        wait_for(lambda: len(states(events)) == 3)
        assert states(events) == [("online", None), ("degraded", "one"), ("degraded", "two")]
        assert supervisor.counts["said_twice"] == 1


def test_events_and_reads_are_counted() -> None:
    read = Read(at=1.0, gate="g", reader="dev", antenna=1, epc="30AA", rssi_dbm=-50.0)

    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        emit(ReadBatch((read, read)))
        emit(read)
        emit(Eas(at=1.0, gate="g", pedestal="dev", kind="alarm"))
        stop.wait()

    with supervised(run) as (supervisor, events):
        wait_for(lambda: len(events) == 3)
        assert (supervisor.counts["reads"], supervisor.counts["events"]) == (3, 4)


def test_driver_that_asks_stop_beats_and_one_that_hangs_does_not() -> None:
    hang, free = threading.Event(), threading.Event()

    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        while not stop.is_set():
            if hang.is_set():
                free.wait()
                return
            stop.wait(0.01)

    with supervised(run) as (supervisor, _):
        first = supervisor.beat_at
        wait_for(lambda: supervisor.beat_at > first)
        hang.set()
        wait_for(lambda: CLOCK.monotonic() - supervisor.beat_at > 0.3)
        assert supervisor.is_alive()
        assert not supervisor.stop(0.05)
        free.set()


def test_waiting_for_orders_beats_too() -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        while not stop.wait(0):
            try:
                orders.get(timeout=0.01)
            except queue.Empty:
                continue

    with supervised(run) as (supervisor, _):
        first = supervisor.beat_at
        wait_for(lambda: supervisor.beat_at > first)


def test_stop_before_start_is_no_harm() -> None:
    assert Supervisor(Scripted(until_stopped), "scripted", list[Any]().append, CLOCK).stop()


def test_order_reaches_the_driver() -> None:
    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        order = orders.get(timeout=10)
        assert isinstance(order, SetOutput)
        emit(OutputDone(at=1.0, device="dev", id=order.id, pin=order.pin, on=True, ok=True))
        stop.wait()

    with supervised(run) as (supervisor, events):
        assert supervisor.order(SetOutput("a", 1, 5))
        wait_for(lambda: [event.id for event in events if isinstance(event, OutputDone)] == ["a"])


def test_siren_ordered_while_the_device_is_away_is_answered_and_never_switched_late() -> None:
    back = threading.Event()

    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        if not back.is_set():
            raise DeviceLost("cable out")
        emit(online())
        with pytest.raises(queue.Empty):
            orders.get_nowait()
        stop.wait()

    with supervised(run) as (supervisor, events):
        wait_for(lambda: supervisor.state == "offline")
        supervisor.order(SetOutput("a", 1, 5))
        wait_for(lambda: any(isinstance(event, OutputDone) for event in events))
        back.set()
        wait_for(lambda: supervisor.state == "online")
    done = [event for event in events if isinstance(event, OutputDone)]
    assert [(event.id, event.ok, event.reason) for event in done] == [("a", False, "dev is offline: cable out")]
    assert supervisor.counts["crashes"] == 0


def test_what_does_not_fit_is_refused_counted_and_answered_once_by_the_device_thread() -> None:
    busy, threads = threading.Event(), set()
    events: list[Any] = []

    def emit(event: Any) -> None:
        threads.add(threading.current_thread().name)
        events.append(event)

    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        emit(online())
        busy.wait(10)
        while not stop.wait(0.01):
            pass

    with supervised(run, emit) as (supervisor, _):
        taken = [supervisor.order(SetOutput(str(number), 1, 1)) for number in range(CAPACITY + 3)]
        assert taken.count(False) == 3
        busy.set()
        wait_for(lambda: sum(isinstance(event, OutputDone) for event in events) >= 3)
        assert supervisor.orders.lost == {"full_setoutput": 3}
    refused = [event for event in events if isinstance(event, OutputDone) and "too many" in (event.reason or "")]
    assert [(event.id, event.ok) for event in refused] == [(str(CAPACITY + extra), False) for extra in range(3)]
    assert threads == {"device dev"}


def test_every_order_left_at_the_end_is_answered() -> None:
    with supervised(until_stopped) as (supervisor, events):
        wait_for(lambda: supervisor.state == "online")
        supervisor.order(SetOutput("late", 1, 1))
    assert [event.id for event in events if isinstance(event, OutputDone)] == ["late"]


def test_threads_of_a_driver_never_emit_at_the_same_time() -> None:
    inside, worst = [0], [0]

    def emit(event: Any) -> None:
        inside[0] += 1
        worst[0] = max(worst[0], inside[0])
        threading.Event().wait(0.001)
        inside[0] -= 1

    def run(number: int, emit: Emit, stop: Stop, orders: Orders) -> None:
        def shout() -> None:
            for _ in range(20):
                emit(Eas(at=1.0, gate="g", pedestal="dev", kind="alarm"))

        threads = [threading.Thread(target=shout) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stop.wait()

    with supervised(run, emit) as (supervisor, _):
        wait_for(lambda: supervisor.counts["events"] == 80)
    assert worst == [1]


def test_device_that_is_told_to_stop_is_offline_from_then_on() -> None:
    with supervised(until_stopped) as (supervisor, events):
        wait_for(lambda: supervisor.state == "online")
    assert [event.state for event in events if isinstance(event, Device)] == ["online", "offline"]
    assert supervisor.reason == "rfidguard is stopping"
