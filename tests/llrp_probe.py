"""A scripted LLRP reader on loopback, small and struct-based: polite by default, as faulty as a test tells it to be."""

import contextlib
import queue
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from wait import wait_for

IMPINJ = 25882
ANSWERS = {1: 11, 2: 12, 3: 13, 14: 4, 20: 30, 21: 31, 22: 32, 23: 33, 24: 34, 26: 36, 41: 51, 46: 56, 47: 57}
KEEPALIVE, REPORT, NOTICE, ERROR = 62, 61, 63, 100
CAPABILITIES, GET_CONFIG, SET_CONFIG, CLOSE = 1, 2, 3, 14
ADD, DELETE, START, STOP, ENABLE, LIST, VERSIONS = 20, 21, 22, 23, 24, 26, 46


def message(kind: int, number: int = 0, body: bytes = b"", version: int = 1) -> bytes:
    return struct.pack("!HII", version << 10 | kind, 10 + len(body), number) + body


def tlv(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("!HH", kind, 4 + len(body)) + body


def tv(kind: int, code: str, value: Any) -> bytes:
    return struct.pack("!B" + code, 0x80 | kind, value)


def vendor(subtype: int, code: str, value: int, maker: int = IMPINJ) -> bytes:
    return tlv(1023, struct.pack("!II" + code, maker, subtype, value))


def status(code: int = 0, text: str = "") -> bytes:
    return tlv(287, struct.pack("!HH", code, len(text)) + text.encode())


def tag(epc: str, antenna: int = 1, at: float = 1.0, rssi: int = -50, extra: bytes = b"") -> bytes:
    """A TagReportData as an Impinj reader sends it, without its own parameters."""
    stamp = round(at * 1e6)
    body = tv(13, "12s", bytes.fromhex(epc)) + tv(1, "H", antenna) + tv(6, "b", rssi) + tv(7, "H", 7)
    return tlv(240, body + tv(2, "Q", stamp) + tv(4, "Q", stamp) + tv(8, "H", 1) + extra)


def report(*tags: bytes) -> bytes:
    return message(REPORT, 0, b"".join(tags))


def notice(*events: bytes, at: float = 1.0, uptime: bool = False) -> bytes:
    stamp = tlv(129 if uptime else 128, struct.pack("!Q", round(at * 1e6)))
    return message(NOTICE, 0, tlv(246, stamp + b"".join(events)))


def greeting(code: int = 0, at: float = 1.0) -> bytes:
    return notice(tlv(256, struct.pack("!H", code)), at=at)


def rospec_event(what: int, number: int) -> bytes:
    return tlv(249, struct.pack("!BII", what, number, 0))


def gpi_event(pin: int, high: bool) -> bytes:
    return tlv(248, struct.pack("!HB", pin, high << 7))


def capabilities(maker: int = IMPINJ, antennas: int = 4, pins: int = 4, powers: tuple[int, ...] = (1000, 2000, 3000)) -> bytes:
    device = struct.pack("!HHIIH", antennas, 0x4000, maker, 2001001, 5) + b"6.4.1" + tlv(141, struct.pack("!HH", pins, pins))
    table = b"".join(tlv(145, struct.pack("!HH", place + 1, power)) for place, power in enumerate(powers))
    hops = tlv(146, b"\x80" + tlv(147, struct.pack("!BBHI", 1, 0, 1, 902750)))
    llrp = tlv(142, struct.pack("!BBHIIIII", 0x08, 1, 0, 1, 1, 1, 0, 0))
    return status() + tlv(137, device) + llrp + tlv(143, struct.pack("!HH", 840, 1) + tlv(144, table + hops))


def parameters(data: bytes) -> dict[int, bytes]:
    """TLV parameters side by side: type -> value (the last one of each type)."""
    found = {}
    while data:
        kind, length = struct.unpack_from("!HH", data)
        found[kind & 0x3FF], data = data[4:length], data[length:]
    return found


Script = Callable[["Visitor", int, bytes], None]


class Visitor:
    """One connection to the probe, on the reader's side."""

    def __init__(self, probe: "Probe", connection: socket.socket) -> None:
        self.probe = probe
        self.connection = connection
        self.seen: list[tuple[int, int, bytes]] = []
        self.rospec: int | None = None
        self.timer = threading.Event()

    def send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.connection.sendall(data)

    def answer(self, kind: int, number: int, body: bytes | None = None) -> None:
        self.send(message(ANSWERS[kind], number, status() if body is None else body))

    def drop(self) -> None:
        """Hangs up: everything sent still arrives, then the end of the stream."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def bodies(self, kind: int) -> list[bytes]:
        return [body for seen, _, body in list(self.seen) if seen == kind]

    def read(self) -> None:
        buffer = b""
        with contextlib.suppress(OSError):
            while data := self.connection.recv(65536):
                buffer += data
                while len(buffer) >= 10:
                    word, length, number = struct.unpack_from("!HII", buffer)
                    if len(buffer) < length:
                        break
                    self.hear(word & 0x3FF, number, buffer[10:length])
                    buffer = buffer[length:]
        self.timer.set()
        self.connection.close()

    def hear(self, kind: int, number: int, body: bytes) -> None:
        self.seen.append((kind, number, body))
        script = self.probe.scripts.get(kind)
        if script is not None:
            script(self, number, body)
        else:
            self.behave(kind, number, body)

    def behave(self, kind: int, number: int, body: bytes) -> None:
        """What a polite reader does."""
        if kind == CAPABILITIES:
            self.answer(kind, number, self.probe.capabilities)
        elif kind == VERSIONS:
            self.send(message(ERROR, number, status(110, "version 2 is not supported")))
        elif kind == SET_CONFIG:
            self.configure(body)
            self.answer(kind, number)
        elif kind == GET_CONFIG:
            self.answer(kind, number, self.state(body))
        elif kind == 1023:
            self.send(message(1023, number, struct.pack("!IB", IMPINJ, 22) + status()))
        elif kind == ENABLE:
            (self.rospec,) = struct.unpack("!I", body)
            self.answer(kind, number)
            if self.probe.starts_by_itself:
                self.send(notice(rospec_event(0, self.rospec), at=self.probe.clock()))
        elif kind == CLOSE:
            self.answer(kind, number)
            self.drop()
        elif kind in ANSWERS:
            self.answer(kind, number)

    def state(self, body: bytes) -> bytes:
        _, wanted, _, asked = struct.unpack("!HBHH", body)
        pins = {pin: on for pin, on in self.probe.outputs.items() if wanted == 10 and asked in (0, pin)}
        return status() + b"".join(tlv(219, struct.pack("!HB", pin, on << 7)) for pin, on in pins.items())

    def configure(self, body: bytes) -> None:
        at = 1
        while at < len(body):
            kind, length = struct.unpack_from("!HH", body, at)
            value = body[at + 4 : at + length]
            if kind == 219:
                pin, on = struct.unpack("!HB", value)
                self.probe.outputs[pin] = bool(on)
            elif kind == 220 and self.probe.keepalives:
                threading.Thread(target=self.keep_alive, args=(struct.unpack("!BI", value)[1] / 1000,), daemon=True).start()
            at += length

    def keep_alive(self, period_s: float) -> None:
        while not self.timer.wait(period_s) and not self.probe.mute.is_set():
            self.send(message(KEEPALIVE, 7))


class Probe:
    """The reader. `scripts` replaces what it does on a message type; `seen` is every message of every connection."""

    def __init__(self, clock: Callable[[], float], host: str = "127.0.0.1", port: int = 0, family: int = socket.AF_INET) -> None:
        self.clock = clock
        self.scripts: dict[int, Script] = {}
        self.capabilities = capabilities()
        self.outputs = {1: False, 2: False, 3: False, 4: False}
        self.starts_by_itself = True
        self.keepalives = True
        self.mute = threading.Event()
        self.greetings: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.visitors: list[Visitor] = []
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server((host, port), family=family)
        self.port: int = self._server.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def __enter__(self) -> "Probe":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def visitor(self, number: int = 1) -> Visitor:
        """The `number`th connection, once it is there."""
        return wait_for(lambda: self.visitors[number - 1 : number], what=f"connection {number}")[0]

    def reading(self, number: int = 1) -> Visitor:
        """The `number`th connection, once its inventory is enabled."""
        visitor = self.visitor(number)
        wait_for(lambda: visitor.bodies(64), what="an inventory")
        return visitor

    def seen(self, kind: int) -> list[bytes]:
        return [body for visitor in list(self.visitors) for body in visitor.bodies(kind)]

    def close(self) -> None:
        self.stop_listening()
        for visitor in self.visitors:
            visitor.drop()
        for thread in self._threads:
            thread.join(10.0)
            assert not thread.is_alive()

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._accepting.join(10.0)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                visitor = Visitor(self, connection)
                thread = threading.Thread(target=visitor.read, daemon=True)
                self._threads.append(thread)
                self.visitors.append(visitor)
                first = greeting(at=self.clock()) if self.greetings.empty() else self.greetings.get()
                visitor.send(first or b"")
                thread.start()
