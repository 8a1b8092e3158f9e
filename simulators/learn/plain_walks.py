"""How a tag goes in the plain world: along one line, y metres on the way out, the threshold at y = 0. Pure, drawn from a seed."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

REACH_M = 3.0
"""Ways start and end so far from the threshold: beyond the reach of the gate."""

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Way:
    """Corners (seconds, metres), straight in between. `cross`: when it passes the threshold for good, None: never."""

    points: Points
    cross: float | None = None
    direction: str = "none"
    waits_s: float = 0.0
    """So long it stands at the first corner before somebody takes it: no part of the passage."""

    @property
    def start(self) -> float:
        return self.points[0][0] + self.waits_s

    @property
    def end(self) -> float:
        return self.points[-1][0]

    def y(self, at: float) -> float:
        """Where it is at `at`; before and after, at its ends."""
        after = bisect_right(self.points, at, key=_moment)
        if after == 0 or after == len(self.points):
            return self.points[0 if after == 0 else -1][1]
        (t0, y0), (t1, y1) = self.points[after - 1], self.points[after]
        return y0 + (y1 - y0) * (at - t0) / (t1 - t0)


Walker = Callable[[Random, float, float], tuple[Way, ...]]
"""(rng, start, speed in m/s) -> one way, or more of one tag, in order."""


def exits(_rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    half = REACH_M / speed
    return (Way(((at, -REACH_M), (at + 2 * half, REACH_M)), at + half, "out"),)


def stays_before_door(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Goes out, and waits a little in view."""
    half = REACH_M / speed
    last = (at + 2 * half + rng.uniform(0.5, 5.0), REACH_M + rng.uniform(-1.0, 0.5))
    return (Way(((at, -REACH_M), (at + 2 * half, REACH_M), last), at + half, "out"),)


def enters(_rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    half = REACH_M / speed
    return (Way(((at, REACH_M), (at + 2 * half, -REACH_M)), at + half, "in"),)


def wears(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Own clothes: in, and out again within the minute."""
    came = enters(rng, at, speed)
    return (*came, *exits(rng, came[0].end + rng.uniform(8.0, 45.0), speed))


def forgets(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Goes out, comes back for something, and goes out again: two exits of one tag."""
    left = exits(rng, at, speed)
    back = enters(rng, left[0].end + rng.choice((0.0, 0.0, 6.0, 20.0)), speed)
    return (*left, *back, *exits(rng, back[0].end + rng.choice((0.0, 3.0, 20.0)), speed))


def turns_back(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Up to the threshold, a little beyond it at most, and back in."""
    y, wait = rng.choice((-0.8, -0.6, -0.4, -0.2, 0.0, 0.1, 0.15)), rng.choice((0.05, 0.3, 1.0, 6.0)) * rng.uniform(0.5, 2.0)
    walk = (REACH_M + y) / speed
    there = at + walk
    return (Way(((at, -REACH_M), (there, y), (there + wait, y + rng.uniform(-0.1, 0.1)), (there + wait + walk, -REACH_M))),)


def passes_outside(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    y, wait = rng.uniform(0.7, 1.8), rng.uniform(0.01, 2.0)
    walk = (REACH_M - y) / speed
    return (Way(((at, REACH_M), (at + walk, y), (at + walk + wait, y), (at + 2 * walk + wait, REACH_M))),)


def passes_inside(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    y = -rng.uniform(0.7, 1.8)
    walk = (REACH_M + y) / speed
    return (Way(((at, -REACH_M), (at + walk, y), (at + 2 * walk, -REACH_M))),)


def pauses(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Stands just inside, then leaves."""
    y, wait = rng.uniform(-0.6, -0.2), rng.uniform(2.0, 12.0)
    there = at + (REACH_M + y) / speed
    still = y + rng.uniform(-0.08, 0.08)
    leaves = there + wait
    gone = leaves + (REACH_M - still) / speed
    return (Way(((at, -REACH_M), (there, y), (leaves, still), (gone, REACH_M)), leaves - still / speed, "out"),)


def lingers(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """To and fro in front of a shelf near the gate."""
    y = rng.uniform(-1.3, -0.6)
    points = [(at, -REACH_M), (at + (REACH_M + y) / speed, y)]
    for _ in range(rng.randrange(2, 6)):
        points.append((points[-1][0] + rng.uniform(0.6, 2.5), y + rng.uniform(-0.35, 0.35)))
    points.append((points[-1][0] + 2.0, -REACH_M))
    return (Way(tuple(points)),)


def picked_out(rng: Random, at: float, speed: float) -> tuple[Way, ...]:
    """Taken from a shelf in view, and out."""
    y, waits = -rng.uniform(0.9, 2.0), min(rng.uniform(15.0, 60.0), at)
    held = y + rng.uniform(-0.2, 0.2)
    leaves = at + 1.6
    points = ((at - waits, y), (at, y), (at + 0.8, y + 0.2), (leaves, held), (leaves + (REACH_M - held) / speed, REACH_M))
    return (Way(points, leaves - held / speed, "out", waits),)


def put_back(rng: Random, at: float, _speed: float) -> tuple[Way, ...]:
    """Taken from a shelf in view, looked at, and put back."""
    y, waits = -rng.uniform(0.9, 2.0), min(rng.uniform(15.0, 60.0), at)
    back = y + rng.uniform(-0.05, 0.05)
    held = ((at + 0.6, y + 0.25), (at + 1.8, y - 0.1), (at + 3.0, y + 0.3))
    return (Way(((at - waits, y), (at, y), *held, (at + 4.0, back), (at + 34.0, back)), waits_s=waits),)


def stands(since: float, until: float, y: float) -> Way:
    """Stock on a shelf."""
    return Way(((since, y), (until, y)))


WALKERS: dict[str, Walker] = {
    "exit": exits,
    "exit_waits": stays_before_door,
    "enter": enters,
    "wear": wears,
    "forget": forgets,
    "turn_back": turns_back,
    "pass_outside": passes_outside,
    "pass_inside": passes_inside,
    "pause": pauses,
    "linger": lingers,
    "pick_out": picked_out,
    "pick_back": put_back,
}


def _moment(point: tuple[float, float]) -> float:
    return point[0]
