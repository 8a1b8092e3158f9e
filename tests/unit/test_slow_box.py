"""What a box that looks less often decides, and that a replay of its journal decides the same."""

from collections import Counter
from pathlib import Path

import pytest
from hand_clock import HandClock
from wait import wait_for
from walks import T0, alarms, config, crossing_of, foreign, leave, own, run, stand

from rfidguard.config import Journal, Privacy
from rfidguard.core_thread import CoreThread
from rfidguard.effects import Decided, Effect
from rfidguard.events import Event, Pace, ReadBatch, heard_at
from rfidguard.inlet import Inlet
from rfidguard.journal_files import events_in, journal_paths
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.pace import STEPS
from rfidguard.recorder import Recorder
from rfidguard.replay import replay
from rfidguard.runner import Runner


def scene() -> list[Event]:
    """Somebody leaves between shelves; a bag of another shop's goods comes along."""
    shelf = [read for serial in range(10, 14) for read in stand(own(serial), 20.0, rate_hz=3.0)]
    return sorted([*shelf, *leave(own(1), 10.0), *leave(foreign(2), 10.0)], key=heard_at)


@pytest.mark.parametrize(("heard", "quiet"), STEPS)
def test_who_leaves_is_found_at_every_pace_and_later_by_that_pace_at_most(heard: int, quiet: int) -> None:
    def rung(*first: Event) -> list[tuple[str, float]]:
        return [(change.alarm.items[0].epc, change.event_at) for change in alarms(run([*first, *scene()]))]

    ((epc, at),) = rung(Pace(at=T0 - 1.0, heard=heard, quiet=quiet))
    ((_, soonest),) = rung()
    assert epc == own(1)
    assert soonest - 0.01 <= at <= max(soonest, crossing_of(10.0)) + 0.3 + heard / 10


def test_a_core_that_falls_behind_looks_less_often_and_its_journal_replays_to_the_same(tmp_path: Path) -> None:
    clock, layout = HandClock(T0), layout_from(config())
    runner, inlet = Runner(layout, RecordSet().find), Inlet(clock=clock)
    recorder = Recorder(Journal(dir=tmp_path), Privacy(), layout_owns, clock)
    recorder.rotate(runner.snapshot(T0))

    def record(event: Event) -> None:
        recorder.write(event)
        clock.lap += 0.003  # what waits has waited for some seconds in the end, and is not given up

    runner.record_to(record)
    told: list[Effect] = []
    events = scene()
    for start in range(0, len(events), 5):
        inlet.emit(ReadBatch(tuple(events[start : start + 5])))  # type: ignore[arg-type]
    core = CoreThread(runner, inlet, recorder, told.extend, clock)
    core.start()
    wait_for(lambda: not inlet.depth() and alarms(told), what="the alarm")
    core.stop()
    recorder.close()
    journal = list(events_in(journal_paths(tmp_path), Counter()))
    assert any(isinstance(event, Pace) for event in journal)
    assert runner.state.counts["look_left_out"] > 0
    again: list[bytes] = []
    replay(config(), journal, alarms=again.append)
    (change,) = alarms(told)
    assert change.alarm.id.encode() in again[0]
    assert sum(isinstance(effect, Decided) for effect in told) > 0


def layout_owns(epc: str) -> bool:
    return epc.startswith(own(1)[:12])
