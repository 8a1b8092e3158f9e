"""Who did what, when, and what came of it: one row for every answer and command, each bound to the one before by its hash.

hash = SHA-256(hash of the row before + canonical JSON of this one), hex; the first row follows 64 zeros. A row that is changed,
taken out or put in between breaks every hash after it. Rows cut off at the end leave a chain that is whole but shorter: `health`
tells count and newest hash, so that whoever keeps that message can see it. The scheme is Schneier and Kelsey's (1998),
without their keys: who can write the database and also replace all later hashes is found by such a kept message only.
"""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, desc, insert, select, text

from rfidguard.schema import audit

GENESIS = "0" * 64
_LOCK = 0x41554449
_PAGE = 1_000
_MAX = {"who": 96, "what": 128, "action": 32, "result": 16, "reason": 500}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One deed. `kind`: answer | command. `who`: how it came and by whom ("mqtt:cmd", "staff-1"). `what`: alarm or gate."""

    at: float
    kind: str
    who: str
    what: str = ""
    action: str
    result: str
    reason: str = ""
    detail: dict[str, Any] = {}


class Head(msgspec.Struct, frozen=True):
    """The newest row: its number (from 1; 0 where there is none) and hash."""

    rows: int
    hash: str


def append(conn: Connection, entry: Entry) -> Head:
    """Adds a row in the caller's transaction. Writers wait for each other, so that the chain has one end."""
    if conn.dialect.name == "postgresql":
        conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    before = head(conn)
    row = {"seq": before.rows + 1, **_stored(entry)}
    made = link(before.hash, row)
    conn.execute(insert(audit).values(**row, hash=made))
    return Head(row["seq"], made)


def head(conn: Connection) -> Head:
    """The end of the chain."""
    row = conn.execute(select(audit.c.seq, audit.c.hash).order_by(desc(audit.c.seq)).limit(1)).first()
    return Head(0, GENESIS) if row is None else Head(row.seq, row.hash)


def verify(conn: Connection) -> tuple[Head, str | None]:
    """Follows the whole chain. The last row that is right, and what is wrong with the next one (None: all are right)."""
    good = Head(0, GENESIS)
    for row in _rows(conn):
        if row["seq"] != good.rows + 1:
            return good, f"row {good.rows + 1} is missing; row {row['seq']} comes instead"
        if link(good.hash, row) != row["hash"]:
            return good, f"row {row['seq']} is not as it was written, or one before it was taken out or put in"
        good = Head(row["seq"], row["hash"])
    return good, None


def link(before: str, row: dict[str, Any]) -> str:
    """The hash of `row` (its own "hash" apart) behind the hash `before`."""
    body = {name: value for name, value in row.items() if name != "hash"}
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{before}\n{canonical}".encode()).hexdigest()


def entries(conn: Connection, limit: int = 100) -> list[dict[str, Any]]:
    """The newest rows, oldest of them first."""
    rows = conn.execute(select(audit).order_by(desc(audit.c.seq)).limit(limit)).mappings()
    return [dict(row) for row in reversed(list(rows))]


def _stored(entry: Entry) -> dict[str, Any]:
    fields = msgspec.structs.asdict(entry)
    for name, most in _MAX.items():
        fields[name] = fields[name].replace("\0", "\\0").encode("utf-8", "replace").decode()[:most]
    detail = json.dumps(fields["detail"], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return {**fields, "detail": detail}


def _rows(conn: Connection) -> Iterator[dict[str, Any]]:
    after = 0
    while True:
        page = conn.execute(select(audit).where(audit.c.seq > after).order_by(audit.c.seq).limit(_PAGE)).mappings().all()
        yield from (dict(row) for row in page)
        if len(page) < _PAGE:
            return
        after = page[-1]["seq"]
