"""The web server's own life: it starts on what it is told, ends when told, and says what is wrong."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from wait import wait_for
from web_box import Box

from rfidguard.clock import SystemClock
from rfidguard.errors import RfidguardError
from rfidguard.web.app import create_app
from rfidguard.web.server import WebServer


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as box:
        yield box


def test_a_port_in_use_is_said_in_words(box: Box) -> None:
    second = WebServer(create_app(box), "127.0.0.1", box.web.port, SystemClock())
    with pytest.raises(RfidguardError, match=f"cannot listen on 127.0.0.1:{box.web.port}"):
        second.start()
    second.stop()


def test_a_name_that_leads_nowhere_is_said_in_words(box: Box) -> None:
    with pytest.raises(RfidguardError, match="cannot listen"):
        WebServer(create_app(box), "no-such-host.invalid", 0, SystemClock()).start()


def test_it_listens_on_ipv6_too(box: Box) -> None:
    server = WebServer(create_app(box), "::1", 0, SystemClock())
    server.start()
    assert server.url == f"http://[::1]:{server.port}"
    assert httpx.get(f"{server.url}/healthz").status_code == 200
    server.stop()


def test_after_the_end_nobody_answers_and_the_port_is_free(tmp_path: Path) -> None:
    with Box(tmp_path) as box:
        port = box.web.port
        box.web.stop()
        box.web.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")
        again = WebServer(create_app(box), "127.0.0.1", port, SystemClock())
        again.start()
        assert httpx.get(f"{again.url}/healthz").status_code == 200
        again.stop()


def test_its_heart_beats(box: Box) -> None:
    first = box.web.beat_at
    wait_for(lambda: box.web.beat_at > first)
