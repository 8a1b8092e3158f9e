"""Suites of scenes that figures are made on: what each is for, and which scene a seed stands for.

Seeds below HELD_BACK_FROM are for tuning, on the layouts of `layouts.py`. Seeds from there on are held back: nobody tunes to
them, and each hangs its antennas somewhere else. A figure that is claimed comes from held-back seeds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from rfidguard.errors import ConfigError
from simulators.scenario_file import DoorLeaf, RandomPeople, ScenarioFile, Shelf, read_scenario

HELD_BACK_FROM = 1000
"""The first seed that is held back."""
PASSAGES = 40
"""Passages a scene: short enough that processes share the work evenly."""
NIGHT_S = 900.0

_ZONED = ("pedestals", "overhead", "four", "wide")
_FACING = ("facing", "single")
_EMPTY_WAYS = ("run", "pause", "enter")

Make = Callable[[int], ScenarioFile]


@dataclass(frozen=True)
class Suite:
    """Scenes of one kind. `scene` makes the scenario of a seed."""

    name: str
    about: str
    scene: Make


def suite(name: str) -> Suite:
    """The suite called `name`. Raises ConfigError with the known names."""
    if name not in SUITES:
        raise ConfigError([f"no suite is called {name!r}; there are: {', '.join(SUITES)}"])
    return SUITES[name]


def seeds_of(text: str, scenes: int) -> tuple[int, ...]:
    """The seeds meant by "tuning", "held-back" (`scenes` of them) or "A-B" (all of these). Raises ConfigError."""
    if text in ("tuning", "held-back"):
        first = HELD_BACK_FROM if text == "held-back" else 1
        last = first + scenes - 1 if text == "held-back" else min(first + scenes, HELD_BACK_FROM) - 1
        return tuple(range(first, last + 1))
    match = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text)
    if match is None or int(match[1]) > int(match[2]):
        raise ConfigError([f"seeds {text!r}: write tuning, held-back, or a range like 1-20"])
    return tuple(range(int(match[1]), int(match[2]) + 1))


def is_held_back(seed: int) -> bool:
    """True for seeds that nobody may tune to."""
    return seed >= HELD_BACK_FROM


def _awkward(layouts: tuple[str, ...], counter: bool) -> Make:
    return _shop(layouts, counter, unpaid_share=0.2, paid_share=0.3, foreign_share=0.1, awkward_share=0.5, headway_s=(7.0, 14.0))


def _realistic(layouts: tuple[str, ...], counter: bool) -> Make:
    return _shop(
        layouts, counter, unpaid_share=0.003, paid_share=0.35, foreign_share=0.05, awkward_share=0.1, headway_s=(6.0, 20.0)
    )


def _walkers() -> Make:
    return _shop(
        _ZONED, True, unpaid_share=0.0, paid_share=0.0, foreign_share=0.0, awkward_share=0.3, awkward=_EMPTY_WAYS,
        headway_s=(4.0, 9.0),
    )  # fmt: skip


def _shop(layouts: tuple[str, ...], counter: bool, **people: object) -> Make:
    def scene(seed: int) -> ScenarioFile:
        base = _base(seed, layouts, counter, shelf_tags=Random(f"{seed}/tags").randint(80, 300))
        return base.model_copy(update={"random": RandomPeople.model_validate({"passages": PASSAGES, **people})})

    return scene


def _smoke(seed: int) -> ScenarioFile:
    people = {"passages": 5, "unpaid_share": 0.5, "awkward_share": 0.2, "headway_s": (5.0, 7.0)}
    return _base(seed, _ZONED, True, shelf_tags=9).model_copy(update={"random": RandomPeople.model_validate(people)})


def _night(seed: int) -> ScenarioFile:
    base = _base(seed, _ZONED, True, shelf_tags=300)
    rng = Random(f"{seed}/doors")
    swings = tuple(sorted(round(rng.uniform(20.0, NIGHT_S), 1) for _ in range(20)))
    return base.model_copy(
        update={"random": None, "seconds": NIGHT_S, "door": (DoorLeaf(hinge=(-0.9, 0.1), width=0.9, swings=swings),)}
    )


def _base(seed: int, layouts: tuple[str, ...], counter: bool, shelf_tags: int) -> ScenarioFile:
    awkward = read_scenario("awkward")
    store = awkward.store.model_copy(update={"layout": layouts[seed % len(layouts)], "counter": counter})
    return awkward.model_copy(update={"store": store, "shelf": _filled(awkward.shelf, shelf_tags)})


def _filled(shelves: tuple[Shelf, ...], tags: int) -> tuple[Shelf, ...]:
    """The same shelves with `tags` tags on them in all, shared out as they were."""
    total = sum(shelf.tags for shelf in shelves)
    return tuple(shelf.model_copy(update={"tags": max(round(tags * shelf.tags / total), 1)}) for shelf in shelves)


SUITES = {
    entry.name: entry
    for entry in (
        Suite("awkward-zoned", "half of the passages awkward, inside and outside zones", _awkward(_ZONED, True)),
        Suite("awkward-facing-counter", "half awkward, no zones, a direction counter", _awkward(_FACING, True)),
        Suite("awkward-facing", "half awkward, no zones, no counter", _awkward(_FACING, False)),
        Suite("realistic-zoned", "0.3 % of exits unpaid, inside and outside zones", _realistic(_ZONED, True)),
        Suite("realistic-facing-counter", "0.3 % unpaid, no zones, a direction counter", _realistic(_FACING, True)),
        Suite("realistic-facing", "0.3 % unpaid, no zones, no counter", _realistic(_FACING, False)),
        Suite("night", "300 shelf tags, a door, nobody there", _night),
        Suite("walkers", "empty-handed people past the shelves", _walkers()),
        Suite("smoke", "a handful of passages, to see that it works; no figures", _smoke),
    )
}
