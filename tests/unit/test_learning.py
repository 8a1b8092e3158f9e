"""How the score tables are made: labels by the truth, the made-up worlds, and a fit that comes back as a table."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.errors import ConfigError, RfidguardError
from rfidguard.evaluate import Passage, Truth
from rfidguard.events import Count, Read, heard_at
from rfidguard.tree import Branch, Leaf
from rfidguard.trees import hopeless, score, table
from simulators.learn.boosting import as_table
from simulators.learn.fit import learnt
from simulators.learn.labels import NO, UNASKED, YES, come_in, gone_out, through
from simulators.learn.picked_rows import picked_rows_of
from simulators.learn.plain_world import plain_world
from simulators.learn.rows import Rows, rows_of
from simulators.learn.scenes import Play, countings, heard_as, plays
from simulators.learn.tables import TABLES, cheap_signs, checked, decoded, encoded, known_signs, wanted
from simulators.rough.world import rough_world
from simulators.scene_cache import Played

ZONES_OUT = wanted(["zones-out"])[0]
WEIGHTS = Path(__file__).parents[2] / "rfidguard" / "weights"


def batched(values: Sequence[float], size: int) -> Iterator[Sequence[float]]:
    return (values[start : start + size] for start in range(0, len(values), size))


def passage(direction: str, cross: float | None) -> Passage:
    return Passage("p1", "exit", 0.0, 20.0, cross, direction, (), ("A",))


@given(age=st.floats(-10, 10))
def test_who_crosses_has_gone_from_just_before_to_seconds_after(age: float) -> None:
    label = gone_out([passage("out", 10.0)], 10.0 + age)
    assert label == (YES if -0.3 <= 10.0 + age - 10.0 <= 4.0 else UNASKED if -1.0 <= 10.0 + age - 10.0 < -0.3 else NO)


@given(way=st.sampled_from(["out", "in", "none"]), now=st.floats(0, 30))
def test_who_turns_back_has_never_gone_and_nobody_goes_both_ways(way: str, now: float) -> None:
    assert gone_out([passage("none", None)], now) == come_in([passage("none", None)], now) == NO
    out, come = gone_out([passage(way, 10.0)], now), come_in([passage(way, 10.0)], now)
    assert YES not in (out, come) or NO in (out, come)
    assert through(out, come) == max(out, come, key=lambda label: (label == YES, label == UNASKED))


@pytest.mark.parametrize("made", [plain_world, rough_world])
@pytest.mark.parametrize("zoned", [True, False])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_made_up_world_is_the_same_every_time_and_its_truth_fits_what_is_heard(
    seed: int, zoned: bool, made: Callable[[int, bool], Played]
) -> None:
    world, again = made(seed, zoned), made(seed, zoned)
    assert world == again
    assert [heard_at(event) for event in world.events] == sorted(heard_at(event) for event in world.events)
    truth = msgspec.convert(world.truth, Truth)
    heard = {event.epc for event in world.events if isinstance(event, Read)}
    assert heard <= {epc for one in truth.passages for epc in one.tags} | set(truth.standing)
    assert sum(isinstance(event, Count) for event in world.events) <= sum(one.cross is not None for one in truth.passages)


def test_the_rough_world_starves_and_fades_what_the_plain_one_tells() -> None:
    """Goods that leave it are read less evenly by its antennas."""
    plain, rough = (
        [even for seed in range(1, 9) for even in _heard_evenly(made(seed, True))] for made in (plain_world, rough_world)
    )
    assert sum(rough) / len(rough) < 0.8 * sum(plain) / len(plain)


def _heard_evenly(made: Played) -> list[bool]:
    """Of each item that leaves, whether the antenna with the fewest reads has half as many as the one with the most."""
    antennas = {event.antenna for event in made.events if isinstance(event, Read)}
    reads = Counter((event.epc, event.antenna) for event in made.events if isinstance(event, Read))
    left = [epc for one in msgspec.convert(made.truth, Truth).passages if one.direction == "out" for epc in one.tags]
    by_antenna = [[reads[epc, antenna] for antenna in antennas] for epc in left]
    return [2 * min(found) >= max(found) for found in by_antenna]


def test_a_scene_becomes_the_same_rows_every_time_and_their_answers_are_of_every_kind() -> None:
    world = plain_world(4, zoned=True)
    rows = rows_of(world, "directed")
    assert rows == rows_of(world, "directed")
    assert len(rows.values) == len(rows.signs) * len(rows.out) > 0
    assert set(rows.out) == {NO, YES, UNASKED}
    assert set(rows.signs) == set(known_signs(ZONES_OUT))


@pytest.mark.parametrize(("name", "zoned"), [("zones-picked", True), ("plane-picked", False)])
def test_goods_that_stood_become_rows_of_the_moments_after_each_count(name: str, zoned: bool) -> None:
    """In the rough world 30 tags lie in view, and some of them are taken."""
    played = [rough_world(seed, zoned) for seed in range(1, 20)]
    worlds = [world for world in played if any(isinstance(event, Count) for event in world.events)]
    made = [picked_rows_of(world) for world in worlds[:6]]
    assert made[0] == picked_rows_of(worlds[0])
    assert all(len(rows.values) == len(rows.signs) * len(rows.out) > 0 for rows in made)
    assert {answer for rows in made for answer in rows.out} >= {NO, YES}
    assert set(made[0].signs) == set(known_signs(wanted([name])[0]))


def test_a_gate_without_directed_counters_hears_no_direction() -> None:
    worlds = (plain_world(seed, zoned=False).events for seed in range(1, 100))
    events = next(events for events in worlds if any(isinstance(event, Count) for event in events))
    assert {event.direction for event in heard_as(events, "undirected") if isinstance(event, Count)} == {"unknown"}
    assert not any(isinstance(event, Count) for event in heard_as(events, "none"))
    assert list(heard_as(events, "directed")) == list(events)


def test_rows_of_two_kinds_of_gates_do_not_mix() -> None:
    rows = Rows()
    rows.add({"a": 1.0}, YES, NO, 1.0)
    with pytest.raises(ValueError, match="two kinds of gates"):
        rows.add({"b": 1.0}, YES, NO, 1.0)


def test_a_dumped_model_becomes_a_table_of_the_signs_that_it_asks() -> None:
    tree = {
        "split_feature": 2, "threshold": 1.5, "internal_value": 0.25,
        "left_child": {"leaf_value": -1.0}, "right_child": {"leaf_value": 2.0},
    }  # fmt: skip
    made = as_table({"tree_info": [{"tree_structure": tree}]}, ("a", "b", "c"))
    assert made.signs == ("c",)
    assert made.trees == (Branch(0, 1.5, 0.25, Leaf(-1.0), Leaf(2.0)),)
    assert score(made, {"c": 1.5}) == -1.0
    assert score(made, {"c": 1.6}) == 2.0
    assert msgspec.structs.astuple(decoded("x", encoded(made))) == msgspec.structs.astuple(made)


def test_a_fit_finds_what_the_rows_hold() -> None:
    """The plain world at a gate with zones: few scenes, and yet much better than knowing only how often people leave."""
    entry = wanted(["zones-out"])[0]
    made = [(seed, rows_of(plain_world(seed, True), countings(Play("plain", True, seed))[0])) for seed in range(1, 9)]
    found = learnt(entry, made, threads=1)
    assert found.held_loss is not None
    assert found.blind_loss is not None
    assert found.held_loss < 0.5 * found.blind_loss
    assert checked(entry.name, found.table, known_signs(entry), cheap_signs(entry)) is found.table


def test_a_fit_brings_a_glance_that_loses_next_to_no_yes_of_its_rows() -> None:
    entry = wanted(["zones-out"])[0]
    made = [(seed, rows_of(plain_world(seed, True), countings(Play("plain", True, seed))[0])) for seed in range(1, 9)]
    known = learnt(entry, made, threads=1).table
    assert known.glance is not None
    assert set(known.glance.signs) <= cheap_signs(entry)
    looks = [dict(zip(rows.signs, values, strict=True)) for _, rows in made for values in batched(rows.values, len(rows.signs))]
    yes = [signs for signs in looks if score(known, signs) >= entry.least]
    assert sum(hopeless(known.glance, signs) for signs in yes) <= 0.01 * len(yes)
    assert sum(hopeless(known.glance, signs) for signs in looks) > 0.2 * len(looks)


def test_a_glance_may_ask_cheap_signs_only() -> None:
    dear = msgspec.structs.replace(table("zones-out"), glance=table("zones-in"))
    with pytest.raises(RfidguardError, match=r"its glance: asks for"):
        checked("zones-out", dear, known_signs(ZONES_OUT), cheap_signs(ZONES_OUT))


def test_a_fit_of_rows_that_all_say_the_same_is_refused() -> None:
    rows = Rows()
    rows.add({"a": 1.0}, NO, NO, 1.0)
    with pytest.raises(RfidguardError, match="always the same"):
        learnt(TABLES[0], [(1, rows)], threads=1)


@pytest.mark.parametrize("entry", TABLES, ids=lambda entry: entry.name)
def test_every_shipped_table_asks_only_for_signs_that_there_are(entry) -> None:  # type: ignore[no-untyped-def]
    shipped = table(entry.name)
    assert checked(entry.name, shipped, known_signs(entry), cheap_signs(entry)) is shipped
    assert "simulated" in shipped.about
    assert json.loads((WEIGHTS / f"{entry.name}.json").read_bytes())["signs"] == list(shipped.signs)


def test_a_table_that_asks_for_an_unknown_sign_is_refused_with_the_nearest() -> None:
    bad = msgspec.structs.replace(table("zones-out"), signs=("quiets_s", *table("zones-out").signs[1:]))
    with pytest.raises(RfidguardError, match=r"'quiets_s'.*nearest: quiet_s"):
        checked("zones-out", bad, known_signs(ZONES_OUT), cheap_signs(ZONES_OUT))


def test_unknown_tables_and_held_back_seeds_are_refused() -> None:
    with pytest.raises(ConfigError, match="no table is called 'zone-out'"):
        wanted(["zone-out"])
    with pytest.raises(ConfigError, match="held back"):
        plays(1000, True)
