"""Learns from what leaves sold how long the way from the till to the door takes; only of items sold by their own number."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from functools import partial

from sqlalchemy import Connection, delete, select, update

from rfidguard.effects import Decided, Effect
from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.ledger import record_key, serial_state, valid_of
from rfidguard.ledger_db import records_for
from rfidguard.schema import walk_times
from rfidguard.store import Store
from rfidguard.upsert import insert_into
from rfidguard.walk_times import MEMORY, bucket_of

MOST_WAITING = 1_000
"""Exits that wait to be looked up; beyond it the oldest teach nothing."""
REMEMBERED = 5_000


class WalkWatch:
    """`take` hears what the core decided, on its thread; `learn` asks the ledger about it, now and then."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._left: list[tuple[str, float]] = []
        self._known: OrderedDict[str, None] = OrderedDict()

    def take(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Decided) and effect.verdict == "sold" and effect.epc and effect.direction == "out":
                with self._lock:
                    self._left = [*self._left[1 - MOST_WAITING :], (effect.epc, effect.at)]

    def learn(self) -> dict[int, float]:
        """Every walk known so far, by bucket. Raises StoreUnavailable; what waits then waits on."""
        with self._lock:
            left = list(self._left)
        keys = [identify(epc).key for epc, _ in left]
        records = valid_of(self._store.read(partial(records_for, keys=keys))) if keys else []
        fresh = Counter(bucket for epc, at in left if (bucket := self._bucket(records, epc, at)) is not None)
        walks = self._store.write(partial(add_walks, fresh=fresh)).result()
        with self._lock:
            self._left = [entry for entry in self._left if entry not in left]
        return walks

    def _bucket(self, records: list[Ledger], epc: str, at: float) -> int | None:
        """Of its first way out after a sale; None where that is not what this was."""
        key = identify(epc).key
        sale, _ = serial_state([record for record in records if record_key(record) == key], at)
        if sale is None or sale.kind != "sold" or sale.id in self._known:
            return None
        self._known[sale.id] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return bucket_of(at - sale.at)


def known_walks(conn: Connection) -> dict[int, float]:
    """Walks by bucket."""
    return {row.bucket: row.walks for row in conn.execute(select(walk_times))}


def add_walks(conn: Connection, fresh: Mapping[int, int]) -> dict[int, float]:
    """Counts walks; when there are many, older ones fade. All that are known then."""
    for bucket, count in fresh.items():
        statement = insert_into(conn, walk_times).values(bucket=bucket, walks=float(count))
        more = {"walks": walk_times.c.walks + count}
        conn.execute(statement.on_conflict_do_update(index_elements=["bucket"], set_=more))
    walks = known_walks(conn)
    if sum(walks.values()) <= MEMORY:
        return walks
    conn.execute(update(walk_times).values(walks=walk_times.c.walks / 2))
    conn.execute(delete(walk_times).where(walk_times.c.walks < 0.05))
    return known_walks(conn)
