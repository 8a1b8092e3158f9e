"""The recorder on a real directory."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zstandard

from rfidguard.config import Journal, Privacy
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Event, Read, State, Tick
from rfidguard.journal_dir import JournalDir, journals, pack
from rfidguard.journal_files import events_in, journal_paths
from rfidguard.recorder import Recorder

DAY_S = 86_400
NOON = 1_795_000_000.0
OURS = encode_sgtin_96("0614141", "112345", 1)
FOREIGN = encode_sgtin_96("4012345", "098765", 1)
STATE = State(at=NOON, snapshot={"now": 1.0})


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def owns(epc: str) -> bool:
    return identify(epc).prefix == "0614141"


def recorder(folder: Path, clock: HandClock, *, max_mb: int = 64, keep_days: int = 14, mode: str = "hash") -> Recorder:
    privacy = Privacy.model_validate({"foreign_epc": mode})
    return Recorder(Journal(dir=folder, keep_days=keep_days, max_mb=max_mb), privacy, owns, clock, site="0001", session="s1")


def read_at(at: float, epc: str = OURS) -> Read:
    return Read(at=at, gate="front", reader="r", antenna=1, epc=epc, rssi_dbm=-60.0)


def written(folder: Path) -> list[Event]:
    refused: Counter[str] = Counter()
    found = list(events_in(journal_paths(folder), refused))
    assert not refused
    return found


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_a_journal_begins_with_a_header_and_a_snapshot_and_then_holds_every_event(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(STATE)
    for step in range(5):
        record.write(read_at(NOON + step))
    record.close()
    assert record.path is not None
    header = json.loads(record.path.read_bytes().splitlines()[0])
    assert header["type"] == "journal"
    assert (header["version"], header["site"], header["session"]) == (1, "0001", "s1")
    assert written(tmp_path) == [STATE, *(read_at(NOON + step) for step in range(5))]


def test_lines_reach_the_file_without_being_asked_once_a_fifth_of_a_second_has_passed(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(STATE)
    record.write(read_at(NOON))
    assert written(tmp_path) == [STATE]
    clock.at += 0.2
    record.write(read_at(NOON + 1))
    assert written(tmp_path) == [STATE, read_at(NOON), read_at(NOON + 1)]
    record.close()


def test_what_was_flushed_survives_a_sigkill(tmp_path: Path) -> None:
    program = f"""
import os, signal
from pathlib import Path
from rfidguard.clock import SystemClock
from rfidguard.config import Journal, Privacy
from rfidguard.events import Tick
from rfidguard.recorder import Recorder
record = Recorder(Journal(dir=Path({str(tmp_path)!r})), Privacy(), lambda epc: True, SystemClock())
record.rotate(None)
for at in range(100):
    record.write(Tick(at=float(at)))
record.flush()
record.write(Tick(at=999.0))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=Path(__file__).parents[2], timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert written(tmp_path)[:100] == [Tick(at=float(at)) for at in range(100)]


def test_a_full_file_is_followed_by_another_that_starts_with_a_snapshot(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock, max_mb=1)
    record.rotate(STATE)
    while not record.due_rotation():
        record.write(read_at(clock.at))
        clock.at += 0.01
    first = record.path
    record.rotate(STATE)
    assert record.path != first
    assert not record.due_rotation()
    record.close()
    assert written(tmp_path).count(STATE) == 2


def test_a_full_file_waits_for_a_calm_moment_but_not_for_long(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock, max_mb=1)
    record.rotate(STATE)
    sizes = []
    for calm in (True, False):
        while not record.due_rotation(calm):
            record.write(read_at(clock.at))
            clock.at += 0.01
        sizes.append(record.written["bytes"])
    record.close()
    assert sizes[1] == pytest.approx(1.5 * sizes[0], rel=0.05)


