"""Suites of scenes that figures are made on: what each is for, and which scene a seed stands for.

Seeds below HELD_BACK_FROM are for tuning, on the layouts of `layouts.py`. Seeds from there on are held back: nobody tunes to
them, and each hangs its antennas somewhere else (`random_layouts.py`). A figure that is claimed comes from held-back seeds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random

from rfidguard.errors import ConfigError
from simulators.gen2 import ASKED_LINK, Newcomers
from simulators.mixes import Mix, People, mixed
from simulators.rough.world import rough_world
from simulators.scenario_file import ScenarioFile
from simulators.scenario_parts import RandomPeople
from simulators.scene_cache import Played

HELD_BACK_FROM = 1000
"""The first seed that is held back."""
PASSAGES = 40
"""Passages a scene: short enough that processes share the work evenly."""
NIGHT_S = 900.0
CHOSEN_LINKS = ("m2", "m2", "m4", "fm0", "m4_dense")
"""What readers choose that are not asked for a link: assumed."""

_ZONED = (("pedestals", "overhead", "four", "wide"), ("zones", "pedestals", "front"))
_FACING = (("facing",), ("facing",))
_PLANE = (("single", "curtain"), ("single", "curtain"))
_ANY = ((*_ZONED[0], *_FACING[0], *_PLANE[0], "twin"), (*_ZONED[1], *_FACING[1], *_PLANE[1]))
"""Layouts for tuning, and families of random ones for seeds that are held back."""

Layouts = tuple[tuple[str, ...], tuple[str, ...]]
Make = Callable[[int], ScenarioFile]
World = Callable[[int], Played]


@dataclass(frozen=True)
class Suite:
    """Scenes of one kind. `scene` makes the scenario of a seed, `world` a scene without one: either is None."""

    name: str
    about: str
    scene: Make | None = None
    world: World | None = None


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


def _played(people: People, layouts: Layouts, counter: bool, *, any_link: bool = False, marks: bool = False) -> Make:
    """Scenes with `people` at one of `layouts`, each heard by another reader: region, phase, session, steps vary. It does what
    the driver asks of it: a fast link, and newcomers first, by marks where it can. With `marks` every reader can; with `any_link`
    it goes its own way.
    """

    def scene(seed: int) -> ScenarioFile:
        rng = Random(f"{people}/{seed}/reader")
        known, families = layouts
        phase = rng.random() < 0.8 and not marks
        link = rng.choice(CHOSEN_LINKS)
        mix = Mix(
            people=people,
            layout=f"random-{families[seed % len(families)]}-{seed}" if is_held_back(seed) else known[seed % len(known)],
            passages=PASSAGES,
            link=link if any_link else ASKED_LINK,
            region=rng.choice(("etsi", "fcc")),
            phase=phase,
            rssi_step_db=0.5 if phase else 1.0,
            session=rng.choice((0, 0, 0, 1)),
            newcomers="no" if any_link else _asks_newcomers(phase),
            counter=counter,
            strays=300 if people == "night" else None,
            seconds=NIGHT_S,
        )
        return mixed(mix, seed)

    return scene


def _asks_newcomers(phase: bool) -> Newcomers:
    """Phase comes by Impinj's extensions only, and Impinj's readers know no marks; all others are taken to know them."""
    return "sessions" if phase else "marks"


def _smoke(seed: int) -> ScenarioFile:
    mix = Mix(layout=_ZONED[0][seed % len(_ZONED[0])], passages=5, strays=9)
    scenario = mixed(mix, seed)
    people = {
        "passages": 5,
        "unpaid_share": 0.5,
        "awkward_share": 0.2,
        "headway_s": (5.0, 7.0),
        "awkward": ("run", "enter", "pair"),
    }
    return scenario.model_copy(update={"random": RandomPeople.model_validate(people)})


SUITES = {
    entry.name: entry
    for entry in (
        Suite("awkward-zoned", "half of the passages awkward, inside and outside zones", _played("awkward", _ZONED, True)),
        Suite(
            "awkward-zoned-any-link",
            "the same, by readers that chose their link, and ask all alike",
            _played("awkward", _ZONED, True, any_link=True),
        ),
        Suite(
            "awkward-zoned-marks",
            "the same, by readers that all can tell newcomers by marks",
            _played("awkward", _ZONED, True, marks=True),
        ),
        Suite("awkward-facing-counter", "half awkward, facing pedestals, a direction counter", _played("awkward", _FACING, True)),
        Suite("awkward-facing", "half awkward, facing pedestals, no counter", _played("awkward", _FACING, False)),
        Suite(
            "awkward-plane-counter", "half awkward, one antenna or a row overhead, a counter", _played("awkward", _PLANE, True)
        ),
        Suite("realistic-zoned", "0.3 % of exits unpaid, inside and outside zones", _played("realistic", _ZONED, True)),
        Suite(
            "realistic-facing-counter", "0.3 % unpaid, facing pedestals, a direction counter", _played("realistic", _FACING, True)
        ),
        Suite("realistic-facing", "0.3 % unpaid, facing pedestals, no counter", _played("realistic", _FACING, False)),
        Suite(
            "rough-zoned",
            "a world that nothing was learnt from, inside and outside zones",
            world=partial(rough_world, zoned=True),
        ),
        Suite("rough-plane", "the same, all antennas in one plane, a counter", world=partial(rough_world, zoned=False)),
        Suite("night", "300 shelf tags, a door, ten hours of drift, nobody there", _played("night", _ANY, True)),
        Suite("walkers", "empty-handed people past the shelves", _played("walkers", _ANY, True)),
        Suite("smoke", "a handful of passages, to see that it works; no figures", _smoke),
    )
}
