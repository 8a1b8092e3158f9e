"""What holds of the core for any walk: order within a moment, ticks, restarts and replays change nothing."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0, alarms, config, leave, own, run, stand, walk

from rfidguard.core_state import from_snapshot, to_snapshot
from rfidguard.effects import AlarmChanged, Effect
from rfidguard.events import Event, Ledger, Read, Tick, heard_at
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner

LAYOUT = layout_from(config())
FEW = settings(max_examples=settings().max_examples // 5)
SPEEDS = st.floats(0.5, 2.5)
SEEDS = st.integers(0, 10_000)


def scene(speed: float, seed: int) -> list[Event]:
    reads: list[Event] = [
        *leave(own(1), speed=speed, seed=seed),
        *stand(own(2), 15.0, seed=seed),
        *walk(own(3), [(1, 3), (6, -3)], seed=seed),
    ]
    return sorted(reads, key=heard_at)


def published(effects: list[Effect]) -> list[bytes]:
    return [msgspec.json.encode(effect) for effect in effects if isinstance(effect, AlarmChanged)]


@FEW
@given(SPEEDS, SEEDS)
def test_only_the_item_that_was_carried_out_rings(speed: float, seed: int) -> None:
    raised = alarms(run(scene(speed, seed)))
    assert [[item.epc for item in change.alarm.items] for change in raised] == [[own(1)]]


@FEW
@given(SPEEDS, SEEDS)
def test_paid_item_never_alarms(speed: float, seed: int) -> None:
    ledger = RecordSet()
    ledger.add(Ledger(at=T0 - 60, id="doc/1", kind="sold", epc=own(1)))
    assert alarms(run(scene(speed, seed), ledger=ledger)) == []


@FEW
@given(SPEEDS, SEEDS)
def test_replaying_twice_gives_the_same_bytes(speed: float, seed: int) -> None:
    assert published(run(scene(speed, seed))) == published(run(scene(speed, seed)))


@FEW
@given(SPEEDS, SEEDS, st.lists(st.floats(0, 20), max_size=30))
def test_extra_ticks_change_nothing(speed: float, seed: int, ticks: list[float]) -> None:
    events = scene(speed, seed)
    assert published(run([*events, *(Tick(at=T0 + at) for at in ticks)])) == published(run(events))


@FEW
@given(SPEEDS, SEEDS, st.floats(0, 20))
def test_restart_from_a_snapshot_changes_nothing(speed: float, seed: int, cut: float) -> None:
    events = scene(speed, seed)
    runner = Runner(LAYOUT, RecordSet().find)
    effects: list[Effect] = []
    restarted = False
    for event in events:
        if not restarted and heard_at(event) - T0 >= cut:
            restarted = True
            frozen = msgspec.json.decode(msgspec.json.encode(to_snapshot(runner.state)))
            runner = Runner(LAYOUT, RecordSet().find, state=from_snapshot(LAYOUT, frozen))
        effects += runner.feed(event)
    assert published(effects + runner.finish()) == published(run(events))


@FEW
@given(SPEEDS, SEEDS, st.randoms(use_true_random=False))
def test_small_delivery_delays_change_no_passage(speed: float, seed: int, rng: object) -> None:
    delays = __import__("random").Random(repr(rng))
    late = [
        msgspec.structs.replace(event, received=event.at + delays.uniform(0, 0.04)) if isinstance(event, Read) else event
        for event in scene(speed, seed)
    ]
    rang = [[item.epc for item in change.alarm.items] for change in alarms(run(late))]
    assert rang == [[own(1)]]


@FEW
@given(st.integers(1, 150))
def test_memory_is_bounded_under_endless_new_tags(count: int) -> None:
    runner = Runner(LAYOUT, RecordSet().find)
    for n in range(count):
        runner.feed(Read(at=T0 + 100.0 * n, gate="front", reader="front-1", antenna=1, epc=own(n), rssi_dbm=-60.0))
    state = runner.state
    assert len(state.tracks["front"]) <= 3
    assert len(state.asked) <= 6


@FEW
@given(SPEEDS, SEEDS)
def test_every_alarm_names_reads_that_exist(speed: float, seed: int) -> None:
    events = scene(speed, seed)
    heard = {event.epc for event in events if isinstance(event, Read)}
    assert {item.epc for change in alarms(run(events)) for item in change.alarm.items} <= heard
