"""Step 3c: how often each side of a gate with zones heard a tag that stood, around a count: of a whole shelf, no levels. Pure."""

import math
from bisect import bisect_right

import msgspec

from rfidguard.layout import GateLayout
from rfidguard.picked_shelf import BEFORE_S, EARLIER_S, Stay, heard_lately, stay_of
from rfidguard.trail import Trail

OUTSIDE, INSIDE = 0.87, 0.2
"""Which share of the reads of what is outside the outer antennas give, and of what is on its way there."""
AROUND_S = 0.2
LEAST_S = 15.0
"""So long a tag was heard that is said to have stood here."""
_SHARE_READS = 0.7
PARTS = slice(2, 5)
BEFORE, PASSING, AFTER = range(3)


class Sides(msgspec.Struct, frozen=True):
    """How often each side heard a tag. Where it stood: of the reads of its `stay` the outer antennas gave this `share`. Then
    `near` and `far`: reads before, while and after somebody was counted.
    """

    stay: Stay
    share: float
    near: tuple[int, ...]
    far: tuple[int, ...]

    def crude(self) -> float:
        """How much the sides alone speak for its having gone along."""
        return self.told(AFTER, OUTSIDE) + 0.5 * self.told(BEFORE, INSIDE)

    def told(self, part: int, outside: float) -> float:
        """How much (natural log) the sides speak for a place that the outer antennas hear at `outside` of all reads, against
        its shelf.
        """
        return self.far[part] * math.log(outside / self.share) + self.near[part] * math.log((1.0 - outside) / (1.0 - self.share))


def sides_of(trail: Trail, gate: GateLayout, counted: float) -> Sides | None:
    """How each side heard a tag that may have gone along with somebody `counted`; None where it did not stand here, or was not
    heard around then. Asked of a whole shelf: no level is looked at.
    """
    if not heard_lately(trail, counted):
        return None
    edges, zones = bounds(counted), gate.zones
    near, far, every = [0] * 5, [0] * 5, [0] * 5
    last = edges[0]
    for at, slot, _ in trail.steps:
        part = bisect_right(edges, at)
        every[part] += 1
        zone = zones.get(slot)
        if zone == gate.near:
            near[part] += 1
        elif zone == gate.far:
            far[part] += 1
        if part == 0:
            last = at
    if not any(every[PARTS]) or (stay := stay_of(trail, every[0], last, edges[0], LEAST_S)) is None:
        return None
    return Sides(stay, _share(trail, gate, near[0], far[0]), tuple(near[PARTS]), tuple(far[PARTS]))


def _share(trail: Trail, gate: GateLayout, near: float, far: float) -> float:
    """Of the outer antennas, with what the trail has forgotten."""
    for slot, known in trail.before.items():
        zone = gate.zones.get(slot)
        if zone == gate.near:
            near += known.n
        elif zone == gate.far:
            far += known.n
    return (far + _SHARE_READS) / (far + near + 2 * _SHARE_READS)


def bounds(counted: float) -> tuple[float, float, float, float]:
    """Where it stood; a gap; before; while; after."""
    return counted - EARLIER_S, counted - BEFORE_S, counted - AROUND_S, counted + AROUND_S
