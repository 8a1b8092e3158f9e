"""Passages drawn at random for long suites: who comes, how, with what, paid or not."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from rfidguard.errors import ConfigError
from simulators.layouts import Layout
from simulators.scenario_file import ScenarioFile
from simulators.scenario_parts import Carry, Person, RandomPeople

T = TypeVar("T")

_FIRST_AT_S = 8.0
_PICK_OUT_SHARE = 0.15
"""Of unpaid exits, how many take their item from a shelf in view on the way."""
_ITEMS = ((1, 0.76), (2, 0.11), (3, 0.05), (4, 0.03), (6, 0.03), (12, 0.02))
"""Items per incident as in a public log of 39,260 alarms of 53 shops (Nedap exports): three quarters are single items."""
_PLACES = (("bag", 0.55), ("hand", 0.25), ("backpack", 0.1), ("body", 0.1))
_HOURS = (0.5, 1.2, 1.4, 1.4, 1.0, 0.9, 1.0, 1.3, 1.5, 1.2, 0.8, 0.5)
"""How the twelve hours of a shop's day compare: 10-13 and 16-18 are the busy ones (same log)."""
_DAYS_AGO_S = -3.0 * 86_400.0


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
        at += _gap_s(wanted, rng)
    return scenario.model_copy(update={"person": tuple(people)})


def _gap_s(wanted: RandomPeople, rng: Random) -> float:
    """Until the next passage: evenly drawn, or at random at the rate of an hour of the day."""
    if wanted.per_day is None:
        return rng.uniform(*wanted.headway_s)
    rate = wanted.per_day / 3600.0 * rng.choices(_HOURS, _HOURS)[0] / sum(_HOURS)
    return min(rng.expovariate(rate), wanted.longest_gap_s)


