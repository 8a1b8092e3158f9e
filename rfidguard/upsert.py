"""INSERT … ON CONFLICT, which SQLite and PostgreSQL share and SQLAlchemy spells once for each."""

from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

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
    return conn.execute(_insert_once(conn.dialect.name, table), row).first() is not None


@cache
def _insert_once(dialect: str, table: Table) -> ReturningInsert[Any]:
    return insert_for(dialect, table).on_conflict_do_nothing().returning(next(iter(table.primary_key)))
