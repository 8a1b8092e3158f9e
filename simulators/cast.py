"""Who is in a scene and what they hold: persons become actors with a walk, items and sales; shelves and items become tags."""

import math
from dataclasses import dataclass, replace
from random import Random

from rfidguard.errors import ConfigError
from simulators.behaviour import plan_of
from simulators.carried import CARRY, Carried
from simulators.goods import Catalogue, Item
from simulators.layouts import Vec
from simulators.people import Walk
from simulators.scenario_file import ScenarioFile
from simulators.scenario_parts import Carry, Person, Shelf
from simulators.tags import Stay, Tag, new_tag, random_axis

_PACKED_DB = 10.0
"""Goods packed together hide one another: up to 10 dB one way in a big pile, half of that for two (assumed)."""
_FROM_OUTSIDE = ("enter", "pass_outside")


@dataclass(frozen=True)
class Holding:
    """One item in a person's hands, from `since` on. `since`, `sold_at` and `sale_heard_at` are scene seconds, the latter None
    where nobody paid.
    """

    item: Item
    carry: Carry
    sold_at: float | None
    sale_heard_at: float | None
    brought_in: bool
    since: float


@dataclass(frozen=True)
class Actor:
    """One person: `cross` is the last passing of the threshold (None: none), `direction` where it led: in, out or none."""

    person: Person
    walk: Walk
    cross: float | None
    direction: str
    holdings: tuple[Holding, ...]

    @property
    def mark(self) -> float:
        """The moment that sales and pedestals refer to: the crossing, else the person's `at`."""
        return self.person.at if self.cross is None else self.cross


@dataclass(frozen=True)
class Cast:
    """Everybody and everything: actors in order of their start, every tag, and the EPCs that never leave their shelf."""

    actors: tuple[Actor, ...]
    tags: tuple[Tag, ...]
    standing: tuple[str, ...]
    stock: tuple[Item, ...]


def assemble(scenario: ScenarioFile, rng: Random) -> Cast:
    """Everything that `scenario` names, in place and time. Raises ConfigError for names that do not resolve."""
    catalogue = Catalogue(scenario.article, scenario.store.company_prefix, rng)
    builder = _Builder(scenario, catalogue, rng)
    for shelf in scenario.shelf:
        builder.fill(shelf)
    actors = tuple(builder.act(person) for person in sorted(scenario.person, key=lambda person: person.at))
    return Cast(actors, *builder.finish())


