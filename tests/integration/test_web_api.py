"""The HTTP interface on a real port, with the real database, intake, answer desk and core behind it."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from wait import wait_for
from web_box import Box, item

EPC = item(7).epc
SALE = {
    "id": "0001-3-4711", "at": "2026-11-22T10:14:02Z", "kind": "sale", "transaction": "4711",
    "lines": [{"line": 1, "kind": "sold", "epc": EPC}],
}  # fmt: skip


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path) as box:
        yield box


@pytest.fixture
def http(box: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.web.url, timeout=20) as client:
        yield client


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A box for tests that leave nothing behind but alarms of their own."""
    with Box(tmp_path_factory.mktemp("shared")) as box:
        yield box


@pytest.fixture(scope="module")
def web(shared: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared.web.url, timeout=20) as client:
        yield client


def answer(http: httpx.Client, alarm: str, action: str, by: str = "staff-1", **fields: Any) -> httpx.Response:
    body = {"id": str(uuid.uuid4()), "action": action} | fields
    return http.post(f"/v1/alarms/{alarm}/answers", json=body, headers={"X-Rfidguard-User": by})


def test_a_sale_is_stored_and_the_core_hears_of_it(box: Box, http: httpx.Client) -> None:
    reply = http.post("/v1/sales", json=SALE)
    assert (reply.status_code, reply.json()) == (200, {"id": "0001-3-4711", "status": "stored", "errors": []})
    assert [event.epc for event in box.sold] == [EPC]  # type: ignore[union-attr]


def test_the_same_sale_again_is_a_duplicate(http: httpx.Client) -> None:
    http.post("/v1/sales", json=SALE)
    reply = http.post("/v1/sales", json=SALE)
    assert (reply.status_code, reply.json()["status"]) == (200, "duplicate")


def test_a_wrong_sale_is_rejected_with_its_id_and_what_is_wrong(web: httpx.Client) -> None:
    reply = web.post("/v1/sales", json=SALE | {"lines": [{"line": 1, "kind": "sold", "epc": "303"}]})
    assert (reply.status_code, reply.json()["status"], reply.json()["id"]) == (422, "rejected", "0001-3-4711")
    assert "lines[0].epc" in reply.json()["errors"][0]


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"id": NaN}', b"[" * 5000], ids=repr)
def test_what_is_no_sale_document_is_rejected_in_words(web: httpx.Client, payload: bytes) -> None:
    reply = web.post("/v1/sales", content=payload)
    assert (reply.status_code, reply.json()["status"]) == (422, "rejected")
    assert reply.json()["errors"]


def test_a_sale_above_one_megabyte_is_refused_and_the_server_goes_on(http: httpx.Client) -> None:
    assert http.post("/v1/sales", content=b"x" * 1_000_001).status_code == 413
    assert http.post("/v1/sales", json=SALE).status_code == 200


