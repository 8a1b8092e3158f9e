"""Where each feed goes on, what shop systems call articles, how long the way from till to door is."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "article_codes",
        sa.Column("code", sa.String(128), primary_key=True),
        sa.Column("gtin", sa.String(14), nullable=False),
    )
    op.create_table(
        "feed_cursors",
        sa.Column("feed", sa.String(64), primary_key=True),
        sa.Column("cursor", sa.Text()),
        sa.Column("moved_at", sa.Float(53)),
        sa.Column("polled_at", sa.Float(53)),
        sa.Column("newest_at", sa.Float(53)),
        sa.Column("lag_s", sa.Float(53)),
    )
    op.create_table(
        "walk_times",
        sa.Column("bucket", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("walks", sa.Float(53), nullable=False),
    )


def downgrade() -> None:
    for table in ("walk_times", "feed_cursors", "article_codes"):
        op.drop_table(table)
