"""Articles, stock counts, the usual silences of feeds, what passed the gates; a credit's unit may change its user."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BINDINGS = "credit, unit, epc, key, at"


def upgrade() -> None:
    _rebind(("credit", "unit", "key", "at"))
    op.create_table(
        "articles",
        sa.Column("gtin", sa.String(14), primary_key=True),
        sa.Column("name", sa.String(200)),
        sa.Column("price", sa.String(24)),
        sa.Column("department", sa.String(100)),
        sa.Column("picture", sa.String(500)),
        sa.Column("updated_at", sa.Float(53), nullable=False),
    )
    op.create_table(
        "stock_counts",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("recorded_at", sa.Float(53), nullable=False),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(128), nullable=False),
    )
    op.create_table(
        "feed_hours",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("lane", sa.String(64), primary_key=True),
        sa.Column("hour", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("longest_s", sa.Float(53), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("last_week", sa.Integer(), nullable=False),
    )
    op.create_table(
        "exit_days",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("reason", sa.String(32), primary_key=True),
        sa.Column("passages", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    for table in ("exit_days", "feed_hours", "stock_counts", "articles"):
        op.drop_table(table)
    op.execute(
        "DELETE FROM credit_bindings WHERE EXISTS (SELECT 1 FROM credit_bindings AS other"
        " WHERE other.credit = credit_bindings.credit AND other.unit = credit_bindings.unit"
        " AND (other.at < credit_bindings.at OR other.at = credit_bindings.at AND other.key < credit_bindings.key))"
    )
    _rebind(("credit", "unit"))


def _rebind(key: tuple[str, ...]) -> None:
    """The same table with another primary key, which SQLite cannot change in place."""
    op.drop_index("ix_credit_bindings_key", "credit_bindings")
    op.rename_table("credit_bindings", "credit_bindings_old")
    op.create_table(
        "credit_bindings",
        sa.Column("credit", sa.String(200), primary_key=True),
        sa.Column("unit", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("epc", sa.String(128), nullable=False),
        sa.Column("key", sa.String(160), primary_key="key" in key, nullable=False),
        sa.Column("at", sa.Float(53), primary_key="at" in key, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO credit_bindings ({_BINDINGS}) SELECT {_BINDINGS} FROM credit_bindings_old")
    op.drop_table("credit_bindings_old")
    op.create_index("ix_credit_bindings_key", "credit_bindings", ["key"])
