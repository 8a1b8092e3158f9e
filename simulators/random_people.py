"""Passages drawn at random for long suites: who comes, how, with what, paid or not."""

from collections.abc import Sequence
from random import Random
from typing import Any, TypeVar

from rfidguard.errors import ConfigError
from simulators.layouts import Layout
from simulators.scenario_file import Carry, Person, RandomPeople, ScenarioFile

T = TypeVar("T")

_FIRST_AT_S = 8.0
_PICK_OUT_SHARE = 0.15
"""Of unpaid exits, how many take their item from a shelf in view on the way."""
_ITEMS = ((1, 0.76), (2, 0.11), (3, 0.05), (4, 0.03), (6, 0.03), (12, 0.02))
"""Items per incident as in a public log of 39,260 alarms of 53 shops (Nedap exports): three quarters are single items."""
_PLACES = (("bag", 0.55), ("hand", 0.25), ("backpack", 0.1), ("body", 0.1))


def with_random_people(scenario: ScenarioFile, layout: Layout, rng: Random) -> ScenarioFile:
    """`scenario` with the people that its [random] section asks for added after its own."""
    wanted = scenario.random
    if wanted is None:
        return scenario
    draw = _Draw(wanted, scenario, layout, rng)
    at = max((person.at for person in scenario.person), default=0.0) + _FIRST_AT_S
    people = list(scenario.person)
    for number in range(wanted.passages):
        people += draw.passage(f"r{number:05}", round(at, 2))
        at += rng.uniform(*wanted.headway_s)
    return scenario.model_copy(update={"person": tuple(people)})


class _Draw:
    def __init__(self, wanted: RandomPeople, scenario: ScenarioFile, layout: Layout, rng: Random) -> None:
        self._wanted, self._layout, self._rng = wanted, layout, rng
        self._shelves = tuple(shelf.id for shelf in scenario.shelf)
        self._own = wanted.article or tuple(article.id for article in scenario.article if article.prefix is None)
        self._foreign = tuple(article.id for article in scenario.article if article.prefix is not None)
        if not self._own:
            raise ConfigError(["[random]: no own article is listed; add an [[article]]"])

    def passage(self, name: str, at: float) -> list[Person]:
        if self._rng.random() < self._wanted.awkward_share:
            return self._awkward(name, at, self._rng.choice(self._wanted.awkward))
        holds = self._holds()
        if holds == "unpaid" and self._shelves and self._rng.random() < _PICK_OUT_SHARE:
            return [self._person(name, "pick_out", at, shelf=self._rng.choice(self._shelves), wait_s=4.0)]
        return [self._person(name, "exit", at, carries=self._goods(holds))]

    def _awkward(self, name: str, at: float, how: str) -> list[Person]:
        if how in ("pair", "in_out", "wear"):
            return {"pair": self._pair, "in_out": self._in_out, "wear": self._wear}[how](name, at)
        if how == "run":
            return [self._person(name, "exit", at, speed=self._between(2.5, 4.0), carries=self._goods(self._holds()))]
        if how == "cart":
            goods = self._goods(self._holds(), place="cart")
            return [self._person(name, "exit", at, speed=self._between(0.7, 1.1), carries=goods)]
        if how == "pick_back":
            if not self._shelves:
                return [self._person(name, "turn_back", at, carries=self._goods("unpaid"))]
            return [self._person(name, "pick_back", at, shelf=self._rng.choice(self._shelves), wait_s=5.0)]
        if how in ("pause", "enter"):
            goods = self._goods(self._holds()) if how == "pause" else ()
            return [self._person(name, how, at, wait_s=self._between(2.0, 8.0), carries=goods)]
        return [self._person(name, how, at, wait_s=self._between(2.0, 8.0), carries=self._goods("unpaid"))]

    def _pair(self, name: str, at: float) -> list[Person]:
        """Two abreast, a moment apart, at one speed; each pays for themselves, or does not."""
        side, speed = 0.45 * min(self._layout.half_width_m, 1.0), self._speed()
        other = round(at + self._rng.uniform(0.0, 0.4), 2)
        return [
            self._person(name, "exit", at, x=-side, speed=speed, carries=self._goods("paid")),
            self._person(f"{name}-b", "exit", other, x=side, speed=speed, carries=self._goods(self._holds())),
        ]

    def _in_out(self, name: str, at: float) -> list[Person]:
        """One goes out while one comes in."""
        side = 0.5 * min(self._layout.half_width_m, 1.0)
        worn = self._goods("unpaid", place="body") if self._rng.random() < 0.3 else ()
        return [
            self._person(name, "exit", at, x=-side, carries=self._goods(self._holds())),
            self._person(f"{name}-in", "enter", at, x=side, carries=worn),
        ]

    def _wear(self, name: str, at: float) -> list[Person]:
        """Unsold goods of ours worn in, and out again later."""
        item = f"worn-{name}"
        worn = Carry(article=self._rng.choice(self._own), item=item, place="body")
        back = round(at + self._between(15.0, 60.0), 2)
        return [
            self._person(f"{name}-in", "enter", at, carries=(worn,)),
            self._person(f"{name}-out", "exit", back, carries=(Carry(item=item, place="body"),)),
        ]

    def _person(self, name: str, does: str, at: float, **more: Any) -> Person:
        lane = round(self._rng.uniform(-0.6, 0.6) * self._layout.half_width_m, 2)
        return Person.model_validate({"id": name, "does": does, "at": at, "x": lane, "speed": self._speed(), **more})

    def _holds(self) -> str:
        shares = self._wanted
        drawn = self._rng.random()
        for holds, share in (("unpaid", shares.unpaid_share), ("paid", shares.paid_share), ("foreign", shares.foreign_share)):
            if drawn < share:
                return holds
            drawn -= share
        return "empty"

    def _goods(self, holds: str, place: str | None = None) -> tuple[Carry, ...]:
        articles = self._foreign if holds == "foreign" else self._own
        if holds == "empty" or not articles:
            return ()
        goods = {
            "article": self._rng.choice(articles),
            "count": _weighted(_ITEMS, self._rng),
            "place": place or _weighted(_PLACES, self._rng),
            "paid": holds == "paid",
            "by": self._rng.choice(("epc", "epc", "gtin")),
            "sale_s": -self._between(8.0, 90.0),
        }
        return (Carry.model_validate(goods),)

    def _speed(self) -> float:
        return round(min(max(self._rng.gauss(1.3, 0.25), 0.6), 2.0), 2)

    def _between(self, low: float, high: float) -> float:
        return round(self._rng.uniform(low, high), 1)


def _weighted(table: Sequence[tuple[T, float]], rng: Random) -> T:
    return rng.choices([value for value, _ in table], [weight for _, weight in table])[0]
