"""Sales that look forged. Who can report a sale can carry the goods out: so sales at night or in masses are told to people.

They are stored all the same, for a rule that refuses true sales would ring at honest customers.
"""

import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.events import Ledger
from rfidguard.opening import Opening

log = logging.getLogger(__name__)

MARGIN_S = 1800.0
"""Tills are closed and settled a little before and after the doors are."""

QUIET_S = 600.0
"""The same oddity of the same till is told once in so long, and counted every time."""

MAX_TILLS = 1_000
_MINUTES_KEPT = 5


class _Minute(msgspec.Struct):
    """What one till sold in one minute of its own time."""

    units: int = 0
    sales: int = 0


class SaleWatch:
    """Hears of records that were stored. Any thread. `counts`: oddities by kind."""

    def __init__(self, config: Config, clock: Clock) -> None:
        site, policy = config.site, config.ledger
        self._opening = None if site.open is None else Opening(site.open, site.zone())
        self._max_units, self._max_sales = policy.max_units_per_minute, policy.max_sales_per_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._tills: OrderedDict[tuple[str, str], OrderedDict[int, _Minute]] = OrderedDict()
        self._told: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self.counts: Counter[str] = Counter()

    def look(self, records: Sequence[Ledger]) -> list[dict[str, Any]]:
        """What is odd about new records, as bodies of event/ledger without `at`; only what was not told just now."""
        sales: dict[tuple[str | None, str], list[Ledger]] = {}
        for record in records:
            if record.kind == "sold":
                sales.setdefault((record.lane, _document(record)), []).append(record)
        return [odd for sold in sales.values() for odd in self._look(sold)]

    def _look(self, sold: Sequence[Ledger]) -> list[dict[str, Any]]:
        """At one sale."""
        with self._lock:
            found = [*self._strange_hours(sold[0]), *self._strange_volume(sold)]
            self.counts.update(kind for kind, _ in found)
            return [self._body(kind, text, sold[0]) for kind, text in found if self._is_news(kind, sold[0])]

    def _strange_hours(self, sale: Ledger) -> Iterator[tuple[str, str]]:
        if self._opening is None:
            return
        if not self._opening.is_open(self._clock.now(), MARGIN_S):
            yield "out_of_hours", "a sale came in while the shop is closed"
        elif not self._opening.is_open(sale.at, MARGIN_S):
            yield "out_of_hours", "a sale says that it was made while the shop was closed"

    def _strange_volume(self, sold: Sequence[Ledger]) -> Iterator[tuple[str, str]]:
        """By the minute in which the till says it sold: one that was offline sends many at once, and has sold none too fast."""
        minute = self._minute(_till(sold[0]), int(sold[0].at // 60))
        minute.units += sum(record.quantity for record in sold)
        minute.sales += 1
        if self._max_units and minute.units > self._max_units:
            yield "impossible_volume", f"{minute.units} items sold in one minute; at most {self._max_units} are plausible"
        elif self._max_sales and minute.sales > self._max_sales:
            yield "impossible_volume", f"{minute.sales} sales in one minute; at most {self._max_sales} are plausible"

    def _minute(self, till: tuple[str, str], number: int) -> _Minute:
        minutes = self._tills.setdefault(till, OrderedDict())
        self._tills.move_to_end(till)
        _keep(self._tills, MAX_TILLS)
        minute = minutes.setdefault(number, _Minute())
        minutes.move_to_end(number)
        _keep(minutes, _MINUTES_KEPT)
        return minute

    def _is_news(self, kind: str, sale: Ledger) -> bool:
        key = (kind, *_till(sale))
        now = self._clock.monotonic()
        if now - self._told.get(key, -QUIET_S) < QUIET_S:
            return False
        self._told[key] = now
        self._told.move_to_end(key)
        _keep(self._told, MAX_TILLS)
        return True

    def _body(self, kind: str, text: str, sale: Ledger) -> dict[str, Any]:
        log.warning("odd sale %s of %s (lane %s): %s", sale.id, sale.source, sale.lane, text)
        return {"kind": kind, "source": sale.source, "lane": sale.lane, "id": _document(sale), "reason": text, "errors": []}


def _till(sale: Ledger) -> tuple[str, str]:
    return sale.source or "", sale.lane or ""


def _document(sale: Ledger) -> str:
    return sale.id.rpartition("/")[0] or sale.id


def _keep(table: "OrderedDict[Any, Any]", most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
