"""The units that one POSLog transaction sells, and what its voids do to them. Pure.

A void is a tombstone of the record that it undoes, by its id, so that it holds in any order of arrival. Part of a quantity,
and an item that this transaction never sold, are given back instead.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from rfidguard.feeds.goods_name import Goods
from rfidguard.feeds.poslog_key import linked_lines, transaction_id
from rfidguard.feeds.poslog_line import Line
from rfidguard.feeds.xml_stream import Element
from rfidguard.sale import CREDIT

MAX_BLIND = 50
"""So many units of a line of another transaction are voided at most; of what it holds only its number is known."""

_UNDONE = {"sold": "returned", "returned": "sold", "reserved": "stock_in", "stock_in": "reserved"}
_VOID_REASONS = frozenset(("", "voided", "void", "postvoid", "postvoided"))

Fields = dict[str, Any]
"""Fields of a ledger record; `turn` apart: how often its item was named before in this transaction."""


class Unit(msgspec.Struct):
    """One record of the transaction. `left`: units not voided yet. `item`: None for a credit."""

    id: str
    number: str
    kind: str
    item: str | None
    article: str | None
    quantity: int
    left: int


class Units:
    """What a transaction has sold so far. Lines are given in their order."""

    def __init__(self, name: str, transaction: Element) -> None:
        self._name = name
        self._transaction = transaction
        self._units: list[Unit] = []
        self._turns: dict[str, int] = {}
        self._missed: list[str] = []

    def sells(self, line: Line) -> Iterator[Fields]:
        """A record for each item, and a credit for the units beyond them."""
        base = f"{self._name}/{line.number}"
        for place, goods in enumerate(line.items):
            yield self._unit(f"{base}.{place + 1}" if place else base, line, line.kind or "", goods, 1)
        rest = line.units - len(line.items)
        if line.gtin is not None and rest > 0 and line.article_kind is not None:
            yield self._unit(f"{base}{CREDIT}" if line.items else base, line, line.article_kind, Goods(line.gtin), rest)

    def voids(self, line: Line) -> Iterator[Fields]:
        """Tombstones and returns of a void line."""
        for number, fields in enumerate(self._voided(line), 1):
            name = f"{self._name}/{line.number}"
            yield {"id": name if number == 1 else f"{name}.{number}", **fields}

    def missed(self) -> list[str]:
        """Why parts of the last void did nothing."""
        missed, self._missed = self._missed, []
        return missed

    def _unit(self, record_id: str, line: Line, kind: str, goods: Goods, quantity: int) -> Fields:
        item = goods.item
        self._units.append(Unit(record_id, line.number, kind, item, goods.article, quantity, quantity))
        fields: Fields = {"id": record_id, "kind": kind, "epc": goods.epc, "gtin": goods.gtin, "serial": goods.serial}
        return {**fields, "quantity": quantity, "turn": self._turn(item)}

    def _turn(self, item: str | None) -> int:
        if item is None:
            return 0
        self._turns[item] = self._turns.get(item, -1) + 1
        return self._turns[item]

    def _voided(self, line: Line) -> Iterator[Fields]:
        targets = list(linked_lines(line.element, self._transaction))
        for name, number in targets:
            linked = [unit for unit in self._units if name == self._name and unit.number == number]
            if linked:
                yield from self._linked(line, linked)
            else:
                yield from _blind(f"{name}/{number}", line)
        if not targets:
            yield from self._by_items(line, self._units)
            yield from self._by_article(line)

    def _linked(self, line: Line, linked: list[Unit]) -> Iterator[Fields]:
        """The items that the void names; else so many units as it says, credits first; all where it says nothing."""
        if line.items:
            yield from self._by_items(line, linked)
        everything = sum(unit.left for unit in linked)
        rest = line.units - len(line.items) if line.units else everything
        yield from self._take(sorted(linked, key=lambda unit: unit.item is not None), rest)

    def _by_items(self, line: Line, among: list[Unit]) -> Iterator[Fields]:
        for goods in line.items:
            same = (unit for unit in reversed(among) if unit.item == goods.item and unit.kind == line.kind and unit.left)
            unit = next(same, None)
            if unit is not None:
                unit.left = 0
                yield {"kind": "void", "ref": unit.id}
            else:
                fields = {"epc": goods.epc, "gtin": goods.gtin, "serial": goods.serial}
                yield {"kind": _UNDONE[line.kind or "sold"], **fields, "turn": self._turn(goods.item)}

    def _by_article(self, line: Line) -> Iterator[Fields]:
        """The latest units of the article, credits first."""
        rest = line.units - len(line.items)
        if line.gtin is not None and rest > 0:
            kinds = (line.kind, line.article_kind)
            same = [unit for unit in reversed(self._units) if unit.article == line.gtin and unit.kind in kinds and unit.left]
            yield from self._take(sorted(same, key=lambda unit: unit.item is not None), rest)

    def _take(self, units: Iterable[Unit], rest: int) -> Iterator[Fields]:
        for unit in units:
            taken = min(rest, unit.left)
            if taken <= 0:
                continue
            rest -= taken
            whole = taken == unit.quantity
            unit.left -= taken
            if whole:
                yield {"kind": "void", "ref": unit.id}
            else:
                yield {"kind": _UNDONE[unit.kind], "gtin": unit.article, "quantity": taken}
        if rest > 0:
            self._missed.append("void_without_target")


def whole_voids(name: str, transaction: Element, links: list[Element]) -> Iterator[Fields]:
    """Tombstones of the transaction itself and of those that it says it voids."""
    yield {"id": f"{name}/void", "ref": name}
    for number, link in enumerate(links, 2):
        reason = link.attributes.get("ReasonCode") or link.value("ReasonCode") or ""
        target = transaction_id(link, transaction)
        if target is not None and target != name and reason.rpartition(":")[2].strip().lower() in _VOID_REASONS:
            yield {"id": f"{name}/void.{number}", "ref": target}


def _blind(ref: str, line: Line) -> Iterator[Fields]:
    """Of a line that is not here: whatever it may have been called."""
    for ending in ("", CREDIT, *(f".{number}" for number in range(2, min(line.units, MAX_BLIND) + 1))):
        yield {"kind": "void", "ref": f"{ref}{ending}"}
