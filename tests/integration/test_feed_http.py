"""EPCIS and POSLog over HTTP, on a real port with the real database: stored before confirmed, told to the core, or refused."""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from web_box import Box

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, Op, Receipt, epcis_document, epcis_event, epcis_xml, gtin, poslog, random_receipt, tag

from rfidguard.dead_letter import buried
from rfidguard.events import Ledger
from rfidguard.feeds.capture import MAX_CAPTURE_BYTES
from rfidguard.intake import last_sales
from rfidguard.ledger_db import export_records
from rfidguard.record_intake import BATCH, RecordCounts, take_records
from rfidguard.schema import ledger_records
from rfidguard.web.access import Access, Client

A = ARTICLES[0]
TIME = "2026-11-20T10:14:02Z"
TOKENS = [Client("till-3", "till", "t" * 32), Client("staff-1", "staff", "s" * 32)]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path) as box:
        yield box


@pytest.fixture
def http(box: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.web.url, timeout=30) as client:
        yield client


def stored(box: Box) -> list[Ledger]:
    return box.store.read(lambda conn: list(export_records(conn)))


def capture(http: httpx.Client, body: Any, **headers: str) -> tuple[int, dict[str, Any]]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = http.post("/v1/capture", content=content, headers={"Content-Type": "application/ld+json", **headers})
    return reply.status_code, reply.json()


def post_poslog(http: httpx.Client, body: bytes) -> tuple[int, dict[str, Any]]:
    reply = http.post("/v1/poslog", content=body, headers={"Content-Type": "application/xml"})
    return reply.status_code, reply.json()


SALE = epcis_event("sale", [(A, 5), (A, 6)], TIME, 0)
OTHER = {"type": "AggregationEvent"}
BAD = {**SALE, "action": "GONE"}
CLEAN = {"passed_over": {}, "rejected": {}, "errors": []}


@pytest.mark.parametrize("payload", [json.dumps(epcis_document([SALE])).encode(), epcis_xml([SALE])], ids=["json", "xml"])
def test_an_epcis_sale_is_stored_and_the_core_hears_of_it(box: Box, http: httpx.Client, payload: bytes) -> None:
    assert capture(http, payload) == (200, {"status": "stored", "stored": 2, "duplicate": 0, **CLEAN})
    assert [(record.serial, record.kind, record.source) for record in stored(box)] == [
        ("5", "sold", "http"),
        ("6", "sold", "http"),
    ]
    assert [event.id for event in box.sold] == [record.id for record in stored(box)]  # type: ignore[union-attr]
    assert box.store.read(last_sales).keys() == {""}


def test_the_same_document_again_is_a_duplicate_and_the_core_hears_nothing(box: Box, http: httpx.Client) -> None:
    capture(http, epcis_document([SALE]))
    assert capture(http, epcis_document([SALE])) == (200, {"status": "duplicate", "stored": 0, "duplicate": 2, **CLEAN})
    assert len(box.sold) == 2


def test_what_is_no_sale_is_counted(http: httpx.Client) -> None:
    status, reply = capture(http, epcis_document([OTHER, SALE]))
    assert (status, reply["status"], reply["stored"], reply["passed_over"]) == (200, "stored", 2, {"other_event": 1})


def test_one_bad_event_keeps_the_whole_document_out_unless_the_sender_says_otherwise(box: Box, http: httpx.Client) -> None:
    status, reply = capture(http, epcis_document([SALE, BAD]))
    assert (status, reply["status"], reply["rejected"]) == (422, "rejected", {"bad_event": 1})
    assert reply["errors"] == ["epcisBody.eventList[1].action: must be one of 'ADD', 'OBSERVE' or 'DELETE', not 'GONE'"]
    assert stored(box) == []
    assert box.store.read(buried) == {"bad_event": 1}
    status, reply = capture(http, epcis_document([SALE, BAD]), **{"GS1-Capture-Error-Behaviour": "proceed"})
    assert (status, reply["status"], reply["stored"], reply["rejected"]) == (200, "stored", 2, {"bad_event": 1})


