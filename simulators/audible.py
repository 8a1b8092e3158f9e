"""Which tags have power, and how loud each is: what an inventory round of the reader starts from.

Nearly all tags stand, nearly always nobody is near them, and a reader asks many times a second. So the undisturbed field of each
standing tag is worked out once for each antenna and channel. With people about, only those tags are worked out again that
someone hides or brushes against, or whose power is so near to enough that a reflection decides. That loses no precision: a
bound on the reflection says who cannot be affected. The level, which only decides who wins a collision, is the undisturbed one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from simulators.bearings import Bearings
from simulators.layouts import Antenna, Vec
from simulators.people import Bodies
from simulators.physics import (
    NEAREST_M,
    Lit,
    Paths,
    Room,
    level_db,
    power_at_tag_dbm,
    reflection,
    rssi_dbm,
)
from simulators.presence import Around, Standing
from simulators.tags import Tag, sway

_SURE_DB = 1.5
"""So far above its sensitivity a tag surely has power, so far below surely not: drift (0.4 dB) and soft edge (1 dB)."""
_KEPT_VIEWS = 450
"""Two whole turns of the hopping plan at four antennas: memory stays bounded while shelf tags come and go."""
_DRIFT_SLICE_S = 10.0
_KEPT_S = 0.05
"""Someone who walks moves 6 cm meanwhile, so who has power is the same but for a tag or two; every read is worked out exactly."""


class Known(NamedTuple):
    """A standing tag's undisturbed field at one antenna and channel (`closed`: with closed doors as well), its gain, and by how
    many dB its power suffices (drift apart).
    """

    tag: int
    place: Vec
    paths: Paths
    closed: Paths
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
        self._before: dict[int, tuple[View, float, list[tuple[int, float]]]] = {}
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
        before = self._before.get(port)
        if before is not None and before[0] is view and at - before[1] < _KEPT_S:
            return before[2]
        found = (
            self._closed(port, channel, standing, at, around)
            if around.at_rest
            else self._open(port, channel, standing, at, around)
        )
        self._before[port] = (view, at, found)
        return found

    def _closed(self, port: int, channel: int, standing: Standing, at: float, around: Around) -> list[tuple[int, float]]:
        """With people about and all doors closed: most tags are as ever."""
        view, people, k = self.view(port, channel, standing), self._room.lit(port, around.people), self._wave_numbers[channel]
        bearings = self._bearing(port, standing)
        clear, brushed = bearings.shadowed(people), bearings.brushed(people)
        again = set(view.edge).union(clear, brushed, _swayed_by_reflection(view.open, people))
        found = [entry for number, entry in view.sure if number not in again]
        for number in again:
            known = view.known[number]
            if number in brushed:
                gain = self._gain(port, channel, known, people + self._doors[port], around.moving, at)
            else:
                left, (direct, mirrored, steady) = clear.get(number, 1.0), known.closed
                gain = level_db(left * direct + math.sqrt(left) * mirrored + steady + reflection(known.place, k, people))
            self._add(found, port, known.tag, gain, at)
        return found

    def _open(self, port: int, channel: int, standing: Standing, at: float, around: Around) -> list[tuple[int, float]]:
        """While a door moves, everything is worked out."""
        found: list[tuple[int, float]] = []
        lit = self._room.lit(port, around.people + around.doors)
        for known in self.view(port, channel, standing).known:
            self._add(found, port, known.tag, self._gain(port, channel, known, lit, around.moving, at), at)
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

    def _bearing(self, port: int, standing: Standing) -> Bearings:
        bearings = self._bearings.get((port, standing))
        if bearings is None:
            bearings = self._bearings[port, standing] = Bearings(self._antennas[port].at, standing)
        return bearings

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
        closed = self._room.among(port, place, paths, k, self._doors[port])
        gain = level_db(sum(closed))
        margin = power_at_tag_dbm(self._antennas[port], gain, tag.loss_db) - tag.sensitivity_dbm
        return Known(index, place, paths, closed, gain, margin)

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
