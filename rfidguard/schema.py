"""The tables. Migrations (rfidguard/migrations) create them; this file is how queries name them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
_row_id = BigInteger().with_variant(Integer, "sqlite")

ledger_records = Table(
    "ledger_records",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("at", Float(53), nullable=False),
    Column("recorded_at", Float(53), nullable=False),
    Column("key", String(160)),  # rfidguard.epc: "GTIN.serial", "epc:HEX" or "gtin:GTIN"; null for a void
    Column("document", String(200)),  # the id up to its last "/", so that a void of a whole document finds its lines
    Column("epc", String(128)),
    Column("gtin", String(14)),
    Column("serial", String(128)),
    Column("quantity", Integer, nullable=False, server_default="1"),
    Column("transaction", String(128)),
    Column("source", String(64)),
    Column("lane", String(64)),
    Column("ref", String(200)),
    Index("ix_ledger_records_key", "key"),
    Index("ix_ledger_records_ref", "ref"),
    sqlite_with_rowid=False,
)

credit_bindings = Table(
    "credit_bindings",
    metadata,
    Column("credit", String(200), primary_key=True),
    Column("unit", Integer, primary_key=True),
    Column("epc", String(128), nullable=False),
    Column("key", String(160), primary_key=True),  # rfidguard.epc.Identity.key of the EPC
    Column("at", Float(53), primary_key=True),  # when it left
    Index("ix_credit_bindings_key", "key"),
    sqlite_with_rowid=False,
)

ledger_items = Table(
    "ledger_items",
    metadata,
    Column("key", LargeBinary, primary_key=True),  # rfidguard.item_state, as is the state
    Column("state", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

ledger_folded_ids = Table(
    "ledger_folded_ids",
    metadata,
    Column("mark", LargeBinary, primary_key=True),  # rfidguard.ledger_fold.mark_of the id of a record that was folded
    sqlite_with_rowid=False,
)

ledger_folds = Table(
    "ledger_folds",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    Column("before", Float(53), nullable=False),  # records older than this were folded
    Column("records", BigInteger, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("received_at", Float(53), nullable=False),
    Column("digest", String(64), nullable=False),
    Index("ix_documents_id", "id"),
)

feeds = Table(
    "feeds",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("lane", String(64), primary_key=True),  # "" where the source has no lanes
    Column("heartbeat_at", Float(53)),
    Column("sale_at", Float(53)),
)

feed_hours = Table(
    "feed_hours",
    metadata,
    Column("source", String(64), primary_key=True),
    Column("lane", String(64), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),  # of the week, local time: 0 is Monday from 0:00
    Column("longest_s", Float(53), nullable=False),  # the longest silence seen in that hour
    Column("weeks", Integer, nullable=False),  # in how many weeks that hour was seen
    Column("last_week", Integer, nullable=False),  # the newest of them, in weeks since 1970
)

articles = Table(
    "articles",
    metadata,
    Column("gtin", String(14), primary_key=True),
    Column("name", String(200)),
    Column("price", String(24)),  # a decimal, in the currency of the site
    Column("department", String(100)),
    Column("picture", String(500)),  # where to find one
    Column("updated_at", Float(53), nullable=False),
)

stock_counts = Table(
    "stock_counts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("recorded_at", Float(53), nullable=False),
    Column("scope", String(8), nullable=False),  # full | cyclic
    Column("items", Integer, nullable=False),
    Column("source", String(128), nullable=False),
)

exit_days = Table(
    "exit_days",
    metadata,
    Column("day", String(10), primary_key=True),  # of the site, "2026-11-22"
    Column("reason", String(32), primary_key=True),  # rfidguard.reasons
    Column("passages", Integer, nullable=False),
)

article_codes = Table(
    "article_codes",
    metadata,
    Column("code", String(128), primary_key=True),  # what a shop system calls an article: SKU, variant, catalogue object
    Column("gtin", String(14), nullable=False),
)

feed_cursors = Table(
    "feed_cursors",
    metadata,
    Column("feed", String(64), primary_key=True),
    Column("cursor", Text),  # where to go on, in the feed's own words; written with the records up to there
    Column("moved_at", Float(53)),  # when it last brought something
    Column("polled_at", Float(53)),  # when it last answered
    Column("newest_at", Float(53)),  # when the newest thing that it told happened
    Column("lag_s", Float(53)),  # how late the newest of its last records was heard of
)

chain_outbox = Table(
    "chain_outbox",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=True),
    Column("body", LargeBinary, nullable=False),  # rfidguard.events.Ledger as JSON, to be told to the centre
    sqlite_autoincrement=True,
)

chain_link = Table(
    "chain_link",
    metadata,
    Column("name", String(64), primary_key=True),  # "centre"; no row: this box belongs to no chain
    Column("joined_at", Float(53), nullable=False),
    Column("past", String(200)),  # the id up to which records of before were told; null: all of them
    Column("told_at", Float(53)),
)

walk_times = Table(
    "walk_times",
    metadata,
    Column("bucket", Integer, primary_key=True, autoincrement=False),  # rfidguard.walk_times: grows by a tenth each
    Column("walks", Float(53), nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("gate", String(64), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("raised_at", Float(53), nullable=False),
    Column("updated_at", Float(53), nullable=False),
    Column("body", LargeBinary, nullable=False),  # rfidguard.alarm.Alarm as JSON, the source of truth
    Index("ix_alarms_state", "state"),
)

alarm_events = Table(
    "alarm_events",
    metadata,
    Column("alarm", String(26), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("event_type", String(16), primary_key=True),
    Column("event_at", Float(53), nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("by", String(64), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("received_at", Float(53), nullable=False),
    Column("body", LargeBinary, nullable=False),  # rfidguard.events.Answer as JSON
    Column("status", String(16)),  # null until the core has judged it
    Column("reason", Text),
    Index("ix_answers_status", "status"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("topic", String(255), nullable=False),  # below rfidguard/<site>/
    Column("payload", LargeBinary, nullable=False),
    Column("retain", Boolean, nullable=False),
    Column("expiry_s", Float(53)),
    Column("alarm", String(26)),
    Column("created_at", Float(53), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("parked", String(32)),  # a reason for which it is not retried by itself
    Column("done_at", Float(53)),
    Index("ix_outbox_open", "done_at", "id", "parked", "topic"),  # all that is asked of rows that wait, without reading them
    Index("ix_outbox_topic", "topic", "retain", "id"),
    Index("ix_outbox_alarm", "alarm", "topic", "id"),
    sqlite_autoincrement=True,
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", _row_id, primary_key=True, autoincrement=True),
    Column("at", Float(53), nullable=False),
    Column("source", String(64), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _row_id, primary_key=True, autoincrement=False),  # 1, 2, 3 … without a gap
    Column("at", Float(53), nullable=False),
    Column("kind", String(16), nullable=False),  # answer | command
    Column("who", String(96), nullable=False),
    Column("what", String(128), nullable=False),
    Column("action", String(32), nullable=False),
    Column("result", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON
    Column("hash", String(64), nullable=False),  # rfidguard.audit.link
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("body", LargeBinary, nullable=False),
)

services = Table(
    "services",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("session", String(64), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat_at", Float(53), nullable=False),
    UniqueConstraint("session"),
)
