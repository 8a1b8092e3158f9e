"""People: where each one is at every moment, and where what they carry is. Pure geometry; no radio here."""

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from simulators.layouts import Vec

BODY_RADIUS_M = 0.2
BODY_HEIGHT_M = 1.75

CARRY: dict[str, tuple[Vec, float, float]] = {
    "hand": ((0.33, 0.08, 0.85), 0.14, 4.0),
    "bag": ((0.36, 0.0, 0.62), 0.05, 6.0),
    "backpack": ((0.0, -0.3, 1.2), 0.02, 8.0),
    "body": ((0.1, 0.2, 1.1), 0.01, 11.0),
    "cart": ((0.0, 0.75, 0.8), 0.0, 3.0),
    "foil": ((0.36, 0.0, 0.62), 0.05, 40.0),
}
"""By place: offset from the body (right, ahead, height), swing along the way (m), one-way loss by contents and skin (dB)."""


@dataclass(frozen=True)
class Walk:
    """A path: at `times[i]` the body is over `points[i]`, straight lines between. Before and after, nobody is there."""

    times: tuple[float, ...]
    points: tuple[tuple[float, float], ...]

    @property
    def start(self) -> float:
        return self.times[0]

    @property
    def end(self) -> float:
        return self.times[-1]

    def position(self, at: float) -> tuple[float, float] | None:
        """x, y of the body; None while it is not in the scene."""
        if not self.times[0] <= at <= self.times[-1]:
            return None
        leg = min(bisect_right(self.times, at), len(self.times) - 1)
        t0, t1 = self.times[leg - 1], self.times[leg]
        (x0, y0), (x1, y1) = self.points[leg - 1], self.points[leg]
        part = (at - t0) / (t1 - t0) if t1 > t0 else 1.0
        return x0 + (x1 - x0) * part, y0 + (y1 - y0) * part

    def heading(self, at: float) -> tuple[float, float]:
        """The unit vector of the way; while someone stands, the way they came."""
        leg = min(max(bisect_right(self.times, at), 1), len(self.times) - 1)
        while leg > 1 and self.points[leg] == self.points[leg - 1]:
            leg -= 1
        dx = self.points[leg][0] - self.points[leg - 1][0]
        dy = self.points[leg][1] - self.points[leg - 1][1]
        length = math.hypot(dx, dy)
        return (dx / length, dy / length) if length else (0.0, 1.0)

    def moving(self, at: float) -> bool:
        leg = min(max(bisect_right(self.times, at), 1), len(self.times) - 1)
        return self.points[leg] != self.points[leg - 1]

    def crossings(self) -> tuple[tuple[float, str], ...]:
        """Every passing of the threshold y = 0, in order: (time, "out" or "in")."""
        found = []
        for (t0, t1), (p0, p1) in zip(pairwise(self.times), pairwise(self.points), strict=True):
            if (p0[1] < 0) != (p1[1] < 0):
                found.append((t0 + (t1 - t0) * p0[1] / (p0[1] - p1[1]), "out" if p1[1] >= 0 else "in"))
        return tuple(found)

    def near(self, reach_m: float) -> tuple[float, float]:
        """The first and the last time within `reach_m` of the threshold; the whole walk if it never comes so near."""
        inside = [t for t in self._samples() if abs((self.position(t) or (0, math.inf))[1]) <= reach_m]
        return (inside[0], inside[-1]) if inside else (self.start, self.end)

    def _samples(self) -> list[float]:
        steps = int((self.end - self.start) / 0.05)
        return [self.start + 0.05 * step for step in range(steps + 1)]


@dataclass(frozen=True)
class Carried:
    """How one tag rides on its person: `place` of CARRY, a small offset of its own, orientation in the body's frame."""

    walk: Walk
    place: str
    offset: Vec
    orientation: Vec
    gait_phase: float

    def position(self, at: float) -> Vec | None:
        """Where the tag is: it swings and bobs while its person walks, and a hand is never quite still."""
        body = self.walk.position(at)
        if body is None:
            return None
        (right, ahead, height), swing, _ = CARRY[self.place]
        hx, hy = self.walk.heading(at)
        if self.walk.moving(at):
            ahead += swing * math.sin(5.6 * at + self.gait_phase)
            height += 0.02 * math.sin(11.2 * at + self.gait_phase)
        elif self.place == "hand":
            ahead += 0.06 * math.sin(2.3 * at + self.gait_phase)
            height += 0.08 * math.sin(1.7 * at + 2.0 * self.gait_phase)
        right += self.offset[0]
        ahead += self.offset[1]
        return body[0] + right * hy + ahead * hx, body[1] - right * hx + ahead * hy, height + self.offset[2]

    def direction(self, at: float) -> Vec:
        """The tag's dipole axis in the room's frame."""
        hx, hy = self.walk.heading(at)
        right, ahead, up = self.orientation
        return right * hy + ahead * hx, -right * hx + ahead * hy, up


@dataclass(frozen=True)
class Door:
    """A door leaf on a hinge, closed across the way; it swings out for 4 s from each moment of `swings`."""

    hinge: tuple[float, float]
    width_m: float
    swings: tuple[float, ...]

    def position(self, at: float) -> tuple[float, float]:
        """The middle of the leaf: opening 1.2 s, open, and closing in the last 1.5 s."""
        latest = bisect_right(self.swings, at) - 1
        since = at - self.swings[latest] if latest >= 0 else math.inf
        part = min(max(min(since / 1.2, (4.0 - since) / 1.5), 0.0), 1.0)
        angle = part * math.pi / 2
        half = self.width_m / 2
        return self.hinge[0] + half * math.cos(angle), self.hinge[1] + abs(half) * math.sin(angle)


def walk_through(legs: list[tuple[float, float, float, float]], start: float = 0.0) -> Walk:
    """Legs (x, y, speed to get there in m/s, wait there in s) -> a walk from `start` on; the first leg's speed is unused."""
    times, points = [start], [(legs[0][0], legs[0][1])]
    if legs[0][3] > 0:
        times.append(start + legs[0][3])
        points.append(points[0])
    for x, y, speed, wait in legs[1:]:
        x0, y0 = points[-1]
        times.append(times[-1] + max(math.hypot(x - x0, y - y0) / speed, 1e-3))
        points.append((x, y))
        if wait > 0:
            times.append(times[-1] + wait)
            points.append((x, y))
    return Walk(tuple(times), tuple(points))


def shifted(walk: Walk, by: float) -> Walk:
    """The same walk `by` seconds later."""
    return Walk(tuple(time + by for time in walk.times), walk.points)
