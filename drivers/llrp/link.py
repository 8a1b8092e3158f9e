"""The TCP connection to one reader, IPv4 or IPv6. Every failure is a DeviceLost that a technician understands."""

import errno
import ipaddress
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

from rfidguard.clock import Clock
from rfidguard.driver import Stop
from rfidguard.errors import DeviceLost

CONNECT_TIMEOUT_S = 2.0
SEND_TIMEOUT_S = 1.0
RECEIVE_BYTES = 256 * 1024
_SLICE_S = 0.05

Address = tuple[int, Any]
"""Family and socket address, as getaddrinfo gives them."""


class Stopped(Exception):
    """`stop` was set; the session is to be ended properly. Never leaves the driver."""


class Link:
    """An open connection. Not shared between threads."""

    def __init__(self, connection: socket.socket, clock: Clock) -> None:
        self._socket = connection
        self._clock = clock
        self._incoming = select.poll()
        self._incoming.register(connection, select.POLLIN)
        self._buffer = bytearray(RECEIVE_BYTES)
        """Kept: to be given a fresh quarter of a megabyte costs more than to read a report."""
        self._view = memoryview(self._buffer)

    def receive(self, timeout_s: float) -> bytes:
        """What has come, waiting up to `timeout_s` for it; empty if nothing came. Raises DeviceLost once the reader hung up."""
        try:
            if not self._incoming.poll(max(0.0, timeout_s) * 1000):
                return b""
            size = self._socket.recv_into(self._view)
        except BlockingIOError:
            return b""
        except OSError as fault:
            raise DeviceLost(f"the connection to the reader broke: {fault.strerror or fault}") from fault
        if not size:
            raise DeviceLost("the reader closed the connection")
        return bytes(self._view[:size])

    def send(self, data: bytes) -> None:
        """Sends all of it, or raises DeviceLost."""
        deadline = self._clock.monotonic() + SEND_TIMEOUT_S
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                self._wait_writable(deadline)
            except OSError as fault:
                raise DeviceLost(f"the connection to the reader broke: {fault.strerror or fault}") from fault

    def close(self) -> None:
        self._socket.close()

    def _wait_writable(self, deadline: float) -> None:
        left = deadline - self._clock.monotonic()
        if left <= 0 or not _ready(self._socket, select.POLLOUT, left):
            raise DeviceLost("the reader no longer takes what is sent to it")


def connect(host: str, port: int, clock: Clock, stop: Stop, timeout_s: float = CONNECT_TIMEOUT_S) -> Link:
    """A link to the first address of `host` that answers within `timeout_s` in all. Raises DeviceLost or Stopped."""
    deadline = clock.monotonic() + timeout_s
    addresses = _resolve(host, port, clock, stop, deadline)
    fault = "no address"
    for place, (family, address) in enumerate(addresses):
        now = clock.monotonic()
        share = now + max(0.0, deadline - now) / (len(addresses) - place)
        outcome = _try(family, address, clock, stop, share)
        if isinstance(outcome, socket.socket):
            return Link(outcome, clock)
        fault = outcome
    raise DeviceLost(f"cannot connect to the reader at {host} port {port}: {fault}")


def _try(family: int, address: Any, clock: Clock, stop: Stop, deadline: float) -> socket.socket | str:
    """The connected socket, or why not."""
    try:
        attempt = socket.socket(family, socket.SOCK_STREAM)
    except OSError as fault:
        return fault.strerror or str(fault)
    try:
        attempt.setblocking(False)
        attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = attempt.connect_ex(address)
        if code == errno.EINPROGRESS:
            code = _await_connection(attempt, clock, stop, deadline)
    except OSError as fault:
        attempt.close()
        return fault.strerror or str(fault)
    except Stopped:
        attempt.close()
        raise
    if code == 0:
        return attempt
    attempt.close()
    return _explain(code)


def _await_connection(attempt: socket.socket, clock: Clock, stop: Stop, deadline: float) -> int:
    while clock.monotonic() < deadline:
        if stop.is_set():
            raise Stopped
        if _ready(attempt, select.POLLOUT, _SLICE_S):
            return attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return errno.ETIMEDOUT


def _ready(connection: socket.socket, events: int, timeout_s: float) -> bool:
    """True once the socket is ready for `events`, or broken. By poll: select fails in a process with a thousand open files."""
    poller = select.poll()
    poller.register(connection, events)
    return bool(poller.poll(max(0.0, timeout_s) * 1000))


def _explain(code: int) -> str:
    known = {
        errno.ECONNREFUSED: "connection refused (is it an LLRP reader, and has it finished booting?)",
        errno.ETIMEDOUT: "no answer (is it powered and on this network?)",
        errno.EHOSTUNREACH: "no route to it (is it powered and on this network?)",
        errno.ENETUNREACH: "no network",
    }
    return known.get(code, errno.errorcode.get(code, str(code)))


def _resolve(host: str, port: int, clock: Clock, stop: Stop, deadline: float) -> list[Address]:
    """Addresses of `host`. A name is looked up on a thread of its own: a lookup cannot be given a deadline."""
    bare = host.removeprefix("[").removesuffix("]")
    if _is_address(bare):
        return _look_up(bare, port)
    found: list[list[Address] | DeviceLost] = []

    def look_up() -> None:
        try:
            found.append(_look_up(bare, port))
        except DeviceLost as fault:
            found.append(fault)

    lookup = threading.Thread(target=look_up, name=f"look up {bare}", daemon=True)
    lookup.start()
    _join(lookup, lambda: stop.is_set() or clock.monotonic() >= deadline)
    if stop.is_set():
        raise Stopped
    outcome = found[0] if found else DeviceLost(f"the name {bare!r} was not resolved in time: check the DNS, or give the address")
    if isinstance(outcome, DeviceLost):
        raise outcome
    return outcome


def _join(thread: threading.Thread, enough: Callable[[], bool]) -> None:
    while thread.is_alive() and not enough():
        thread.join(_SLICE_S)


def _look_up(host: str, port: int) -> list[Address]:
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as fault:
        raise DeviceLost(f"the name {host!r} cannot be resolved: {getattr(fault, 'strerror', None) or fault}") from fault
    return [(family, address) for family, _, _, _, address in infos]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
