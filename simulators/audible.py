"""Which tags have power, and how loud each is: what an inventory round of the reader starts from.

Nearly all tags stand, nearly always nobody is near them, and a reader asks many times a second. So the undisturbed field of each
standing tag is worked out once for each antenna and channel. With people about, only those tags are worked out again that
someone hides or brushes against, or whose power is so near to enough that a reflection decides. That loses no precision: a
bound on the reflection says who cannot be affected. The level, which only decides who wins a collision, is the undisturbed one.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from simulators.layouts import Antenna, Vec
from simulators.people import Bodies, Body
from simulators.physics import NEAREST_M, SHADOW_REACH_M, Lit, Paths, Room, level_db, power_at_tag_dbm, rssi_dbm, shadow
from simulators.presence import Around, Standing
from simulators.tags import BRUSH_REACH_M, Tag, sway

_SURE_DB = 1.5
"""So far above its sensitivity a tag surely has power, so far below surely not: drift (0.4 dB) and soft edge (1 dB)."""
_CELL_M = BRUSH_REACH_M
_KEPT_VIEWS = 450
"""Two whole turns of the hopping plan at four antennas: memory stays bounded while shelf tags come and go."""
_DRIFT_SLICE_S = 10.0


class Bearings:
    """Where the standing tags lie, as seen from one antenna: who can be in a body's shadow, who can be brushed against."""

    def __init__(self, antenna: Vec, standing: Standing) -> None:
        self._at = antenna
        self._places = [place for _, place in standing.spots]
        turns = sorted((math.atan2(place[1] - antenna[1], place[0] - antenna[0]), n) for n, place in enumerate(self._places))
        self._turns = [turn for turn, _ in turns]
        self._by_turn = [number for _, number in turns]
        self._cells: dict[tuple[int, int], list[int]] = {}
        for number, place in enumerate(self._places):
            self._cells.setdefault(_cell(place[0], place[1]), []).append(number)

    def shadowed(self, body: Body) -> Iterator[int]:
        """Numbers of the spots from which `body` takes some of the straight wave."""
        for number in self._towards(body):
            if shadow(self._at, self._places[number], body) < 1.0:
                yield number

    def brushed(self, body: Body) -> Iterator[int]:
        """Numbers of the spots within reach of someone who passes."""
        column, row = _cell(body.x, body.y)
        for cell in ((column + i, row + j) for i in (-1, 0, 1) for j in (-1, 0, 1)):
            for number in self._cells.get(cell, ()):
                x, y, _ = self._places[number]
                if math.hypot(x - body.x, y - body.y) < BRUSH_REACH_M:
                    yield number

    def _towards(self, body: Body) -> Iterator[int]:
        dx, dy = body.x - self._at[0], body.y - self._at[1]
        distance = math.hypot(dx, dy)
        if distance <= SHADOW_REACH_M:
            yield from self._by_turn
            return
        middle, half = math.atan2(dy, dx), math.asin(SHADOW_REACH_M / distance)
        for whole in (-2.0 * math.pi, 0.0, 2.0 * math.pi):
            first = bisect_left(self._turns, middle - half + whole)
            last = bisect_left(self._turns, middle + half + whole)
            yield from self._by_turn[first:last]


class Known(NamedTuple):
    """A standing tag's undisturbed field at one antenna and channel, and by how many dB its power suffices (drift apart)."""

    tag: int
    place: Vec
    paths: Paths
    gain_db: float
    margin_db: float


class Open(NamedTuple):
    """A spot that reflections of at least `slack` in the field could give power, or rob of it."""

    slack: float
    number: int
    x: float
    y: float


@dataclass(frozen=True)
class View:
    """The standing tags at one antenna and channel. While nobody is near, those of `sure` are powered (spot, tag, level),
    those of `edge` perhaps, the others not.
    """

    known: tuple[Known, ...]
    sure: tuple[tuple[int, tuple[int, float]], ...]
    edge: tuple[int, ...]
    open: tuple[Open, ...]


