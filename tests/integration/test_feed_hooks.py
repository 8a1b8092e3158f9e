"""Webhooks of Shopify and Square on a real port: proved by their signature, articles looked up by SKU, stored once."""

import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from web_box import Box

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, gtin, tag
from shop_systems import (
    SECRET,
    TIME,
    SquareApi,
    shopify_call,
    shopify_order,
    signature,
    square_call,
    square_order,
    square_payment,
)

from rfidguard.catalogue import CatalogueRow
from rfidguard.catalogue_db import store_articles
from rfidguard.dead_letter import buried, letters_of
from rfidguard.events import Ledger
from rfidguard.ledger import RecordSet, document_of
from rfidguard.ledger_db import export_records
from rfidguard.web.access import Access, Client

SHIRT, HAT = gtin(ARTICLES[0]), gtin(ARTICLES[1])
CALLED_AT = "https://shop.example/v1/hooks/square"
ACCESS = Access([Client("till-3", "till", "t" * 32)])


@pytest.fixture
def api() -> Iterator[SquareApi]:
    made = SquareApi()
    yield made
    made.close()


@pytest.fixture
def box(tmp_path: Path, api: SquareApi) -> Iterator[Box]:
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "token").write_text("sq-token\n")
    secret = str(tmp_path / "secret")
    feeds: list[dict[str, object]] = [
        {"id": "shopify", "driver": "shopify", "secret_file": secret},
        {"id": "square", "driver": "square", "secret_file": secret, "called_at": CALLED_AT,
         "token_file": str(tmp_path / "token"), "api": api.url, "locations": ["HERE"]},
    ]  # fmt: skip
    rows = [CatalogueRow(SHIRT, name="Shirt", codes=("SHIRT-M", "SQ-SHIRT")), CatalogueRow(HAT, codes=("HAT",))]
    with Box(tmp_path, ACCESS, feeds=feeds) as box:
        box.store.write(partial(store_articles, rows=rows, now=1.0)).result()
        yield box


Reply = tuple[int, dict[str, Any]]
Call = tuple[bytes, dict[str, str]]


def post(box: Box, feed: str, call: Call) -> Reply:
    body, headers = call
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    reply = httpx.post(f"{box.web.url}/v1/hooks/{feed}", content=body, headers=sent, timeout=20)
    return reply.status_code, reply.json()


def stored(box: Box) -> list[Ledger]:
    return box.store.read(lambda conn: list(export_records(conn)))


def shopify(box: Box, topic: str, body: object) -> Reply:
    return post(box, "shopify", shopify_call(topic, body))


def square(box: Box, body: object) -> Reply:
    return post(box, "square", square_call(CALLED_AT, body))


def test_a_signed_order_is_stored_by_the_catalogues_gtin_and_the_core_hears_of_it(box: Box) -> None:
    status, reply = shopify(box, "orders/create", shopify_order(7, {"sku": "SHIRT-M", "quantity": 2}, {"sku": "HAT"}))
    assert (status, reply["status"], reply["stored"]) == (200, "stored", 2)
    assert [(r.id, r.kind, r.gtin, r.quantity, r.lane, r.transaction, r.source) for r in stored(box)] == [
        ("shopify:order:7/70", "sold", SHIRT, 2, "3", "#7", "shopify"),
        ("shopify:order:7/71", "sold", HAT, 1, "3", "#7", "shopify"),
    ]
    assert "Geheim" not in repr(stored(box))


def test_every_topic_of_one_order_tells_the_same_lines(box: Box) -> None:
    order = shopify_order(7, {"sku": "SHIRT-M"})
    assert shopify(box, "orders/create", {**order, "financial_status": "authorized"})[1]["passed_over"] == {"not_paid": 1}
    assert [shopify(box, topic, order)[1]["status"] for topic in ("orders/paid", "orders/updated", "orders/paid")] == [
        "stored", "duplicate", "duplicate",
    ]  # fmt: skip
    assert len(stored(box)) == 1


def test_an_epc_on_a_line_pays_for_that_item_and_the_rest_is_credit(box: Box) -> None:
    epc = tag(ARTICLES[0], 5)
    line = {"sku": "SHIRT-M", "quantity": 3, "properties": [{"name": "_epc", "value": epc.lower()}]}
    shopify(box, "orders/create", shopify_order(7, line))
    assert [(r.id, r.epc, r.gtin, r.quantity) for r in stored(box)] == [
        ("shopify:order:7/70", epc, None, 1),
        ("shopify:order:7/70.credit", None, SHIRT, 2),
    ]


def test_a_code_that_is_a_gtin_needs_no_catalogue_and_an_unknown_one_is_kept_with_its_reason(box: Box) -> None:
    lines = ({"sku": "NEW", "barcode": SHIRT}, {"sku": "NOBODY-KNOWS"}, {"sku": None})
    status, reply = shopify(box, "orders/create", shopify_order(7, *lines))
    assert (status, reply["stored"], reply["rejected"]) == (200, 1, {"unknown_sku": 2})
    letters = box.store.read(lambda conn: letters_of(conn, "shopify"))
    assert letters[0] == (
        "unknown_sku",
        "shopify:order:7: no GTIN is known for 'NOBODY-KNOWS'; import articles with a column sku and gtin",
    )
    assert "no GTIN is known for a line without any code" in letters[1][1]