def test_an_error_declaration_that_comes_first_voids_the_sale_that_comes_later(box: Box, http: httpx.Client) -> None:
    capture(http, {**SALE, "errorDeclaration": {"declarationTime": TIME}})
    capture(http, SALE)
    void = next(record for record in stored(box) if record.kind == "void")
    assert {record.id.rpartition("/")[0] for record in stored(box) if record.kind == "sold"} == {void.ref}


RECEIPT = Receipt(7, [Op("sale", A, (5,), 3)], time="2026-11-20T10:14:02")


def test_a_poslog_is_stored_with_its_lanes_and_the_core_hears_of_it(box: Box, http: httpx.Client) -> None:
    assert post_poslog(http, poslog([RECEIPT])) == (200, {"status": "stored", "stored": 2, "duplicate": 0, **CLEAN})
    assert [(r.id, r.quantity, r.lane, r.source) for r in stored(box)] == [
        ("0001-3-20261122-7/1", 1, "3", "http"),
        ("0001-3-20261122-7/1.credit", 2, "3", "http"),
    ]
    assert len(box.sold) == 2
    assert box.store.read(last_sales).keys() == {"3"}
    assert post_poslog(http, poslog([RECEIPT]))[1]["status"] == "duplicate"


def test_a_poslog_and_the_tills_own_document_are_one_sale(box: Box, http: httpx.Client) -> None:
    lines = [{"line": 1, "gtin": gtin(A), "quantity": 3}]
    http.post("/v1/sales", json={"id": "0001-3-20261122-7", "at": TIME, "kind": "sale", "lines": lines}).raise_for_status()
    assert post_poslog(http, poslog([Receipt(7, [Op("sale", A, (), 3)])]))[1]["status"] == "duplicate"
    assert len(stored(box)) == 1


def test_an_id_that_stands_for_something_else_is_refused_and_kept(box: Box, http: httpx.Client) -> None:
    post_poslog(http, poslog([RECEIPT]))
    status, reply = post_poslog(http, poslog([Receipt(7, [Op("sale", ARTICLES[1], (), 1)])]))
    assert (status, reply["rejected"]) == (422, {"id_reused": 1})
    assert reply["errors"] == ["0001-3-20261122-7/1: stands for something else already"]
    assert box.store.read(buried) == {"id_reused": 1}


def test_one_bad_line_of_a_poslog_does_not_keep_the_others_out(box: Box, http: httpx.Client) -> None:
    document = poslog([RECEIPT, Receipt(8, [Op("sale", A, (6,))])]).replace(tag(A, 5).encode(), b"garbage")
    document = document.replace(b"urn:epc:id:sgtin:0614141.081234.5<", b"garbage<")
    status, reply = post_poslog(http, document)
    assert (status, reply["status"], reply["rejected"]) == (200, "stored", {"bad_epc": 1})
    assert Counter(record.quantity for record in stored(box)) == {3: 1, 1: 1}


def test_a_till_with_a_fast_clock_has_sold_the_goods_by_now(box: Box, http: httpx.Client) -> None:
    post_poslog(http, poslog([Receipt(7, [Op("sale", A, (5,))], time="2099-01-01T00:00:00")]))
    assert stored(box)[0].at <= box.clock.now()


