"""Which tables there are, what each is learnt from, and the checks that a table file passes before it may be used."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import msgspec

from rfidguard.around import Around
from rfidguard.errors import ConfigError, RfidguardError
from rfidguard.glance import glanced
from rfidguard.layout import GateLayout
from rfidguard.passage import COUNTED, IN, OUT, THROUGH, watched
from rfidguard.path import Presence
from rfidguard.picked import PICKED, PLANE, ZONES, compared
from rfidguard.track import Track
from rfidguard.trail import Trail
from rfidguard.tree import Branch, Leaf
from rfidguard.trees import Table
from simulators.learn.scenes import Counting

_EVERY: tuple[Counting, ...] = ("directed", "undirected", "none")


@dataclass(frozen=True)
class Wanted:
    """One table: for gates with zones or in one plane, the question that it answers, and the counters it is asked with. `of`: of
    a tag at each look, or of the goods that stood, after each count.
    """

    name: str
    zoned: bool
    asks: Literal["out", "in", "through"]
    countings: tuple[Counting, ...]
    least: float
    """The score (log-odds) that the program asks for a yes."""
    of: Literal["look", "count"] = "look"


TABLES = (
    Wanted("zones-out", True, "out", _EVERY, OUT),
    Wanted("zones-in", True, "in", _EVERY, IN),
    Wanted(ZONES, True, "out", ("directed",), PICKED[ZONES], "count"),
    Wanted("plane-out", False, "out", ("directed", "undirected"), COUNTED),
    Wanted("plane-in", False, "in", _EVERY, IN),
    Wanted(PLANE, False, "out", ("directed",), PICKED[PLANE], "count"),
    Wanted("plane-through", False, "through", ("none",), THROUGH),
)


def wanted(names: Collection[str]) -> list[Wanted]:
    """The tables called so; all without a name. Raises ConfigError with the known names."""
    known = {table.name: table for table in TABLES}
    if strange := [name for name in names if name not in known]:
        raise ConfigError([f"no table is called {name!r}; there are: {', '.join(known)}" for name in strange])
    return [table for table in TABLES if not names or table.name in names]


def known_signs(of: Wanted) -> frozenset[str]:
    """The signs that the program gives where it asks a table."""
    if of.of == "count":
        return _signs_after_count(_gate(of.zoned))
    seen = watched(_track(), _gate(of.zoned), Presence(), Around(), 0.1)
    return frozenset() if seen is None else frozenset(seen.signs)


def cheap_signs(of: Wanted) -> frozenset[str]:
    """Those of them that a glance may ask; none where so few are asked that there is no glance."""
    return frozenset() if of.of == "count" else frozenset(glanced(_track(), _gate(of.zoned), Presence(), Around(), 0.1))


def _signs_after_count(gate: GateLayout) -> frozenset[str]:
    trail = Trail([(float(at), "r/1", -60.0) for at in range(39)])
    ((_, _, signs),) = compared([("", trail)], gate, (), 38.0, 39.6, -70.0, unlikely_too=True)
    return frozenset(signs)


def _track() -> Track:
    return Track(gate="g", epc="", first_at=0.0, last_at=0.0, start_at=0.0)


def _gate(zoned: bool) -> GateLayout:
    zones = {"r/1": -1, "r/2": 1} if zoned else {"r/1": 0, "r/2": 0}
    return GateLayout("g", "observe", zones, near=min(zones.values()), far=max(zones.values()))


def checked(name: str, table: Table, signs: Collection[str], cheap: Collection[str]) -> Table:
    """The table, if it asks only for `signs`, and its glance only for `cheap` ones, each by a number that it has. Raises
    RfidguardError saying what else it asks.
    """
    problems = _problems(table, signs)
    if table.glance is not None:
        problems += [f"its glance: {problem}" for problem in _problems(table.glance, cheap)]
    if problems:
        raise RfidguardError(f"table {name}: {'; '.join(problems)}. Learn it again: python -m simulators.learn --table {name}")
    return table


def _problems(table: Table, signs: Collection[str]) -> list[str]:
    lost = sorted({asked for tree in table.trees for asked in _asked(tree) if not 0 <= asked < len(table.signs)})
    problems = [f"a tree asks sign number {number}, the table names {len(table.signs)}" for number in lost]
    return problems + [_unknown(sign, signs) for sign in table.signs if sign not in signs]


def decoded(name: str, text: bytes) -> Table:
    """A table file's content. Raises RfidguardError where it is none."""
    try:
        return msgspec.json.decode(text, type=Table)
    except msgspec.DecodeError as error:
        raise RfidguardError(f"table {name}: not a table file: {error}") from error


def encoded(table: Table) -> bytes:
    """A table as its file holds it."""
    return msgspec.json.encode(table) + b"\n"


def _asked(tree: Branch | Leaf) -> Iterator[int]:
    if isinstance(tree, Branch):
        yield tree.sign
        yield from _asked(tree.low)
        yield from _asked(tree.high)


def _unknown(sign: str, signs: Collection[str]) -> str:
    near = get_close_matches(sign, signs, n=1)
    return f"asks for {sign!r}, which rfidguard/signs.py does not give for such gates" + (
        f" (nearest: {near[0]})" if near else ""
    )