def test_a_line_of_an_unknown_article_is_taken_when_the_order_is_told_again_after_the_import(box: Box) -> None:
    order = shopify_order(7, {"sku": "SHIRT-M"}, {"sku": "LATER"})
    shopify(box, "orders/create", order)
    box.store.write(partial(store_articles, rows=[CatalogueRow(gtin(ARTICLES[2]), codes=("LATER",))], now=2.0)).result()
    reply = shopify(box, "orders/updated", order)[1]
    assert (reply["stored"], reply["duplicate"], reply["rejected"]) == (1, 1, {})


@pytest.mark.parametrize("feed", ["shopify", "square"])
@pytest.mark.parametrize("how", ["wrong", "missing", "of another body", "empty", "no text"])
def test_a_call_that_does_not_prove_its_sender_changes_nothing(box: Box, api: SquareApi, feed: str, how: str) -> None:
    api.orders["A"] = square_order("A", {"catalog_object_id": "SQ-SHIRT"})
    body, headers = (
        shopify_call("orders/create", shopify_order(7, {"sku": "SHIRT-M"}))
        if feed == "shopify"
        else square_call(CALLED_AT, square_payment("A"))
    )
    name = next(key for key in headers if "mac" in key)
    if how == "missing":
        del headers[name]
    elif how == "of another body":
        body += b" "
    else:
        headers[name] = {"wrong": "A" * 44, "empty": "", "no text": "\xff\xfe"}[how]
    status, reply = post(box, feed, (body, headers))
    assert (status, reply["rejected"]) == (401, {"bad_signature": 1})
    assert (stored(box), box.store.read(buried), api.asked) == ([], {}, [])
    assert box.feeds.refused == {"bad_signature": 1}


def test_the_secret_of_another_shop_is_wrong_and_a_till_token_is_no_signature(box: Box) -> None:
    order = shopify_order(7, {"sku": "SHIRT-M"})
    assert post(box, "shopify", shopify_call("orders/create", order, "shpss_of-another"))[0] == 401
    body, headers = shopify_call("orders/create", order)
    token = {"X-Shopify-Topic": headers["X-Shopify-Topic"], "Authorization": f"Bearer {'t' * 32}"}
    assert post(box, "shopify", (body, token))[0] == 401
    assert stored(box) == []


def test_a_hook_that_nobody_configured_is_not_there(box: Box) -> None:
    assert post(box, "magento", (b"{}", {}))[0] == 404


def test_orders_that_leave_through_no_gate_are_passed_over(box: Box) -> None:
    web = shopify_order(7, {"sku": "SHIRT-M"}, source_name="web")
    assert shopify(box, "orders/paid", web)[1]["passed_over"] == {"other_channel": 1}
    assert shopify(box, "orders/paid", {**web, "test": True})[1]["passed_over"] == {"test": 1}
    assert shopify(box, "products/update", {"id": 1})[1]["passed_over"] == {"other_topic": 1}
    assert stored(box) == []


def test_a_refund_brings_goods_back_and_money_alone_does_not(box: Box) -> None:
    shopify(box, "orders/create", shopify_order(7, {"sku": "SHIRT-M", "quantity": 2}))
    line = {"id": 1, "quantity": 1, "restock_type": "return", "line_item": {"sku": "SHIRT-M"}}
    refund = {"id": 99, "order_id": 7, "processed_at": TIME, "refund_line_items": [line]}
    assert shopify(box, "refunds/create", refund)[1]["stored"] == 1
    kept = {**refund, "id": 100, "refund_line_items": [{**line, "restock_type": "no_restock"}]}
    assert shopify(box, "refunds/create", kept)[1]["passed_over"] == {"not_brought_back": 1, "no_goods": 1}
    assert [(r.kind, r.quantity) for r in stored(box)] == [("sold", 2), ("returned", 1)]


def test_a_cancelled_order_never_happened_whichever_is_heard_first(box: Box) -> None:
    order = shopify_order(7, {"sku": "SHIRT-M"})
    shopify(box, "orders/cancelled", {**order, "cancelled_at": TIME})
    shopify(box, "orders/paid", order)
    ledger = RecordSet()
    for record in stored(box):
        ledger.add(record)
    void = next(record for record in stored(box) if record.kind == "void")
    assert ledger.hits(void)
    assert {document_of(record.id) for record in stored(box) if record.kind == "sold"} == {void.ref}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"no json", "not_json"),
        (b"[1]", "not_an_object"),
        (b"{" * 5_000, "not_json"),
        (json.dumps(shopify_order(7, {"sku": "HAT"}, processed_at="yesterday")).encode(), "bad_time"),
        (json.dumps(shopify_order(7, {"sku": "HAT"}, id=None)).encode(), "no_id"),
    ],
)
def test_a_signed_call_that_means_nothing_is_answered_kept_and_never_sent_again(box: Box, body: bytes, reason: str) -> None:
    """Shopify ends a subscription whose calls fail time after time: what cannot get better is not called a failure."""
    _, headers = shopify_call("orders/create", {})
    headers["X-Shopify-Hmac-Sha256"] = signature(body)
    status, reply = post(box, "shopify", (body, headers))
    assert (status, reply["status"], reply["rejected"]) == (200, "rejected", {reason: 1})
    assert box.store.read(buried) == {reason: 1}


