"""Whole EPCIS and POSLog documents, taken from the wire: decoded, stored, confirmed; what is refused is kept with its reason."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import tzinfo
from functools import partial

import msgspec
from msgspec.structs import replace

from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.errors import RefusedInput
from rfidguard.feeds.epcis_json import epcis_json_taken
from rfidguard.feeds.epcis_xml import epcis_xml_taken
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.ledger_file import form_of_xml, is_xml
from rfidguard.feeds.poslog import poslog_taken
from rfidguard.record_intake import RecordCounts, take_records
from rfidguard.store import Store

log = logging.getLogger(__name__)

MAX_CAPTURE_BYTES = 8_000_000
MAX_POSLOG_BYTES = 16_000_000
MAX_ERRORS = 20

OwnsLane = Callable[[str], object]
"""Whether a sender may speak for a lane ("": for goods of no lane)."""

_HEAD_BYTES = 65_536


class CaptureReply(msgspec.Struct, frozen=True):
    """What became of a document. `status`: stored | duplicate (all of it was known) | rejected (nothing was stored).

    `passed_over` and `rejected`: parts, by reason. `errors`: the first MAX_ERRORS refusals, with their places.
    """

    status: str
    stored: int = 0
    duplicate: int = 0
    passed_over: dict[str, int] = {}
    rejected: dict[str, int] = {}
    errors: tuple[str, ...] = ()


def take_capture(
    store: Store, payload: bytes, *, source: str, now: float, emit: Emit, lane: str | None = None, proceed: bool = False
) -> CaptureReply:
    """Takes an EPCIS document, JSON or XML. `proceed`: one bad event does not keep the others out (EPCIS 2.0, section 12.6).

    `lane`: that of the till that reports it, if one does. Returns after everything is on disk. Raises StoreUnavailable.
    """
    decode = partial(_epcis, payload, lane)
    return _take(store, payload, decode, source=source, now=now, emit=emit, proceed=proceed)


def take_poslog(
    store: Store, payload: bytes, *, zone: tzinfo, source: str, now: float, emit: Emit, owns_lane: OwnsLane | None = None
) -> CaptureReply:
    """Takes a POSLog document. `zone`: that of times without one. A bad line does not keep the others out.

    `owns_lane`: whether the sender may report sales of a workstation; None: of every one. Returns after everything is on
    disk. Raises StoreUnavailable.
    """
    decode = partial(_poslog, payload, zone, now, owns_lane)
    return _take(store, payload, decode, source=source, now=now, emit=emit, proceed=True)


def _epcis(payload: bytes, lane: str | None) -> Iterator[Taken]:
    for taken in _epcis_taken(payload):
        yield taken if taken.record is None or lane is None else replace(taken, record=replace(taken.record, lane=lane))


def _epcis_taken(payload: bytes) -> Iterator[Taken]:
    if not is_xml(payload):
        return epcis_json_taken(payload)
    if form_of_xml(payload[:_HEAD_BYTES]) != "epcis_xml":
        raise RefusedInput("not_epcis", "this is XML, but no EPCISDocument; POSLog goes to /v1/poslog")
    return epcis_xml_taken([payload])


def _poslog(payload: bytes, zone: tzinfo, now: float, owns_lane: OwnsLane | None) -> Iterator[Taken]:
    for taken in _poslog_taken(payload, zone, now):
        lane = taken.record.lane if taken.record is not None else None
        if taken.record is None or owns_lane is None or owns_lane(lane or ""):
            yield taken
        else:
            yield Taken(taken.line, reason="wrong_lane", text=f"line {taken.line}: workstation {lane!r} is not the sender's own")


def _poslog_taken(payload: bytes, zone: tzinfo, now: float) -> Iterator[Taken]:
    if not is_xml(payload):
        raise RefusedInput("bad_xml", "a POSLog document is XML and begins with <")
    if form_of_xml(payload[:_HEAD_BYTES]) == "epcis_xml":
        raise RefusedInput("not_poslog", "this is EPCIS, which goes to /v1/capture")
    return poslog_taken([payload], zone, now)


def _take(
    store: Store,
    payload: bytes,
    decode: Callable[[], Iterator[Taken]],
    *,
    source: str,
    now: float,
    emit: Emit,
    proceed: bool,
) -> CaptureReply:
    try:
        every = list(decode())
    except RefusedInput as error:
        every = [Taken(0, reason=error.reason, text=str(error))]
    records = [taken.record for taken in every if taken.record is not None]
    bad = [taken for taken in every if taken.reason is not None]
    if bad and not (proceed and records):
        records = []
    counts = take_records(store, records, source=source, now=now, emit=emit)
    bad += [Taken(0, reason="id_reused", text=f"{name}: stands for something else already") for name in counts.reused]
    if bad:
        _bury(store, payload, bad, source, now)
    return _reply(counts, every, bad)


def _reply(counts: RecordCounts, every: list[Taken], bad: list[Taken]) -> CaptureReply:
    taken = counts.stored + counts.duplicate
    status = "rejected" if bad and not taken else "duplicate" if counts.duplicate == taken and taken else "stored"
    passed = Counter(one.passed for one in every if one.passed is not None)
    reasons = Counter(one.reason for one in bad if one.reason is not None)
    return CaptureReply(status, counts.stored, counts.duplicate, dict(passed), dict(reasons), _texts(bad))


def _texts(bad: list[Taken]) -> tuple[str, ...]:
    lines = [line for one in bad for line in (one.text or one.reason or "").split("\n")]
    return (*lines[:MAX_ERRORS], *([f"… and {len(lines) - MAX_ERRORS} more"] if len(lines) > MAX_ERRORS else []))


def _bury(store: Store, payload: bytes, bad: list[Taken], source: str, now: float) -> None:
    reason, detail = bad[0].reason or "", "\n".join(_texts(bad))
    log.warning("%d parts of a document from %s refused: %s", len(bad), source, detail.partition("\n")[0])
    store.write(partial(bury, source=source, reason=reason, detail=detail, payload=payload, at=now)).result()
