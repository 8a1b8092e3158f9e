"""The table of a centre in PostgreSQL, and the questions that take more than one line."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    and_,
    literal,
    or_,
    select,
    text,
)

from rfidguard.chain.contract import Shared
from rfidguard.chain.sharing import concerns_all
from rfidguard.events import Ledger
from rfidguard.ledger import BOUND, document_of, record_key

_Name = String(300, collation="C")
"""Compared byte by byte: a document's records lie between ID/ and ID0."""

metadata = MetaData()
chain_records = Table(
    "chain_records",
    metadata,
    Column("site", String(64), primary_key=True),
    Column("id", _Name, primary_key=True),
    Column("seq", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("box", String(64), nullable=False),
    Column("region", String(64), nullable=False),
    Column("for_all", Boolean, nullable=False),  # other shops are to hear of it
    Column("kind", String(16), nullable=False),
    Column("key", _Name),  # rfidguard.ledger.record_key
    Column("document", _Name),
    Column("ref", _Name),
    Column("at", Float(53), nullable=False),
    Column("body", LargeBinary, nullable=False),  # rfidguard.events.Ledger as JSON
    Index("ix_chain_records_key", "key", "at", postgresql_where=text("key IS NOT NULL AND for_all")),
    Index("ix_chain_records_ref", "site", "ref", postgresql_where=text("ref IS NOT NULL")),
)
_C = chain_records.c
SHARED = (_C.site, _C.box, _C.region, _C.body)
_TYPES = {
    "site": "text", "box": "text", "region": "text", "id": "text", "kind": "text", "key": "text", "document": "text",
    "ref": "text", "at": "float8", "for_all": "boolean", "body": "bytea",
}  # fmt: skip
_INSERT = (
    f"INSERT INTO chain_records ({', '.join(_TYPES)})"
    f" SELECT * FROM unnest({', '.join(f'%({name})s::{kind}[]' for name, kind in _TYPES.items())}) ON CONFLICT DO NOTHING"
)
_VOIDS = (
    "SELECT void.site, void.box, void.region, void.body FROM unnest(%(sites)s::text[], %(names)s::text[]) AS wanted (site, ref)"
    " JOIN chain_records AS void ON void.site = wanted.site AND void.ref = wanted.ref AND void.kind = 'void'"
)
"""One statement for a page, whatever its length: planning a thousand conditions takes longer than answering them."""
_decode = msgspec.json.Decoder(Ledger).decode


def add(conn: Connection, shared: Iterable[Shared]) -> None:
    """Adds what is not there yet, in this order."""
    rows = [_row(one) for one in shared]
    if rows:
        conn.exec_driver_sql(_INSERT, {name: [row[name] for row in rows] for name in _TYPES})


def _row(shared: Shared) -> dict[str, object]:
    record = shared.record
    return {
        "site": shared.site, "box": shared.box, "region": shared.region, "id": record.id, "kind": record.kind,
        "key": record_key(record) if record.kind != BOUND else None, "document": document_of(record.id) or None,
        "ref": record.ref, "at": record.at, "for_all": concerns_all(record), "body": msgspec.json.encode(record),
    }  # fmt: skip


def shared_of(rows: Iterable[Any]) -> tuple[Shared, ...]:
    """The records of rows, each once. What cannot be read is left out, see `unreadable`."""
    found = {(row.site, row.body): (row, _record(row)) for row in rows}
    return tuple(Shared(row.site, row.box, row.region, record) for row, record in found.values() if record is not None)


def unreadable(rows: Iterable[Any]) -> int:
    """How many of `rows` hold no record."""
    return sum(_record(row) is None for row in rows)


def _record(row: Any) -> Ledger | None:
    try:
        return _decode(row.body)
    except msgspec.DecodeError:
        return None


def voids(conn: Connection, rows: Iterable[Any]) -> Sequence[Any]:
    """The voids that undo one of `rows` or its document."""
    names = sorted({(row.site, name) for row in rows for name in (row.id, row.document) if name})
    if not names:
        return []
    wanted = {"sites": [site for site, _ in names], "names": [name for _, name in names]}
    return conn.exec_driver_sql(_VOIDS, wanted).all()


def rivals(conn: Connection, rows: Iterable[Any]) -> Sequence[Any]:
    """All records of the items whose sale one of the voids among `rows` undoes, with the voids that hit them."""
    undone = [(row.site, row.ref) for row in rows if row.kind == "void" and row.ref]
    if not undone:
        return []
    hits = or_(*(and_(_C.site == site, or_(_C.id == ref, and_(_C.id >= f"{ref}/", _C.id < f"{ref}0"))) for site, ref in undone))
    keys = conn.execute(select(_C.key).where(hits, _C.for_all, _C.key.is_not(None))).scalars().all()
    known = conn.execute(select(*SHARED, _C.id, _C.document).where(_C.key.in_(keys), _C.for_all)).all() if keys else []
    return [*voids(conn, known), *known]


def last_items(until: int, after: str, regions: Callable[[Any], Any], most: int) -> Select[Any]:
    """The last record of each item that no void undoes, in order of keys behind `after`."""
    record, void = chain_records.alias("record"), chain_records.alias("void")
    undone = (
        select(literal(1))
        .where(void.c.site == record.c.site, void.c.ref.in_([record.c.id, record.c.document]), void.c.kind == "void")
        .exists()
    )
    return (
        select(record.c.site, record.c.box, record.c.region, record.c.body, record.c.key)
        .prefix_with(text("DISTINCT ON (record.key)"))
        .where(record.c.key > after, record.c.for_all, record.c.seq <= until, regions(record.c), ~undone)
        .order_by(record.c.key, record.c.at.desc(), (record.c.kind == "returned").asc(), record.c.id.desc())
        .limit(most)
    )
