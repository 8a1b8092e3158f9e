"""HTTPS with certificates of an authority of our own: who is let in, and what is said of files that are no good."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from certificates import Authority
from web_box import Box, item

from rfidguard.config import Http
from rfidguard.doctor_box import _is_ours
from rfidguard.errors import ConfigError
from rfidguard.web.access import COOKIE, Access, Client
from rfidguard.web.app import create_app
from rfidguard.web.server import WebServer
from rfidguard.web.tls import http_faults, tls_from

TOKEN = "s" * 32


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "shop")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "stranger", "Strange CA")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box"), Access([Client("staff-1", "staff", TOKEN)])) as box:
        yield box


@pytest.fixture(scope="module")
def server(box: Box, authority: Authority) -> Iterator[WebServer]:
    yield from serve(box, settings(authority))


@pytest.fixture(scope="module")
def strict(box: Box, authority: Authority) -> Iterator[WebServer]:
    """Asks for a client's certificate."""
    yield from serve(box, settings(authority, ca_file=authority.ca))


def settings(authority: Authority, **more: Path) -> Http:
    cert, key = authority.issue("server")
    return Http.model_validate({"cert_file": cert, "key_file": key, **more})


def serve(box: Box, http: Http) -> Iterator[WebServer]:
    server = WebServer(create_app(box, box.access), "127.0.0.1", 0, box.clock, tls_from(http))
    server.start()
    yield server
    server.stop()


def client(server: WebServer, trusted: Authority, own: tuple[Path, Path] | None = None) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(trusted.ca))
    if own is not None:
        context.load_cert_chain(*own)
    return httpx.Client(base_url=server.url, verify=context, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)


def test_alarms_are_read_over_https(box: Box, server: WebServer, authority: Authority) -> None:
    alarm = box.raise_alarm(item())
    assert server.url.startswith("https://")
    with client(server, authority) as http:
        assert alarm.id in [found["id"] for found in http.get("/v1/alarms").json()]


def test_the_cookie_is_for_https_only(server: WebServer, authority: Authority) -> None:
    with client(server, authority) as http:
        reply = http.post("/v1/session", json={"token": TOKEN})
        assert "Secure" in reply.headers["set-cookie"]
        assert COOKIE in http.cookies


def test_a_client_that_does_not_know_the_authority_refuses_to_talk(server: WebServer, stranger: Authority) -> None:
    with client(server, stranger) as http, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        http.get("/healthz")


def test_plain_http_gets_no_answer(server: WebServer) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(server.url.replace("https", "http") + "/healthz", timeout=20)
    assert server.alive


def test_old_tls_is_not_spoken(server: WebServer, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=str(authority.ca))
    with pytest.warns(DeprecationWarning, match="TLS"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with httpx.Client(verify=context) as http, pytest.raises(httpx.ConnectError):
        http.get(f"{server.url}/healthz")


def test_with_an_authority_for_clients_only_its_certificates_are_let_in(strict: WebServer, authority: Authority) -> None:
    with client(strict, authority, authority.issue("till-3")) as http:
        assert http.get("/healthz").status_code == 200
    with client(strict, authority) as http, pytest.raises(httpx.TransportError):
        http.get("/healthz")


def test_a_certificate_of_a_strange_authority_is_not_let_in(strict: WebServer, authority: Authority, stranger: Authority) -> None:
    with client(strict, authority, stranger.issue("till-3")) as http, pytest.raises(httpx.TransportError):
        http.get("/healthz")


def test_a_certificate_is_no_token(strict: WebServer, authority: Authority) -> None:
    with client(strict, authority, authority.issue("till-3")) as http:
        assert http.get("/v1/alarms", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_the_doctor_knows_its_own_server_over_tls(server: WebServer, strict: WebServer) -> None:
    assert _is_ours(f"127.0.0.1:{server.port}", tls=True)


def test_files_that_are_no_good_are_named(authority: Authority, tmp_path: Path) -> None:
    cert, key = authority.issue("server")
    other, _ = authority.issue("other")
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    for fields in (
        {"cert_file": junk, "key_file": key},
        {"cert_file": other, "key_file": key},
        {"cert_file": cert, "key_file": tmp_path / "gone.key"},
        {"cert_file": cert, "key_file": key, "ca_file": junk},
    ):
        with pytest.raises(ConfigError, match=r"\[http\] c[ae]"):
            tls_from(Http.model_validate(fields))
    for half in ({"cert_file": cert}, {"key_file": key}, {"ca_file": cert}):
        assert http_faults(Http.model_validate(half)) == ["[http] cert_file and key_file belong together, and ca_file needs both"]
