"""The outbox is found by topic and alarm. The index of all alarms is made when it is sent: its old rows would contradict it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    outbox = sa.table("outbox", sa.column("topic"))
    op.execute(outbox.delete().where(outbox.c.topic == "alarms"))
    op.drop_index("ix_outbox_open", "outbox")
    op.create_index("ix_outbox_open", "outbox", ["done_at", "id", "parked", "topic"])
    op.create_index("ix_outbox_topic", "outbox", ["topic", "retain", "id"])
    op.create_index("ix_outbox_alarm", "outbox", ["alarm", "topic", "id"])


def downgrade() -> None:
    for name in ("ix_outbox_alarm", "ix_outbox_topic", "ix_outbox_open"):
        op.drop_index(name, "outbox")
    op.create_index("ix_outbox_open", "outbox", ["done_at", "id"])
