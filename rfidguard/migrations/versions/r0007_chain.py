"""What is to be told to the centre of a chain, and how far what was known before has been told."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain_outbox",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "chain_link",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("joined_at", sa.Float(53), nullable=False),
        sa.Column("past", sa.String(200)),
        sa.Column("told_at", sa.Float(53)),
    )


def downgrade() -> None:
    for table in ("chain_link", "chain_outbox"):
        op.drop_table(table)
