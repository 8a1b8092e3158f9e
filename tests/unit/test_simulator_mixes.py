"""Mixes and layouts drawn from a seed: what a measurement of detection is made of."""

import pytest

from rfidguard.errors import ConfigError
from rfidguard.events import Count, Read
from simulators.mixes import PEOPLE, Mix, mixed
from simulators.random_layouts import FAMILIES, layout_named, random_layout
from simulators.scenario import build_scene


@pytest.mark.parametrize("family", FAMILIES)
def test_a_random_layout_is_the_same_for_the_same_seed_and_wired_to_ports_from_1(family: str) -> None:
    layouts = [random_layout(seed, family) for seed in range(20)]
    assert layouts == [layout_named(f"random-{family}-{seed}") for seed in range(20)]
    assert len({layout.antennas for layout in layouts}) == 20
    for layout in layouts:
        assert [antenna.port for antenna in layout.antennas] == list(range(1, len(layout.antennas) + 1))
        assert all(abs(antenna.at[0]) <= layout.half_width_m + 0.5 for antenna in layout.antennas)


@pytest.mark.parametrize("family", ["zones", "pedestals", "front"])
def test_layouts_with_zones_have_their_inside_antennas_inside_and_looking_in(family: str) -> None:
    for seed in range(20):
        layout = random_layout(seed, family)
        assert layout.directional
        for antenna in layout.antennas:
            way = -1 if antenna.zone == "inside" else 1
            assert antenna.boresight[1] * way > 0


def test_a_layout_that_does_not_exist_is_told_what_there_is() -> None:
    with pytest.raises(ConfigError, match="random-<family>-<seed>"):
        layout_named("random-round-3")


@pytest.mark.parametrize("people", PEOPLE)
def test_every_mix_plays_and_keeps_to_what_it_was_asked_for(people: str) -> None:
    mix = Mix(people, "random-facing-4", passages=4, strays=40, phase=False, rssi_step_db=1.0, counter=False, seconds=20.0)
    scene = build_scene(mixed(mix, 3), 3)
    reads = [event for event in scene.events if isinstance(event, Read)]
    assert reads
    assert all(read.phase_rad is None and read.rssi_dbm.is_integer() for read in reads)
    assert not [event for event in scene.events if isinstance(event, Count)]
    assert sum(shelf.tags for shelf in scene.scenario.shelf) == 40
    passages = scene.truth["passages"]
    assert len(passages) >= (0 if people == "night" else 4)
    if people in ("night", "walkers"):
        assert not [passage for passage in passages if passage["tags"]]


def test_strays_are_drawn_between_80_and_300_where_none_are_asked_for() -> None:
    counts = [sum(shelf.tags for shelf in mixed(Mix(), seed).shelf) for seed in range(30)]
    assert min(counts) >= 80
    assert max(counts) <= 300
    assert len(set(counts)) > 20


def test_the_realistic_mix_has_the_shares_of_a_shop() -> None:
    scene_people = [
        person
        for seed in range(3)
        for person in build_people(Mix("realistic", passages=1000), seed)
        if person["direction"] == "out" and person["kind"].split("_")[0] in ("exit", "group")
    ]
    with_ours = [passage for passage in scene_people if passage["unpaid"] or "paid" in passage["kind"]]
    unpaid = [passage for passage in scene_people if passage["unpaid"]]
    assert 0.30 < len(with_ours) / len(scene_people) < 0.40
    assert 0.0005 < len(unpaid) / len(scene_people) < 0.009


def build_people(mix: Mix, seed: int) -> list[dict]:
    """The truth of a mix's people, at a gate whose reader is off: nothing to hear, so it is quick."""
    scenario = mixed(mix, seed).model_copy(update={"shelf": (), "seconds": 1.0, "door": ()})
    return build_scene(scenario, seed).truth["passages"]
