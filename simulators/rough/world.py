"""A third world: people with several tags, heard roughly (radio.py) among many shelf tags. A seed is a scene.

People walk the ways of the plain world (plain_walks.py), from farther away and closer together, past readers that are starved,
tell no phase, or fade. No table learns from it, so it shows what the program is worth at gates that are unlike all it has seen.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from rfidguard.epc import encode_sgtin_96
from rfidguard.events import Event, Read, heard_at
from simulators.learn.plain_walks import REACH_M, WALKERS, Way
from simulators.made_up import EPOCH, GATE, PREFIX, config_text, counts, times_of, told, truth_of
from simulators.rough.radio import (
    Point,
    Reader,
    Waves,
    answers,
    body_loss_db,
    drawn_reader,
    drawn_turn,
    drawn_waves,
    field,
    read_of,
    stirred_db,
)
from simulators.scene_cache import Played

_CARRIED, _STOCK = "812345", "812346"
_PEOPLE_S = (60.0, 120.0, 240.0)
_TAIL_S = 10.0
_HEADWAY_S = (0.5, 14.0)
_SHELVED_S = 30.0
_SAUNTERS = 0.3
_EMPTY = 0.3


@dataclass(frozen=True)
class _Tag:
    """One tag: where it is held beside its carrier, or lies, how well it answers, and who hides and stirs it how much."""

    epc: str
    place: Point
    reach_dbm: float
    worn: float
    worn_db: float
    stirs_db: float
    waves: tuple[Waves, ...]


@dataclass(frozen=True)
class _Passage:
    kind: str
    way: Way
    aside_m: float
    tags: tuple[_Tag, ...]


def rough_world(seed: int, zoned: bool) -> Played:
    """Some 10 to 30 passages. `zoned`: past inside and outside antennas, else past antennas in one plane."""
    rng = Random(f"rough/{'zoned' if zoned else 'plane'}/{seed}")
    reader = drawn_reader(rng, zoned)
    passages = _people(rng, reader, rng.choice(_PEOPLE_S), first=rng.choice((2.0, 20.0, 45.0)))
    end = max(passage.way.end for passage in passages) + _TAIL_S
    stock = _stock(rng, reader)
    heard = list(_heard(rng, reader, passages, stock, end))
    times = times_of(heard)
    passed = [_told(f"p{number}", passage, times) for number, passage in enumerate(passages, 1)]
    events: list[Event] = [*heard, *counts(rng, (passage.way for passage in passages), -0.2, 0.25)]
    sides = {antenna.port: antenna.side for antenna in reader.antennas}
    truth = truth_of(passed, [tag.epc for tag in stock], end, "rough")
    return Played(sorted(events, key=heard_at), truth, config_text(sides))


def _shelves(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Brings goods from the back to a shelf in view, where they stay."""
    y = -rng.uniform(1.0, 3.5)
    there = at + max(REACH_M + y, 0.3) / speed
    return (Way(((at, min(-REACH_M, y - 0.3)), (there, y), (there + _SHELVED_S, y))),)


_WALKERS = {**WALKERS, "shelve": _shelves}
_KINDS = (*["exit"] * 6, *["turn_back"] * 2, *["pick_out"] * 2, *_WALKERS)


def _people(rng: Random, reader: Reader, people_s: float, first: float) -> list[_Passage]:
    found: list[_Passage] = []
    at, number = first, 0
    inner_m, outer_m = rng.uniform(2.0, 6.0), rng.uniform(2.0, 6.0)
    while at < first + people_s:
        kind, speed = rng.choice(_KINDS), min(max(rng.gauss(1.1, 0.35), 0.4), 2.8)
        ways = [_from_afar(way, speed, inner_m, outer_m, rng.random() < _SAUNTERS) for way in _WALKERS[kind](rng, at, speed)]
        count = 0 if rng.random() < _EMPTY and not kind.startswith("pick") else rng.choice((1, 1, 1, 2, 3, 6))
        aside = rng.uniform(-0.6, 0.6)
        worn, worn_db = rng.uniform(-math.pi, math.pi), rng.uniform(0.0, 15.0)
        tags = tuple(_new_tag(rng, reader, _CARRIED, number + place, worn=worn, worn_db=worn_db) for place in range(1, count + 1))
        number += count
        names = [kind] if len(ways) == 1 else [f"{kind}_{way.direction}" for way in ways]
        held = [tuple(replace(tag, place=_beside(rng, aside)) for tag in tags) for _ in ways]
        found += [_Passage(name, way, aside, items) for name, way, items in zip(names, ways, held, strict=True)]
        at += rng.uniform(*_HEADWAY_S)
    return found


def _from_afar(way: Way, speed: float, inner_m: float, outer_m: float, saunters: bool) -> Way:
    """The same way, from as far in and out as this gate's people come from. Who `saunters` goes along the front once outside."""
    points = list(way.points)
    for place, step in ((0, -1.0), (-1, 1.0)):
        at, y = points[place]
        more = (outer_m if y > 0.0 else inner_m) - REACH_M
        if abs(abs(y) - REACH_M) < 1.0 and more > 0.0:
            pace = speed / 3.0 if saunters and y > 0.0 else speed
            points.insert(0 if place == 0 else len(points), (at + step * more / pace, y + math.copysign(more, y)))
    return replace(way, points=tuple(points))


