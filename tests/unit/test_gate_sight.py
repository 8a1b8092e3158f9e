"""A gate that no longer sees says so within a minute; one that is only empty does not."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from walks import T0, alarms, config, leave, own, run, stand, walk

from rfidguard.config import Config
from rfidguard.core_state import from_snapshot, to_snapshot
from rfidguard.effects import AlarmChanged, Effect, Noted
from rfidguard.events import Count, Device, Eas, Event, Read
from rfidguard.gate_faults import faults as blind_spots
from rfidguard.gate_watch import Watch
from rfidguard.layout import GateLayout, layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner

FEW = settings(max_examples=max(settings().max_examples // 10, 5))
FOREIGN_SHELF = [f"3034F4E4E4424C80000000{n:02X}" for n in range(6)]


def shop(**gate: object) -> Config:
    reader = {"id": "front-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}
    counter = {"id": "front-count", "driver": "replay"}
    return config(gate=[{"id": "front", "mode": "siren", "reader": [reader], "counter": [counter]} | gate])


def shelf(seconds: float, at: float = 0.0) -> list[Read]:
    tags = enumerate(FOREIGN_SHELF)
    return [read for n, epc in tags for read in stand(epc, seconds, place=-0.6 - 0.15 * n, at=at, rate_hz=3, seed=n)]


def people(start: float, end: float, every_s: float = 6.0, direction: str = "out") -> list[Event]:
    count = int((end - start) / every_s)
    return [Count(at=T0 + start + every_s * n, gate="front", counter="front-count", direction=direction) for n in range(count)]


def blind(effects: list[Effect]) -> list[tuple[str, float]]:
    kinds = (effect for effect in effects if isinstance(effect, AlarmChanged) and effect.alarm.kind == "blind_gate")
    return [(change.event_type, round(change.event_at - T0, 1)) for change in kinds]


def faults(effects: list[Effect]) -> list[list[str]]:
    return [sorted(effect.body["faults"]) for effect in effects if isinstance(effect, Noted) and effect.topic == "gate"]


def online(at: float = -1.0) -> Device:
    return Device(at=T0 + at, device="front-1", state="online")


def test_people_who_pass_while_nothing_is_read_make_a_blind_gate_within_a_minute_and_it_mends_itself() -> None:
    scene = [*shelf(200.0), *people(3.0, 330.0), *shelf(60.0, at=270.0)]
    found = blind(run(scene, shop()))
    assert [kind for kind, _ in found if kind != "escalated"] == ["raised", "cleared"]
    assert 200.0 < found[0][1] <= 260.0
    assert 270.0 < found[-1][1] <= 290.0


def test_a_shelf_that_falls_silent_at_once_is_a_blind_gate_even_at_night() -> None:
    found = blind(run([online(), *shelf(200.0), Device(at=T0 + 290, device="x", state="online")], shop()))
    assert found[:1] == [("raised", pytest.approx(232.5, abs=10.0))]


def test_a_rack_that_is_rolled_away_is_none() -> None:
    tags = enumerate(FOREIGN_SHELF)
    rack = [
        read
        for n, epc in tags
        for read in walk(epc, [(0, -0.6 - 0.15 * n), (200 + 3 * n, -0.6 - 0.15 * n), (205 + 3 * n, -7.0)], rate_hz=5, seed=n)
    ]
    assert blind(run([online(), *rack, Device(at=T0 + 300, device="x", state="online")], shop())) == []


def test_an_empty_gate_at_night_is_no_blind_one() -> None:
    assert blind(run([online(), *leave(own(1)), Device(at=T0 + 300, device="x", state="online")], shop())) == []


def test_people_with_nothing_at_a_gate_that_seldom_reads_are_none() -> None:
    rng = random.Random(7)
    visits = [read for n in range(300) if rng.random() < 0.3 for read in leave(FOREIGN_SHELF[n % 6], at=20.0 * n, rate_hz=4)]
    assert blind(run([online(), *visits, *people(2.5, 6000.0, 20.0)], shop())) == []


def test_a_reader_that_is_off_with_no_people_is_none_and_with_people_is_one() -> None:
    off = Device(at=T0 + 60, device="front-1", state="offline")
    assert blind(run([online(), *shelf(60.0), off], shop())) == []
    assert blind(run([online(), *shelf(60.0), off, *people(70.0, 130.0)], shop()))[0][0] == "raised"


def test_a_gate_whose_canary_is_gone_is_blind_until_it_is_heard_again() -> None:
    canary = own(99)
    scene = [*stand(canary, 60.0), *people(3.0, 200.0), *stand(canary, 60.0, at=140.0)]
    found = blind(run(scene, shop(canaries=[canary])))
    assert [kind for kind, _ in found if kind != "escalated"] == ["raised", "cleared"]
    assert 90.0 <= found[0][1] <= 120.0


def test_canaries_never_ring() -> None:
    canary = own(99)
    assert alarms(run(leave(canary), shop(canaries=[canary]))) == []


def test_one_canary_of_two_makes_a_degraded_gate() -> None:
    scene = [*stand(own(98), 60.0), *stand(own(99), 120.0, place=1.0)]
    effects = run(scene, shop(canaries=[own(98), own(99)]))
    assert blind(effects) == []
    assert ["canary_gone"] in faults(effects)


def test_noise_at_a_pedestal_is_a_blind_gate_until_it_is_well() -> None:
    def said(kind: str, at: float) -> Eas:
        return Eas(at=T0 + at, gate="front", pedestal="front-eas", kind=kind)

    found = blind(run([*shelf(100.0), said("jammer", 20.0), said("ok", 70.0)], shop()))
    assert [kind for kind, _ in found if kind != "escalated"] == ["raised", "cleared"]
    assert 30.0 <= found[0][1] <= 36.0
    assert blind(run([*shelf(60.0), said("jammer", 20.0), said("ok", 25.0)], shop())) == []


def test_a_pedestal_that_reports_a_fault_degrades_the_gate_until_it_is_well() -> None:
    scene = [Eas(at=T0 + at, gate="front", pedestal="p", kind=kind) for at, kind in ((1.0, "tamper"), (40.0, "ok"))]
    assert faults(run([*shelf(60.0), *scene], shop())) == [["pedestal_tamper"], []]


def test_an_antenna_that_dies_is_named_and_a_blocked_view_is_not() -> None:
    dead = [read for read in shelf(240.0) if read.antenna == 1 or read.at - T0 < 120.0]
    assert ["antenna_dead front-1/2"] in faults(run(dead, shop()))
    blocked = [read for read in shelf(240.0) if read.antenna == 1 or not 120.0 < read.at - T0 < 150.0]
    assert faults(run(blocked, shop())) == []


def passages(count: int, seed: int, swapped: bool) -> list[Event]:
    rng = random.Random(seed)
    events: list[Event] = []
    for n in range(count):
        out = rng.random() < 0.6
        ends = (-3.0, 3.0) if out else (3.0, -3.0)
        reads = walk(FOREIGN_SHELF[n % 6], [(30.0 * n, ends[0]), (30.0 * n + 5, ends[1])], rate_hz=8, seed=seed + n)
        events += [_swapped(read) for read in reads] if swapped else reads
        direction = "out" if out else "in"
        events.append(Count(at=T0 + 30.0 * n + 2.5, gate="front", counter="front-count", direction=direction))
    return events


FOUR = {1: -0.4, 2: 0.4, 3: -0.3, 4: 0.3}
ZONES = {1: "inside", 2: "outside", 3: "inside", 4: "outside"}


def at_four_antennas(count: int, seed: int, crossed: dict[int, int]) -> list[Event]:
    """People who are counted on their way out or in; some antennas hang on other ports than the installer wrote down."""
    rng = random.Random(seed)
    events: list[Event] = []
    for n in range(count):
        direction = rng.choice(("out", "in"))
        ends = (-3.0, 3.0) if direction == "out" else (3.0, -3.0)
        path = [(30.0 * n, ends[0]), (30.0 * n + 5, ends[1])]
        reads = walk(FOREIGN_SHELF[n % 6], path, rate_hz=12, seed=seed + n, antennas=FOUR)
        events += [msgspec.structs.replace(read, antenna=crossed.get(read.antenna, read.antenna)) for read in reads]
        events.append(Count(at=T0 + 30.0 * n + 2.5, gate="front", counter="front-count", direction=direction))
    return events


def test_one_pedestal_of_two_with_crossed_cables_is_reported_with_its_antennas() -> None:
    gate = shop(reader=[{"id": "front-1", "driver": "replay", "antennas": ZONES}])
    notes = [effect.body for effect in run(at_four_antennas(50, 1, {1: 2, 2: 1}), gate) if isinstance(effect, Noted)]
    (evidence,) = [note["faults"]["ports_swapped?"] for note in notes if note.get("faults")]
    assert evidence.split(": ")[1] in ("front-1/1", "front-1/2", "front-1/1, front-1/2")
    assert faults(run(at_four_antennas(60, 2, {}), gate)) == []


def test_a_reported_antenna_keeps_no_other_under_suspicion_whose_name_is_part_of_its_own() -> None:
    gate = GateLayout("front", "siren", {"front-1/1": -1, "front-1/12": 1}, near=-1, far=1)
    watch = Watch(antenna_votes={"front-1/1": (18.0, 30.0), "front-1/12": (27.0, 30.0)})
    watch.faults = blind_spots(watch, gate, [], 0.0)
    assert watch.faults["ports_swapped?"].endswith(": front-1/12")
    assert blind_spots(watch, gate, [], 0.0) == watch.faults


def _swapped(read: Read) -> Read:
    return msgspec.structs.replace(read, antenna=3 - read.antenna)


@FEW
@given(st.integers(0, 1000))
def test_swapped_ports_are_reported_within_some_passages_and_right_ones_never(seed: int) -> None:
    assert ["ports_swapped?"] in faults(run(passages(25, seed, swapped=True), shop()))
    assert faults(run(passages(40, seed, swapped=False), shop())) == []


def test_a_starved_gate_says_how_many_reads_are_left_for_a_carried_tag() -> None:
    rng = random.Random(3)
    crowd = [f"3034F4E4E4424C81000000{n:02X}" for n in range(120)]
    reads = [
        Read(at=T0 + n / 150.0, gate="front", reader="front-1", antenna=1 + n % 2, epc=rng.choice(crowd), rssi_dbm=-60.0)
        for n in range(150 * 120)
    ]
    runner = Runner(layout_from(shop()), RecordSet().find)
    effects = [effect for read in reads for effect in runner.feed(read)]
    assert faults(effects) == [["starved"]]
    assert runner.state.gates["front"].watch.reads_each == pytest.approx(150 * 1.5 / 120, rel=0.3)


def test_a_counter_that_sees_nobody_while_goods_leave_loses_its_trust_and_wins_it_back() -> None:
    visits = [read for n in range(12) for read in leave(FOREIGN_SHELF[n % 6], at=70.0 * n, rate_hz=10, seed=n)]
    once = [Count(at=T0 - 60, gate="front", counter="front-count", direction="in")]
    again = [Count(at=T0 + 70.0 * n + 2.5, gate="front", counter="front-count", direction="out") for n in (10, 11)]
    assert faults(run([*once, *visits, *again], shop())) == [["counter_silent"], []]


def test_a_restart_forgets_nothing_of_it() -> None:
    layout = layout_from(shop())
    events = sorted([*shelf(100.0), *people(3.0, 200.0)], key=lambda event: event.at)
    runner = Runner(layout, RecordSet().find)
    effects: list[Effect] = []
    for n, event in enumerate(events):
        if n == len(events) // 2:
            runner = Runner(layout, RecordSet().find, state=from_snapshot(layout, to_snapshot(runner.state)))
        effects += runner.feed(event)
    assert blind(effects + runner.finish()) == blind(run(events, shop()))


def test_the_end_of_a_journal_is_no_blindness() -> None:
    assert blind(run([online(), *shelf(300.0), *people(3.0, 300.0)], shop())) == []
