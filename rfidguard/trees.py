"""Step 3d: an additive score read from a table: a sum of many small decision trees over the signs of a tag. Pure.

Every branch knows the mean score of what lies below it, so each step of a walk down a tree is worth a number that belongs to the
sign asked there. The score is the sum of these numbers and a prior: it explains itself. (Attribution along the path: Saabas,
"Interpreting random forests", 2014.) The tables in weights/ are learnt from simulated passages.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

import msgspec

from rfidguard.tree import Branch, Leaf
from rfidguard.walks import Walks, walks

NEVER_HOPELESS = -1e9
"""No sum of trees comes near it. JSON knows no infinity."""
_MOST_READY = 16
"""Tables kept compiled: a process needs six at most, and five glances; tests make many."""


class Table(msgspec.Struct, frozen=True, eq=False):
    """A whole score: the `signs` it asks for, in order, its trees, and where it comes from. Equal to nothing but itself, so that
    what is made of it is found at once.

    Where the first `opening` trees sum to less than `hopeless`, the others are not asked: they never made up for so much.
    `glance`: a smaller table over signs that are cheap (glance.py); where its score is below 0, this one need not be asked. None:
    there is none yet.
    """

    signs: tuple[str, ...]
    trees: tuple[Branch | Leaf, ...]
    about: str = ""
    opening: int = 0
    hopeless: float = NEVER_HOPELESS
    glance: "Table | None" = None


@cache
def table(name: str) -> Table:
    """The table called `name` among the package's own."""
    return msgspec.json.decode((files("rfidguard") / "weights" / f"{name}.json").read_bytes(), type=Table)


def score(known: Table, signs: Mapping[str, float]) -> float:
    """The log-odds that `known` gives."""
    opening, others = ready(known)
    opened = opening(signs)
    return opened if opened < known.hopeless else opened + others(signs)


def hopeless(known: Table, signs: Mapping[str, float]) -> bool:
    """True where a glance tells that the table it belongs to will say no."""
    return score(known, signs) < 0.0


@lru_cache(_MOST_READY)
def ready(known: Table) -> tuple[Walks, Walks]:
    """The walks down the opening trees and down the others: compiled once, which takes some 90 ms for 350 trees."""
    return walks(known.trees[: known.opening], known.signs), walks(known.trees[known.opening :], known.signs)


def shares(known: Table, signs: Mapping[str, float]) -> dict[str, float]:
    """The same score, as what each sign adds to it; "prior" is what is said before any is asked. Sums to `score`."""
    asked = [signs[name] for name in known.signs]
    found = {"prior": 0.0}
    for tree in _worth_asking(known, signs):
        found["prior"] += tree.value
        while type(tree) is Branch:
            below = tree.low if asked[tree.sign] <= tree.most else tree.high
            name = known.signs[tree.sign]
            found[name] = found.get(name, 0.0) + below.value - tree.value
            tree = below
    return found


def _worth_asking(known: Table, signs: Mapping[str, float]) -> Sequence[Branch | Leaf]:
    opening, _ = ready(known)
    return known.trees[: known.opening] if opening(signs) < known.hopeless else known.trees


def probability(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(log_odds, -40.0), 40.0)))


def grouped(parts: Mapping[str, float], groups: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Sums of `parts` by group; what belongs to none stays as it is."""
    group_of = {name: group for group, names in groups.items() for name in names}
    found: dict[str, float] = {}
    for name, value in parts.items():
        group = group_of.get(name, name)
        found[group] = found.get(group, 0.0) + value
    return found
