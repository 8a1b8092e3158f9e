"""A bad network on demand: a TCP proxy that cuts, stalls (half-open), delays, dribbles, truncates and refuses.

Stands between a client and a real server on the loopback. A fault holds for all connections, old and new, until `heal`.
"""

import logging
import socket
import struct
import threading
from collections import Counter
from contextlib import suppress

import msgspec

log = logging.getLogger(__name__)

_CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: close sends RST, as a machine does that lost its power and came back."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong now. `bytes_per_s` and `delay_s` hold for each direction; `truncate_after` counts bytes to the client."""

    stall: bool = False
    refuse: bool = False
    delay_s: float = 0.0
    bytes_per_s: int | None = None
    truncate_after: int | None = None


class FaultProxy:
    """`start` and `stop`, or as a context manager. Any thread may change the fault.

    `counts`: connections, refused, cuts, truncated.
    """

    def __init__(self, target_port: int, target_host: str = "127.0.0.1") -> None:
        self._target = (target_host, target_port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.counts: Counter[str] = Counter()
        self._fault = Fault()
        self._changed = threading.Condition()
        self._stopping = False
        self._links: set[_Link] = set()
        self._thread = threading.Thread(target=self._live, name=f"faults-{self.port}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends every connection and waits for its threads."""
        with self._changed:
            self._stopping = True
            links = list(self._links)
            self._changed.notify_all()
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for link in links:
            link.end(reset=True)
        self._thread.join(10)
        for link in links:
            link.join()

    def __enter__(self) -> "FaultProxy":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def cut(self) -> None:
        """Resets every connection there is; new ones work."""
        with self._changed:
            links = list(self._links)
        for link in links:
            self.counts["cuts"] += 1
            link.end(reset=True)

    def stall(self) -> None:
        """Half-open: connections stay up, are even accepted, and nothing gets through in either direction."""
        self._set(Fault(stall=True))

    def refuse(self) -> None:
        """Cuts, and resets every new connection at once."""
        self._set(Fault(refuse=True))
        self.cut()

    def delay(self, seconds: float) -> None:
        """Everything arrives that much later, in order."""
        self._set(Fault(delay_s=seconds))

    def dribble(self, bytes_per_s: int) -> None:
        """A few bytes at a time."""
        self._set(Fault(bytes_per_s=bytes_per_s))

    def truncate(self, after_bytes: int) -> None:
        """Each connection is reset once `after_bytes` more bytes went to the client: in the middle of a packet."""
        self._set(Fault(truncate_after=after_bytes))

    def heal(self) -> None:
        """A good network again; what was stalled flows on."""
        self._set(Fault())

    def _set(self, fault: Fault) -> None:
        with self._changed:
            self._fault = fault
            self._changed.notify_all()

    def _live(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        self.counts["connections"] += 1
        if self._fault.refuse:
            self.counts["refused"] += 1
            _close(client, reset=True)
            return
        try:
            server = socket.create_connection(self._target, 5)
        except OSError:
            _close(client, reset=True)
            return
        link = _Link(self, client, server)
        with self._changed:
            self._links.add(link)
        link.start()


class _Link:
    """One connection: two sockets, a thread for each direction."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._sockets = (client, server)
        self._to_client = 0
        self._ended = False
        for sock in self._sockets:
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._threads = [
            threading.Thread(target=self._pump, args=(source, sink, sink is client), daemon=True)
            for source, sink in ((client, server), (server, client))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)

    def end(self, reset: bool) -> None:
        with self._proxy._changed:
            if self._ended:
                return
            self._ended = True
            self._proxy._links.discard(self)
            self._proxy._changed.notify_all()
        for sock in self._sockets:
            _close(sock, reset)

    def _pump(self, source: socket.socket, sink: socket.socket, to_client: bool) -> None:
        try:
            while data := source.recv(_CHUNK_BYTES):
                self._pass_on(data, sink, to_client)
        except OSError:
            self.end(reset=True)
        else:
            self.end(reset=False)

    def _pass_on(self, data: bytes, sink: socket.socket, to_client: bool) -> None:
        """Raises OSError once the connection is over."""
        while data:
            fault = self._wait_through()
            if fault.truncate_after is not None and to_client:
                self._truncate(data, sink, fault.truncate_after)
            step = len(data) if fault.bytes_per_s is None else max(1, fault.bytes_per_s // 10)
            self._pause(fault.delay_s if fault.bytes_per_s is None else 0.1)
            sink.sendall(data[:step])
            data = data[step:]
            self._to_client += step if to_client else 0

    def _truncate(self, data: bytes, sink: socket.socket, after: int) -> None:
        left = after - self._to_client
        if left < len(data):
            self._proxy.counts["truncated"] += 1
            sink.sendall(data[: max(left, 0)])
            raise ConnectionResetError("truncated")

    def _wait_through(self) -> Fault:
        """Waits while the network is stalled; the fault that holds afterwards."""
        with self._proxy._changed:
            self._proxy._changed.wait_for(lambda: not self._proxy._fault.stall or self._ended or self._proxy._stopping)
            if self._ended or self._proxy._stopping:
                raise ConnectionResetError("ended")
            return self._proxy._fault

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            with self._proxy._changed:
                self._proxy._changed.wait_for(lambda: self._ended or self._proxy._stopping, seconds)


def _close(sock: socket.socket, reset: bool) -> None:
    with suppress(OSError):
        if reset:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        sock.shutdown(socket.SHUT_RD if reset else socket.SHUT_RDWR)  # wakes the thread that reads; no FIN before the RST
    sock.close()
