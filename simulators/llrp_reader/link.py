"""One client's TCP connection, without blocking: bytes in cut into messages, bytes out queued, in one piece or dribbled."""

import socket
import struct

from simulators.llrp_reader.faults import FaultState
from simulators.llrp_reader.timers import Timer, Timers
from simulators.llrp_reader.wire import Frame, Frames

_CHUNK = 65_536
_LINGER_0 = struct.pack("ii", 1, 0)


class Link:
    """A connected socket. `closing`: it ends as soon as everything queued has gone out."""

    def __init__(self, sock: socket.socket, peer: str, faults: FaultState, timers: Timers) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.peer = peer
        self.closing = False
        self._faults, self._timers = faults, timers
        self._frames = Frames()
        self._out = bytearray()
        self._pause: Timer | None = None

    @property
    def queued(self) -> int:
        """Bytes that wait to go out."""
        return len(self._out)

    @property
    def wants_to_write(self) -> bool:
        """Whether writing must be tried when the socket takes more."""
        return bool(self._out) and (self._pause is None or self._pause.action is None)

    def send(self, data: bytes) -> None:
        """Queues bytes; `pump` writes them. Nothing follows the answer to a CLOSE_CONNECTION."""
        if not self.closing:
            self._out += data

    def insert(self, mark: int, data: bytes) -> None:
        """Queues bytes before what was queued since `queued` was `mark`."""
        self._out[mark:mark] = data

    def receive(self) -> list[Frame] | None:
        """Messages that came; None at the end of the stream. Raises BrokenStream, OSError."""
        try:
            data = self.sock.recv(_CHUNK)
        except BlockingIOError:
            return []
        return self._frames.feed(data) if data else None

    def pump(self) -> None:
        """Writes what the socket takes. Raises OSError when the connection is gone."""
        if not self.wants_to_write:
            return
        most = len(self._out)
        if self._faults.dribble is not None:
            most, pause_s = self._faults.dribble
            self._pause = self._timers.after(pause_s, lambda: None)
        try:
            sent = self.sock.send(self._out[:most])
        except BlockingIOError:
            return
        del self._out[:sent]

    def close(self, reset: bool = False) -> None:
        """Ends the connection; `reset`: with RST, as a crashed device does."""
        if reset:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_0)
        self.sock.close()