def _beside(rng: Random, aside_m: float) -> Point:
    return aside_m + rng.gauss(0.0, 0.15), rng.gauss(0.0, 0.15)


def _new_tag(
    rng: Random, reader: Reader, item: str, serial: int, place: Point = (0.0, 0.0), worn: float = 0.0, worn_db: float = 0.0
) -> _Tag:
    return _Tag(
        epc=encode_sgtin_96(PREFIX, item, serial),
        place=place,
        reach_dbm=rng.uniform(-74.0, -62.0),
        worn=worn,
        worn_db=worn_db,
        stirs_db=rng.uniform(0.0, 4.0),
        waves=tuple(drawn_waves(rng, reader.fades) for _ in reader.antennas),
    )


def _stock(rng: Random, reader: Reader) -> list[_Tag]:
    """Tags on shelves in view, most of them inside, some in a window."""
    shelves = [(rng.choice((-1.0, 1.0)) * rng.uniform(0.8, 3.0), -rng.uniform(0.6, 4.0)) for _ in range(rng.randint(1, 4))]
    if rng.random() < 0.2:
        shelves.append((rng.choice((-1.0, 1.0)) * rng.uniform(1.0, 2.0), rng.uniform(-0.2, 0.4)))
    found = []
    for number in range(rng.choice((0, 20, 60, 120, 200))):
        across, along = rng.choice(shelves)
        place = (across + rng.gauss(0.0, 0.3), along + rng.gauss(0.0, 0.3))
        found.append(_new_tag(rng, reader, _STOCK, number + 1, place))
    return found


def _heard(rng: Random, reader: Reader, passages: Sequence[_Passage], stock: Sequence[_Tag], end: float) -> Iterator[Read]:
    """Turn by turn, what the reader tells."""
    lying = [
        [(tag, *field(reader, antenna, tag.waves[n], tag.place)) for tag in stock] for n, antenna in enumerate(reader.antennas)
    ]
    offsets = [rng.uniform(0.0, 2.0 * math.pi) for _ in range(reader.channels * len(reader.antennas))]
    read_at: dict[str, float] = {}
    number, at = 0, 0.0
    while at < end:
        n, channel = number % len(reader.antennas), number // 10 % reader.channels
        antenna, number = reader.antennas[n], number + 1
        near = [passage for passage in passages if passage.way.points[0][0] <= at <= passage.way.end]
        bodies = [(passage.aside_m, passage.way.y(at)) for passage in near if passage.way.start <= at]
        in_reach = [*_lying(rng, lying[n], bodies), *_carried(rng, reader, n, near, at)]
        turns = list(drawn_turn(rng, reader, [at - read_at.get(tag.epc, -9.0) for tag, _, _ in in_reach]))
        for place, chosen in enumerate(turns):
            tag, level, phase = in_reach[chosen]
            read_at[tag.epc] = when = at + reader.turn_s * (place + rng.random()) / len(turns)
            shift = offsets[channel * len(reader.antennas) + n] + rng.gauss(0.0, 0.1) + rng.choice((0.0, math.pi))
            noisy = level + rng.gauss(0.0, reader.noise_db)
            yield read_of(reader, antenna, tag.epc, EPOCH + when, noisy, phase + shift, channel + 1, GATE)
        at += reader.turn_s


def _lying(
    rng: Random, known: Sequence[tuple[_Tag, float, float]], bodies: Sequence[Point]
) -> Iterator[tuple[_Tag, float, float]]:
    """The shelf tags in reach; those near a body are moved in level and phase."""
    for tag, level, phase in known:
        moved = stirred_db(tag.place, tag.stirs_db, tag.worn + tag.reach_dbm, bodies) if bodies else 0.0
        if answers(level + moved, tag.reach_dbm, rng):
            yield tag, level + moved, phase + 0.1 * moved


def _carried(rng: Random, reader: Reader, n: int, near: Sequence[_Passage], at: float) -> Iterator[tuple[_Tag, float, float]]:
    """The carried tags in reach of one antenna."""
    antenna = reader.antennas[n]
    for passage in near:
        y = passage.way.y(at)
        heading = -1.0 if passage.way.y(at + 0.2) < y else 1.0
        held = at >= passage.way.start
        for tag in passage.tags:
            place = (tag.place[0], y + tag.place[1])
            level, phase = field(reader, antenna, tag.waves[n], place)
            if held:
                level -= body_loss_db(tag.worn_db, tag.worn, heading, antenna, place)
            if answers(level, tag.reach_dbm, rng):
                yield tag, level, phase


def _told(name: str, passage: _Passage, times: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Own clothes ring on no way out."""
    epcs = [tag.epc for tag in passage.tags]
    return told(name, passage.kind, passage.way, epcs, times, unpaid=not passage.kind.startswith("wear"))
