"""What folding leaves in the database: the last state of each item, and marks of the ids of records that are gone."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, bindparam, delete, func, select

from rfidguard.events import Ledger
from rfidguard.item_state import folded_record, packed_key
from rfidguard.key_query import CHUNK, KeyQuery
from rfidguard.schema import ledger_folded_ids, ledger_folds, ledger_items, ledger_records
from rfidguard.upsert import DIALECTS, insert_for

MARK_BYTES = 16
"""128 bits: among 10^9 ids two share a mark with a chance of 10^-21. A new record taken for a known one would be lost."""

_STATES = KeyQuery(
    select(ledger_items.c.key, ledger_items.c.state).where(ledger_items.c.key.in_(bindparam("names", expanding=True)))
)
_MARKS = KeyQuery(select(ledger_folded_ids.c.mark).where(ledger_folded_ids.c.mark.in_(bindparam("names", expanding=True))))
_ANY = select(ledger_folded_ids.c.mark).limit(1)
_ALL = select(ledger_items.c.key, ledger_items.c.state).order_by(ledger_items.c.key)
_DROP = delete(ledger_records).where(ledger_records.c.id.in_(bindparam("names", expanding=True)))
_PUT_MARK = {name: insert_for(name, ledger_folded_ids).on_conflict_do_nothing() for name in DIALECTS}
_PUT_STATE = {}
for _name, _later in (("sqlite", func.max), ("postgresql", func.greatest)):
    _put = insert_for(_name, ledger_items)
    _PUT_STATE[_name] = _put.on_conflict_do_update(
        index_elements=["key"], set_={"state": _later(ledger_items.c.state, _put.excluded.state)}
    )


def mark_of(record_id: str) -> bytes:
    """What stays of a folded record's id."""
    return hashlib.sha256(record_id.encode()).digest()[:MARK_BYTES]


def folded_records(conn: Connection, keys: Iterable[str]) -> list[Ledger]:
    """The records that stand for the folded stories of these items (ledger keys); nothing for items without any."""
    packed = [packed_key(key) for key in keys if not key.startswith("gtin:")]
    return [folded_record(*row) for row in _STATES.rows(conn, packed)]


def all_folded(conn: Connection) -> Iterator[Ledger]:
    """Every such record, without loading all of them at once."""
    return (folded_record(row.key, row.state) for row in conn.execution_options(yield_per=1000).execute(_ALL))


def keep_states(conn: Connection, states: dict[bytes, int]) -> None:
    """The later of what is known and what is given, for each item."""
    if states:
        rows = [{"key": key, "state": state} for key, state in states.items()]
        conn.execute(_PUT_STATE[conn.dialect.name], rows)


def keep_marks(conn: Connection, ids: Sequence[str]) -> None:
    """From now on these ids are known for good."""
    if ids:
        conn.execute(_PUT_MARK[conn.dialect.name], [{"mark": mark_of(name)} for name in ids])


def were_folded(conn: Connection, ids: Iterable[str]) -> set[str]:
    """Those ids that belonged to records which are folded now."""
    names = list(ids)
    if not names or conn.execute(_ANY).first() is None:
        return set()
    wanted = {mark_of(name): name for name in names}
    return {wanted[mark] for (mark,) in _MARKS.rows(conn, list(wanted))}


def drop_records(conn: Connection, ids: Sequence[str]) -> None:
    """Takes records out of the log; only what is folded may go."""
    for start in range(0, len(ids), CHUNK):
        conn.execute(_DROP, {"names": ids[start : start + CHUNK]})


def folded_items(conn: Connection) -> int:
    """How many items have a folded story. Counts them all: for a person's question, not for the gate's."""
    return conn.execute(select(func.count()).select_from(ledger_items)).scalar_one()


def newest_fold(conn: Connection) -> tuple[float, int] | None:
    """Before which moment (Unix seconds) everything is folded, and how many records were in all; None where nothing was."""
    row = conn.execute(select(func.max(ledger_folds.c.before), func.sum(ledger_folds.c.records))).one()
    return None if row[0] is None else (row[0], int(row[1]))
