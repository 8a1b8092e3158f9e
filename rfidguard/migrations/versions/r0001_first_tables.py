"""First tables: ledger, documents, feeds, alarms, answers, outbox, dead letters, snapshots, services."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _ledger()
    _sales_in()
    _alarms()
    _ways_out()
    _daemon()


def downgrade() -> None:
    for table in (
        "services", "snapshots", "dead_letters", "outbox", "answers", "alarm_events", "alarms", "feeds", "documents",
        "credit_bindings", "ledger_records",
    ):  # fmt: skip
        op.drop_table(table)


def _ledger() -> None:
    op.create_table(
        "ledger_records",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("recorded_at", sa.Float(53), nullable=False),
        sa.Column("key", sa.String(160)),
        sa.Column("document", sa.String(200)),
        sa.Column("epc", sa.String(128)),
        sa.Column("gtin", sa.String(14)),
        sa.Column("serial", sa.String(128)),
        sa.Column("quantity", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("transaction", sa.String(128)),
        sa.Column("source", sa.String(64)),
        sa.Column("lane", sa.String(64)),
        sa.Column("ref", sa.String(200)),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_ledger_records_key", "ledger_records", ["key"])
    op.create_index("ix_ledger_records_ref", "ledger_records", ["ref"])
    op.create_table(
        "credit_bindings",
        sa.Column("credit", sa.String(200), primary_key=True),
        sa.Column("unit", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("epc", sa.String(128), nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("at", sa.Float(53), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_credit_bindings_key", "credit_bindings", ["key"])


def _sales_in() -> None:
    op.create_table(
        "documents",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("received_at", sa.Float(53), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_index("ix_documents_id", "documents", ["id"])
    op.create_table(
        "feeds",
        sa.Column("source", sa.String(64), primary_key=True),
        sa.Column("lane", sa.String(64), primary_key=True),
        sa.Column("heartbeat_at", sa.Float(53)),
        sa.Column("sale_at", sa.Float(53)),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
    )


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("gate", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("raised_at", sa.Float(53), nullable=False),
        sa.Column("updated_at", sa.Float(53), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_alarms_state", "alarms", ["state"])
    op.create_table(
        "alarm_events",
        sa.Column("alarm", sa.String(26), primary_key=True),
        sa.Column("revision", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("event_type", sa.String(16), primary_key=True),
        sa.Column("event_at", sa.Float(53), nullable=False),
    )
    op.create_table(
        "answers",
        sa.Column("by", sa.String(64), primary_key=True),
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("received_at", sa.Float(53), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.String(16)),
        sa.Column("reason", sa.Text()),
    )
    op.create_index("ix_answers_status", "answers", ["status"])


def _ways_out() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _ROW_ID, primary_key=True, autoincrement=True),
        sa.Column("topic", sa.String(255), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("retain", sa.Boolean(), nullable=False),
        sa.Column("expiry_s", sa.Float(53)),
        sa.Column("alarm", sa.String(26)),
        sa.Column("created_at", sa.Float(53), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("parked", sa.String(32)),
        sa.Column("done_at", sa.Float(53)),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_outbox_open", "outbox", ["done_at", "id"])


def _daemon() -> None:
    op.create_table(
        "snapshots",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("at", sa.Float(53), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "services",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("session", sa.String(64), nullable=False, unique=True),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("beat_at", sa.Float(53), nullable=False),
    )
