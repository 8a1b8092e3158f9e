"""The catalogue and the stock counts in the database."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, select

from rfidguard.catalogue import CatalogueRow
from rfidguard.events import Article
from rfidguard.schema import article_codes, articles, snapshots, stock_counts
from rfidguard.upsert import insert_into, insert_once

CHUNK = 500
FULL, CYCLIC = "full", "cyclic"
_IMPORT = "import"
_BY_GTIN: Select[tuple[str, str | None, str | None]] = select(articles.c.gtin, articles.c.name, articles.c.price).where(
    articles.c.gtin.in_(bindparam("gtins", expanding=True))
)


class StockCount(msgspec.Struct, frozen=True):
    """One count of the stock: when it was made (Unix seconds), whether of everything (`full`) or a part (`cyclic`)."""

    id: str
    at: float
    scope: str
    items: int
    source: str


def store_articles(conn: Connection, rows: Sequence[CatalogueRow], now: float) -> int:
    """Stores articles; what a row leaves out stays as it was. Returns how many were new."""
    before = conn.execute(select(func.count()).select_from(articles)).scalar() or 0
    for row in rows:
        known = {name: value for name, value in msgspec.structs.asdict(row).items() if value is not None}
        _store_codes(conn, row.gtin, known.pop("codes"))
        statement = insert_into(conn, articles).values(**known, updated_at=now)
        change = {name: value for name, value in known.items() if name != "gtin"} | {"updated_at": now}
        conn.execute(statement.on_conflict_do_update(index_elements=["gtin"], set_=change))
    return (conn.execute(select(func.count()).select_from(articles)).scalar() or 0) - before


def _store_codes(conn: Connection, gtin: str, codes: Sequence[str]) -> None:
    for code in codes:
        statement = insert_into(conn, article_codes).values(code=code, gtin=gtin)
        conn.execute(statement.on_conflict_do_update(index_elements=["code"], set_={"gtin": gtin}))


def gtins_of(conn: Connection, codes: Sequence[str]) -> dict[str, str]:
    """Code (SKU) -> GTIN, of those that the catalogue knows."""
    chunks = (codes[start : start + CHUNK] for start in range(0, len(codes), CHUNK))
    columns = (article_codes.c.code, article_codes.c.gtin)
    statements = (select(*columns).where(article_codes.c.code.in_(chunk)) for chunk in chunks)
    return {row[0]: row[1] for statement in statements for row in conn.execute(statement)}


def articles_for(conn: Connection, keys: Iterable[str]) -> tuple[Article, ...]:
    """What the catalogue says of the articles among ledger keys ("gtin:…")."""
    gtins = [key.removeprefix("gtin:") for key in keys if key.startswith("gtin:")]
    chunks = (gtins[start : start + CHUNK] for start in range(0, len(gtins), CHUNK))
    rows = (row for chunk in chunks for row in conn.execute(_BY_GTIN, {"gtins": chunk}))
    return tuple(Article(row.gtin, row.name, row.price) for row in rows)


def own_gtins(conn: Connection) -> frozenset[str]:
    """Every GTIN in the catalogue: goods of this shop, whatever their company prefix."""
    return frozenset(conn.execute(select(articles.c.gtin)).scalars())


def catalogue_mark(conn: Connection) -> tuple[int, float]:
    """Another one after every change of the catalogue: how many articles, and when the newest change was."""
    count, newest = conn.execute(select(func.count(), func.max(articles.c.updated_at))).one()
    return int(count), float(newest or 0.0)


def store_count(conn: Connection, count: StockCount, now: float) -> bool:
    """Notes a stock count. False where it is known already."""
    return insert_once(conn, stock_counts, {**msgspec.structs.asdict(count), "recorded_at": now})


def last_counts(conn: Connection) -> dict[str, StockCount]:
    """The newest count of each scope."""
    columns = [stock_counts.c[name] for name in StockCount.__struct_fields__]
    rows = conn.execute(select(*columns).order_by(stock_counts.c.at))
    return {row.scope: StockCount(*row) for row in rows}


def leave_word(conn: Connection, now: float) -> None:
    """Notes that something was imported."""
    statement = insert_into(conn, snapshots).values(name=_IMPORT, at=now, body=b"")
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now}))


def imported_at(conn: Connection) -> float:
    """When something was imported last (Unix seconds); 0: never."""
    return float(conn.execute(select(snapshots.c.at).where(snapshots.c.name == _IMPORT)).scalar() or 0.0)
