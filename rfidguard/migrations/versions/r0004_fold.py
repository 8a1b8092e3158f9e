"""Old records fold: the last state of every item, the ids of what was folded, and when that was done."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_items",
        sa.Column("key", sa.LargeBinary(), primary_key=True),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("ledger_folded_ids", sa.Column("mark", sa.LargeBinary(), primary_key=True), sqlite_with_rowid=False)
    op.create_table(
        "ledger_folds",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("before", sa.Float(53), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """What was folded is lost to a version that does not know of it: its sold items would be unknown."""
    for table in ("ledger_folds", "ledger_folded_ids", "ledger_items"):
        op.drop_table(table)
