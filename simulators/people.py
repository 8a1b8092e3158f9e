"""People and doors: where every moving body is at every moment. Pure geometry; no radio here."""

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

BODY_RADIUS_M = 0.2
BODY_HEIGHT_M = 1.75


class Body(NamedTuple):
    """Something upright: a person, a cart, a door leaf. `scatter_m` is sqrt(cross-section / 4 pi), `loss_db` its shadow."""

    x: float
    y: float
    scatter_m: float = 0.22
    loss_db: float = 15.0
    height_m: float = BODY_HEIGHT_M


Bodies = tuple[Body, ...]


class Pushed(NamedTuple):
    """What someone pushes: how far ahead its middle is, and its body's figures."""

    ahead_m: float
    scatter_m: float
    loss_db: float
    height_m: float


PUSHED = {
    "cart": Pushed(0.75, 0.35, 8.0, 1.0),
    "pram": Pushed(0.7, 0.3, 8.0, 1.05),
    "rack": Pushed(0.7, 0.45, 8.0, 1.7),
}
"""Metal frames: they reflect more than a person (1.1 to 2.5 m²), and hide less, being open."""


@dataclass(frozen=True)
class Figure:
    """A person's build: how tall, and what they push (a key of PUSHED)."""

    height_m: float = BODY_HEIGHT_M
    pushes: str | None = None


ADULT = Figure()


class Pose(NamedTuple):
    """Where a body is, the unit vector of its way (standing: the way it came), and whether it walks."""

    x: float
    y: float
    hx: float
    hy: float
    moving: bool


@dataclass(frozen=True)
class Walk:
    """A path: at `times[i]` the body is over `points[i]`, straight lines between. Before and after, nobody is there."""

    times: tuple[float, ...]
    points: tuple[tuple[float, float], ...]
    figure: Figure = ADULT

    @property
    def start(self) -> float:
        return self.times[0]

    @property
    def end(self) -> float:
        return self.times[-1]

    @cached_property
    def _legs(self) -> tuple[tuple[float, float, float, float, float, float, float, bool], ...]:
        """Per leg: start time, x, y, speed along x and y, heading, whether it moves."""
        legs, heading = [], self._first_heading()
        for (t0, t1), ((x0, y0), (x1, y1)) in zip(pairwise(self.times), pairwise(self.points), strict=True):
            length, lasts = math.hypot(x1 - x0, y1 - y0), t1 - t0
            heading = ((x1 - x0) / length, (y1 - y0) / length) if length else heading
            vx, vy = ((x1 - x0) / lasts, (y1 - y0) / lasts) if lasts > 0 else (0.0, 0.0)
            legs.append((t0, x0, y0, vx, vy, *heading, length > 0))
        return tuple(legs)

    def _first_heading(self) -> tuple[float, float]:
        (x0, y0), (x1, y1) = self.points[:2]
        length = math.hypot(x1 - x0, y1 - y0)
        return ((x1 - x0) / length, (y1 - y0) / length) if length else (0.0, 1.0)

    def pose(self, at: float) -> Pose | None:
        """Where the body is and how it moves; None while it is not in the scene."""
        times = self.times
        if not times[0] <= at <= times[-1]:
            return None
        t0, x, y, vx, vy, hx, hy, moving = self._legs[min(bisect_right(times, at), len(times) - 1) - 1]
        return Pose(x + vx * (at - t0), y + vy * (at - t0), hx, hy, moving)

    def position(self, at: float) -> tuple[float, float] | None:
        """x, y of the body; None while it is not in the scene."""
        pose = self.pose(at)
        return None if pose is None else (pose.x, pose.y)

    def bodies(self, at: float) -> Bodies:
        """The person, and what they push; nothing while nobody is there."""
        pose = self.pose(at)
        if pose is None:
            return ()
        person = Body(pose.x, pose.y, 0.22 * self.figure.height_m / BODY_HEIGHT_M, 15.0, self.figure.height_m)
        if self.figure.pushes is None:
            return (person,)
        ahead, scatter, loss, height = PUSHED[self.figure.pushes]
        return person, Body(pose.x + ahead * pose.hx, pose.y + ahead * pose.hy, scatter, loss, height)

    def crossings(self) -> tuple[tuple[float, str], ...]:
        """Every passing of the threshold y = 0, in order: (time, "out" or "in")."""
        found = []
        for (t0, t1), (p0, p1) in zip(pairwise(self.times), pairwise(self.points), strict=True):
            if (p0[1] < 0) != (p1[1] < 0):
                at = t0 + (t1 - t0) * p0[1] / (p0[1] - p1[1])
                found.append((min(at, t1), "out" if p1[1] >= 0 else "in"))  # rounding must not carry it past the leg
        return tuple(found)

    def near(self, reach_m: float) -> tuple[float, float]:
        """The first and the last time within `reach_m` of the threshold; the whole walk if it never comes so near."""
        inside = [t for t in self.samples(0.05) if abs((self.position(t) or (0, math.inf))[1]) <= reach_m]
        return (inside[0], inside[-1]) if inside else (self.start, self.end)

    def samples(self, step_s: float) -> list[float]:
        """Moments of the walk, `step_s` apart."""
        return [self.start + step_s * step for step in range(int((self.end - self.start) / step_s) + 1)]


@dataclass(frozen=True)
class Door:
    """A door leaf on a hinge, closed across the way; it swings out for 4 s from each moment of `swings`."""

    hinge: tuple[float, float]
    width_m: float
    swings: tuple[float, ...]

    def at_rest(self, at: float) -> bool:
        """True while it is closed."""
        latest = bisect_right(self.swings, at) - 1
        return latest < 0 or at - self.swings[latest] >= 4.0

    def body(self, at: float) -> Body:
        """The leaf as something that reflects and shades."""
        x, y = self.position(at)
        return Body(x, y, 0.35, 4.0, 2.1)

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
    return replace(walk, times=tuple(time + by for time in walk.times))
