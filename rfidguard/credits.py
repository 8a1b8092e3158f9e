"""Which units of an article's credits pay for which items: one pure function of everything sold, returned and carried out.

A credit is a sale that names an article but no item. Nothing is ever assigned for good: items that want a credit are gone
through in the order in which they were judged, and each takes the oldest unit that it may use. A sale that comes late finds
its place in that order, so what the gate says does not depend on when it heard of what.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from rfidguard.events import Ledger


class Claim(NamedTuple):
    """An item that left at `at` (Unix seconds) and has no sale of its own. `key` is its ledger key.

    `not_before`: when it was last armed (returned, stocked); a credit older than that was for something else.
    """

    at: float
    key: str
    not_before: float


class Unit(NamedTuple):
    """One unit of a credit, sold at `at`: the record's id, and which of its units, from 0."""

    at: float
    credit: str
    number: int


def units_used(
    sales: Iterable[Ledger], returns: Iterable[Ledger], claims: Collection[Claim], ttl_s: float, grace_s: float
) -> dict[Claim, Unit]:
    """The unit that each claim gets; claims that get none are absent.

    A claim may use a unit sold at most `ttl_s` before it or `grace_s` after it. Who left after a unit was sold comes before
    who left before that: the buyer still in the shop must not ring because somebody else had gone out without paying.
    An item that leaves again and again without having been armed in between uses one unit for all of that. A return by
    quantity takes back the latest unused units that were sold before it; what is left of it is not carried forward.
    """
    free = sorted(Unit(sale.at, sale.id, number) for sale in sales for number in range(sale.quantity))
    used: dict[Claim, Unit] = {}
    paid: dict[tuple[str, float], Unit] = {}
    for _, _, step in sorted(_timeline(returns, claims), key=lambda entry: entry[:2]):
        if isinstance(step, Ledger):
            _take_back(free, step)
        else:
            _pay(step, step.at, ttl_s, free, paid, used)
    for claim in sorted(claims):
        if claim not in used:
            _pay(claim, claim.at + grace_s, ttl_s, free, paid, used)
    return used


def _pay(
    claim: Claim, latest: float, ttl_s: float, free: list[Unit], paid: dict[tuple[str, float], Unit], used: dict[Claim, Unit]
) -> None:
    """Gives `claim` the unit that its item has, or else the oldest free one, if that was sold by `latest`."""
    outing = (claim.key, claim.not_before)
    unit = paid.get(outing)
    if unit is None:
        unit = _oldest(free, max(claim.at - ttl_s, claim.not_before), latest)
        if unit is None:
            return
        free.remove(unit)
        paid[outing] = unit
    if unit.at <= latest:
        used[claim] = unit


def _timeline(returns: Iterable[Ledger], claims: Iterable[Claim]) -> Iterable[tuple[float, str, Claim | Ledger]]:
    """At one moment who leaves comes before what is taken back: a tie goes to the customer."""
    yield from ((claim.at, f"0{claim.key}", claim) for claim in claims)
    yield from ((back.at, f"1{back.id}", back) for back in returns)


def _oldest(free: Sequence[Unit], earliest: float, latest: float) -> Unit | None:
    return next((unit for unit in free if earliest <= unit.at <= latest), None)


def _take_back(free: list[Unit], back: Ledger) -> None:
    sold_before = [unit for unit in free if unit.at <= back.at]
    for unit in sold_before[max(len(sold_before) - back.quantity, 0) :]:
        free.remove(unit)
