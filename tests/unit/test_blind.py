"""Time in which nobody listened is no silence of a tag: a walk goes on across a death, an orderly restart, a lost reader."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from walks import T0, alarms, config, crossing_of, leave, own, stand, walk

from rfidguard.blind import PATIENCE_S, Blindness, reader_heard
from rfidguard.effects import AlarmChanged, Effect
from rfidguard.events import Device, Event, Read, Tick
from rfidguard.journal import HEADER, encode_line
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.resume import resumed
from rfidguard.runner import Runner

LAYOUT = layout_from(config())
SPEED = 1.5
WALK_S = 6.0 / SPEED
MOMENTS = [T0 + 0.3 * step for step in range(1, int(WALK_S / 0.3))]


def online(at: float, state: str = "online") -> Device:
    return Device(at=at, device="front-1", state=state)


def reborn(folder: Path, runner: Runner, lines: Sequence[bytes], now: float) -> tuple[Runner, list[Effect]]:
    """What the daemon does at its start: the journal's end, then the time that passed since."""
    path = folder / "journal-20270115T080000Z-0.jsonl"
    path.write_bytes(b"".join((HEADER, *lines)))
    fresh, effects = resumed(LAYOUT, RecordSet().find, folder, [], now)
    return fresh, effects + fresh.feed(Tick(at=now))


def died(folder: Path, reads: Sequence[Read], at: float, back: float, *, kept: bool) -> list[AlarmChanged]:
    """The alarms of a walk during which the daemon dies `at`; `kept`: the reader kept what it heard until it is `back`."""
    runner = Runner(LAYOUT, RecordSet().find)
    lines = [encode_line(runner.snapshot(T0 - 1)), encode_line(online(T0 - 1))]
    runner.feed(online(T0 - 1))
    effects: list[Effect] = []
    for read in (read for read in reads if read.at < at - 0.1):
        lines.append(encode_line(read))
        effects += runner.feed(read)
    runner, more = reborn(folder, runner, lines, back - 0.4)
    rest = [read for read in reads if read.at >= back or (kept and read.at >= at)]
    late = [msgspec.structs.replace(read, received=back + 0.01) if read.at < back else read for read in rest]
    return alarms([*effects, *more, *played(runner, [online(back), *late], back)])


def played(runner: Runner, events: Sequence[Event], start: float) -> Iterator[Effect]:
    """The events, with the ticks of a daemon between them, until nothing is due."""
    last = start
    for event in events:
        heard = event.received or event.at
        for step in range(1, int((heard - last) / 0.05)):
            yield from runner.feed(Tick(at=last + step * 0.05))
        last = heard
        yield from runner.feed(event)
    for step in range(200):
        yield from runner.feed(Tick(at=last + step * 0.05))


@pytest.mark.parametrize("gap_s", [1.0, 2.2, 3.0, 4.0])
@pytest.mark.parametrize("at", MOMENTS)
def test_walk_that_the_reader_kept_rings_whenever_the_daemon_died_in_it(tmp_path: Path, at: float, gap_s: float) -> None:
    rung = died(tmp_path, leave(own(1), speed=SPEED), at, at + gap_s, kept=True)
    assert len({change.alarm.id for change in rung}) == 1


@pytest.mark.parametrize("gap_s", [1.0, 1.5, 2.0, 2.2])
@pytest.mark.parametrize("at", MOMENTS)
def test_walk_seen_before_and_after_a_gap_rings_wherever_the_gap_lay(tmp_path: Path, at: float, gap_s: float) -> None:
    reads = leave(own(1), speed=1.2)
    rung = died(tmp_path, reads, at, at + gap_s, kept=False)
    assert len({change.alarm.id for change in rung}) == 1


@pytest.mark.parametrize("gap_s", [1.0, 2.5, 4.0])
@pytest.mark.parametrize("kept", [True, False])
def test_who_stays_or_turns_back_behind_a_gap_does_not_ring(tmp_path: Path, kept: bool, gap_s: float) -> None:
    reads = walk(own(1), [(0.0, -3.0), (1.5, -1.0), (3.0, -0.8), (6.0, -3.0)])
    for at in MOMENTS:
        assert died(tmp_path, reads, at, at + gap_s, kept=kept) == []
    assert died(tmp_path, stand(own(2), 9.0), T0 + 3.0, T0 + 3.0 + gap_s, kept=kept) == []


def test_reader_that_is_lost_in_mid_walk_and_brings_back_what_it_heard_still_tells_of_the_walk() -> None:
    runner = Runner(LAYOUT, RecordSet().find)
    reads = leave(own(1), speed=SPEED)
    seen = [read for read in reads if read.at < T0 + 1.9]
    late = [msgspec.structs.replace(read, received=T0 + 5.01) for read in reads if read.at >= T0 + 1.9]
    events = [online(T0 - 1), *seen, online(T0 + 1.9, "offline"), online(T0 + 5.0), *late]
    assert len(alarms(played(runner, events, T0 - 1))) == 1


def test_who_had_gone_through_when_the_reader_was_lost_for_good_rings_once_patience_ends() -> None:
    runner = Runner(LAYOUT, RecordSet().find)
    seen = [read for read in leave(own(1), speed=SPEED) if read.at < crossing_of(speed=SPEED) + 0.3]
    events = [online(T0 - 1), *seen, online(seen[-1].at, "offline")]
    (rung,) = alarms(played(runner, events, T0 - 1))
    assert rung.event_at <= seen[-1].at + PATIENCE_S + 0.2


def test_other_reader_of_a_gate_goes_on_while_one_is_away() -> None:
    blindness = Blindness()
    reader_heard(blindness, "a", reads=False, now=10.0)
    reader_heard(blindness, "a", reads=False, now=12.0)
    assert not blindness.hides(last_at=10.9, now=11.0)
    assert blindness.hides(last_at=10.0, now=11.0)
    assert not blindness.hides(last_at=10.0, now=10.0 + PATIENCE_S)
