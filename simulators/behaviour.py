"""What people do: each word of a scenario's `does` becomes a walk whose marked moment falls on the person's `at`."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from rfidguard.errors import ConfigError
from simulators.people import Figure, Walk, shifted, walk_through
from simulators.scenario_parts import Person, Shelf

Leg = tuple[float, float, float, float]
_INNER_Y = -5.0
_OUTER_Y = 5.0
_SIDE_X = 5.0
_FIDGET_S = 3.0
"""Someone who waits shifts their weight about so often."""


@dataclass(frozen=True)
class Plan:
    """A walk, and when its person has something of a shelf in hand: (from, until) for each item, until None where it is kept."""

    walk: Walk
    handles: tuple[tuple[float, float | None], ...] = ()


def plan_of(person: Person, shelves: dict[str, Shelf], rng: Random) -> Plan:
    """What a person does. Raises ConfigError for an unknown shelf or a path too short."""
    plan = _plan(person, shelves, rng)
    return replace(plan, walk=replace(plan.walk, figure=Figure(person.height, person.pushes)))


def _plan(person: Person, shelves: dict[str, Shelf], rng: Random) -> Plan:
    if person.does in _AT_SHELF:
        return _AT_SHELF[person.does](person, _shelf(person, shelves))
    if person.does == "path":
        if len(person.path) < 2:
            raise ConfigError([f'person {person.id}: does = "path" needs `path` with at least two points [x, y, speed, wait]'])
        return Plan(walk_through(list(person.path), person.at))
    walk, mark = _WALKS[person.does](person, rng)
    return Plan(shifted(walk, person.at - mark))


def _exit(person: Person, rng: Random) -> tuple[Walk, float]:
    before, after = person.x + rng.uniform(-0.8, 0.8), person.x + rng.uniform(-1.0, 1.0)
    return _straight(person, [(before, _INNER_Y), (person.x, -1.5), (person.x, 1.5), (after, _OUTER_Y)])


def _enter(person: Person, rng: Random) -> tuple[Walk, float]:
    before, after = person.x + rng.uniform(-1.0, 1.0), person.x + rng.uniform(-0.8, 0.8)
    return _straight(person, [(before, _OUTER_Y), (person.x, 1.5), (person.x, -1.5), (after, _INNER_Y)])


def _weave(person: Person, rng: Random) -> tuple[Walk, float]:
    """Out like a child: from side to side, now fast now slow, with a stop or a step back on the way."""
    legs: list[Leg] = [(person.x, _INNER_Y, 1.0, 0.0)]
    y = -3.0
    while y < -0.3:
        y = min(y + rng.uniform(-0.3, 1.0), -0.2)
        stop = rng.uniform(0.2, 1.5) if rng.random() < 0.3 else 0.0
        legs.append((person.x + rng.uniform(-0.5, 0.5), y, person.speed * rng.uniform(0.5, 1.8), stop))
    legs += [(person.x, 1.2, person.speed * 1.3, 0.0), (person.x + rng.uniform(-1, 1), _OUTER_Y, person.speed, 0.0)]
    return _crossing(legs)


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
    leave: list[Leg] = [(person.x, 1.5, person.speed, 0.0), (person.x + rng.uniform(-1, 1), _OUTER_Y, person.speed, 0.0)]
    return _crossing([*_waiting(person, rng), *leave])


def _wait_back(person: Person, rng: Random) -> tuple[Walk, float]:
    walk = walk_through([*_waiting(person, rng), (person.x + rng.uniform(-0.8, 0.8), _INNER_Y, person.speed, 0.0)])
    return walk, walk.times[1]


def _waiting(person: Person, rng: Random) -> list[Leg]:
    """Up to just inside the threshold, and there for `wait_s`, from one foot to the other."""
    y = -0.4 if person.nearest_y is None else person.nearest_y
    steps = max(int(person.wait_s / _FIDGET_S), 1)
    legs: list[Leg] = [
        (person.x + rng.uniform(-0.6, 0.6), _INNER_Y, 1.0, 0.0),
        (person.x, y, person.speed, person.wait_s / steps),
    ]
    for _ in range(steps - 1):
        aside = person.x + rng.uniform(-0.15, 0.15), y + rng.uniform(-0.15, 0.1)
        legs.append((*aside, 0.5, person.wait_s / steps))
    return legs


def _linger(person: Person, rng: Random) -> tuple[Walk, float]:
    y = -0.9 if person.nearest_y is None else person.nearest_y
    legs: list[Leg] = [(person.x, _INNER_Y, 1.0, 0.0), (person.x, y, person.speed, 1.0)]
    steps = max(int(person.wait_s / 2.0), 1)
    legs += [
        (person.x + rng.uniform(-0.4, 0.4), y - rng.uniform(0.0, 0.6), 0.5, person.wait_s / steps * 0.6) for _ in range(steps)
    ]
    walk = walk_through([*legs, (person.x, _INNER_Y, person.speed, 0.0)])
    return walk, walk.times[1]


def _wander(person: Person, rng: Random) -> tuple[Walk, float]:
    """About in front of the gate like a child at play, up to `nearest_y`, and back in."""
    nearest = -0.5 if person.nearest_y is None else person.nearest_y
    legs: list[Leg] = [(person.x, _INNER_Y, 1.0, 0.0), (person.x, nearest - 0.5, person.speed, 0.0)]
    for _ in range(max(int(person.wait_s), 1)):
        spot = person.x + rng.uniform(-0.8, 0.8), nearest - rng.uniform(0.0, 2.0)
        legs.append((*spot, person.speed * rng.uniform(0.4, 1.8), rng.choice((0.0, 0.0, 0.8))))
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


def _shelf(person: Person, shelves: dict[str, Shelf]) -> Shelf:
    shelf = shelves.get(person.shelf or "")
    if shelf is None:
        raise ConfigError([f"person {person.id}: shelf = {person.shelf!r} is none of {', '.join(shelves) or 'no shelves'}"])
    return shelf


def _beside(shelf: Shelf) -> tuple[float, float]:
    side = 1.0 if shelf.at[0] < 0 else -1.0
    return shelf.at[0] + side * (shelf.size[0] / 2 + 0.35), shelf.at[1]


def _pick_out(person: Person, shelf: Shelf) -> Plan:
    stand = _beside(shelf)
    leave: list[Leg] = [(person.x, -0.8, person.speed, 0.0), (person.x, _OUTER_Y, person.speed, 0.0)]
    walk, mark = _crossing([(stand[0], _INNER_Y, 1.0, 0.0), (*stand, person.speed, person.wait_s), *leave])
    walk = shifted(walk, person.at - mark)
    return Plan(walk, ((walk.times[1] + person.wait_s * 0.6, None),))


def _pick_back(person: Person, shelf: Shelf) -> Plan:
    walk = _visit(person, shelf)
    taken = walk.times[1] + person.wait_s * 0.2
    return Plan(walk, ((taken, taken + person.wait_s * 0.6),))


def _browse(person: Person, shelf: Shelf) -> Plan:
    """One garment after another for `wait_s`: out of the row, held up and turned about for 2 s, and back."""
    walk = _visit(person, shelf)
    times = range(max(int(person.wait_s / 3.0), 1))
    return Plan(walk, tuple((walk.times[1] + 0.4 + 3.0 * number, walk.times[1] + 2.4 + 3.0 * number) for number in times))


def _visit(person: Person, shelf: Shelf) -> Walk:
    stand = _beside(shelf)
    legs = [
        (stand[0], _INNER_Y, 1.0, 0.0),
        (*stand, person.speed, max(person.wait_s, 3.0)),
        (stand[0], _INNER_Y, person.speed, 0.0),
    ]
    walk = walk_through(legs)
    return shifted(walk, person.at - walk.times[1])


def _restock(person: Person, shelf: Shelf) -> Plan:
    """Staff at a shelf for `wait_s`: from end to end, with stops; at every other one something is taken and hung again."""
    at_shelf, reach = _beside(shelf), max(shelf.size[1], 0.6) / 2
    legs: list[Leg] = [(at_shelf[0], _INNER_Y, 1.0, 0.0)]
    stops = max(int(person.wait_s / 3.0), 1)
    legs += [(at_shelf[0], at_shelf[1] + reach * (-1.0) ** stop, 0.5, 2.0) for stop in range(stops)]
    walk = walk_through([*legs, (at_shelf[0], _INNER_Y, person.speed, 0.0)])
    walk = shifted(walk, person.at - walk.times[1])
    return Plan(walk, tuple((walk.times[1 + 2 * stop] + 0.3, walk.times[2 + 2 * stop]) for stop in range(0, stops, 2)))


_AT_SHELF: dict[str, Callable[[Person, Shelf], Plan]] = {
    "restock": _restock,
    "pick_out": _pick_out,
    "pick_back": _pick_back,
    "browse": _browse,
}
_WALKS: dict[str, Callable[[Person, Random], tuple[Walk, float]]] = {
    "exit": _exit,
    "enter": _enter,
    "weave": _weave,
    "turn_back": _turn_back,
    "pause": _pause,
    "wait_back": _wait_back,
    "linger": _linger,
    "wander": _wander,
    "pass_outside": _pass_outside,
    "pass_inside": _pass_inside,
}
