"""A centre in PostgreSQL: one table that boxes add to and read on from where they were.

Whoever adds holds one lock until COMMIT, so that places (`seq`) become visible in their order: a reader that has seen a place
has seen all before it. Rejected: reading the last minute again and again, and transaction ids, which a restored backup breaks.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from sqlalchemy import Connection, and_, func, literal, or_, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from rfidguard.chain.contract import PAGE, Answer, Batch, Shared
from rfidguard.chain.postgres_table import (
    SHARED,
    add,
    chain_records,
    last_items,
    metadata,
    rivals,
    shared_of,
    unreadable,
    voids,
)
from rfidguard.config_chain import Chain
from rfidguard.errors import DeviceLost
from rfidguard.store_engine import build_engine

T = TypeVar("T")

_LOCK = 0x52464943
"""Of everything that changes the table: the letters RFIC."""
STATEMENT_S = 20.0
WINDOW = 50_000
"""Places looked at in one question: what is of no concern to this box must not make a question too long."""
WORTH_MOVING = 5_000
"""Places passed by without news for this box before its cursor moves: each move is a write to its disk."""
_DEAD_LINK = {"keepalives_idle": "10", "keepalives_interval": "5", "keepalives_count": "3", "tcp_user_timeout": "15000"}
"""A link that is cut without a word is noticed within about 25 s, not a quarter of an hour."""
_C = chain_records.c


class PostgresCentre:
    """See contract.Centre. Cursors: "SEQ"; while a snapshot is read "items:UNTIL:KEY", then "own:UNTIL:SEQ"."""

    def __init__(self, url: str, chain: Chain, site: str) -> None:
        parsed = make_url(url)
        careful = parsed.update_query_dict({**_DEAD_LINK, **parsed.query})
        self._engine = build_engine(careful.render_as_string(hide_password=False))
        self._site, self._box, self._hear = site, chain.box, chain.hear
        self._prepared = False
        self._preparing = threading.Lock()
        self._asker = ThreadPoolExecutor(1, "chain question")

    def tell(self, shared: Sequence[Shared]) -> None:
        def job(conn: Connection) -> None:
            conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            add(conn, shared)

        self._do(job)

    def poll(self, cursor: str) -> Batch:
        """A record takes along the voids that were told before it, a void what else is known of its items: who started with
        a snapshot has heard neither.
        """
        after = int(cursor)

        def job(conn: Connection) -> Batch:
            last = _last(conn)
            if last < after:
                return Batch((), f"items:{last}:", more=True, restored=True)
            until = min(last, after + WINDOW)
            wanted = select(*SHARED, _C.seq, _C.id, _C.document, _C.ref, _C.kind).where(
                _C.seq > after, _C.seq <= until, or_(self._own(), self._heard())
            )
            rows = conn.execute(wanted.order_by(_C.seq).limit(PAGE)).all()
            found, odd = shared_of([*voids(conn, rows), *rivals(conn, rows), *rows]), unreadable(rows)
            if len(rows) == PAGE:
                return Batch(found, str(rows[-1].seq), more=True, unreadable=odd)
            moved = bool(rows) or until < last or until - after >= WORTH_MOVING
            return Batch(found, str(until) if moved else None, more=until < last, unreadable=odd)

        return self._do(job)

    def snapshot(self, cursor: str | None) -> Batch:
        if cursor is None:
            return Batch((), f"items:{self._do(_last)}:", more=True)
        part, until, after = cursor.split(":", 2)
        return self._items(int(until), after) if part == "items" else self._rest(int(until), int(after))

    def is_snapshot(self, cursor: str) -> bool:
        return ":" in cursor

    def state(self, keys: Sequence[str], deadline_s: float) -> Mapping[str, tuple[Shared, ...]]:
        """A link that hangs holds up the next question, never who asks."""

        def job(conn: Connection) -> dict[str, tuple[Shared, ...]]:
            rows = conn.execute(select(*SHARED, _C.key, _C.id, _C.document).where(_C.key.in_(keys), _C.for_all)).all()
            undone = shared_of(voids(conn, rows))
            return {
                key: (*shared_of(row for row in rows if row.key == key), *undone)
                for key in dict.fromkeys(row.key for row in rows)
            }

        question = self._asker.submit(self._do, job, deadline_s)
        try:
            return question.result(deadline_s)
        except FutureTimeout:
            question.cancel()
            raise DeviceLost(f"the centre did not say within {deadline_s:g} s what it knows of {len(keys)} items") from None

    def serve(self, answer: Answer) -> None:
        """Nothing to do: the table answers."""

    def doctor(self) -> str:
        records, size = self._do(
            lambda conn: (_last(conn), conn.execute(select(func.pg_total_relation_size("chain_records"))).scalar() or 0)
        )
        return f"PostgreSQL answers; it was told {records:,} times, {size / 1e6:,.1f} MB"

    def close(self) -> None:
        self._asker.shutdown(cancel_futures=True)
        self._engine.dispose()

    def _items(self, until: int, after: str) -> Batch:
        rows = self._do(lambda conn: conn.execute(last_items(until, after, self._regions, PAGE)).all())
        if len(rows) == PAGE:
            return Batch(shared_of(rows), f"items:{until}:{rows[-1].key}", more=True)
        return Batch(shared_of(rows), f"own:{until}:0", more=True)

    def _rest(self, until: int, after: int) -> Batch:
        """What only boxes of this shop tell each other."""
        wanted = (
            select(*SHARED, _C.seq)
            .where(_C.seq > after, _C.seq <= until, _C.site == self._site, or_(~_C.for_all, _C.kind == "void"))
            .order_by(_C.seq)
            .limit(PAGE)
        )
        rows = self._do(lambda conn: conn.execute(wanted).all())
        if len(rows) == PAGE:
            return Batch(shared_of(rows), f"own:{until}:{rows[-1].seq}", more=True)
        return Batch(shared_of(rows), str(until), more=True)

    def _own(self) -> Any:
        return and_(_C.site == self._site, _C.box != self._box)

    def _heard(self) -> Any:
        return and_(_C.site != self._site, _C.for_all, self._regions(_C))

    def _regions(self, columns: Any) -> Any:
        if "*" in self._hear:
            return literal(True)
        return or_(columns.region.in_(self._hear), columns.site == self._site)

    def _do(self, job: Callable[[Connection], T], deadline_s: float = STATEMENT_S) -> T:
        try:
            self._prepare()
            with self._engine.begin() as conn:
                conn.exec_driver_sql(f"SET LOCAL statement_timeout = {max(round(deadline_s * 1000), 1)}")
                return job(conn)
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise DeviceLost(f"the centre cannot be used: {str(reason).strip()}") from error

    def _prepare(self) -> None:
        with self._preparing:
            if not self._prepared:
                with self._engine.begin() as conn:
                    conn.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                    metadata.create_all(conn)
                self._prepared = True


def _last(conn: Connection) -> int:
    return conn.execute(select(func.max(_C.seq))).scalar() or 0