def test_one_odd_line_does_not_keep_the_others_out(box: Box) -> None:
    lines = ({"sku": "HAT", "quantity": 0.35}, {"sku": "HAT", "quantity": "many"}, {"sku": "HAT", "id": None}, {"sku": "SHIRT-M"})
    reply = shopify(box, "orders/create", shopify_order(7, *lines))[1]
    assert (reply["stored"], reply["passed_over"], reply["rejected"]) == (
        1, {"fractional_quantity": 1}, {"bad_quantity": 1, "no_id": 1},
    )  # fmt: skip


def test_an_order_that_was_changed_after_it_was_sold_is_told(box: Box) -> None:
    shopify(box, "orders/create", shopify_order(7, {"sku": "SHIRT-M", "quantity": 1}))
    reply = shopify(box, "orders/updated", shopify_order(7, {"sku": "SHIRT-M", "quantity": 2}))[1]
    assert reply["rejected"] == {"id_reused": 1}
    assert box.store.read(buried) == {"id_reused": 1}


def test_square_names_an_order_that_is_asked_for_with_the_token(box: Box, api: SquareApi) -> None:
    api.orders["A1"] = square_order("A1", {"catalog_object_id": "SQ-SHIRT", "quantity": "2"}, ticket_name="T7")
    status, reply = square(box, square_payment("A1"))
    assert (status, reply["status"], reply["stored"]) == (200, "stored", 1)
    assert api.asked == [("/v2/orders/A1", "Bearer sq-token")]
    assert [(r.id, r.gtin, r.quantity, r.transaction) for r in stored(box)] == [("square:order:A1/L0", SHIRT, 2, "T7")]
    changed = {"type": "order.updated", "data": {"object": {"order_updated": {"order_id": "A1", "state": "COMPLETED"}}}}
    assert square(box, changed)[1]["status"] == "duplicate"


def test_square_is_asked_for_nothing_before_it_is_paid_and_for_nothing_of_other_shops(box: Box, api: SquareApi) -> None:
    assert square(box, square_payment("A1", "APPROVED"))[1]["passed_over"] == {"no_order": 1}
    assert square(box, {"type": "catalog.version.updated"})[1]["passed_over"] == {"no_order": 1}
    assert api.asked == []
    api.orders["A2"] = square_order("A2", {"catalog_object_id": "SQ-SHIRT"}, location_id="ELSEWHERE")
    assert square(box, square_payment("A2"))[1]["passed_over"] == {"other_location": 1}
    api.orders["A3"] = square_order("A3", {"catalog_object_id": "SQ-SHIRT"}, state="OPEN")
    assert square(box, square_payment("A3"))[1]["passed_over"] == {"not_completed": 1}
    assert stored(box) == []


def test_square_is_told_to_come_again_while_the_order_has_no_lines_or_the_api_is_away(box: Box, api: SquareApi) -> None:
    api.orders["A1"] = square_order("A1")
    assert square(box, square_payment("A1"))[0] == 503
    assert "feed square" in box.feeds.reasons()
    api.orders["A1"] = square_order("A1", {"catalog_object_id": "SQ-SHIRT"})
    api.status = 500
    assert square(box, square_payment("A1"))[0] == 503
    api.status = 200
    assert square(box, square_payment("A1"))[1]["stored"] == 1
    assert box.feeds.reasons() == {}


def test_square_returns_and_cancellations(box: Box, api: SquareApi) -> None:
    back = {"return_line_items": [{"uid": "R0", "quantity": "1", "catalog_object_id": "SQ-SHIRT"}]}
    api.orders["A1"] = square_order("A1", returns=[back])
    refund = {"type": "refund.updated", "data": {"object": {"refund": {"order_id": "A1", "status": "COMPLETED"}}}}
    assert square(box, refund)[1]["stored"] == 1
    assert [(r.id, r.kind) for r in stored(box)] == [("square:order:A1/return-R0", "returned")]
    api.orders["A2"] = square_order("A2", state="CANCELED")
    assert square(box, square_payment("A2"))[1]["stored"] == 1
    assert [(r.kind, r.ref) for r in stored(box) if r.kind == "void"] == [("void", "square:order:A2")]


def test_a_secret_that_cannot_be_read_is_told_and_the_call_comes_again(box: Box, tmp_path: Path) -> None:
    (tmp_path / "secret").rename(tmp_path / "away")
    assert shopify(box, "orders/create", shopify_order(7, {"sku": "HAT"}))[0] == 503
    assert "cannot be read" in box.feeds.reasons()["feed shopify"]
