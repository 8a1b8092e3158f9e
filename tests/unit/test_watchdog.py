"""Whoever hangs is named at once and given a new thread; what the gate cannot do without ends the process."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hand_clock import HandClock
from wait import wait_for

from rfidguard.clock import SystemClock
from rfidguard.journal_dir import HUNG_S as PACK_HUNG_S
from rfidguard.journal_dir import JournalDir
from rfidguard.pulse import Pulse, late_s
from rfidguard.store import Store
from rfidguard.store_writer import HUNG_S as WRITER_HUNG_S
from rfidguard.watchdog import MOST_REPLACED, Watchdog, Worker


@pytest.fixture
def thread() -> Iterator[threading.Thread]:
    """One that lives."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait, daemon=True)
    thread.start()
    yield thread
    end.set()
    thread.join()


def test_who_beats_within_the_deadline_or_rests_is_not_late(thread: threading.Thread) -> None:
    pulse = Pulse(lambda: 100.0, 10.0)
    assert pulse.late_s(1000.0, thread) == 0
    pulse.beat()
    assert pulse.late_s(110.0, thread) == 0
    assert pulse.late_s(113.0, thread) == 3.0
    pulse.rest()
    assert pulse.late_s(113.0, thread) == 0


def test_a_thread_that_is_gone_is_late_for_ever_and_one_not_started_is_not() -> None:
    gone = threading.Thread(target=lambda: None)
    assert late_s(gone, None, 0.0, 10.0) == 0
    gone.start()
    gone.join()
    assert late_s(gone, None, 0.0, 10.0) == float("inf")


def test_hung_workers_are_told_once_and_again_when_they_are_well() -> None:
    late = {"core": 0.0, "web": 0.0}
    told: list[tuple[str, ...]] = []
    workers = [Worker(name, lambda _now, name=name: late[name], vital=name == "core") for name in late]
    dog = Watchdog(lambda: workers, told.append)
    assert dog.look(0.0) is None
    late["web"] = 1.0
    assert [dog.look(1.0), dog.look(2.0)] == [None, None]
    late["core"] = 1.0
    assert dog.look(3.0) == "core"
    late.update(core=0.0, web=0.0)
    assert dog.look(4.0) is None
    assert told == [("web",), ("core", "web"), ()]


def test_a_worker_is_replaced_some_times_and_then_the_process() -> None:
    replaced: list[float] = []
    worker = Worker("device front-1", lambda _now: 1.0, lambda: replaced.append(1))
    dog = Watchdog(lambda: [worker], lambda _names: None)
    assert [dog.look(float(now)) for now in range(MOST_REPLACED + 1)] == [None] * MOST_REPLACED + ["device front-1"]
    assert len(replaced) == MOST_REPLACED == dog.replaced["device front-1"]


def test_a_database_that_never_answers_makes_the_writer_late_and_one_that_refuses_does_not(tmp_path: Path) -> None:
    clock, release, inside = HandClock(1_800_000_000.0), threading.Event(), threading.Event()
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", clock) as store:
        assert store.late_s(clock.monotonic() + 1e6) == 0

        def hang(_conn: object) -> None:
            inside.set()
            release.wait(30)

        done = store.write(hang)
        assert inside.wait(10)
        assert store.late_s(clock.monotonic() + WRITER_HUNG_S) == 0
        assert store.late_s(clock.monotonic() + WRITER_HUNG_S + 5) > 0
        release.set()
        done.result(10)
        wait_for(lambda: store.late_s(clock.monotonic() + WRITER_HUNG_S + 5) == 0, what="a writer at rest")


def test_packing_that_hangs_is_late_and_goes_on_in_a_new_thread_with_the_next_file(tmp_path: Path) -> None:
    clock = SystemClock()
    stuck, other = tmp_path / "journal-20261125T000000Z-0.jsonl", tmp_path / "journal-20261125T000001Z-0.jsonl"
    os.mkfifo(stuck)  # it can be opened, and never says a word
    other.write_text("{}\n")
    files = JournalDir(tmp_path, keep_days=36_500, max_bytes=1 << 30)
    assert files.late_s(clock.monotonic() + 1e6) == 0
    end = os.open(stuck, os.O_RDWR)
    files.tidy(clock.now())
    wait_for(lambda: stuck.with_name(f"{stuck.name}.zst.new").exists(), what="the packing begun")
    assert files.late_s(clock.monotonic()) == 0
    assert files.late_s(clock.monotonic() + PACK_HUNG_S + 5) > 0
    files.replace()
    wait_for(lambda: other.with_name(f"{other.name}.zst").exists(), what="the other journal packed")
    os.close(end)
    files.close()
    assert files.late_s(clock.monotonic() + 1e6) == 0
