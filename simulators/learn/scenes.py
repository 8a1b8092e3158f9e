"""Which simulated scenes the tables are learnt from, and what a gate with other counters would have heard of them.

Seeds stay below HELD_BACK_FROM (suites.py), whose layouts and people are kept for figures. Each store hangs its antennas at a
random layout; the plain world varies what a layout cannot: slopes, ripple, patches, read rates.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

import msgspec

from rfidguard.errors import ConfigError
from rfidguard.events import Count, Device, Event
from simulators.gen2 import Newcomers
from simulators.learn.plain_world import plain_world
from simulators.mixes import Mix, mixed
from simulators.scenario import build_scene
from simulators.scenario_file import ScenarioFile
from simulators.scenario_parts import Awkward, RandomPeople
from simulators.scene_cache import Played, cached
from simulators.suites import CHOSEN_LINKS, HELD_BACK_FROM

Counting = Literal["directed", "undirected", "none"]
"""Counters that tell in from out, that only tell somebody passed, or no counters."""

PLAIN_EACH = 4
"""Plain worlds are short, and cost little."""
PLAIN_WEIGHS = 2.0
"""A row of a plain world counts so often: a score must hold where gates are unlike the simulated stores."""
PASSAGES = 50
_ZONED = ("zones", "zones", "pedestals", "pedestals", "front")
_PLANE = ("facing", "facing", "facing", "single", "curtain")
_HEADWAY_S = (5.0, 11.0)
_FROM_SHELVES: tuple[Awkward, ...] = ("pick_out", "pick_out", "pick_out", "pick_back", "browse", "restock", "linger", "enter")
_WAITING: tuple[Awkward, ...] = (
    "pause", "pause", "pause", "wait", "wait_back", "turn_back", "linger", "wander", "child", "pair", "in_out", "wear",
)  # fmt: skip
_PLANS: tuple[Newcomers, ...] = ("no", "sessions", "marks")
_HARD: dict[int, tuple[Awkward, ...]] = {1: _WAITING, 3: _FROM_SHELVES}


@dataclass(frozen=True)
class Play:
    """One scene: a `store` of the simulator, or the `plain` world; at a gate with zones (`zoned`), or in one plane."""

    world: Literal["store", "plain"]
    zoned: bool
    seed: int


def plays(scenes: int, zoned: bool) -> list[Play]:
    """`scenes` stores and PLAIN_EACH times as many plain worlds. Raises ConfigError where seeds would be held back ones."""
    most = (HELD_BACK_FROM - 1) // PLAIN_EACH
    if scenes > most:
        raise ConfigError([f"--scenes {scenes}: at most {most}; seeds from {HELD_BACK_FROM} on are held back"])
    stores = [Play("store", zoned, seed) for seed in range(1, scenes + 1)]
    return stores + [Play("plain", zoned, seed) for seed in range(1, PLAIN_EACH * scenes + 1)]


def countings(play: Play) -> tuple[Counting, ...]:
    """As with which counters the scene is heard. A gate in one plane is learnt with counters and without."""
    if play.zoned:
        return (("none", "undirected", "directed", "directed", "directed")[play.seed % 5],)
    return ("none", "undirected" if play.seed % 5 == 1 else "directed")


def played_scene(play: Play, cache: Path | None) -> Played:
    """The scene, simulated, or from `cache`. The same play always gives the same events."""
    if play.world == "plain":
        return plain_world(play.seed, play.zoned)
    scenario = store_scenario(play.seed, play.zoned)
    digest = hashlib.sha256(scenario.model_dump_json().encode()).hexdigest()[:8]
    return cached(cache, f"learn-{scenario.name}-{digest}", lambda: build_scene(scenario, play.seed))


def store_scenario(seed: int, zoned: bool) -> ScenarioFile:
    """Awkward people at a random layout, each time another reader. In every fourth scene much is taken from shelves in
    view, in every fourth many wait in the gate, or turn back there.
    """
    rng = Random(f"learn/{'zoned' if zoned else 'plane'}/{seed}")
    phase = rng.random() < 0.8
    mix = Mix(
        people="awkward",
        layout=f"random-{rng.choice(_ZONED if zoned else _PLANE)}-{seed}",
        passages=PASSAGES,
        link=rng.choice(CHOSEN_LINKS),
        region=rng.choice(("etsi", "fcc")),
        phase=phase,
        rssi_step_db=0.5 if phase else 1.0,
        session=rng.choice((0, 0, 0, 1)),
        newcomers=rng.choice(_PLANS),
    )
    scenario = mixed(mix, seed)
    return scenario.model_copy(update={"random": _people(scenario, seed), "name": f"{mix.layout}-people"})


def heard_as(events: Iterable[Event], counting: Counting) -> Iterator[Event]:
    """The events of a scene with directed counters, as a gate with `counting` would have them."""
    for event in events:
        if isinstance(event, Count) and counting != "directed":
            if counting == "undirected":
                yield msgspec.structs.replace(event, direction="unknown")
        elif not (isinstance(event, Device) and counting == "none" and event.device.endswith("-count")):
            yield event


def _people(scenario: ScenarioFile, seed: int) -> RandomPeople:
    assert scenario.random is not None
    change: dict[str, object] = {"headway_s": _HEADWAY_S, "unpaid_share": 0.25}
    if seed % 4 in _HARD:
        change |= {"awkward": _HARD[seed % 4], "awkward_share": 0.7}
    return scenario.random.model_copy(update=change)