def test_a_rotated_file_is_packed_and_reads_as_before(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(STATE)
    record.write(read_at(NOON))
    first = record.path
    record.rotate(STATE)
    record.files.wait()
    record.close()
    assert first is not None
    assert not first.exists()
    packed = first.with_name(f"{first.name}.zst")
    with packed.open("rb") as file:
        assert zstandard.ZstdDecompressor().stream_reader(file).read().count(b"\n") == 3
    assert written(tmp_path) == [STATE, read_at(NOON), STATE]


def test_a_new_day_is_a_new_file(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(None)
    assert not record.due_rotation()
    clock.at += DAY_S
    assert record.due_rotation()
    record.close()


def old_journal(folder: Path, name: str, size: int) -> Path:
    path = folder / name
    path.write_bytes(b" " * size)
    return path


def test_the_oldest_go_when_there_are_too_many_bytes_and_strangers_stay(tmp_path: Path) -> None:
    oldest, middle, newest = (old_journal(tmp_path, f"journal-20261101T00000{n}Z-0.jsonl.zst", 400) for n in range(3))
    stranger = old_journal(tmp_path, "holiday.jsonl", 4000)
    keeper = JournalDir(tmp_path, keep_days=10_000, max_bytes=900)
    keeper.tidy(NOON)
    keeper.wait()
    keeper.close()
    assert [path.exists() for path in (oldest, middle, newest, stranger)] == [False, True, True, True]


def test_what_is_older_than_the_days_to_keep_goes(tmp_path: Path, clock: HandClock) -> None:
    old = old_journal(tmp_path, "journal-20260101T000000Z-0.jsonl.zst", 10)
    record = recorder(tmp_path, clock, keep_days=1)
    record.rotate(STATE)
    record.files.wait()
    record.close()
    assert not old.exists()
    assert record.path is not None
    assert record.path.exists()


def test_a_journal_that_another_process_writes_is_neither_packed_nor_deleted(tmp_path: Path, clock: HandClock) -> None:
    busy = recorder(tmp_path, clock)
    busy.rotate(STATE)
    assert busy.path is not None
    assert pack(busy.path, threading.Event()) is None
    keeper = JournalDir(tmp_path, keep_days=1, max_bytes=1)
    keeper.tidy(NOON + 100 * DAY_S)
    keeper.wait()
    keeper.close()
    assert busy.path.exists()
    busy.close()


def test_leftovers_of_a_killed_run_are_packed_by_the_next(tmp_path: Path, clock: HandClock) -> None:
    left = tmp_path / "journal-20261110T000000Z-0.jsonl"
    left.write_bytes(b'{"type":"tick","at":1}\n')
    (tmp_path / f"{left.name}.zst.new").write_bytes(b"half")
    record = recorder(tmp_path, clock)
    record.rotate(None)
    record.files.wait()
    record.close()
    assert journals(tmp_path)[0].name == f"{left.name}.zst"
    assert not left.exists()
    assert not (tmp_path / f"{left.name}.zst.new").exists()
    assert written(tmp_path) == [Tick(at=1.0)]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow beyond `size`, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_reported_leaves_no_torn_line_and_is_tried_again(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(STATE)
    with files_of_at_most(100_000):
        for step in range(2000):
            record.write(read_at(NOON + step))
        record.flush()
        assert record.problem is not None
        assert written(tmp_path) == [STATE]
    clock.at += 1.0
    record.flush()
    assert record.problem is None
    assert not record.lost
    assert written(tmp_path) == [STATE, *(read_at(NOON + step) for step in range(2000))]
    record.close()


def test_what_a_full_disk_cost_is_counted_and_a_new_file_with_a_snapshot_is_due(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(STATE)
    big = State(at=NOON, snapshot={"x": "y" * 5_000_000})
    with files_of_at_most(100_000):
        record.write(big)
        record.write(big)
        record.flush()
    assert record.lost["disk"] == 1
    clock.at += 1.0
    assert record.due_rotation()
    record.rotate(STATE)
    assert record.problem is None
    assert not record.due_rotation()
    record.close()
    assert written(tmp_path)[-1] == STATE


def test_a_folder_that_cannot_be_made_is_survived_and_used_once_it_can(tmp_path: Path, clock: HandClock) -> None:
    in_the_way = tmp_path / "journal"
    in_the_way.write_text("a file")
    record = recorder(in_the_way, clock)
    record.rotate(STATE)
    record.write(read_at(NOON))
    assert record.problem is not None
    assert not record.due_rotation()
    in_the_way.unlink()
    clock.at += 1.0
    assert record.due_rotation()
    record.rotate(STATE)
    record.write(read_at(NOON + 2))
    record.close()
    assert record.problem is None
    assert written(in_the_way) == [STATE, read_at(NOON + 2)]
    assert record.lost == {"disk": 1}


def test_a_journal_deleted_under_the_daemon_is_noticed_and_begun_anew(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(STATE)
    assert record.path is not None
    record.path.unlink()
    record.write(read_at(NOON))
    record.flush()
    assert record.due_rotation()
    record.rotate(STATE)
    record.close()
    assert written(tmp_path) == [STATE]


def test_two_recorders_of_one_second_write_two_files(tmp_path: Path, clock: HandClock) -> None:
    one, other = recorder(tmp_path, clock), recorder(tmp_path, clock)
    one.rotate(None)
    other.rotate(None)
    assert one.path != other.path
    one.close()
    other.close()


def test_foreign_goods_are_not_written_in_clear_and_keep_their_stand_in_over_a_restart(tmp_path: Path, clock: HandClock) -> None:
    for _ in range(2):
        record = recorder(tmp_path, clock)
        record.rotate(State(at=NOON, snapshot={"tracks": {FOREIGN: {"epc": FOREIGN}}}))
        record.write(read_at(NOON, FOREIGN))
        record.write(read_at(NOON))
        record.close()
    epcs = [event.epc for event in written(tmp_path) if isinstance(event, Read)]
    assert epcs[0] == epcs[2] != FOREIGN
    assert epcs[1] == epcs[3] == OURS
    assert not any(FOREIGN in line for path in tmp_path.glob("*.jsonl") for line in path.read_text().splitlines())


def test_the_key_of_the_day_is_for_its_owner_only_and_gone_with_the_next_day(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock)
    record.rotate(None)
    record.write(read_at(NOON, FOREIGN))
    key = tmp_path / ".day-key"
    first = key.read_text()
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    clock.at += DAY_S
    record.rotate(None)
    record.write(read_at(clock.at, FOREIGN))
    record.close()
    assert key.read_text() != first
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == [".day-key"]
    today, tomorrow = (event.epc for event in written(tmp_path) if isinstance(event, Read))
    assert today != tomorrow


def test_mode_drop_counts_what_it_does_not_write(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path, clock, mode="drop")
    record.write(read_at(NOON, FOREIGN))
    record.write(read_at(NOON))
    record.close()
    assert written(tmp_path) == [read_at(NOON)]
    assert record.lost == {"privacy": 1}


def test_journals_are_for_the_daemon_and_its_group_only(tmp_path: Path, clock: HandClock) -> None:
    record = recorder(tmp_path / "journal", clock)
    record.rotate(None)
    record.close()
    assert record.path is not None
    assert stat.S_IMODE(record.path.stat().st_mode) & 0o007 == 0
    assert os.stat(tmp_path / "journal").st_mode & 0o007 == 0
