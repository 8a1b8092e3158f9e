"""The queue into the core: what it drops when it is full, and what waits."""

import threading

from wait import wait_for
from walks import T0, leave, own

from rfidguard.events import ReadBatch, Tick
from rfidguard.inlet import Inlet

BATCH = ReadBatch(tuple(leave(own(1))))


def test_reads_that_do_not_fit_are_dropped_and_counted() -> None:
    inlet = Inlet(2)
    for _ in range(3):
        inlet.emit(BATCH)
    assert inlet.depth() == 2
    assert inlet.counts["reads_dropped"] == len(BATCH.reads)
    assert [inlet.take(0.0), inlet.take(0.0), inlet.take(0.0)] == [BATCH.reads, BATCH.reads, ()]


def test_anything_else_waits_for_room_and_comes_after_what_waited_before() -> None:
    inlet = Inlet(2)
    inlet.emit(BATCH)
    inlet.emit(BATCH)
    ticks = [Tick(at=T0 + number) for number in range(5)]
    threads = [threading.Thread(target=inlet.emit, args=(tick,), daemon=True) for tick in ticks]
    for thread in threads:
        thread.start()
    taken = [inlet.take(30.0) for _ in range(2 + len(ticks))]
    assert taken[:2] == [BATCH.reads, BATCH.reads]
    assert sorted(event.at for events in taken[2:] for event in events) == [tick.at for tick in ticks]
    wait_for(lambda: not any(thread.is_alive() for thread in threads), what="the threads that waited")
    assert inlet.depth() == 0


def test_nothing_is_lost_between_many_threads_and_a_full_queue() -> None:
    inlet, each = Inlet(3), 500
    threads = [
        threading.Thread(
            target=lambda first: [inlet.emit(Tick(at=first + n)) for n in range(each)], args=(each * k,), daemon=True
        )
        for k in range(4)
    ]
    for thread in threads:
        thread.start()
    taken = [event.at for _ in range(4 * each) for event in inlet.take(30.0)]
    assert sorted(taken) == list(range(4 * each))
