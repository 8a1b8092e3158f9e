"""The fault proxy itself, over real sockets: what it promises to do to a connection."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
from wait import wait_for

from simulators.faults import FaultProxy


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """Before a server that echoes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_echo, args=(server,), daemon=True)
        thread.start()
        with FaultProxy(server.getsockname()[1]) as between:
            yield between
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _echo(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            conn, _ = server.accept()
            with closing(conn), suppress(OSError):
                while data := conn.recv(4096):
                    conn.sendall(data)


def reach(proxy: FaultProxy, timeout_s: float = 20.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout_s)


def test_good_network_passes_everything_on(proxy: FaultProxy) -> None:
    with closing(reach(proxy)) as client:
        client.sendall(b"hello")
        assert client.recv(10) == b"hello"


def test_cut_resets_what_there_is_and_lets_new_connections_work(proxy: FaultProxy) -> None:
    with closing(reach(proxy)) as client:
        client.sendall(b"hello")
        assert client.recv(10) == b"hello"
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            client.recv(10)
    with closing(reach(proxy)) as client:
        client.sendall(b"again")
        assert client.recv(10) == b"again"


def test_refused_connection_ends_at_once(proxy: FaultProxy) -> None:
    proxy.refuse()
    with suppress(ConnectionResetError), closing(reach(proxy)) as client:
        assert client.recv(10) == b""
    wait_for(lambda: proxy.counts["refused"] == 1, what="the refusal counted")


def test_stalled_network_holds_and_then_delivers(proxy: FaultProxy) -> None:
    with closing(reach(proxy)) as client:
        proxy.stall()
        client.sendall(b"hello")
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)
        proxy.heal()
        client.settimeout(20)
        assert client.recv(10) == b"hello"


def test_truncated_connection_ends_in_the_middle(proxy: FaultProxy) -> None:
    proxy.truncate(3)
    with closing(reach(proxy)) as client:
        client.sendall(b"hello")
        heard = b""
        with suppress(ConnectionResetError):
            while more := client.recv(10):
                heard += more
        assert b"hel".startswith(heard)
    assert proxy.counts["truncated"] == 1


def test_dribbled_and_delayed_bytes_arrive_whole(proxy: FaultProxy) -> None:
    with closing(reach(proxy)) as client:
        for fault in (lambda: proxy.dribble(200), lambda: proxy.delay(0.05)):
            fault()
            client.sendall(b"x" * 60)
            heard = b""
            while len(heard) < 60:
                heard += client.recv(100)
            assert heard == b"x" * 60