class _Draw:
    def __init__(self, wanted: RandomPeople, scenario: ScenarioFile, layout: Layout, rng: Random) -> None:
        self._wanted, self._layout, self._rng = wanted, layout, rng
        self._left = {shelf.id: shelf.tags for shelf in scenario.shelf}
        self._gates = (None, *(name for name, _ in layout.side_gates))
        self._own = wanted.article or tuple(article.id for article in scenario.article if article.prefix is None)
        self._foreign = tuple(article.id for article in scenario.article if article.prefix is not None)
        if not self._own:
            raise ConfigError(["[random]: no own article is listed; add an [[article]]"])

    def passage(self, name: str, at: float) -> list[Person]:
        if self._rng.random() < self._wanted.awkward_share:
            how = self._rng.choice(self._wanted.awkward)
            make = _WAYS.get(how)
            return make(self, name, at) if make is not None else [self._plain(name, at, how)]
        if self._rng.random() < self._wanted.group_share:
            return self.group(name, at)
        holds = self._holds()
        if holds == "unpaid" and self._left and self._rng.random() < _PICK_OUT_SHARE:
            return self.pick_out(name, at)
        return [self._person(name, "exit", at, carries=self._goods(holds))]

    def run(self, name: str, at: float) -> list[Person]:
        return [self._person(name, "exit", at, kind="run", speed=self._between(2.5, 4.0), carries=self._goods(self._holds()))]

    def cart(self, name: str, at: float) -> list[Person]:
        return self._pushing(name, at, "cart", self._between(0.7, 1.1))

    def pram(self, name: str, at: float) -> list[Person]:
        return self._pushing(name, at, "pram", self._between(0.8, 1.3))

    def child(self, name: str, at: float) -> list[Person]:
        """Small and zigzag, with something low in hand or nothing; sometimes only playing in front of the gate."""
        does, goods = "weave", self._goods(self._holds(), place="hand")
        if self._rng.random() < 0.4:
            does, goods = "wander", self._goods("unpaid", place="hand") if self._rng.random() < 0.5 else ()
        height = self._between(0.9, 1.3)
        return [
            self._person(name, does, at, kind="child", height=height, speed=self._between(0.8, 2.0), wait_s=5.0, carries=goods)
        ]

    def wait(self, name: str, at: float) -> list[Person]:
        """Stands about in the gate for long, then leaves."""
        goods, lane = self._goods(self._holds()), self._lane(0.8)
        return [self._person(name, "pause", at, kind="wait", x=lane, wait_s=self._between(5.0, 60.0), carries=goods)]

    def wait_back(self, name: str, at: float) -> list[Person]:
        """The same, but goes back into the shop."""
        goods, lane = self._goods("unpaid"), self._lane(0.8)
        return [self._person(name, "wait_back", at, x=lane, wait_s=self._between(5.0, 60.0), carries=goods)]

    def pair(self, name: str, at: float) -> list[Person]:
        """Two abreast, a moment apart, at one speed; each pays for themselves, or does not."""
        side, speed = 0.45 * min(self._layout.half_width_m, 1.0), self._speed()
        other = round(at + self._rng.uniform(0.0, 0.4), 2)
        gate = self._rng.choice(self._gates)
        return [
            self._person(name, "exit", at, kind="pair", x=-side, speed=speed, gate=gate, carries=self._goods("paid")),
            self._person(
                f"{name}-b", "exit", other, kind="pair", x=side, speed=speed, gate=gate, carries=self._goods(self._holds())
            ),
        ]

    def group(self, name: str, at: float) -> list[Person]:
        """Two or three people close behind one another."""
        gate, speed, group = self._rng.choice(self._gates), self._speed(), []
        for number in range(self._rng.choice((2, 2, 2, 3))):
            goods, when = self._goods(self._holds()), round(at + number * self._between(0.3, 1.2), 2)
            group.append(self._person(f"{name}-{number}", "exit", when, kind="group", speed=speed, gate=gate, carries=goods))
        return group

    def in_out(self, name: str, at: float) -> list[Person]:
        """One goes out while one comes in."""
        side = 0.5 * min(self._layout.half_width_m, 1.0)
        worn = self._goods("unpaid", place="body") if self._rng.random() < 0.3 else ()
        gate = self._rng.choice(self._gates)
        return [
            self._person(name, "exit", at, kind="out-in", x=-side, gate=gate, carries=self._goods(self._holds())),
            self._person(f"{name}-in", "enter", at, kind="in-out", x=side, gate=gate, carries=worn),
        ]

    def wear(self, name: str, at: float) -> list[Person]:
        """Unsold goods of ours worn in, and out again later."""
        item = f"worn-{name}"
        back = round(at + self._between(15.0, 60.0), 2)
        first = () if self._wanted.empty else (Carry(article=self._rng.choice(self._own), item=item, place="body"),)
        again = () if self._wanted.empty else (Carry(item=item, place="body"),)
        return [
            self._person(f"{name}-in", "enter", at, kind="wear-in", carries=first),
            self._person(f"{name}-out", "exit", back, kind="wear-out", carries=again),
        ]

    def bring_back(self, name: str, at: float) -> list[Person]:
        """Something bought days ago is brought to the desk and stays there; its owner leaves without it."""
        item = Carry(article=self._rng.choice(self._own), paid=True, sale_s=_DAYS_AGO_S, returned_s=self._between(30.0, 60.0))
        back = round(at + self._between(65.0, 90.0), 2)
        goods = () if self._wanted.empty else (item,)
        return [
            self._person(f"{name}-in", "enter", at, kind="return-in", carries=goods),
            self._person(f"{name}-out", "exit", back, kind="return-out"),
        ]

    def pass_outside(self, name: str, at: float) -> list[Person]:
        """A passer-by, mostly with a bag of ours: sold days ago, or nobody knows when."""
        goods = self._goods("paid", sale_s=_DAYS_AGO_S) if self._rng.random() < 0.6 else self._goods("unpaid")
        return [self._person(name, "pass_outside", at, nearest_y=self._between(1.0, 2.5), carries=goods)]

    def pick_out(self, name: str, at: float) -> list[Person]:
        shelf = self._shelf()
        if shelf is None or self._wanted.empty:
            return [self._person(name, "exit", at, carries=self._goods("unpaid"))]
        self._left[shelf] -= 1
        return [self._person(name, "pick_out", at, shelf=shelf, wait_s=self._between(3.0, 8.0))]

    def pick_back(self, name: str, at: float) -> list[Person]:
        return self._at_shelf(name, at, "pick_back", self._between(4.0, 8.0))

    def browse(self, name: str, at: float) -> list[Person]:
        return self._at_shelf(name, at, "browse", self._between(6.0, 20.0))

    def restock(self, name: str, at: float) -> list[Person]:
        return self._at_shelf(name, at, "restock", self._between(10.0, 30.0))

    def rack_by(self, name: str, at: float) -> list[Person]:
        """Staff roll a full rack past the gate inside."""
        y, speed = -self._between(1.2, 2.5), self._between(0.6, 1.0)
        full = {"article": self._rng.choice(self._own), "place": "rack", "count": self._wanted.rack_tags}
        goods = () if self._wanted.empty else (Carry.model_validate(full),)
        person = self._person(name, "pass_inside", at, kind="rack", nearest_y=y, speed=speed, pushes="rack", carries=goods)
        return [person]

    def _plain(self, name: str, at: float, how: str) -> Person:
        """Ways that need no more than their word: pause, enter, turn_back, linger, wander, pass_inside."""
        goods = () if how == "enter" else self._goods(self._holds() if how == "pause" else "unpaid")
        return self._person(name, how, at, wait_s=self._between(2.0, 8.0), carries=goods)

    def _pushing(self, name: str, at: float, what: str, speed: float) -> list[Person]:
        goods = self._goods(self._holds(), place=what)
        return [self._person(name, "exit", at, kind=what, speed=speed, pushes=what, carries=goods)]

    def _at_shelf(self, name: str, at: float, does: str, wait_s: float) -> list[Person]:
        shelf = self._shelf()
        if shelf is None:
            return [self._person(name, "turn_back", at, carries=self._goods("unpaid"))]
        if self._wanted.empty:
            return [self._person(name, "linger", at, wait_s=wait_s)]
        return [self._person(name, does, at, shelf=shelf, wait_s=wait_s)]

    def _shelf(self) -> str | None:
        """A shelf that surely has something left."""
        full = [name for name, left in self._left.items() if left > _KEEP_ON_SHELF]
        return self._rng.choice(full) if full else None

    def _person(self, name: str, does: str, at: float, **more: Any) -> Person:
        gate = self._rng.choice(self._gates)
        drawn = {"id": name, "does": does, "at": at, "x": self._lane(0.6), "speed": self._speed(), "gate": gate}
        return Person.model_validate({**drawn, **more})

    def _lane(self, share: float) -> float:
        return round(self._rng.uniform(-share, share) * self._layout.half_width_m, 2)

    def _holds(self) -> str:
        shares = self._wanted
        drawn = self._rng.random()
        for holds, share in (("unpaid", shares.unpaid_share), ("paid", shares.paid_share), ("foreign", shares.foreign_share)):
            if drawn < share:
                return holds
            drawn -= share
        return "empty"

    def _goods(self, holds: str, place: str | None = None, sale_s: float | None = None) -> tuple[Carry, ...]:
        articles = self._foreign if holds == "foreign" else self._own
        if holds == "empty" or not articles or self._wanted.empty:
            return ()
        goods = {
            "article": self._rng.choice(articles),
            "count": _weighted(_ITEMS, self._rng),
            "place": place or _weighted(_PLACES, self._rng),
            "paid": holds == "paid",
            "by": self._rng.choice(("epc", "epc", "gtin")) if sale_s is None else "epc",
            "sale_s": -self._between(8.0, 90.0) if sale_s is None else sale_s,
        }
        return (Carry.model_validate(goods),)

    def _speed(self) -> float:
        return round(min(max(self._rng.gauss(1.3, 0.25), 0.6), 2.0), 2)

    def _between(self, low: float, high: float) -> float:
        return round(self._rng.uniform(low, high), 1)


_KEEP_ON_SHELF = 4
_WAYS: dict[str, Callable[[_Draw, str, float], list[Person]]] = {
    "run": _Draw.run,
    "cart": _Draw.cart,
    "pram": _Draw.pram,
    "child": _Draw.child,
    "wait": _Draw.wait,
    "wait_back": _Draw.wait_back,
    "pair": _Draw.pair,
    "group": _Draw.group,
    "in_out": _Draw.in_out,
    "wear": _Draw.wear,
    "return": _Draw.bring_back,
    "pass_outside": _Draw.pass_outside,
    "pick_out": _Draw.pick_out,
    "pick_back": _Draw.pick_back,
    "browse": _Draw.browse,
    "restock": _Draw.restock,
    "rack_by": _Draw.rack_by,
}


def _weighted(table: Sequence[tuple[T, float]], rng: Random) -> T:
    return rng.choices([value for value, _ in table], [weight for _, weight in table])[0]
