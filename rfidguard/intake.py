"""Sales come in here, from MQTT, HTTP or Python: checked, stored in one commit, then told to the core.

Nothing is confirmed before its commit; the same document again changes nothing; what is refused is kept with its reason.
"""

import logging
from functools import partial
from typing import Any

import msgspec
from pydantic import ValidationError
from sqlalchemy import Connection, func, insert, select

from rfidguard import crash_points
from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.ledger import record_key
from rfidguard.ledger_db import records_by_id, store_records
from rfidguard.refusal import complaints
from rfidguard.rfc3339 import unix_seconds
from rfidguard.sale import FIELDS, SaleDocument, digest, sale_records
from rfidguard.schema import documents, feeds
from rfidguard.store import Store
from rfidguard.upsert import insert_into

log = logging.getLogger(__name__)

MAX_SALE_BYTES = 1_000_000
MAX_HEARTBEAT_BYTES = 4_096
MAX_SOURCE = 64
MAX_LANE = 64
SKEW_WORTH_A_WORD_S = 60.0

_probe = msgspec.json.Decoder(dict[str, Any])


class SaleReply(msgspec.Struct, frozen=True):
    """The answer to a document: `status` stored | duplicate | rejected. `reason` is a short code of a rejection."""

    id: str | None
    status: str
    errors: tuple[str, ...] = ()
    reason: str | None = None


def take_sale(store: Store, payload: bytes, *, source: str, lane: str | None, now: float, emit: Emit) -> SaleReply:
    """Takes one sale document. Returns after it is on disk; only then `emit` hears of its new ledger records.

    `source`: who brought it. `lane`: the lane that the way it came proves (topic, token), None where it proves none.
    `now`: Unix seconds. A heartbeat (`{"at":…}`) is taken too. Raises StoreUnavailable where the database takes nothing
    now: do not confirm, it will be sent again.
    """
    source = source[:MAX_SOURCE]
    try:
        _check_lane(lane)
        doc = _parsed(payload, lane)
        if doc is None:
            return take_heartbeat(store, payload, source, lane, now)
        records = not_in_the_future(sale_records(doc, source, lane, now), now)
        job = partial(_store_document, doc=doc, source=source, records=records, now=now)
        crash_points.reached("sale_before_commit")
        fresh = store.write(job).result()
    except RefusedInput as error:
        return _reject(store, payload, source, error, now)
    crash_points.reached("sale_after_commit")
    for record in fresh:
        emit(record)
    return SaleReply(doc.document, "stored" if fresh else "duplicate")


def take_heartbeat(store: Store, payload: bytes, source: str, lane: str | None, now: float) -> SaleReply:
    """Notes that a till is alive and has nothing to sell. An empty payload will do; unknown fields do not matter.

    `"closed": true` says that the till is being closed: no heartbeat is expected of it until it sends one again.
    """
    source = source[:MAX_SOURCE]
    try:
        _check_lane(lane)
        closed = _check_heartbeat(payload)
    except RefusedInput as error:
        return _reject(store, payload, source, error, now)
    heard_at = None if closed else now
    store.write(partial(hear, source=source, lane=lane, now=heard_at, column="heartbeat_at")).result()
    return SaleReply(None, "stored")


def last_heard(conn: Connection) -> dict[str, float]:
    """Lane -> when its last heartbeat came (Unix seconds). The key is "" for sources without lanes."""
    return _latest(conn, feeds.c.heartbeat_at)


def last_sales(conn: Connection) -> dict[str, float]:
    """Lane -> when its last sale document came (Unix seconds)."""
    return _latest(conn, feeds.c.sale_at)


def _check_lane(lane: str | None) -> None:
    if lane is not None and not (0 < len(lane) <= MAX_LANE and lane.isprintable()):
        raise RefusedInput("bad_lane", f"lane: has 1 to {MAX_LANE} printable characters, not {ascii(lane)[:80]}")


def _parsed(payload: bytes, lane: str | None) -> SaleDocument | None:
    """The document; None for a heartbeat. Raises RefusedInput."""
    if len(payload) > MAX_SALE_BYTES:
        raise RefusedInput("too_large", f"a sale document has at most {MAX_SALE_BYTES} bytes, this one has {len(payload)}")
    if set(_object(payload)) in ({"at"}, {"at", "closed"}):
        return None
    try:
        doc = SaleDocument.model_validate_json(payload)
    except ValidationError as error:
        raise RefusedInput("invalid", "\n".join(complaints(error, FIELDS))) from error
    if lane is not None and doc.lane not in (None, lane):
        raise RefusedInput("wrong_lane", f"lane: the document says {doc.lane!r}, but it came from lane {lane!r}")
    return doc


