"""Who and what is in the scene, by slices of time: a long scene costs no more a second than a short one."""

import math
from dataclasses import dataclass

from simulators.carried import Carried
from simulators.layouts import Vec
from simulators.people import Bodies, Door, Walk
from simulators.tags import Tag

_TAG_SLICE_S = 5.0
_BODY_SLICE_S = 1.0


@dataclass(frozen=True, eq=False)
class Standing:
    """Tags that stand still for a while: index and place of each. One object as long as nothing changes."""

    spots: tuple[tuple[int, Vec], ...]


@dataclass(frozen=True)
class Around:
    """Bodies near the gate: `people` and what they push; `doors`, all the leaves, `at_rest` if all of them are closed."""

    people: Bodies
    doors: Bodies
    at_rest: bool

    @property
    def moving(self) -> Bodies:
        """Bodies that things near them swing from."""
        return self.people if self.at_rest else self.people + self.doors


class Presence:
    """Looks up bodies and tags by time. `reach_m`: people farther from the gate's middle than this change nothing in it."""

    def __init__(self, tags: tuple[Tag, ...], people: tuple[Walk, ...], doors: tuple[Door, ...], reach_m: float) -> None:
        self._tags, self._doors, self._reach_m = tags, doors, reach_m
        self._permanent = tuple(_spot(index, tag.stays[0].place) for index, tag in enumerate(tags) if tag.permanent)
        self._returning: list[int] = []
        self._visiting: dict[int, list[int]] = {}
        self._people: dict[int, list[Walk]] = {}
        self._slices: dict[int, tuple[Standing, tuple[int, ...]]] = {}
        self._standings: dict[tuple[tuple[int, Vec], ...], Standing] = {}
        self.resting_doors = tuple(door.body(-math.inf) for door in doors)
        self._sort_tags()
        for walk in people:
            self._add_walk(walk)

    def tags(self, at: float) -> tuple[Standing, tuple[int, ...]]:
        """The tags that stand still around `at`, and the indices of those that move, come or go."""
        part = int(at // _TAG_SLICE_S)
        known = self._slices.get(part)
        if known is None:
            known = self._slices[part] = self._slice(part)
        return known

    def around(self, at: float) -> Around:
        """Bodies near the gate at `at`."""
        people: Bodies = ()
        for walk in self._people.get(int(at // _BODY_SLICE_S), ()):
            bodies = walk.bodies(at)
            if bodies and math.hypot(bodies[0].x, bodies[0].y) < self._reach_m:
                people += bodies
        if all(door.at_rest(at) for door in self._doors):
            return Around(people, self.resting_doors, True)
        return Around(people, tuple(door.body(at) for door in self._doors), False)

    def _sort_tags(self) -> None:
        for index, tag in enumerate(self._tags):
            start, end = tag.present()
            if tag.permanent:
                continue
            if math.isinf(start) or math.isinf(end):
                self._returning.append(index)
                continue
            for part in range(int(start // _TAG_SLICE_S), int(end // _TAG_SLICE_S) + 1):
                self._visiting.setdefault(part, []).append(index)

    def _add_walk(self, walk: Walk) -> None:
        near = {int(at // _BODY_SLICE_S) for at in walk.samples(0.2) if self._comes_near(walk, at)}
        for part in sorted(near):
            self._people.setdefault(part, []).append(walk)

    def _comes_near(self, walk: Walk, at: float) -> bool:
        x, y = walk.position(at) or (math.inf, math.inf)
        return math.hypot(x, y) < self._reach_m + 1.0

    def _slice(self, part: int) -> tuple[Standing, tuple[int, ...]]:
        spots, moving = list(self._permanent), list(self._visiting.get(part, ()))
        start, end = part * _TAG_SLICE_S, (part + 1) * _TAG_SLICE_S
        for index in self._returning:
            place = self._tags[index].stay(start)
            if any(start < stay.since < end for stay in self._tags[index].stays) or isinstance(place, Carried):
                moving.append(index)
            elif place is not None:
                spots.append(_spot(index, place))
        key = tuple(spots)
        return self._standings.setdefault(key, Standing(key)), tuple(moving)


def _spot(index: int, place: Vec | Carried | None) -> tuple[int, Vec]:
    assert isinstance(place, tuple)
    return index, place