BOMB = b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;&b;">]><POSLog>&d;</POSLog>'


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("capture", b"", "not_json"),
        ("capture", b"[" * 200_000, "too_deep"),
        ("capture", b"{}", "not_epcis"),
        ("capture", b"<POSLog/>", "not_epcis"),
        ("capture", b"<EPCISDocument>" + b"<a>" * 1000, "too_deep"),
        ("capture", b"<!DOCTYPE x><EPCISDocument/>", "document_type"),
        ("poslog", b"", "bad_xml"),
        ("poslog", b'{"a":1}', "bad_xml"),
        ("poslog", BOMB, "document_type"),
        ("poslog", b"<POSLog>", "bad_xml"),
        ("poslog", epcis_xml([SALE]), "not_poslog"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_reason_and_kept(
    box: Box, http: httpx.Client, path: str, content: bytes, reason: str
) -> None:
    reply = http.post(f"/v1/{path}", content=content)
    assert (reply.status_code, reply.json()["status"], reply.json()["rejected"]) == (422, "rejected", {reason: 1})
    assert reply.json()["errors"][0]
    assert box.store.read(buried) == {reason: 1}


def test_a_document_of_no_measure_is_refused(http: httpx.Client) -> None:
    reply = http.post("/v1/capture", content=b" " * (MAX_CAPTURE_BYTES + 1))
    assert (reply.status_code, reply.json()["error"]) == (413, "too_large")


def test_a_word_for_errors_that_no_one_knows_is_refused(http: httpx.Client) -> None:
    assert capture(http, epcis_document([SALE]), **{"GS1-Capture-Error-Behaviour": "ignore"})[0] == 422


@pytest.mark.parametrize("path", ["/v1/capture", "/v1/poslog"])
def test_only_tills_may_report(tmp_path: Path, path: str) -> None:
    with Box(tmp_path, Access(TOKENS)) as box, httpx.Client(base_url=box.web.url, timeout=20) as http:
        body = poslog([RECEIPT]) if path == "/v1/poslog" else json.dumps(SALE).encode()
        called = [http.post(path, content=body, headers=headers).status_code for headers in (
            {}, {"Authorization": f"Bearer {'s' * 32}"}, {"Authorization": f"Bearer {'t' * 32}"},
        )]  # fmt: skip
        assert called == [401, 403, 200]
        assert {(record.source, record.lane) for record in stored(box)} <= {("till-3", "3"), ("till-3", "till-3")}


def test_a_till_reports_its_own_transactions_only(tmp_path: Path) -> None:
    with Box(tmp_path, Access(TOKENS)) as box, httpx.Client(base_url=box.web.url, timeout=20) as http:
        other = poslog([RECEIPT, Receipt(8, [Op("sale", A, (6,))])])
        first, _, second = other.partition(b"<WorkstationID>3")
        other = first + b"<WorkstationID>4" + second
        reply = http.post("/v1/poslog", content=other, headers={"Authorization": f"Bearer {'t' * 32}"}).json()
        assert (reply["stored"], reply["rejected"]) == (1, {"wrong_lane": 2})
        assert [record.lane for record in stored(box)] == ["3"]


def test_both_calls_are_described(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    assert set(paths["/v1/poslog"]["post"]["requestBody"]["content"]) == {"application/xml"}
    assert "application/ld+json" in paths["/v1/capture"]["post"]["requestBody"]["content"]


def test_a_day_of_receipts_is_stored_once_however_it_is_sent(box: Box, http: httpx.Client) -> None:
    rng = random.Random(5)
    receipts = [random_receipt(rng, number) for number in range(1, 60)]
    whole = post_poslog(http, poslog(receipts))[1]
    before = stored(box)
    assert whole["stored"] == len(before)
    rng.shuffle(receipts)
    for start in range(0, len(receipts), 20):
        assert post_poslog(http, poslog(receipts[start : start + 20]))[1]["stored"] == 0
    assert stored(box) == before


def test_records_beyond_one_batch_are_all_stored_and_all_told(box: Box) -> None:
    many = [Ledger(at=1.79e9, id=f"D/{number}", kind="sold", gtin=gtin(A)) for number in range(BATCH * 2 + 5)]
    counts = take_records(box.store, [*many, many[0]], source="feed", now=1.8e9, emit=box.emit)
    assert counts == RecordCounts(stored=len(many), duplicate=1)
    assert {event.id for event in box.sold} == {record.id for record in many}  # type: ignore[union-attr]


def test_the_core_hears_of_records_only_once_they_are_on_disk(box: Box) -> None:
    seen: list[int] = []
    many = [Ledger(at=1.79e9, id=f"D/{number}", kind="sold", gtin=gtin(A)) for number in range(BATCH + 1)]

    def on_disk() -> int:
        return box.store.read(lambda conn: conn.execute(select(func.count()).select_from(ledger_records)).scalar_one())

    take_records(box.store, many, source="x", now=1.8e9, emit=lambda event: seen.append(on_disk()))
    assert seen == [BATCH] * BATCH + [BATCH + 1]