def _object(payload: bytes) -> dict[str, Any]:
    try:
        return _probe.decode(payload)
    except msgspec.ValidationError as error:
        raise RefusedInput("not_an_object", "a document is one JSON object, in { }") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedInput("not_json", f"the document is not JSON: {error}") from error


def not_in_the_future(records: list[Ledger], now: float) -> list[Ledger]:
    """A till whose clock is fast has sold the goods by now all the same; otherwise its customers would ring at the gate."""
    if records and records[0].at > now + SKEW_WORTH_A_WORD_S:
        log.warning("the clock of %s (lane %s) is %.0f s fast", records[0].source, records[0].lane, records[0].at - now)
    return [
        msgspec.structs.replace(record, at=min(record.at, now), received=None if record.at >= now else now) for record in records
    ]


def _store_document(conn: Connection, *, doc: SaleDocument, source: str, records: list[Ledger], now: float) -> list[Ledger]:
    """The records that were new. Raises RefusedInput(id_reused) where the id, or a line's, stands for something else."""
    mark = digest(doc)
    known = conn.execute(select(documents.c.digest, documents.c.source).where(documents.c.id == doc.document)).first()
    if known is not None:
        if known.digest != mark:
            raise RefusedInput("id_reused", _reused(doc.document, known.source))
        return []
    _refuse_other_content(conn, records)
    statuses = store_records(conn, records, now)
    conn.execute(insert(documents).values(source=source, id=doc.document, received_at=now, digest=mark))
    hear(conn, source=source, lane=records[0].lane, now=now, column="sale_at")
    return [record for record, status in zip(records, statuses, strict=True) if status == "stored"]


def _refuse_other_content(conn: Connection, records: list[Ledger]) -> None:
    """Records may be here without their document (an imported ledger); then they must say the same."""
    stored = records_by_id(conn, [record.id for record in records])
    for record in records:
        other = stored.get(record.id)
        if other is not None and meaning(other) != meaning(record):
            raise RefusedInput("id_reused", _reused(record.id, other.source))


def meaning(record: Ledger) -> tuple[object, ...]:
    """What two records with one id have to have in common."""
    return record.kind, record_key(record), record.quantity, record.ref


def _reused(name: str, source: str | None) -> str:
    return f"id: {name!r} stands for another document already (from {source}); every document needs its own id"


def _reject(store: Store, payload: bytes, source: str, error: RefusedInput, now: float) -> SaleReply:
    log.warning("sale from %s refused (%s): %s", source, error.reason, error)
    store.write(partial(bury, source=source, reason=error.reason, detail=str(error), payload=payload, at=now)).result()
    return SaleReply(_claimed_id(payload), "rejected", tuple(str(error).split("\n")), error.reason)


def _claimed_id(payload: bytes) -> str | None:
    """The id that a refused document gave, so that its sender knows which one is meant."""
    try:
        claimed = _object(payload[:MAX_SALE_BYTES]).get("id")
    except RefusedInput:
        return None
    return claimed[:200] if isinstance(claimed, str) else None


def _check_heartbeat(payload: bytes) -> bool:
    """True where the till says that it is being closed."""
    if len(payload) > MAX_HEARTBEAT_BYTES:
        raise RefusedInput("too_large", f"a heartbeat has at most {MAX_HEARTBEAT_BYTES} bytes, this one has {len(payload)}")
    body = _object(payload) if payload.strip() else {}
    at = body.get("at")
    try:
        unix_seconds(at if isinstance(at, str) else "") if at is not None else None
    except ValueError as error:
        raise RefusedInput("invalid", f"at: {error}") from error
    return body.get("closed") is True


def hear(conn: Connection, *, source: str, lane: str | None, now: float | None, column: str) -> None:
    """Notes that a lane was heard at `now`. `column`: heartbeat_at or sale_at. None: it is not to be heard any more."""
    row = {"source": source, "lane": lane or "", column: now}
    statement = insert_into(conn, feeds).values(row)
    conn.execute(statement.on_conflict_do_update(index_elements=["source", "lane"], set_={column: now}))


def _latest(conn: Connection, column: Any) -> dict[str, float]:
    statement = select(feeds.c.lane, func.max(column)).where(column.is_not(None)).group_by(feeds.c.lane)
    return {row[0]: row[1] for row in conn.execute(statement)}