def test_an_endless_body_is_cut_off(web: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(10_000):
            yield b"x" * 65_536

    with suppress(httpx.TransportError):  # the server may close the connection while we are still sending
        assert web.post("/v1/sales", content=endless()).status_code == 413
    assert web.get("/healthz").status_code == 200


def test_a_database_that_is_away_is_answered_with_try_again(box: Box, http: httpx.Client) -> None:
    box.store.close()
    reply = http.post("/v1/sales", json=SALE)
    assert (reply.status_code, reply.json()["error"]) == (503, "unavailable")
    assert int(reply.headers["Retry-After"]) > 0


def test_open_alarms_are_listed_newest_first(box: Box, http: httpx.Client) -> None:
    ids = [box.raise_alarm(item(number)).id for number in range(3)]
    assert [alarm["id"] for alarm in http.get("/v1/alarms").json()] == sorted(ids, reverse=True)


def test_closed_alarms_are_listed_only_when_asked_for(box: Box, http: httpx.Client) -> None:
    alarm = box.raise_alarm(item())
    answer(http, alarm.id, "resolve", outcome="recovered")
    assert http.get("/v1/alarms").json() == []
    assert [found["state"] for found in http.get("/v1/alarms?all=true").json()] == ["resolved"]


def test_the_limit_is_kept_and_a_silly_one_refused(box: Box, http: httpx.Client) -> None:
    for number in range(3):
        box.raise_alarm(item(number))
    assert len(http.get("/v1/alarms?limit=2").json()) == 2
    refused = http.get("/v1/alarms?limit=0")
    assert (refused.status_code, refused.json()["error"]) == (422, "bad_parameter")
    assert "limit" in refused.json()["detail"]


def test_one_alarm_is_shown_in_its_public_form(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item(1))
    shown = web.get(f"/v1/alarms/{alarm.id}").json()
    assert (shown["schema"], shown["id"], shown["revision"]) == ("rfidguard.alarm/1", alarm.id, 1)
    assert shown["items"][0]["epc"] == item(1).epc


def test_an_alarm_that_never_was_is_not_found(web: httpx.Client) -> None:
    for reply in (web.get("/v1/alarms/nonsense"), answer(web, "nonsense", "acknowledge")):
        assert (reply.status_code, reply.json()["error"]) == (404, "unknown_alarm")


def test_an_answer_takes_the_alarm_for_who_gave_it(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item())
    reply = answer(web, alarm.id, "acknowledge")
    assert (reply.status_code, reply.json()["status"]) == (200, "accepted")
    shown = web.get(f"/v1/alarms/{alarm.id}").json()
    assert (shown["state"], shown["acknowledged_by"]) == ("acknowledged", "staff-1")


def test_the_second_person_is_told_who_was_first(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item())
    answer(web, alarm.id, "acknowledge", by="staff-1")
    reply = answer(web, alarm.id, "acknowledge", by="staff-2")
    assert (reply.status_code, reply.json()["status"], reply.json()["acknowledged_by"]) == (409, "rejected", "staff-1")
    assert "staff-1" in reply.json()["reason"]


def test_an_answer_to_a_closed_alarm_is_told_who_closed_it(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item())
    answer(web, alarm.id, "resolve", outcome="recovered", by="staff-1")
    reply = answer(web, alarm.id, "resolve", outcome="walked_out", by="staff-2")
    assert (reply.status_code, reply.json()["resolved_by"]) == (409, "staff-1")


def test_a_repeated_answer_gets_the_same_verdict_and_changes_nothing(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item())
    first = answer(web, alarm.id, "acknowledge", id="one")
    revision = web.get(f"/v1/alarms/{alarm.id}").json()["revision"]
    again = answer(web, alarm.id, "acknowledge", id="one")
    assert (again.status_code, again.json()) == (200, first.json())
    assert web.get(f"/v1/alarms/{alarm.id}").json()["revision"] == revision


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"action":"acknowledge"}', b'{"id":"1","action":"shout"}',
     b'{"id":"1","action":"resolve","outcome":"won"}',
     b'{"id":"1","action":"resolve","items":[{"epc":"00","outcome":"recovered"}]}',
     b'{"id":"1","action":"acknowledge","alarm":"x"}'],
    ids=repr,
)  # fmt: skip
def test_an_answer_that_cannot_be_understood_changes_nothing(shared: Box, web: httpx.Client, body: bytes) -> None:
    alarm = shared.raise_alarm(item())
    reply = web.post(f"/v1/alarms/{alarm.id}/answers", content=body)
    assert reply.status_code == 422
    assert reply.json().get("detail") or reply.json().get("reason")
    assert web.get(f"/v1/alarms/{alarm.id}").json()["state"] == "open"


def test_items_may_end_differently(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item(1), item(2))
    outcomes = [{"epc": item(1).epc, "outcome": "recovered"}, {"epc": item(2).epc, "outcome": "paid_late"}]
    assert answer(web, alarm.id, "resolve", items=outcomes).status_code == 200
    shown = web.get(f"/v1/alarms/{alarm.id}").json()
    assert [found["outcome"] for found in shown["items"]] == ["recovered", "paid_late"]


def test_without_a_name_the_answer_is_from_page(shared: Box, web: httpx.Client) -> None:
    alarm = shared.raise_alarm(item())
    web.post(f"/v1/alarms/{alarm.id}/answers", json={"id": str(uuid.uuid4()), "action": "acknowledge"})
    assert web.get(f"/v1/alarms/{alarm.id}").json()["acknowledged_by"] == "page"


