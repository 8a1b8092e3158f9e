"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share and SQLAlchemy spells once for each."""

from typing import Any, cast

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

DIALECTS = ("sqlite", "postgresql")


def insert_into(conn: Connection, table: Table) -> sqlite.Insert:
    """An INSERT for this connection's database, with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return insert_for(conn.dialect.name, table)


def insert_for(dialect: str, table: Table) -> sqlite.Insert:
    """The same by the dialect's name, for statements that are built once."""
    return cast(sqlite.Insert, postgresql.insert(table)) if dialect == "postgresql" else sqlite.insert(table)


def insert_once(conn: Connection, table: Table, row: dict[str, Any]) -> bool:
    """Inserts `row`. False, and nothing changed, where its primary key is there already.

    Asks for the key back instead of a count of rows, which PostgreSQL's driver does not give for an INSERT.
    """
    key = next(iter(table.primary_key))
    return conn.execute(insert_into(conn, table).values(row).on_conflict_do_nothing().returning(key)).first() is not None
