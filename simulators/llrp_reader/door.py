"""The reader's listening port: who knocks is let in, or told why not."""

import logging
import socket

from simulators.llrp_reader.numbers import ConnectionAttempt, Message, Parameter
from simulators.llrp_reader.wire import message, tlv, u16, u64
from simulators.ports import free_port

log = logging.getLogger(__name__)


class Door:
    """A TCP port, IPv4 or IPv6; 0 chooses a free one. It is the same again after `close` and `open`."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port or free_port()
        self.sock: socket.socket | None = None

    def open(self) -> None:
        """Listens. Raises OSError."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self.sock = socket.create_server((self.host, self.port), family=family, backlog=8)
        self.sock.setblocking(False)

    def close(self) -> None:
        """Listens no more; who connects is refused by the machine."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def accept(self) -> tuple[socket.socket, str] | None:
        """A connection and whose it is; None when the caller was gone before."""
        assert self.sock is not None
        try:
            sock, address = self.sock.accept()
        except OSError as error:
            log.debug("port %d: %s", self.port, error)
            return None
        return sock, f"{address[0]} port {address[1]}"


def turn_away(sock: socket.socket, now: float) -> None:
    """Tells a newcomer that a client-initiated connection exists, and hangs up."""
    stamp = tlv(Parameter.UTC_TIMESTAMP, u64(round(now * 1e6)))
    event = tlv(Parameter.CONNECTION_ATTEMPT_EVENT, u16(ConnectionAttempt.CLIENT_INITIATED_EXISTS))
    body = tlv(Parameter.READER_EVENT_NOTIFICATION_DATA, stamp, event)
    try:
        sock.send(message(Message.READER_EVENT_NOTIFICATION, 0, body))
    except OSError as error:
        log.debug("gone before it was refused: %s", error)
    sock.close()
