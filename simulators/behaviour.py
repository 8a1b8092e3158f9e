"""What people do: each word of a scenario's `does` becomes a walk whose marked moment falls on the person's `at`."""

from collections.abc import Callable
from random import Random

from rfidguard.errors import ConfigError
from simulators.people import Walk, shifted, walk_through
from simulators.scenario_file import Person, Shelf

Leg = tuple[float, float, float, float]
_INNER_Y = -5.0
_OUTER_Y = 5.0
_SIDE_X = 5.0


def walk_of(person: Person, shelves: dict[str, Shelf], rng: Random) -> tuple[Walk, float | None]:
    """A person's walk, and when they take an item in hand from a shelf (None: never).

    Raises ConfigError for an unknown shelf or a path too short.
    """
    if person.does in _AT_SHELF:
        return _shelf_walk(person, shelves)
    if person.does == "path":
        if len(person.path) < 2:
            raise ConfigError([f'person {person.id}: does = "path" needs `path` with at least two points [x, y, speed, wait]'])
        return walk_through(list(person.path), person.at), None
    walk, mark = _WALKS[person.does](person, rng)
    return shifted(walk, person.at - mark), None


def _exit(person: Person, rng: Random) -> tuple[Walk, float]:
    before, after = person.x + rng.uniform(-0.8, 0.8), person.x + rng.uniform(-1.0, 1.0)
    return _straight(person, [(before, _INNER_Y), (person.x, -1.5), (person.x, 1.5), (after, _OUTER_Y)])


def _enter(person: Person, rng: Random) -> tuple[Walk, float]:
    before, after = person.x + rng.uniform(-1.0, 1.0), person.x + rng.uniform(-0.8, 0.8)
    return _straight(person, [(before, _OUTER_Y), (person.x, 1.5), (person.x, -1.5), (after, _INNER_Y)])


def _turn_back(person: Person, rng: Random) -> tuple[Walk, float]:
    y = -0.7 if person.nearest_y is None else person.nearest_y
    walk = walk_through(
        [
            (person.x + rng.uniform(-0.6, 0.6), _INNER_Y, 1.0, 0.0),
            (person.x, y, person.speed, 0.3),
            (person.x + rng.uniform(-0.8, 0.8), _INNER_Y, person.speed, 0.0),
        ]
    )
    return walk, walk.times[1]


def _pause(person: Person, rng: Random) -> tuple[Walk, float]:
    y = -0.4 if person.nearest_y is None else person.nearest_y
    return _crossing(
        [
            (person.x + rng.uniform(-0.6, 0.6), _INNER_Y, 1.0, 0.0),
            (person.x, y, person.speed, person.wait_s),
            (person.x, 1.5, person.speed, 0.0),
            (person.x + rng.uniform(-1, 1), _OUTER_Y, person.speed, 0.0),
        ]
    )


def _linger(person: Person, rng: Random) -> tuple[Walk, float]:
    y = -0.9 if person.nearest_y is None else person.nearest_y
    legs: list[Leg] = [(person.x, _INNER_Y, 1.0, 0.0), (person.x, y, person.speed, 1.0)]
    steps = max(int(person.wait_s / 2.0), 1)
    legs += [
        (person.x + rng.uniform(-0.4, 0.4), y - rng.uniform(0.0, 0.6), 0.5, person.wait_s / steps * 0.6) for _ in range(steps)
    ]
    walk = walk_through([*legs, (person.x, _INNER_Y, person.speed, 0.0)])
    return walk, walk.times[1]


def _pass_outside(person: Person, rng: Random) -> tuple[Walk, float]:
    return _along(person, 1.8 if person.nearest_y is None else person.nearest_y, rng)


def _pass_inside(person: Person, rng: Random) -> tuple[Walk, float]:
    return _along(person, -1.8 if person.nearest_y is None else person.nearest_y, rng)


def _along(person: Person, y: float, rng: Random) -> tuple[Walk, float]:
    side = rng.choice((-1.0, 1.0))
    walk = walk_through([(side * _SIDE_X, y, 1.0, 0.0), (0.0, y, person.speed, 0.0), (-side * _SIDE_X, y, person.speed, 0.0)])
    return walk, walk.times[1]


def _straight(person: Person, points: list[tuple[float, float]]) -> tuple[Walk, float]:
    return _crossing([(x, y, person.speed, 0.0) for x, y in points])


def _crossing(legs: list[Leg]) -> tuple[Walk, float]:
    walk = walk_through(legs)
    return walk, walk.crossings()[0][0]


def _shelf_walk(person: Person, shelves: dict[str, Shelf]) -> tuple[Walk, float | None]:
    shelf = shelves.get(person.shelf or "")
    if shelf is None:
        raise ConfigError([f"person {person.id}: shelf = {person.shelf!r} is none of {', '.join(shelves) or 'no shelves'}"])
    side = 1.0 if shelf.at[0] < 0 else -1.0
    at_shelf = (shelf.at[0] + side * (shelf.size[0] / 2 + 0.35), shelf.at[1])
    if person.does == "restock":
        return _restock(person, shelf, at_shelf), None
    legs: list[Leg] = [(at_shelf[0], _INNER_Y, 1.0, 0.0), (*at_shelf, person.speed, person.wait_s)]
    if person.does == "pick_out":
        walk, mark = _crossing([*legs, (person.x, -0.8, person.speed, 0.0), (person.x, _OUTER_Y, person.speed, 0.0)])
        walk = shifted(walk, person.at - mark)
        return walk, walk.times[1] + person.wait_s * 0.6
    walk = walk_through([*legs, (at_shelf[0], _INNER_Y, person.speed, 0.0)])
    walk = shifted(walk, person.at - walk.times[1])
    return walk, walk.times[1] + person.wait_s * 0.2


def _restock(person: Person, shelf: Shelf, at_shelf: tuple[float, float]) -> Walk:
    """Staff at a shelf: from end to end of it, with stops, for `wait_s`."""
    reach = max(shelf.size[1], 0.6) / 2
    legs: list[Leg] = [(at_shelf[0], _INNER_Y, 1.0, 0.0)]
    stops = max(int(person.wait_s / 3.0), 1)
    legs += [(at_shelf[0], at_shelf[1] + reach * (-1.0) ** stop, 0.5, 2.0) for stop in range(stops)]
    walk = walk_through([*legs, (at_shelf[0], _INNER_Y, person.speed, 0.0)])
    return shifted(walk, person.at - walk.times[1])


_AT_SHELF = ("restock", "pick_out", "pick_back")
_WALKS: dict[str, Callable[[Person, Random], tuple[Walk, float]]] = {
    "exit": _exit,
    "enter": _enter,
    "turn_back": _turn_back,
    "pause": _pause,
    "linger": _linger,
    "pass_outside": _pass_outside,
    "pass_inside": _pass_inside,
}
