"""With [[http.client]] entries: who may do what, over real HTTP."""

from collections.abc import Iterator

import httpx
import pytest
from web_box import Box, item

from rfidguard.web.access import COOKIE, Access, Client

TOKENS = {scope: f"{scope}-token-0123456789abcdef" for scope in ("till", "staff", "read", "admin")}
CLIENTS = [Client(f"{scope}-1", scope, token) for scope, token in TOKENS.items()]
SALE = {"id": "doc-1", "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": [{"epc": item(7).epc}]}
FIELDS = {"id": "1", "action": "acknowledge"}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box"), Access(CLIENTS)) as box:
        yield box


@pytest.fixture
def http(box: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.web.url, timeout=20) as client:
        yield client


def bearer(scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKENS[scope]}"}


def test_only_healthz_needs_no_token(http: httpx.Client) -> None:
    assert http.get("/healthz").status_code == 200
    paths = ("/", "/v1/alarms", "/v1/alarms/x", "/v1/events", "/v1/session", "/readyz", "/metrics", "/openapi.json")
    replies = {path: http.get(path) for path in paths}
    assert {reply.status_code for reply in replies.values()} == {401}
    assert {reply.headers["www-authenticate"] for reply in replies.values()} == {'Bearer realm="rfidguard"'}
    assert http.post("/v1/sales", json=SALE).status_code == 401
    assert http.post("/v1/alarms/x/answers", json=FIELDS).status_code == 401


READ = {"GET /v1/alarms", "GET /readyz", "GET /metrics", "GET /openapi.json"}
ALLOWED = {
    "till": {"POST /v1/sales", "GET /openapi.json"},
    "read": READ,
    "staff": READ | {"POST /v1/alarms/x/answers", "GET /", "GET /v1/session"},
}
ALLOWED["admin"] = ALLOWED["till"] | ALLOWED["staff"]


@pytest.mark.parametrize("scope", ALLOWED)
def test_each_scope_may_do_its_own_and_nothing_else(http: httpx.Client, scope: str) -> None:
    allowed = set()
    for call in ALLOWED["admin"]:
        method, path = call.split()
        body = SALE if path == "/v1/sales" else FIELDS
        reply = http.request(method, path, headers=bearer(scope), json=body if method == "POST" else None)
        assert reply.status_code != 401
        if reply.status_code != 403:
            allowed.add(call)
    assert allowed == ALLOWED[scope]


def test_a_wrong_scope_is_told_which_would_do(http: httpx.Client) -> None:
    reply = http.get("/v1/alarms", headers=bearer("till"))
    assert (reply.status_code, reply.json()["error"]) == (403, "wrong_scope")
    assert "admin or read or staff" in reply.json()["detail"]


@pytest.mark.parametrize("header", ["Bearer", "Bearer wrong", "Basic c3RhZmY6eA==", TOKENS["admin"], "Bearer \xe9"])
def test_a_header_that_is_no_known_token_admits_nobody(http: httpx.Client, header: str) -> None:
    assert http.get("/v1/alarms", headers={b"Authorization": header.encode("latin-1")}).status_code == 401


def test_an_answer_is_from_the_client_whatever_it_says(box: Box, http: httpx.Client) -> None:
    alarm = box.raise_alarm(item())
    headers = bearer("staff") | {"X-Rfidguard-User": "somebody-else"}
    assert http.post(f"/v1/alarms/{alarm.id}/answers", json=FIELDS, headers=headers).status_code == 200
    assert http.get(f"/v1/alarms/{alarm.id}", headers=headers).json()["acknowledged_by"] == "staff-1"


def test_a_sale_is_from_the_till_that_reported_it(box: Box, http: httpx.Client) -> None:
    assert http.post("/v1/sales", json=SALE | {"id": "doc-2"}, headers=bearer("till")).status_code == 200
    assert box.sold[-1].source == "till-1"  # type: ignore[union-attr]


def test_the_page_swaps_a_token_for_a_cookie_that_scripts_cannot_read(http: httpx.Client) -> None:
    reply = http.post("/v1/session", data={"token": TOKENS["staff"]})
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKENS["staff"] not in cookie
    assert "How" not in http.get("/").text
    assert http.get("/v1/session").json() == {"name": "staff-1", "scope": "staff", "open": False}
    assert http.get("/v1/alarms").status_code == 200


def test_over_https_the_cookie_never_travels_in_clear(http: httpx.Client) -> None:
    reply = http.post("/v1/session", json={"token": TOKENS["staff"]}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in reply.headers["set-cookie"]


def test_signing_out_ends_the_session_of_this_device(http: httpx.Client) -> None:
    http.post("/v1/session", json={"token": TOKENS["staff"]})
    assert http.delete("/v1/session").status_code == 204
    assert http.get("/v1/alarms").status_code == 401


@pytest.mark.parametrize(("token", "status", "code"), [("wrong", 401, "token_needed"), (TOKENS["till"], 403, "wrong_scope")])
def test_a_token_that_is_not_for_the_page_gets_no_cookie(http: httpx.Client, token: str, status: int, code: str) -> None:
    reply = http.post("/v1/session", json={"token": token})
    assert (reply.status_code, reply.json()["error"]) == (status, code)
    form = http.post("/v1/session", data={"token": token})
    assert (form.status_code, form.headers["location"]) == (303, f"/?refused={code}")
    assert COOKIE not in http.cookies


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token":1}', b"x" * 5000])
def test_a_sign_in_that_is_nonsense_is_refused(http: httpx.Client, body: bytes) -> None:
    assert http.post("/v1/session", content=body).status_code in (413, 422)


def test_a_cookie_does_not_let_another_site_act(box: Box, http: httpx.Client) -> None:
    http.post("/v1/session", json={"token": TOKENS["staff"]})
    alarm = box.raise_alarm(item())
    reply = http.post(f"/v1/alarms/{alarm.id}/answers", json=FIELDS, headers={"Origin": "http://elsewhere.example"})
    assert reply.status_code == 403


def test_the_sign_in_page_shows_nothing_of_the_shop(box: Box, http: httpx.Client) -> None:
    box.raise_alarm(item(name="Wool coat"))
    page = http.get("/")
    assert page.status_code == 401
    assert 'action="/v1/session"' in page.text
    assert "Wool coat" not in page.text


def test_with_clients_any_host_name_is_served(http: httpx.Client) -> None:
    assert http.get("/v1/alarms", headers=bearer("read") | {"Host": "box.shop.example"}).status_code == 200