@pytest.mark.parametrize("name", ["a/b", "+", "#", "Staff", "", "x" * 65])
def test_a_name_that_is_no_topic_level_is_refused(shared: Box, web: httpx.Client, name: str) -> None:
    alarm = shared.raise_alarm(item())
    assert answer(web, alarm.id, "acknowledge", by=name).status_code == 422


def test_alive_is_not_ready(box: Box, http: httpx.Client) -> None:
    box.broken = {"broker": "not connected for 12 s"}
    assert http.get("/healthz").status_code == 200
    reply = http.get("/readyz")
    assert (reply.status_code, reply.json()["reasons"]) == (503, box.broken)
    box.broken = {}
    assert http.get("/readyz").status_code == 200


def test_metrics_tell_the_daemons_numbers_and_the_servers_own(box: Box, http: httpx.Client) -> None:
    box.raise_alarm(item())
    http.get("/v1/alarms/nonsense")
    reply = http.get("/metrics")
    samples = {(s.name, s.labels.get("route")): s.value for f in text_string_to_metric_families(reply.text) for s in f.samples}
    assert samples[("rfidguard_alarms_open", None)] == 1
    assert samples[("rfidguard_http_requests_total", "/v1/alarms/{alarm_id}")] == 1
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_strange_paths_do_not_make_the_metrics_grow(web: httpx.Client) -> None:
    for number in range(5):
        assert web.get(f"/nothing/{number}").status_code == 404
    assert web.get("/metrics").text.count('route="other"') == 1


def test_the_description_names_every_call_and_its_references_lead_somewhere(web: httpx.Client) -> None:
    described = web.get("/openapi.json").json()
    wanted = {
        "/v1/sales",
        "/v1/alarms",
        "/v1/alarms/{alarm_id}",
        "/v1/alarms/{alarm_id}/answers",
        "/v1/events",
        "/healthz",
        "/readyz",
    }
    assert wanted <= set(described["paths"])
    references = {part.split('"')[0] for part in json.dumps(described).split('"$ref": "#/components/schemas/')[1:]}
    assert "SaleDocument" in references
    assert references <= set(described["components"]["schemas"])


def test_what_is_reserved_for_later_is_absent(web: httpx.Client) -> None:
    for path in ("/docs", "/redoc"):
        assert web.post(path, content=b"{}").status_code == 404


def test_every_reply_carries_the_security_headers(web: httpx.Client) -> None:
    for path in ("/", "/page/main.js", "/v1/alarms", "/nothing", "/healthz"):
        headers = web.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_a_foreign_web_page_may_not_act(box: Box, http: httpx.Client) -> None:
    reply = http.post("/v1/sales", json=SALE, headers={"Origin": "https://elsewhere.example"})
    assert (reply.status_code, reply.json()["error"]) == (403, "foreign_page")
    assert box.sold == []
    assert http.post("/v1/sales", json=SALE, headers={"Origin": box.web.url}).status_code == 200


def test_a_foreign_name_for_an_open_server_is_refused(web: httpx.Client) -> None:
    assert web.get("/v1/alarms", headers={"Host": "evil.example"}).status_code == 403
    assert web.get("/v1/alarms", headers={"Host": "localhost:1"}).status_code == 200


def test_the_page_is_not_sent_twice_to_a_browser_that_has_it(web: httpx.Client) -> None:
    first = web.get("/page/main.js")
    again = web.get("/page/main.js", headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


@pytest.mark.parametrize("name", ["..%2Fapp.py", "%2e%2e/services.py", "nothing.js"])
def test_nothing_but_the_pages_own_files_is_served(web: httpx.Client, name: str) -> None:
    assert web.get(f"/page/{name}").status_code == 404


def test_forty_tills_at_once_are_all_answered(box: Box) -> None:
    with httpx.Client(base_url=box.web.url, timeout=30) as http, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: http.post("/v1/sales", json=SALE | {"id": f"doc-{n}"}).json()["status"], range(40)))
    assert replies == ["stored"] * 40
    wait_for(lambda: len(box.sold) == 40)
