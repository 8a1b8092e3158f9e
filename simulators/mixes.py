"""Mixes of people to measure detection with: who comes, to which gate, past how many shelf tags, heard by which reader.

A mix and a seed make a scenario; thousands of passages are many seeds of some 40 passages each. Shelves, doors and people are
drawn from the seed, so that no two scenes are alike; the layout may be drawn as well (`random-zones-17`).
"""

from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from simulators.gen2 import ASKED_LINK, Newcomers
from simulators.layouts import Layout
from simulators.random_layouts import layout_named
from simulators.scenario_file import ScenarioFile

People = Literal["awkward", "realistic", "night", "walkers"]
PEOPLE: tuple[People, ...] = ("awkward", "realistic", "night", "walkers")

_ARTICLES = (
    {"id": "jacket", "name": "Jacket Arvid", "item": "012345", "price": "59.90", "variants": 40},
    {"id": "shirt", "name": "Shirt Linnea", "item": "012346", "price": "19.90", "variants": 60},
    {"id": "foreign-scarf", "name": "Scarf of another shop", "item": "98765", "prefix": "40123456"},
)
_AWKWARD = {"unpaid_share": 0.2, "paid_share": 0.3, "foreign_share": 0.1, "awkward_share": 0.5, "headway_s": (7.0, 14.0)}
_REALISTIC = {
    "unpaid_share": 0.003,
    "paid_share": 0.347,
    "foreign_share": 0.05,
    "awkward_share": 0.4,
    "group_share": 0.2,
    "per_day": 2500.0,
    "awkward": (
        *["enter"] * 30, *["pass_inside"] * 5, *["pass_outside"] * 5, *["browse"] * 3, *["linger"] * 3, "turn_back", "pick_back",
        "wait_back", "wander", "restock", "restock", "rack_by", "wear", "wear", "return", "run", "pram", "cart", "child",
        "in_out",
    ),
}  # fmt: skip
"""A shop that 1,500 people leave in a day: three of five passages are exits, a quarter come in, the rest do neither. Of those who
leave, 60 % carry nothing of ours and 0.3 % an unpaid item.
"""
_WALKERS = {
    "empty": True,
    "awkward_share": 0.7,
    "headway_s": (3.0, 8.0),
    "awkward": (
        "run", "cart", "pram", "child", "wait", "pair", "group", "in_out", "enter", "enter", "turn_back", "linger", "wander",
        "pass_inside", "pass_inside", "pass_outside", "rack_by",
    ),
}  # fmt: skip
_NIGHT_S = 36_000.0


@dataclass(frozen=True)
class Mix:
    """What a scene is like: `people`, and the gate they pass. `strays`: tags on shelves around the gate (None: 80 to 300, drawn).
    `seconds`: how long a night lasts; in it levels drift as far as in ten hours.
    """

    people: People = "awkward"
    layout: str = "four"
    passages: int = 60
    strays: int | None = None
    link: str = ASKED_LINK
    phase: bool = True
    session: int = 0
    dual_target: bool = True
    rssi_step_db: float = 0.5
    region: str = "etsi"
    counter: bool = True
    directional: bool = True
    seconds: float = 1800.0
    dwell_s: float = 0.2
    newcomers: Newcomers = "no"


def mixed(mix: Mix, seed: int) -> ScenarioFile:
    """The scenario of one seed of a mix, for `build_scene(scenario, seed)`. Raises ConfigError for an unknown layout."""
    layout = layout_named(mix.layout)
    rng = Random(f"mix/{mix.people}/{mix.layout}/{seed}")
    strays = rng.randrange(80, 301) if mix.strays is None else mix.strays
    scenario: dict[str, Any] = {
        "name": f"{mix.people}-{seed}",
        "store": _store(mix),
        "article": _ARTICLES,
        "shelf": _shelves(layout, strays, rng),
        "door": [_door(layout, mix, rng)],
    }
    if mix.people == "night":
        return ScenarioFile.model_validate({**scenario, "seconds": mix.seconds})
    people = {"awkward": _AWKWARD, "realistic": _REALISTIC, "walkers": _WALKERS}[mix.people]
    return ScenarioFile.model_validate({**scenario, "random": {"passages": mix.passages, **people}})


def _store(mix: Mix) -> dict[str, Any]:
    return {
        "layout": mix.layout,
        "link": mix.link,
        "phase": mix.phase,
        "session": mix.session,
        "dual_target": mix.dual_target,
        "dwell_s": mix.dwell_s,
        "newcomers": mix.newcomers,
        "rssi_step_db": mix.rssi_step_db,
        "region": mix.region,
        "counter": mix.counter,
        "counter_directional": mix.directional,
        "drift_x": max(_NIGHT_S / mix.seconds, 1.0) if mix.people == "night" else 1.0,
    }


def _door(layout: Layout, mix: Mix, rng: Random) -> dict[str, Any]:
    """A leaf at one side of the opening that somebody, or the wind, moves now and then."""
    last = mix.seconds if mix.people == "night" else mix.passages * 12.0
    swings, at = [], rng.uniform(10.0, 90.0)
    while at < last:
        swings.append(round(at, 1))
        at += rng.uniform(20.0, 120.0)
    return {"hinge": (-layout.half_width_m, rng.choice((0.1, 0.15, 0.2))), "swings": swings}


def _shelves(layout: Layout, strays: int, rng: Random) -> list[dict[str, Any]]:
    """Stock around a gate: beside it and farther in, often in the window, often on a promotion table 1.2 m from the plane."""
    shelves: list[dict[str, Any]] = []
    half, left = layout.half_width_m, strays
    for at, size, height, most, chance in (
        ((rng.choice((-1, 1)) * (half + 0.5), -0.4), (0.7, 0.3), (0.5, 1.7), 12, 0.5),
        ((rng.choice((-1, 1)) * (half + 0.3), -1.2), (0.8, 0.6), (0.75, 0.95), 25, 0.5),
    ):
        if rng.random() < chance and left > most:
            tags = rng.randrange(most // 2, most + 1)
            left -= tags
            shelves.append({"id": f"s{len(shelves)}", "at": at, "size": size, "height": height, "tags": tags})
    middles = [x for _, x in layout.side_gates]
    while left > 0:
        tags = min(left, rng.randrange(20, 70))
        left -= tags
        x = rng.choice((-1, 1)) * (half + rng.uniform(0.7, 2.2)) + rng.choice((0.0, *middles))
        shelves.append({"id": f"s{len(shelves)}", "at": (round(x, 2), round(-rng.uniform(0.9, 3.2), 2)), "tags": tags})
    return shelves
