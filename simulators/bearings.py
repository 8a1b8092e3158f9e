"""Where standing tags lie, as one antenna sees them: a quick way to those whom a body hides or brushes against."""

import math
from bisect import bisect_left
from collections.abc import Iterator

from simulators.layouts import Vec
from simulators.people import Body
from simulators.physics import SHADOW_REACH_M, Lit, shadow
from simulators.presence import Standing
from simulators.tags import BRUSH_REACH_M

_CELL_M = BRUSH_REACH_M


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

    def shadowed(self, people: tuple[Lit, ...]) -> dict[int, float]:
        """The spots from which bodies take some of the straight wave: what they leave of its amplitude."""
        found: dict[int, float] = {}
        for lit in people:
            for number in self._towards(lit.body):
                clear = shadow(self._at, self._places[number], lit.body)
                if clear < 1.0:
                    found[number] = clear * found.get(number, 1.0)
        return found

    def brushed(self, people: tuple[Lit, ...]) -> set[int]:
        """Numbers of the spots within reach of someone who passes."""
        return {number for lit in people for number in self._near(lit.body)}

    def _near(self, body: Body) -> Iterator[int]:
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


def _cell(x: float, y: float) -> tuple[int, int]:
    return math.floor(x / _CELL_M), math.floor(y / _CELL_M)
