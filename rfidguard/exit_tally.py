"""How goods passed the gates, day by day: what the ledger knew of them, and so when it is time to go live."""

import threading
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo

import msgspec
from sqlalchemy import Connection, func, select

from rfidguard.effects import Decided, Effect
from rfidguard.schema import exit_days
from rfidguard.upsert import insert_into

SOLD = ("sold", "sold_credit")
UNSOLD = ("unpaid_exit", "reserved_exit", "ledger_stale")
UNKNOWN = ("unknown_item", "not_in_stock", "carried_in")
FOREIGN = ("foreign",)
_GOING = ("out", "unknown")
"""Foreign goods are decided whichever way they go; those that come in or stay are not counted."""
DAYS = 14
ENOUGH = 200
"""So many items must have left before anything is said of them."""
KNOWN_SHARE = 0.98
SOLD_SHARE = 0.97

Row = tuple[str, str]
"""Day and reason."""


class Passed(msgspec.Struct, frozen=True):
    """Own items that left in the last days: sold, unsold though the ledger knew them, not known to it. `foreign` goods apart."""

    sold: int = 0
    unsold: int = 0
    unknown: int = 0
    foreign: int = 0

    @property
    def total(self) -> int:
        return self.sold + self.unsold + self.unknown

    @property
    def known_share(self) -> float | None:
        """None where nothing of ours left."""
        return None if not self.total else round(1.0 - self.unknown / self.total, 4)

    @property
    def sold_share(self) -> float | None:
        """Of those that the ledger knew."""
        known = self.sold + self.unsold
        return None if not known else round(self.sold / known, 4)


class ExitTally:
    """Hears of every decision on the core's thread; `due` gives what is to be written, on any."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._lock = threading.Lock()
        self._counts: Counter[Row] = Counter()

    def take(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Decided) and _counts(effect):
                day = datetime.fromtimestamp(effect.at, UTC).astimezone(self._zone).date().isoformat()
                with self._lock:
                    self._counts[day, effect.reason] += 1

    def due(self) -> dict[Row, int]:
        """What was counted since the last time; hand it back with `again` where it could not be written."""
        with self._lock:
            counts, self._counts = dict(self._counts), Counter()
        return counts

    def again(self, counts: dict[Row, int]) -> None:
        with self._lock:
            self._counts.update(counts)


def _counts(decided: Decided) -> bool:
    if decided.reason in FOREIGN:
        return decided.direction in _GOING
    return decided.reason in (*SOLD, *UNSOLD, *UNKNOWN)


def keep_counts(conn: Connection, counts: dict[Row, int]) -> None:
    """Adds to what is in the database."""
    for (day, reason), passages in counts.items():
        statement = insert_into(conn, exit_days).values(day=day, reason=reason, passages=passages)
        more = {"passages": exit_days.c.passages + passages}
        conn.execute(statement.on_conflict_do_update(index_elements=["day", "reason"], set_=more))


def passed_lately(conn: Connection, today: str, days: int = DAYS) -> Passed:
    """What left in the last `days` days up to `today` ("2026-11-22")."""
    since = datetime.fromisoformat(today).toordinal() - days + 1
    first = datetime.fromordinal(since).date().isoformat()
    statement = select(exit_days.c.reason, func.sum(exit_days.c.passages)).where(exit_days.c.day.between(first, today))
    counts = Counter({row[0]: int(row[1]) for row in conn.execute(statement.group_by(exit_days.c.reason))})
    return Passed(*(sum(counts[reason] for reason in reasons) for reasons in (SOLD, UNSOLD, UNKNOWN, FOREIGN)))


def advice(passed: Passed, unknown_epc: str, full_count: bool) -> tuple[bool, str]:
    """Whether the policy for unknown items fits what passes the gate, and what to do; for people."""
    if not passed.total and passed.foreign >= ENOUGH:
        return (
            False,
            "only foreign goods leave: do site.company_prefixes, site.own_epcs and the catalogue name this shop's goods?",
        )
    if unknown_epc == "observe":
        return _ready_to_ring(passed, full_count)
    if passed.total >= ENOUGH and (passed.sold_share or 0.0) < SOLD_SHARE:
        return False, _many_unsold(passed)
    return True, f'"{unknown_epc}" fits'


def _ready_to_ring(passed: Passed, full_count: bool) -> tuple[bool, str]:
    if not full_count:
        return False, "import a full stock count (rfidguard ledger import --stock full FILE), then watch for some days"
    if passed.total < ENOUGH:
        return False, f"keep observing: {passed.total} of {ENOUGH} items have left so far"
    if (passed.known_share or 0.0) < KNOWN_SHARE:
        return False, f"the ledger does not know {_rest(passed.known_share)} of what leaves: count the stock again"
    if (passed.sold_share or 0.0) < SOLD_SHARE:
        return False, _many_unsold(passed)
    return True, 'it is time to go live: set ledger.unknown_epc = "stock_only"'


def _many_unsold(passed: Passed) -> str:
    share = _rest(passed.sold_share)
    return f"{share} of the items that the ledger knows leave unsold: is every till connected, does it name what it sells?"


def _rest(share: float | None) -> str:
    return f"{100 * (1 - (share or 0.0)):.1f} %"
