"""A recorded run, replayed, gives the alarms of the run: rotated, with foreign goods hashed, and from any of its files on."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest
from walks import T0, config, foreign, leave, own, stand

from rfidguard.alarm import transition_message
from rfidguard.config import Journal, Privacy
from rfidguard.effects import AlarmChanged, BindCredit, Effect
from rfidguard.epc import identify
from rfidguard.events import Answer, Eas, Event, Ledger, Tick, heard_at
from rfidguard.journal_files import events_in, journal_paths
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet, binding
from rfidguard.recorder import Recorder
from rfidguard.replay import replay
from rfidguard.runner import Runner


class EventClock:
    """The time of the last event."""

    def __init__(self) -> None:
        self.at = T0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def lines_of(effects: Iterable[Effect]) -> list[bytes]:
    changes = [effect for effect in effects if isinstance(effect, AlarmChanged) and effect.notify]
    return [msgspec.json.encode(transition_message(c.alarm, c.event_type, c.event_at)) + b"\n" for c in changes]


def live_run(folder: Path, events: list[Event], database: RecordSet, rotate_every: int) -> list[bytes]:
    """What the daemon does: the ledger stores, the core judges, the recorder writes; ticks come at the core's deadlines."""
    layout = layout_from(config())
    clock = EventClock()
    recorder = Recorder(Journal(dir=folder), Privacy(), lambda epc: layout.owns(identify(epc)), clock)
    runner = Runner(layout, database.find, recorder.write)
    recorder.rotate(runner.snapshot(T0))
    effects: list[Effect] = []

    def feed(event: Event) -> None:
        clock.at = max(clock.at, heard_at(event))
        for effect in runner.feed(event):
            effects.append(effect)
            if isinstance(effect, BindCredit):
                database.add(binding(effect.credit, effect.unit, effect.epc, effect.at))

    for number, event in enumerate(sorted(events, key=heard_at), 1):
        while (due := runner.deadline()) is not None and due <= heard_at(event):
            feed(Tick(at=due))
        if isinstance(event, Ledger):
            database.add(event)
        feed(event)
        if number % rotate_every == 0:
            recorder.rotate(runner.snapshot(clock.at))
    recorder.files.wait()
    recorder.close()
    return lines_of([*effects, *runner.finish()])


def replayed(paths: list[Path]) -> list[bytes]:
    lines: list[bytes] = []
    refused: Counter[str] = Counter()
    replay(config(), events_in(paths, refused), alarms=lines.append, refused=refused)
    assert not refused
    return lines


def a_busy_minute() -> tuple[list[Event], RecordSet]:
    """Paid and unpaid, a credit, a shelf, foreign goods, a pedestal, an answer, a late sale; and what was sold before."""
    before = RecordSet()
    before.add(Ledger(at=T0 - 500, id="old/1", kind="sold", epc=own(1)))
    before.add(Ledger(at=T0 - 60, id="old/2", kind="sold", gtin="80614141123458"))
    events: list[Event] = [
        *leave(own(1)), *leave(own(2)), *leave(own(3), at=6.0), *leave(own(4), at=20.0), *leave(own(5, "812346"), at=21.0),
        *leave(foreign(1), at=0.1), *stand(own(9), 40.0), *stand(foreign(2), 40.0, place=-1.0),
        Eas(at=T0 + 31, gate="front", pedestal="p", kind="alarm"),
        Ledger(at=T0 + 20, received=T0 + 29.0, id="new/1", kind="sold", epc=own(4)),
        Ledger(at=T0 + 20, id="new/2", kind="sold", epc=foreign(1)),
    ]  # fmt: skip
    return events, before


@pytest.mark.parametrize("rotate_every", [50, 333, 100_000])
def test_a_recorded_run_gives_the_same_alarms_again_byte_for_byte(tmp_path: Path, rotate_every: int) -> None:
    events, before = a_busy_minute()
    live = live_run(tmp_path, events, before, rotate_every)
    assert len(live) >= 4
    assert replayed(journal_paths(tmp_path)) == live


def test_a_replay_may_begin_with_any_rotated_file(tmp_path: Path) -> None:
    events, before = a_busy_minute()
    live = live_run(tmp_path, events, before, 300)
    paths = journal_paths(tmp_path)
    assert len(paths) > 3
    for first in range(len(paths)):
        lines = replayed(paths[first:])
        assert lines == live[len(live) - len(lines) :]


def test_an_answer_to_an_alarm_is_replayed_too(tmp_path: Path) -> None:
    events, before = a_busy_minute()
    raised = msgspec.json.decode(live_run(tmp_path / "first", events, before, 100_000)[0])
    answer = Answer(at=T0 + 10, id="a-1", alarm=raised["id"], action="resolve", by="staff-1", outcome="recovered")
    events, before = a_busy_minute()
    live = live_run(tmp_path / "second", [*events, answer], before, 100)
    assert any(b'"resolved_by":"staff-1"' in line for line in live)
    assert replayed(journal_paths(tmp_path / "second")) == live


def test_no_foreign_epc_is_in_the_recording(tmp_path: Path) -> None:
    events, before = a_busy_minute()
    live_run(tmp_path, events, before, 200)
    written = b"".join(msgspec.json.encode(event) for event in events_in(journal_paths(tmp_path), Counter()))
    assert own(2).encode() in written
    assert foreign(1).encode() not in written
    assert foreign(2).encode() not in written
    assert identify(foreign(1)).key.encode() not in written
