"""The core's questions to the ledger, answered at once: from the database, and from memory while the database is away.

Memory holds what tills told since the start, for that is what walks out of the door. What could not be asked is asked again
when the database is back; what then turns up is told to the core as news, so that a wrong alarm is cleared.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from sqlalchemy import Connection

from rfidguard.catalogue_db import articles_for
from rfidguard.clock import Clock
from rfidguard.config import LedgerPolicy
from rfidguard.driver import Emit
from rfidguard.events import Article, Event, Ledger, Lookup, ReadBatch
from rfidguard.ledger import RecordSet, credits_kept_s, record_key
from rfidguard.ledger_db import records_for, voids_before
from rfidguard.store import Store, StoreUnavailable
from rfidguard.store_engine import BUSY_TIMEOUT_S

log = logging.getLogger(__name__)

PATIENCE_S = 0.2
"""How long the core may wait for the database: light and siren come after the answer."""
BLIND_S = 1.0
"""After a question in vain the core does not wait again for so long."""
REMEMBERED = 10_000
"""Records, of some 1.2 kB each: what a large shop sells in half a day. What was sold before has left long ago."""

DAY_S = 25 * 3600.0
"""The longest there is."""


def credits_told_s(policy: LedgerPolicy) -> float:
    """How old credits the core is told of: a day's at least, for "this article was sold today"."""
    longest_s = max(policy.credit_ttl_s, policy.credit_ttl_max_s if policy.credit_ttl_learn else 0.0)
    return max(credits_kept_s(longest_s, policy.credit_grace_s), DAY_S)


class LedgerDesk:
    """`find` is called on the core's thread, `take` by whoever brings ledger records, `catch_up` now and then."""

    def __init__(self, store: Store, emit: Emit, clock: Clock, credit_ttl_s: float) -> None:
        self._store = store
        self._emit = emit
        self._clock = clock
        self._credit_ttl_s = credit_ttl_s
        self._lock = threading.Lock()
        self._memory = RecordSet()
        self._order: deque[tuple[str | None, str]] = deque()
        self._unasked: dict[str, None] = {}
        self._blind_until = 0.0
        self.missed: Callable[[tuple[str, ...], Sequence[Ledger]], None] | None = None
        """Hears what the core asked and what was found: others may know more."""
        self.problem: str | None = None
        """Why the ledger cannot be asked now; None while it can."""

    def find(self, keys: tuple[str, ...]) -> tuple[Ledger, ...]:
        """Every record of `keys`; while the database cannot be asked, those that memory knows."""
        if self._clock.monotonic() >= self._blind_until:
            try:
                found = self._ask(keys)
            except StoreUnavailable as error:
                self._trouble(error)
            else:
                if self.missed is not None:
                    self.missed(keys, found)
                return found
        with self._lock:
            self._unasked.update(dict.fromkeys(keys))
            return self._memory.find(keys)

    def articles(self, keys: tuple[str, ...]) -> tuple[Article, ...]:
        """What the catalogue says of the articles of `keys`; nothing while the database cannot be asked."""
        if self._clock.monotonic() < self._blind_until:
            return ()
        try:
            return self._store.read(partial(articles_for, keys=keys))
        except StoreUnavailable as error:
            self._trouble(error)
            return ()

    def take(self, item: Event | ReadBatch) -> None:
        """Remembers a ledger record and hands it on to the core, after the voids that undo it and came first.

        A core that died between storing such a void and hearing of it would believe the sale.
        """
        if isinstance(item, Ledger):
            for record in (*self._voids_before(item), item):
                with self._lock:
                    self._remember(record)
                self._emit(record)
        else:
            self._emit(item)

    def catch_up(self) -> int:
        """Asks again what could not be asked. Returns how many keys; 0 while the database is still away."""
        keys = tuple(self._unasked)
        if not keys:
            return 0
        try:
            records = self._ask(keys)
        except StoreUnavailable as error:
            self._trouble(error)
            return 0
        with self._lock:
            for key in keys:
                self._unasked.pop(key, None)
        self._emit(Lookup(at=self._clock.now(), keys=keys, records=records, articles=self.articles(keys)))
        return len(keys)

    def remembered(self) -> int:
        """How many records memory holds."""
        with self._lock:
            return len(self._memory.records)

    def _ask(self, keys: tuple[str, ...]) -> tuple[Ledger, ...]:
        since = self._clock.now() - self._credit_ttl_s
        records = self._store.read(partial(_soon, keys=keys, since=since))
        if self.problem is not None:
            log.warning("the ledger can be asked again")
            self.problem = None
        return tuple(records)

    def _voids_before(self, record: Ledger) -> list[Ledger]:
        if self._clock.monotonic() < self._blind_until:
            return []
        try:
            found = self._store.read(partial(voids_before, record=record))
        except StoreUnavailable as error:
            self._trouble(error)
            return []
        return [msgspec.structs.replace(void, received=self._clock.now()) for void in found]

    def _trouble(self, error: StoreUnavailable) -> None:
        self._blind_until = self._clock.monotonic() + BLIND_S
        if self.problem is None:
            log.error("the ledger cannot be asked, memory must do: %s", error)
        self.problem = str(error)

    def _remember(self, record: Ledger) -> None:
        if self._memory.add(record):
            self._order.append((record_key(record), record.id))
        while len(self._order) > REMEMBERED:
            key, name = self._order.popleft()
            if key is None:
                self._memory.drop_void(name)
            else:
                self._memory.drop(key)


def _soon(conn: Connection, keys: tuple[str, ...], since: float) -> list[Ledger]:
    """The records, or an error within PATIENCE_S."""
    if conn.dialect.name != "sqlite":
        conn.exec_driver_sql(f"SET LOCAL statement_timeout = {round(PATIENCE_S * 1000)}")
        return records_for(conn, keys, since)
    conn.exec_driver_sql(f"PRAGMA busy_timeout = {round(PATIENCE_S * 1000)}")
    try:
        return records_for(conn, keys, since)
    finally:
        conn.exec_driver_sql(f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT_S * 1000)}")
