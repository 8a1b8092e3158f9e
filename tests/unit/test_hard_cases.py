"""What a real exit does, on hand-made walks (tests/walks.py): waiting, turning at the last moment, shadows, gaps."""

import math

import msgspec
import pytest
from walks import T0, alarms, config, crossing_of, decisions, leave, own, run, stand, walk

from rfidguard.events import Count, Read
from rfidguard.explain import TERM_WORDS
from rfidguard.found import GROUPS

ITEM = own(1)
AT_ONE_PLACE = {"id": "front-1", "driver": "replay", "antennas": {1: "threshold", 2: "threshold"}}


def blind(reads: list[Read]) -> list[Read]:
    """The same reads from a reader that reports neither phase nor channel, and whole dBm."""
    return [msgspec.structs.replace(r, phase_rad=None, channel=None, rssi_dbm=round(r.rssi_dbm)) for r in reads]


def louder(reads: list[Read], antenna: int, gain_db: float) -> list[Read]:
    return [msgspec.structs.replace(r, rssi_dbm=r.rssi_dbm + gain_db * (r.antenna == antenna)) for r in reads]


@pytest.mark.parametrize("shift_db", [-25.0, 0.0, 25.0])
def test_absolute_level_does_not_matter(shift_db: float) -> None:
    shifted = [msgspec.structs.replace(read, rssi_dbm=read.rssi_dbm + shift_db) for read in leave(ITEM)]
    assert [change.event_at for change in alarms(run(shifted))] == [change.event_at for change in alarms(run(leave(ITEM)))]


@pytest.mark.parametrize("speed", [0.6, 1.2, 2.0])
def test_ring_comes_within_a_second_of_the_crossing(speed: float) -> None:
    raised = alarms(run(leave(ITEM, speed=speed)))
    assert -0.5 <= raised[0].event_at - crossing_of(speed=speed) <= 1.0


@pytest.mark.parametrize("nearest", [-0.4, -0.1, 0.1])
@pytest.mark.parametrize("seed", range(6))
def test_turning_at_the_threshold_never_rings(nearest: float, seed: int) -> None:
    assert alarms(run(walk(ITEM, [(0, -3), (2.5, nearest), (2.8, nearest), (5.3, -3)], seed=seed))) == []


@pytest.mark.parametrize("nearest", [1.5, 0.8])
@pytest.mark.parametrize("seed", range(6))
def test_coming_near_from_outside_and_going_away_never_rings(nearest: float, seed: int) -> None:
    assert alarms(run(walk(ITEM, [(0, 3), (2, nearest), (4, 3)], seed=seed))) == []


@pytest.mark.parametrize("wait_s", [2.0, 5.0, 20.0])
def test_waiting_in_the_gate_rings_once_and_only_after_it(wait_s: float) -> None:
    path = [(0, -3), (2.2, -0.4), (2.2 + wait_s, -0.4), (5.2 + wait_s, 3)]
    raised = alarms(run(walk(ITEM, path)))
    crossing = T0 + 2.2 + wait_s + 0.35
    assert [-0.5 <= change.event_at - crossing <= 2.0 for change in raised] == [True]


def test_shelf_tag_carried_out_rings_on_a_reader_without_phase() -> None:
    raised = alarms(run(blind(walk(ITEM, [(0, -1.8), (30, -1.8), (34, 3.0)]))))
    assert [change.event_at > T0 + 31 for change in raised] == [True]


@pytest.mark.parametrize("seed", range(4))
def test_item_taken_in_hand_and_put_back_never_rings(seed: int) -> None:
    path = [(0, -1.6), (20, -1.6), (20.6, -1.4), (22, -1.5), (23, -1.3), (24, -1.6), (40, -1.6)]
    assert alarms(run(walk(ITEM, path, seed=seed))) == []


