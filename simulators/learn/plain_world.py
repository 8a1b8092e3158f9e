"""A second, deliberately simple world: one tag a passage on one line, shelves in view, a counter. A seed is a scene.

It shares no physics with the store simulator, and varies what that holds fixed: slopes, ripple, noise, read rates, shadows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from rfidguard.epc import encode_sgtin_96
from rfidguard.events import Event, Read, heard_at
from simulators.learn.plain_radio import Gate, Shadow, Tag, drawn_gate, reads
from simulators.learn.plain_walks import WALKERS, Way, stands
from simulators.made_up import EPOCH, GATE, PREFIX, config_text, counts, times_of, told, truth_of
from simulators.scene_cache import Played

_CARRIED, _STOCK = "812345", "812346"
_PEOPLE_S = (25.0, 25.0, 25.0, 320.0)
"""Most plain worlds are short: there the program has just begun to watch, and knows no shelf yet."""
_TAIL_S = 10.0
_HEADWAY_S = (7.0, 14.0)
_KINDS = (*["exit"] * 4, *["turn_back"] * 3, "pause", *(kind for kind in WALKERS if kind not in ("exit", "turn_back")))
_HIDDEN_DB = 60.0
_HIDDEN_SHARE = 0.35


@dataclass(frozen=True)
class _Passage:
    """What one tag does: on the way as `kind`."""

    kind: str
    tag: Tag
    way: Way


def plain_world(seed: int, zoned: bool) -> Played:
    """Some 30 passages. `zoned`: past inside and outside antennas, else past antennas in one plane."""
    rng = Random(f"plain/{'zoned' if zoned else 'plane'}/{seed}")
    gate = drawn_gate(rng, zoned)
    people_s = rng.choice(_PEOPLE_S)
    passages = _people(rng, people_s)
    end = max(people_s, *(passage.way.end for passage in passages)) + _TAIL_S
    stock = _stock(rng, gate, passages, end)
    heard: list[Read] = []
    for tag, way in [*((passage.tag, passage.way) for passage in passages), *stock]:
        heard += reads(gate, tag, way, rng, EPOCH, GATE)
    events: list[Event] = [*heard, *counts(rng, (passage.way for passage in passages), 0.03, 0.2)]
    times = times_of(heard)
    passed = [told(f"p{number}", one.kind, one.way, [one.tag.epc], times, unpaid=True) for number, one in enumerate(passages, 1)]
    truth = truth_of(passed, [tag.epc for tag, _ in stock], end, "plain")
    sides = {antenna.port: antenna.looks if zoned else 0 for antenna in gate.antennas}
    return Played(sorted(events, key=heard_at), truth, config_text(sides))


def _people(rng: Random, people_s: float) -> list[_Passage]:
    found: list[_Passage] = []
    at, number = rng.choice((0.1, 0.5, 3.0, 12.0, 20.0)), 0
    while at < people_s:
        number += 1
        kind = rng.choice(_KINDS)
        ways = WALKERS[kind](rng, at, min(max(rng.gauss(1.25, 0.3), 0.5), 2.6))
        tag = Tag(
            epc=encode_sgtin_96(PREFIX, _CARRIED, number),
            rate_hz=_log_uniform(rng, 2.5, 20.0 if kind.startswith("pick") else 100.0),
            side_m=rng.uniform(0.35, 1.0),
            reach_dbm=rng.uniform(-74.0, -60.0),
        )
        found += [_Passage(kind if len(ways) == 1 else f"{kind}_{way.direction}", _hidden(rng, tag, way), way) for way in ways]
        at += rng.uniform(*_HEADWAY_S)
    return found


def _hidden(rng: Random, tag: Tag, way: Way) -> Tag:
    """Some of those that cross are behind a body just then, or pass while the reader is away for a moment."""
    if way.cross is None or rng.random() >= _HIDDEN_SHARE:
        return tag
    since, long_s = way.cross - rng.uniform(-0.2, 1.6), rng.choice((0.5, 0.8, 1.2, 2.2, 2.4, 3.0))
    return replace(tag, shadows=(Shadow(since, since + rng.uniform(0.6, 1.0) * long_s, _HIDDEN_DB),))


def _stock(rng: Random, gate: Gate, passages: Sequence[_Passage], end: float) -> list[tuple[Tag, Way]]:
    """Tags on shelves in view, shadowed by some of those who pass."""
    found = []
    for number in range(rng.choice((0, 0, 10, 40, 80))):
        tag = Tag(
            epc=encode_sgtin_96(PREFIX, _STOCK, number + 1),
            rate_hz=_log_uniform(rng, 0.3, 4.0),
            side_m=rng.uniform(0.6, 1.6),
            reach_dbm=rng.uniform(-75.0, -64.0),
            shadows=tuple(_passer(rng, gate, passage.way) for passage in passages if rng.random() < 0.4),
        )
        found.append((tag, stands(0.0, end, -rng.uniform(0.8, 2.5))))
    return found


def _passer(rng: Random, gate: Gate, way: Way) -> Shadow:
    """The body of somebody on `way`, while nearest to the gate, in the line to one antenna or to all."""
    middle = (way.start + way.end) / 2.0 if way.cross is None else way.cross
    since, until = middle - 0.6 + rng.uniform(-0.3, 0.3), middle + 0.6 + rng.uniform(-0.3, 0.3)
    return Shadow(since, until, rng.uniform(0.0, 14.0), rng.choice((None, *(antenna.port for antenna in gate.antennas))))


def _log_uniform(rng: Random, least: float, most: float) -> float:
    return math.exp(rng.uniform(math.log(least), math.log(most)))
