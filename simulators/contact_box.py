"""Dry contacts on a serial port that is reached over the network: an RFC 2217 server with the four modem lines as switches.

The wire is real (telnet options and NOTIFY-MODEMSTATE over TCP); the server side of it is pyserial's. One client at a time.
"""

import contextlib
import queue
import select
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from serial import rfc2217

_TURN_S = 0.01
"""How often the lines are compared with what the client was told."""


class ModemLines:
    """What the protocol code takes for a serial port: settings that may be set to anything, and four lines."""

    def __init__(self) -> None:
        self.baudrate, self.bytesize, self.parity, self.stopbits = 9600, 8, "N", 1
        self.xonxoff = self.rtscts = self.rts = self.dtr = self.break_condition = False
        self.cts = self.dsr = self.ri = self.cd = False

    def reset_input_buffer(self) -> None: ...
    def reset_output_buffer(self) -> None: ...


class ContactBox:
    """Listens on a loopback port of its own. `set(cts=True)` closes the contact on CTS; lines: cts, dsr, cd, ri."""

    def __init__(self) -> None:
        self.lines = ModemLines()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._said: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._drop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="contact box", daemon=True)

    @property
    def port(self) -> str:
        """For the driver's `port`."""
        return f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()
        self._listener.close()

    def set(self, **lines: bool) -> None:
        """Closes (True) or opens (False) contacts."""
        for name, closed in lines.items():
            setattr(self.lines, name, closed)

    def say(self, data: bytes) -> None:
        """Sends bytes as the serial side would."""
        self._said.put(data)

    def unplug(self) -> None:
        """Cuts the connection of the client that is there; the next one may connect at once."""
        self._drop.set()

    def _serve(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._listener], [], [], _TURN_S)
            if ready:
                client, _ = self._listener.accept()
                self._drop.clear()
                with client, contextlib.suppress(OSError):  # the client may go at any time
                    self._talk(client)

    def _talk(self, client: socket.socket) -> None:
        port: Any = self.lines
        wire: Any = _Wire(client.sendall)
        manager = rfc2217.PortManager(port, wire)
        while not self._stop.is_set() and not self._drop.is_set():
            ready, _, _ = select.select([client], [], [], _TURN_S)
            data = client.recv(1024) if ready else None
            if data == b"":
                return
            for _ in manager.filter(data or b""):
                pass  # bytes for the serial side: contacts do not listen
            manager.check_modem_lines()
            while not self._said.empty():
                client.sendall(b"".join(manager.escape(self._said.get())))


class _Wire:
    """What the protocol code writes to."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self.write = send