class Audible:
    """Which standing tags are powered, by antenna."""

    def __init__(
        self,
        room: Room,
        antennas: dict[int, Antenna],
        tags: tuple[Tag, ...],
        wave_numbers: tuple[float, ...],
        resting_doors: Bodies,
        drift_x: float,
        rng: Random,
    ) -> None:
        self._room, self._antennas, self._tags, self._wave_numbers, self._rng = room, antennas, tags, wave_numbers, rng
        self._doors = {port: room.lit(port, resting_doors) for port in antennas}
        self._views: dict[tuple[int, int, Standing], View] = {}
        self._bearings: dict[tuple[int, Standing], Bearings] = {}
        self._drift_x = drift_x
        self._losses: dict[int, float] = {}
        self._losses_of = 0

    def view(self, port: int, channel: int, standing: Standing) -> View:
        """The undisturbed field with all doors closed, kept."""
        key = (port, channel, standing)
        view = self._views.get(key)
        if view is None:
            if len(self._views) >= _KEPT_VIEWS:
                self._views.pop(next(iter(self._views)))
            view = self._views[key] = self._new_view(port, channel, standing)
        return view

    def standing(self, port: int, channel: int, standing: Standing, at: float, around: Around) -> list[tuple[int, float]]:
        """Standing tags with power now: index and level at the reader."""
        view = self.view(port, channel, standing)
        if not around.moving:
            found = [entry for _, entry in view.sure]
            for number in view.edge:
                self._add(found, port, view.known[number].tag, view.known[number].gain_db, at)
            return found
        people = self._room.lit(port, around.people)
        doors = self._doors[port] if around.at_rest else self._room.lit(port, around.doors)
        again = self._disturbed(port, view, standing, people) if around.at_rest else set(range(len(standing.spots)))
        found = [entry for number, entry in view.sure if number not in again]
        for number in again:
            known = view.known[number]
            self._add(found, port, known.tag, self._gain(port, channel, known, people + doors, around.moving, at), at)
        return found

    def powered(self, port: int, index: int, gain_db: float, loss_db: float) -> float | None:
        """A tag's level at the reader if it has power: surely 1 dB above its sensitivity, never 1 dB below."""
        antenna = self._antennas[port]
        margin = power_at_tag_dbm(antenna, gain_db, loss_db) - self._tags[index].sensitivity_dbm
        if margin > 1.0 or (margin > -1.0 and self._rng.random() < (margin + 1.0) / 2.0):
            return rssi_dbm(antenna, gain_db, loss_db)
        return None

    def _add(self, found: list[tuple[int, float]], port: int, index: int, gain_db: float, at: float) -> None:
        level = self.powered(port, index, gain_db, self._loss_db(index, at))
        if level is not None:
            found.append((index, level))

    def _loss_db(self, index: int, at: float) -> float:
        """A tag's own loss, worked out anew every few seconds: it drifts by less than 0.1 dB meanwhile."""
        part = int(at * self._drift_x // _DRIFT_SLICE_S)
        if part != self._losses_of:
            self._losses_of = part
            self._losses.clear()
        if index not in self._losses:
            self._losses[index] = self._tags[index].own_loss_db(at * self._drift_x)
        return self._losses[index]

    def _gain(self, port: int, channel: int, known: Known, lit: tuple[Lit, ...], moving: Bodies, at: float) -> float:
        tag, k, paths, place = self._tags[known.tag], self._wave_numbers[channel], known.paths, known.place
        swayed = sway(tag, place, at, moving)
        if swayed is not place:
            paths = self._room.paths(port, swayed, tag.axis, k)
        return level_db(self._room.disturbed(port, swayed, paths, k, lit))

    def _disturbed(self, port: int, view: View, standing: Standing, people: tuple[Lit, ...]) -> set[int]:
        """Numbers of the spots whose power has to be worked out again."""
        bearings = self._bearings.get((port, standing))
        if bearings is None:
            bearings = self._bearings[port, standing] = Bearings(self._antennas[port].at, standing)
        found = set(view.edge)
        for lit in people:
            found.update(bearings.shadowed(lit.body))
            found.update(bearings.brushed(lit.body))
        found.update(_swayed_by_reflection(view.open, people))
        return found

    def _new_view(self, port: int, channel: int, standing: Standing) -> View:
        known = tuple(self._new_known(port, channel, index, place) for index, place in standing.spots)
        sure = tuple(
            (number, (spot.tag, self._level(port, spot))) for number, spot in enumerate(known) if spot.margin_db > _SURE_DB
        )
        edge = tuple(number for number, spot in enumerate(known) if abs(spot.margin_db) <= _SURE_DB)
        others = (_open(number, spot) for number, spot in enumerate(known) if abs(spot.margin_db) > _SURE_DB)
        return View(known, sure, edge, tuple(sorted(others)))

    def _new_known(self, port: int, channel: int, index: int, place: Vec) -> Known:
        tag, k = self._tags[index], self._wave_numbers[channel]
        paths = self._room.paths(port, place, tag.axis, k)
        gain = level_db(self._room.disturbed(port, place, paths, k, self._doors[port]))
        margin = power_at_tag_dbm(self._antennas[port], gain, tag.loss_db) - tag.sensitivity_dbm
        return Known(index, place, paths, gain, margin)

    def _level(self, port: int, spot: Known) -> float:
        return rssi_dbm(self._antennas[port], spot.gain_db, self._tags[spot.tag].loss_db)


def _open(number: int, spot: Known) -> Open:
    edge = (_SURE_DB if spot.margin_db > 0 else -_SURE_DB) - spot.margin_db
    field = math.pow(10.0, spot.gain_db / 20.0)
    return Open(field * abs(1.0 - math.pow(10.0, edge / 20.0)), number, spot.place[0], spot.place[1])


def _swayed_by_reflection(spots: tuple[Open, ...], people: tuple[Lit, ...]) -> Iterator[int]:
    """Spots where the waves off all bodies together could change whether there is power."""
    most = sum(amplitude for _, _, amplitude, _ in people) / NEAREST_M
    bodies = [(body.x, body.y, amplitude) for body, _, amplitude, _ in people]
    hypot = math.hypot
    for slack, number, x, y in spots:
        if slack > most:
            return
        reflected = 0.0
        for body_x, body_y, amplitude in bodies:
            distance = hypot(x - body_x, y - body_y)
            reflected += amplitude / (distance if distance > NEAREST_M else NEAREST_M)
        if reflected >= slack:
            yield number


def _cell(x: float, y: float) -> tuple[int, int]:
    return math.floor(x / _CELL_M), math.floor(y / _CELL_M)
