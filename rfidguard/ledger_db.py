"""The sold-items ledger in the database: records go in once, by id, and are found by item or article. Nothing is ever changed.

Statements are built once: building one costs four times as much as running it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, select, text

from rfidguard import chain_outbox
from rfidguard.effects import BindCredit
from rfidguard.epc import credit_key, identify
from rfidguard.events import Ledger
from rfidguard.key_query import CHUNK, KeyQuery
from rfidguard.ledger import binding, document_of, record_key
from rfidguard.ledger_items_db import all_folded, drop_records, folded_records, were_folded
from rfidguard.schema import credit_bindings, ledger_records
from rfidguard.upsert import DIALECTS, insert_for, insert_once

_FIELDS = ("id", "kind", "at", "epc", "gtin", "serial", "quantity", "transaction", "source", "lane", "ref")
_COLUMNS = (*(ledger_records.c[name] for name in _FIELDS), ledger_records.c.recorded_at)
_RECORDS = select(*_COLUMNS)
_WITH_KEY = _RECORDS.where(ledger_records.c.key.in_(bindparam("names", expanding=True)))
_BY_KEY = KeyQuery(_WITH_KEY)
_BY_KEY_SINCE = KeyQuery(_WITH_KEY.where(ledger_records.c.at >= bindparam("since")))
_BY_ID = KeyQuery(_RECORDS.where(ledger_records.c.id.in_(bindparam("names", expanding=True))))
_VOIDS = KeyQuery(
    _RECORDS.where(ledger_records.c.ref.in_(bindparam("names", expanding=True)), ledger_records.c.kind == text("'void'"))
)
_BINDINGS = select(credit_bindings.c.credit, credit_bindings.c.unit, credit_bindings.c.epc, credit_bindings.c.at)
_BOUND_CREDITS = KeyQuery(_BINDINGS.where(credit_bindings.c.credit.in_(bindparam("names", expanding=True))))
_BOUND_ITEMS = KeyQuery(_BINDINGS.where(credit_bindings.c.key.in_(bindparam("names", expanding=True))))
_EXPORT = _RECORDS.order_by(ledger_records.c.at, ledger_records.c.id)
_AFTER = (
    _RECORDS.where(
        ledger_records.c.id > bindparam("name"),
        ledger_records.c.at >= bindparam("since"),
        ledger_records.c.recorded_at <= bindparam("until"),
    )
    .order_by(ledger_records.c.id)
    .limit(bindparam("most"))
)
_INSERT_RECORD = {
    name: insert_for(name, ledger_records).on_conflict_do_nothing().returning(ledger_records.c.id) for name in DIALECTS
}

_COLUMN_NAMES = (*_FIELDS, "recorded_at", "key", "document")
_KNOWN_SQLITE = "SELECT id FROM ledger_records WHERE id IN (SELECT value FROM json_each(?))"
_ROW = f"({', '.join('?' * len(_COLUMN_NAMES))})"
_INSERT_SQLITE = "INSERT INTO ledger_records (" + ", ".join(f'"{name}"' for name in _COLUMN_NAMES) + ") VALUES "
_INSERT_CHUNK = _INSERT_SQLITE.replace("INSERT", "INSERT OR IGNORE") + ", ".join([_ROW] * CHUNK)
"""A chunk in one step: SQLite's driver gives way to other threads at each, and then waits for its turn while they compute. What
might fail half-way would make SQLite keep a copy of every page it changes; so nothing fails, and the rows are counted.
"""


class Tally(msgspec.Struct, frozen=True):
    """How much the ledger holds from one source: records, and the times (Unix seconds) of the first and last."""

    source: str | None
    kind: str
    records: int
    first_at: float
    last_at: float
    recorded_at: float


def store_records(conn: Connection, records: Sequence[Ledger], recorded_at: float, *, tell: bool = True) -> list[str]:
    """Stores each record whose id is new; "stored" or "duplicate" for each, in order. A known id changes nothing, not even
    one whose record was folded long ago. `tell`: other boxes of the chain are to hear of it, where there is one.
    """
    insert = _insert_sqlite if conn.dialect.name == "sqlite" else _insert
    fresh: set[str] = set()
    for chunk in _chunks(records):
        fresh.update(insert(conn, chunk, recorded_at))
    folded = were_folded(conn, fresh)
    drop_records(conn, list(folded))
    fresh -= folded
    if tell and fresh:
        chain_outbox.keep(conn, _each_once(records, fresh))
    return [_first_time(record.id, fresh) for record in records]


def voids_before(conn: Connection, record: Ledger) -> list[Ledger]:
    """The voids that undo `record` and were stored before it."""
    names = [name for name in (record.id, document_of(record.id)) if name]
    return [] if record.kind == "void" else voids_of(conn, names)


def records_for(conn: Connection, keys: Iterable[str], credits_since: float | None = None) -> list[Ledger]:
    """Every record with one of `keys`, the voids that hit them, which EPC used which unit of a credit (kind "bound"), and what
    is known of those items.

    Records of articles (keys "gtin:…") older than `credits_since` are left out, apart from credits that one of the asked
    items has already used. Oldest first.
    """
    wanted = list(dict.fromkeys(keys))
    items = [key for key in wanted if not key.startswith("gtin:")]
    articles = [key for key in wanted if key.startswith("gtin:")]
    found = {record.id: record for record in (*_fetch(conn, _BY_KEY, items), *folded_records(conn, items))}
    for record in _articles(conn, articles, credits_since):
        found[record.id] = record
    used = [row[0] for row in _BOUND_ITEMS.rows(conn, items)]
    for record in _fetch(conn, _BY_ID, [credit for credit in dict.fromkeys(used) if credit not in found]):
        found[record.id] = record
    creditors = [record.id for record in found.values() if record_key(record) == credit_key(record.gtin or "")]
    bound = [binding(*row) for row in _BOUND_CREDITS.rows(conn, creditors)]
    users = dict.fromkeys(identify(record.epc).key for record in bound if record.epc is not None)
    others = [key for key in users if key not in items]
    for record in (*_fetch(conn, _BY_KEY, others), *folded_records(conn, others)):
        found[record.id] = record
    names = dict.fromkeys(name for record_id in found for name in (record_id, document_of(record_id)) if name)
    return sorted((*found.values(), *bound, *voids_of(conn, list(names))), key=lambda record: (record.at, record.id))


def voids_of(conn: Connection, names: Sequence[str]) -> list[Ledger]:
    """The voids that undo one of these records or documents."""
    return _fetch(conn, _VOIDS, names)


def records_by_id(conn: Connection, ids: Iterable[str]) -> dict[str, Ledger]:
    """The records with these ids, by id."""
    return {record.id: record for record in _fetch(conn, _BY_ID, list(dict.fromkeys(ids)))}


def bind_credit(conn: Connection, effect: BindCredit, *, tell: bool = True) -> bool:
    """Stores which EPC uses a unit of a credit. False (and nothing changed) where that is known already."""
    row = {**msgspec.structs.asdict(effect), "key": identify(effect.epc).key}
    fresh = insert_once(conn, credit_bindings, row)
    if fresh and tell:
        chain_outbox.keep(conn, [binding(effect.credit, effect.unit, effect.epc, effect.at)])
    return fresh


def export_records(conn: Connection) -> Iterator[Ledger]:
    """Every record, what was folded first and the rest in order of time, without loading all of them at once.

    Bindings are no records and are left out.
    """
    yield from all_folded(conn)
    yield from map(_record_of, conn.execution_options(yield_per=1000).execute(_EXPORT))


def records_after(conn: Connection, name: str, since: float, until: float, most: int) -> list[Ledger]:
    """The records behind `name` in order of their ids, at most `most`, that happened at `since` or later and were stored by
    `until` (Unix seconds)."""
    return [_record_of(row) for row in conn.execute(_AFTER, {"name": name, "since": since, "until": until, "most": most})]


def tallies(conn: Connection) -> list[Tally]:
    """What the ledger holds, by source and kind."""
    table = ledger_records.c
    statement = (
        select(table.source, table.kind, func.count(), func.min(table.at), func.max(table.at), func.max(table.recorded_at))
        .group_by(table.source, table.kind)
        .order_by(table.source, table.kind)
    )
    return [Tally(*row) for row in conn.execute(statement)]


def _articles(conn: Connection, keys: list[str], since: float | None) -> list[Ledger]:
    if since is None:
        return _fetch(conn, _BY_KEY, keys)
    return _fetch(conn, _BY_KEY_SINCE, keys, since=since)


def _fetch(conn: Connection, query: KeyQuery, names: Sequence[str], **more: float) -> list[Ledger]:
    return [_record_of(row) for row in query.rows(conn, names, **more)]


def _chunks(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (things[start : start + CHUNK] for start in range(0, len(things), CHUNK))


def _insert(conn: Connection, records: Sequence[Ledger], recorded_at: float) -> Iterable[str]:
    """Stores what is new, and returns its ids. Others may write at the same moment."""
    rows = [dict(zip(_COLUMN_NAMES, _row_of(record, recorded_at), strict=True)) for record in records]
    return conn.execute(_INSERT_RECORD[conn.dialect.name], rows).scalars()


def _insert_sqlite(conn: Connection, records: Sequence[Ledger], recorded_at: float) -> Iterable[str]:
    """The same three times faster, where nobody else writes: what is known is asked for first."""
    names = msgspec.json.encode([record.id for record in records]).decode()
    known = {row[0] for row in conn.exec_driver_sql(_KNOWN_SQLITE, (names,))}
    fresh = {record.id: record for record in reversed(records) if record.id not in known}
    if len(fresh) == CHUNK:
        values = tuple(value for record in fresh.values() for value in _row_of(record, recorded_at))
        stored = conn.exec_driver_sql(_INSERT_CHUNK, values).rowcount
        assert stored == CHUNK, f"{CHUNK - stored} of {CHUNK} new records do not fit their table"
    elif fresh:
        conn.exec_driver_sql(_INSERT_SQLITE + _ROW, [_row_of(record, recorded_at) for record in fresh.values()])
    return fresh


def _each_once(records: Sequence[Ledger], names: set[str]) -> list[Ledger]:
    return list({record.id: record for record in reversed(records) if record.id in names}.values())[::-1]


def _row_of(record: Ledger, recorded_at: float) -> tuple[Any, ...]:
    document = document_of(record.id) or None
    return (
        record.id, record.kind, record.at, record.epc, record.gtin, record.serial, record.quantity, record.transaction,
        record.source, record.lane, record.ref, recorded_at, record_key(record), document,
    )  # fmt: skip


def _record_of(row: Sequence[Any]) -> Ledger:
    name, kind, at, epc, gtin, serial, quantity, transaction, source, lane, ref, recorded_at = row
    return Ledger(
        id=name, kind=kind, at=at, epc=epc, gtin=gtin, serial=serial, quantity=quantity, transaction=transaction,
        source=source, lane=lane, ref=ref, received=None if recorded_at == at else recorded_at,
    )  # fmt: skip


def _first_time(record_id: str, fresh: set[str]) -> str:
    if record_id not in fresh:
        return "duplicate"
    fresh.discard(record_id)
    return "stored"