class _Builder:
    def __init__(self, scenario: ScenarioFile, catalogue: Catalogue, rng: Random) -> None:
        self._catalogue, self._rng = catalogue, rng
        self._default = tuple(catalogue.own_articles)
        self._shelves = {shelf.id: shelf for shelf in scenario.shelf}
        self._on_shelf: dict[str, list[str]] = {}
        self._items: dict[str, Item] = {}
        self._named: dict[str, Item] = {}
        self._brought_in: set[str] = set()
        self._stays: dict[str, list[Stay]] = {}
        self._sold: dict[str, tuple[float, float]] = {}
        self._taken: set[str] = set()

    def fill(self, shelf: Shelf) -> None:
        names = shelf.article or self._default
        if not names:
            raise ConfigError([f"shelf {shelf.id}: no own article is listed; add an [[article]]"])
        for number in range(shelf.tags):
            item = self._catalogue.new_item(names[number % len(names)], f"shelf {shelf.id}")
            self._items[item.epc] = item
            self._stays[item.epc] = [Stay(-math.inf, _place_on(shelf, self._rng))]
            self._on_shelf.setdefault(shelf.id, []).append(item.epc)

    def act(self, person: Person) -> Actor:
        plan = plan_of(person, self._shelves, self._rng)
        crossings = plan.walk.crossings()
        cross, direction = crossings[-1] if crossings else (None, "none")
        actor = Actor(person, plan.walk, cross, direction, ())
        holdings = [self._hold(actor, carry, number) for carry in person.carries for number in range(carry.count)]
        holdings += [self._handle(actor, *hold) for hold in plan.handles]
        if direction == "in":
            self._brought_in.update(holding.item.epc for holding in holdings)
        return replace(actor, holdings=tuple(holdings))

    def finish(self) -> tuple[tuple[Tag, ...], tuple[str, ...], tuple[Item, ...]]:
        """Tags, standing EPCs, and own items that belong to this shop (on shelves, or carried but not brought in)."""
        shelved = {epc for epcs in self._on_shelf.values() for epc in epcs}
        held = {epc: tuple(sorted(stays, key=lambda stay: stay.since)) for epc, stays in self._stays.items()}
        tags = tuple(new_tag(epc, stays, self._rng, crowded=epc in shelved) for epc, stays in held.items())
        standing = tuple(epc for epc in self._stays if epc in shelved and epc not in self._taken)
        stock = tuple(item for epc, item in self._items.items() if item.own and epc not in self._brought_in)
        return tags, standing, stock

    def _hold(self, actor: Actor, carry: Carry, number: int) -> Holding:
        item = self._item(actor.person, carry, number)
        if carry.tag:
            packed = self._rng.random() * _PACKED_DB * (1.0 - 1.0 / carry.count)
            self._ride(item.epc, actor, carry.place, actor.walk.start, packed)
            self._stays[item.epc].append(Stay(actor.walk.end, None))
        if carry.paid and item.epc not in self._sold:
            sold = actor.mark + carry.sale_s
            heard = sold + 0.2 if carry.receipt_s is None else actor.mark + carry.receipt_s
            self._sold[item.epc] = (sold, max(heard, sold))
        sold_at, heard_at = self._sold.get(item.epc, (None, None))
        return Holding(item, carry, sold_at, heard_at, item.epc in self._brought_in, actor.walk.start)

    def _item(self, person: Person, carry: Carry, number: int) -> Item:
        name = None if carry.item is None else f"{carry.item}/{number}"
        if name is not None and name in self._named:
            return self._named[name]
        if carry.article is None:
            raise ConfigError([f"person {person.id}: carries needs `article`, or `item` naming one carried earlier"])
        item = self._catalogue.new_item(carry.article, f"person {person.id}")
        self._items[item.epc] = item
        if name is not None:
            self._named[name] = item
        if person.does in _FROM_OUTSIDE:
            self._brought_in.add(item.epc)
        return item

    def _handle(self, actor: Actor, since: float, until: float | None) -> Holding:
        """The item nearest to hand, from its shelf; who goes out with it keeps it, else it goes back a hand's breadth aside."""
        shelf = actor.person.shelf or ""
        free = [epc for epc in self._on_shelf[shelf] if self._lies(epc, since)]
        if not free:
            raise ConfigError([f"person {actor.person.id}: shelf {shelf} has nothing left to take"])
        epc = min(free, key=lambda epc: self._reach(actor, epc, since))
        self._taken.add(epc)
        old = self._stays[epc][-1].place
        assert isinstance(old, tuple)
        self._ride(epc, actor, "swing" if actor.person.does == "browse" else "hand", since)
        if until is None:
            self._stays[epc].append(Stay(actor.walk.end, None))
        else:
            back = (old[0] + self._rng.gauss(0, 0.05), old[1] + self._rng.gauss(0, 0.05), old[2])
            self._stays[epc].append(Stay(until, back))
        return Holding(self._items[epc], Carry(place="hand"), None, None, False, since)

    def _lies(self, epc: str, at: float) -> bool:
        """True if the item lies on its shelf at `at` and nobody has taken it later."""
        last = self._stays[epc][-1]
        return last.since <= at and isinstance(last.place, tuple)

    def _reach(self, actor: Actor, epc: str, at: float) -> float:
        place, body = self._stays[epc][-1].place, actor.walk.position(at) or (0.0, 0.0)
        assert isinstance(place, tuple)
        return math.hypot(place[0] - body[0], place[1] - body[1]) + abs(place[2] - 1.2)

    def _ride(self, epc: str, actor: Actor, place: str, since: float, packed_db: float = 0.0) -> None:
        right, ahead, up = (self._rng.gauss(0.0, spread) for spread in CARRY[place].spread)
        axis = random_axis(self._rng)
        carried = Carried(actor.walk, place, (right, ahead, up), axis, self._rng.uniform(0, 2 * math.pi), packed_db)
        self._stays.setdefault(epc, []).append(Stay(since, carried))


def _place_on(shelf: Shelf, rng: Random) -> Vec:
    return (
        shelf.at[0] + rng.uniform(-0.5, 0.5) * shelf.size[0],
        shelf.at[1] + rng.uniform(-0.5, 0.5) * shelf.size[1],
        rng.uniform(*shelf.height),
    )
