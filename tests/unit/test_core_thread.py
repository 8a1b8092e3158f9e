"""The core's thread: what leads to an alarm is on disk before the alarm is carried out."""

from pathlib import Path

from hand_clock import HandClock
from msgspec.structs import replace
from wait import wait_for
from walks import T0, alarms, config, leave, own, stand

from rfidguard.config import Journal, Privacy
from rfidguard.core_thread import CoreThread
from rfidguard.effects import Effect
from rfidguard.events import Count, ReadBatch, Tick
from rfidguard.inlet import Inlet
from rfidguard.journal_dir import journals
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.recorder import Recorder
from rfidguard.resume import resumed
from rfidguard.runner import Runner

LAYOUT = layout_from(config())


class StoppedClock:
    """No time passes: nothing is flushed because it is time to."""

    def now(self) -> float:
        return T0

    def monotonic(self) -> float:
        return 0.0


def test_alarm_comes_again_under_its_id_if_the_process_dies_while_it_is_carried_out(tmp_path: Path) -> None:
    clock, inlet, runner = StoppedClock(), Inlet(), Runner(LAYOUT, RecordSet().find)
    recorder = Recorder(Journal(dir=tmp_path), Privacy(), lambda _epc: True, clock)
    recorder.rotate(runner.snapshot(T0))
    runner.record_to(recorder.write)
    told: list[tuple[str, list[str]]] = []

    def carry_out(effects: list[Effect]) -> None:
        for change in alarms(effects):
            _, again = resumed(LAYOUT, RecordSet().find, tmp_path, None, T0 + 60)
            told.append((change.alarm.id, [other.alarm.id for other in alarms(again)]))

    core = CoreThread(runner, inlet, recorder, carry_out, clock)
    core.start()
    reads = sorted([*leave(own(1)), *stand(own(2), 9)], key=lambda read: read.at)
    inlet.emit(ReadBatch(tuple(reads)))
    wait_for(lambda: told, what="the alarm")
    core.stop()
    recorder.close()
    assert [again for _, again in told] == [[name] for name, _ in told]


def test_what_a_reader_kept_while_nobody_listened_is_on_disk_as_soon_as_it_is_heard(tmp_path: Path) -> None:
    clock, inlet, runner = StoppedClock(), Inlet(), Runner(LAYOUT, RecordSet().find)
    recorder = Recorder(Journal(dir=tmp_path), Privacy(), lambda _epc: True, clock)
    recorder.rotate(runner.snapshot(T0))
    runner.record_to(recorder.write)
    core = CoreThread(runner, inlet, recorder, lambda _effects: None, clock)
    core.start()
    kept = stand(own(2), 9)
    inlet.emit(ReadBatch(tuple(replace(read, received=read.at + 12.0) for read in kept)))
    (path,) = journals(tmp_path)
    wait_for(lambda: path.read_bytes().count(b'"type":"read"') == len(kept), what="every read in the journal")
    core.stop()
    recorder.close()


def test_memory_too_large_to_be_written_is_left_out_and_a_restart_goes_on_from_the_journal_before(tmp_path: Path) -> None:
    clock, inlet, runner = StoppedClock(), Inlet(), Runner(LAYOUT, RecordSet().find)
    recorder = Recorder(Journal(dir=tmp_path), Privacy(), lambda _epc: True, clock)
    core, poor = (CoreThread(runner, inlet, recorder, lambda _effects: None, clock, most) for most in (1 << 20, 100))
    core.new_journal()
    runner.record_to(recorder.write)
    reads = leave(own(1))
    for read in reads[:60]:
        runner.feed(read)
    for part in (reads[60:90], reads[90:]):
        poor.new_journal()
        for read in part:
            runner.feed(read)
    recorder.files.wait()
    recorder.close()
    assert recorder.lost == {"snapshot_too_large": 2}
    assert [path.suffix for path in journals(tmp_path)][:2] == [".zst", ".zst"]
    again, _ = resumed(LAYOUT, RecordSet().find, tmp_path, None, runner.state.now)
    assert again.state.tracks == runner.state.tracks


def test_what_waits_is_judged_by_its_own_time_however_late_the_core_comes_to_it(tmp_path: Path) -> None:
    reads = leave(own(1))
    clock, inlet, runner = HandClock(reads[-1].at + 60.0), Inlet(), Runner(LAYOUT, RecordSet().find)
    told: list[Effect] = []
    core = CoreThread(runner, inlet, Recorder(Journal(dir=tmp_path), Privacy(), lambda _epc: True, clock), told.extend, clock)
    for start in range(0, len(reads), 10):
        inlet.emit(ReadBatch(tuple(reads[start : start + 10])))
    core.start()
    wait_for(lambda: alarms(told), what="the alarm")
    core.stop()
    assert "stale_read" not in runner.state.counts


def test_a_core_that_is_far_behind_ends_in_its_time_all_the_same(tmp_path: Path) -> None:
    clock, inlet = HandClock(T0), Inlet()
    runner = Runner(LAYOUT, RecordSet().find, record=lambda _event: setattr(clock, "lap", clock.lap + 1.0))
    recorder = Recorder(Journal(dir=tmp_path), Privacy(), lambda _epc: True, clock)
    core = CoreThread(runner, inlet, recorder, lambda _effects: None, clock)
    for read in leave(own(1)):
        inlet.emit(read)
    core.stop(timeout_s=5.0)
    core.start()
    core.join(10)
    assert not core.is_alive()
    assert inlet.depth()


def test_a_snapshot_waits_while_somebody_goes_out() -> None:
    runner = Runner(LAYOUT, RecordSet().find)
    for read in stand(own(1), 8.0):
        runner.feed(read)
    assert runner.calm()
    runner.feed(Count(at=T0 + 8.5, gate="front", counter="beam", direction="out"))
    assert not runner.calm()
    runner.feed(Tick(at=T0 + 11.0))
    assert runner.calm()
    calm = set()
    for read in leave(own(2), at=12.0):
        runner.feed(read)
        calm.add(runner.calm())
    assert calm == {True, False}
