"""What this box has yet to tell the centre of its chain: written in the transaction of the record itself, so that none is lost.

Where no daemon has joined a chain with this database nothing is written here.
"""

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from rfidguard.events import Ledger
from rfidguard.ledger import binding
from rfidguard.schema import chain_link, chain_outbox, credit_bindings
from rfidguard.upsert import insert_once

CENTRE = "centre"
MOST = 200_000
"""Records that wait for a centre that is away, 50 MB. Beyond that all are told again from the ledger itself when it is back."""
BINDINGS_S = 2 * 86_400.0
"""Which item used a credit is told again for so long: the credit is worth nothing later."""
_decode = msgspec.json.Decoder(Ledger).decode
_WAITING = select(chain_outbox.c.seq, chain_outbox.c.body).order_by(chain_outbox.c.seq).limit(bindparam("most"))
_IS_MEMBER = "SELECT 1 FROM chain_link"
_KEEP = insert(chain_outbox)


class Link(msgspec.Struct, frozen=True):
    """How this box stands to the centre (Unix seconds). `past`: the id up to which older records were told; None: all were."""

    joined_at: float
    past: str | None
    told_at: float | None


def join(conn: Connection, now: float) -> None:
    """From now on every new record is kept for the centre."""
    if insert_once(conn, chain_link, {"name": CENTRE, "joined_at": now, "past": ""}):
        _keep_bindings(conn, now)


def tell_again(conn: Connection, now: float) -> None:
    """The centre has lost what it was told, or too much waits: all that was here until now counts as of before."""
    conn.execute(delete(chain_outbox))
    conn.execute(update(chain_link).values(past="", joined_at=now))
    _keep_bindings(conn, now)


def too_many(conn: Connection) -> bool:
    """True where more waits than MOST."""
    lowest, highest = conn.execute(select(func.min(chain_outbox.c.seq), func.max(chain_outbox.c.seq))).one()
    return lowest is not None and highest - lowest >= MOST


def leave(conn: Connection) -> None:
    """The box belongs to no chain any more."""
    conn.execute(delete(chain_link))
    conn.execute(delete(chain_outbox))


def link_of(conn: Connection) -> Link | None:
    """None where this box belongs to no chain."""
    row = conn.execute(select(chain_link.c.joined_at, chain_link.c.past, chain_link.c.told_at)).first()
    return None if row is None else Link(*row)


def waiting(conn: Connection, most: int) -> tuple[int, list[Ledger]]:
    """The oldest records to be told, at most `most`, and the place of the last of them."""
    rows = conn.execute(_WAITING, {"most": most}).all()
    return (rows[-1].seq if rows else 0), [_decode(row.body) for row in rows]


def backlog(conn: Connection) -> int:
    """How many records wait."""
    return conn.execute(select(func.count()).select_from(chain_outbox)).scalar() or 0


def told(conn: Connection, last: int, now: float) -> None:
    """The centre has everything up to the place `last`."""
    conn.execute(delete(chain_outbox).where(chain_outbox.c.seq <= last))
    conn.execute(update(chain_link).values(told_at=now))


def past_told(conn: Connection, name: str | None, now: float) -> None:
    """Older records were told up to the id `name`; None: that was all."""
    conn.execute(update(chain_link).values(past=name, told_at=now))


def _keep_bindings(conn: Connection, now: float) -> None:
    table = credit_bindings.c
    rows = conn.execute(select(table.credit, table.unit, table.epc, table.at).where(table.at >= now - BINDINGS_S)).all()
    keep(conn, [binding(*row) for row in rows])


def keep(conn: Connection, records: Iterable[Ledger]) -> None:
    """Puts new records aside for the centre, where there is one."""
    if conn.exec_driver_sql(_IS_MEMBER).first() is not None:
        rows = [{"body": msgspec.json.encode(record)} for record in records]
        if rows:
            conn.execute(_KEEP, rows)