@pytest.mark.parametrize("seed", range(4))
def test_people_who_shadow_a_shelf_never_make_it_ring(seed: int) -> None:
    shelf = stand(ITEM, 60.0, place=-1.2, seed=seed)
    shadowed = [
        msgspec.structs.replace(r, rssi_dbm=r.rssi_dbm - 14.0 * (r.antenna == 1)) if (r.at - T0) % 12 > 10 else r for r in shelf
    ]
    assert alarms(run(shadowed)) == []


@pytest.mark.parametrize("every", [31, 45, 51])
def test_an_item_that_is_hardly_read_is_named_where_others_of_the_same_bag_ring(every: int) -> None:
    shelf = stand(own(9), 75.0)
    hardly = [read for number, read in enumerate(leave(own(2), at=62.0, seed=3)) if number % every == 8]
    assert named([*shelf, *hardly]) == set()
    assert named([*shelf, *hardly, *leave(own(1), at=62.0)]) == {own(1), own(2)}


def named(reads: list[Read]) -> set[str]:
    effects = run(sorted(reads, key=lambda read: read.at))
    return {item.epc for change in (*alarms(effects), *alarms(effects, "updated")) for item in change.alarm.items}


@pytest.mark.parametrize("gap", [(1.7, 2.6), (2.2, 3.1), (2.5, 3.8)])
def test_gap_in_which_a_body_hides_the_tag_does_not_end_the_passage(gap: tuple[float, float]) -> None:
    heard = [read for read in leave(ITEM) if not gap[0] <= read.at - T0 <= gap[1]]
    assert len(alarms(run(heard))) == 1


@pytest.mark.parametrize("gain_db", [-3.0, 3.0])
def test_antennas_of_unequal_gain_still_tell_the_direction(gain_db: float) -> None:
    assert len(alarms(run(louder(leave(ITEM), 2, gain_db)))) == 1
    assert alarms(run(louder(walk(ITEM, [(0, 3), (5, -3)]), 2, gain_db))) == []
    assert alarms(run(louder(walk(ITEM, [(0, -3), (2, -0.8), (4, -3)]), 2, gain_db))) == []


def test_reads_that_come_a_tenth_of_a_second_out_of_order_change_nothing() -> None:
    late = [msgspec.structs.replace(r, received=r.at + (0.09 if n % 3 else 0.0)) for n, r in enumerate(leave(ITEM))]
    assert len(alarms(run(late))) == 1


def test_item_heard_seldom_is_named_with_those_it_left_with() -> None:
    seldom = leave(own(9), at=8.05, rate_hz=3)
    sweep = [read for n in range(6) for read in leave(own(n), at=8.0 + 0.05 * n, seed=n)]
    effects = run([*stand(own(99), 20.0), *sweep, *seldom])
    last = (alarms(effects, "updated") or alarms(effects))[-1]
    assert own(9) in {item.epc for item in last.alarm.items}


def test_worn_goods_that_came_in_go_out_in_silence_twenty_minutes_later() -> None:
    visit = [*walk(ITEM, [(0, 3), (5, -3)]), *leave(ITEM, at=1200.0)]
    effects = run(visit)
    assert alarms(effects) == []
    assert decisions(effects, ITEM)[-1].reason == "carried_in"


def test_counter_that_saw_nobody_keeps_a_gate_without_zones_silent() -> None:
    gate = {"id": "front", "reader": [AT_ONE_PLACE], "counter": [{"id": "c", "driver": "replay"}]}
    before = Count(at=T0 - 60, gate="front", counter="c", direction="in")
    assert alarms(run([before, *leave(ITEM)], config(gate=[gate]))) == []


def test_every_decision_tells_its_terms() -> None:
    terms = decisions(run(leave(ITEM)), ITEM)[-1].terms
    assert {"prior", "place", "handover", "new", "reads", "motion", "score"} <= terms.keys()
    assert terms.keys() <= {"prior", *GROUPS, *TERM_WORDS}


def test_terms_add_up_to_the_score() -> None:
    terms = decisions(run(leave(ITEM)), ITEM)[-1].terms
    assert math.isclose(sum(terms.get(name, 0.0) for name in ("prior", *GROUPS)), terms["score"], abs_tol=0.02)
