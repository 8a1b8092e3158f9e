"""A bare LLRP client for tests, on struct alone: it shares no code with the product's driver nor with its simulator."""

import socket
import struct
from dataclasses import dataclass, field

CAPABILITIES, GET_CONFIG, SET_CONFIG, CLOSE = 1, 2, 3, 14
ADD, DELETE, START, STOP, ENABLE, DISABLE, GET = 20, 21, 22, 23, 24, 25, 26
ADD_ACCESS, DELETE_ACCESS, ENABLE_ACCESS, DISABLE_ACCESS, GET_ACCESS = 40, 41, 42, 43, 44
GET_REPORT, REPORT, KEEPALIVE, EVENT, ENABLE_EVENTS, ACK, ERROR, CUSTOM = 60, 61, 62, 63, 64, 72, 100, 1023
GPI_EVENT, ROSPEC_EVENT, WARNING_EVENT, OVERFLOW_EVENT, EXCEPTION_EVENT, AISPEC_EVENT, ANTENNA_EVENT = (
    248,
    249,
    250,
    251,
    252,
    254,
    255,
)
ATTEMPT_EVENT, CLOSE_EVENT, STATUS = 256, 257, 287
ALL_FIELDS = 0xFFC0
IMPINJ = 25882

_TV = {
    1: "H", 2: "Q", 3: "Q", 4: "Q", 5: "Q", 6: "b", 7: "H", 8: "H", 9: "I", 10: "H", 11: "H", 12: "H", 13: "12s", 14: "H",
    16: "I",
}  # fmt: skip


@dataclass
class Got:
    """One message from the reader."""

    version: int
    kind: int
    number: int
    body: bytes

    @property
    def status(self) -> int:
        """The code of its LLRPStatus."""
        return struct.unpack_from(">H", self.parameters[STATUS][0])[0]

    @property
    def parameters(self) -> dict[int, list[bytes]]:
        """TLV parameters by type, each without its header."""
        return walk(self.body)

    @property
    def event(self) -> int:
        """The type of the event in a READER_EVENT_NOTIFICATION."""
        return max(kind for kind in walk(self.body[4:]) if kind not in (128, 129))

    @property
    def tags(self) -> list[dict[object, object]]:
        """The tags of a report: TV parameters by type, "epc" in hex, Impinj's by ("impinj", subtype)."""
        return [tag(value) for value in self.parameters.get(240, [])]


@dataclass
class Client:
    """A connected client; every wait ends with TimeoutError after `timeout_s`."""

    port: int
    timeout_s: float = 10.0
    host: str = "127.0.0.1"
    version: int = 1
    waiting: list[Got] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), self.timeout_s)
        self.rest = b""
        self.number = 0

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exc: object) -> None:
        self.sock.close()

    def send(self, kind: int, body: bytes = b"", version: int | None = None) -> int:
        self.number += 1
        head = struct.pack(">HII", (version or self.version) << 10 | kind, 10 + len(body), self.number)
        self.sock.sendall(head + body)
        return self.number

    def ask(self, kind: int, body: bytes = b"", version: int | None = None) -> Got:
        """The answer to a message; what comes before it is kept for `receive`."""
        number = self.send(kind, body, version)
        passed = []
        while True:
            got = self.receive()
            if got.number == number and got.kind not in (REPORT, EVENT, KEEPALIVE):
                self.waiting = passed + self.waiting
                return got
            passed.append(got)

    def receive(self) -> Got:
        """The next message. Raises TimeoutError, and EOFError at the end of the stream."""
        if self.waiting:
            return self.waiting.pop(0)
        head = self._take(10)
        first, length, number = struct.unpack(">HII", head)
        return Got(first >> 10 & 7, first & 0x3FF, number, self._take(length - 10))

    def await_kind(self, *kinds: int) -> Got:
        """The next message of one of these types; others are passed over."""
        while True:
            got = self.receive()
            if got.kind in kinds:
                return got

    def await_event(self, kind: int) -> Got:
        """The next event of this type."""
        while True:
            got = self.await_kind(EVENT)
            if got.event == kind:
                return got

    def await_tags(self, count: int) -> list[dict[object, object]]:
        """At least so many tags, in order."""
        tags: list[dict[object, object]] = []
        while len(tags) < count:
            tags += self.await_kind(REPORT).tags
        return tags

    def run(self, *specs: bytes) -> None:
        """Adds and enables ROSpecs, which must succeed."""
        for spec in specs:
            assert self.ask(ADD, spec).status == 0
        assert self.ask(ENABLE, u32(0)).status == 0

    def impinj(self) -> None:
        """Enables Impinj's extensions."""
        assert self.ask(CUSTOM, struct.pack(">IBI", IMPINJ, 21, 0)).body[:5] == struct.pack(">IB", IMPINJ, 22)

    def silent_for(self, seconds: float) -> bool:
        """Whether nothing at all comes for so long."""
        self.sock.settimeout(seconds)
        try:
            self.waiting.append(self.receive())
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(self.timeout_s)
        return False

    def _take(self, count: int) -> bytes:
        while len(self.rest) < count:
            data = self.sock.recv(65_536)
            if not data:
                raise EOFError(f"the reader hung up, {len(self.rest)} bytes left")
            self.rest += data
        data, self.rest = self.rest[:count], self.rest[count:]
        return data


def walk(body: bytes) -> dict[int, list[bytes]]:
    """The parameters of a body, TV and TLV, by type."""
    found: dict[int, list[bytes]] = {}
    while body:
        if body[0] & 0x80:
            kind, end, start = body[0] & 0x7F, 1 + struct.calcsize(">" + _TV[body[0] & 0x7F]), 1
        else:
            kind, end = struct.unpack_from(">HH", body)
            start = 4
            assert end >= 4, "a parameter shorter than its header"
        assert end <= len(body), "a parameter longer than what is left"
        found.setdefault(kind, []).append(body[start:end])
        body = body[end:]
    return found


def tag(value: bytes) -> dict[object, object]:
    found: dict[object, object] = {}
    for kind, values in walk(value).items():
        for each in values:
            if kind == 13:
                found["epc"] = each.hex().upper()
            elif kind == 241:
                found["epc"] = each[2:].hex().upper()
            elif kind == 1023:
                vendor, subtype = struct.unpack_from(">II", each)
                found["impinj" if vendor == IMPINJ else vendor, subtype] = each[8:]
            elif kind in _TV:
                found[kind] = struct.unpack(">" + _TV[kind], each)[0]
    return found


def u32(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def tlv(kind: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    return struct.pack(">HH", kind, 4 + len(value)) + value


def gpi_value(port: int, high: bool, timeout_ms: int = 0) -> bytes:
    return tlv(181, struct.pack(">HBI", port, 0x80 * high, timeout_ms))


def periodic(offset_ms: int, period_ms: int) -> bytes:
    return tlv(180, u32(offset_ms, period_ms))


def tags_value(kind: int, tags: int, quiet_ms: int = 0, timeout_ms: int = 0) -> bytes:
    return tlv(185, struct.pack(">BBHHHI", kind, 0, tags, 0, quiet_ms, timeout_ms))


def aispec(*antennas: int, stop: tuple[int, int, bytes] = (0, 0, b"")) -> bytes:
    trigger = tlv(184, struct.pack(">BI", *stop[:2]), stop[2])
    inventory = tlv(186, struct.pack(">HB", 7, 1))
    return tlv(183, struct.pack(f">H{len(antennas)}H", len(antennas), *antennas), trigger, inventory)


def report(trigger: int = 1, n: int = 1, flags: int = ALL_FIELDS, custom: bytes = b"") -> bytes:
    return tlv(237, struct.pack(">BH", trigger, n), tlv(238, struct.pack(">H", flags)), custom)


def rospec(
    number: int = 1,
    *aispecs: bytes,
    start: tuple[int, bytes] = (1, b""),
    stop: tuple[int, int, bytes] = (0, 0, b""),
    reporting: bytes | None = None,
    priority: int = 0,
) -> bytes:
    """A ROSpec: by default it starts at once, never ends, on all antennas, one report a read with every field."""
    boundary = tlv(178, tlv(179, bytes((start[0],)), start[1]), tlv(182, struct.pack(">BI", *stop[:2]), stop[2]))
    inventories = aispecs or (aispec(0),)
    return tlv(
        177, struct.pack(">IBB", number, priority, 0), boundary, *inventories, report() if reporting is None else reporting
    )


def accessspec(number: int) -> bytes:
    target = tlv(339, struct.pack(">BHHBHB", 0x60, 32, 8, 0xFF, 8, 0x30))
    read = tlv(341, struct.pack(">HIBHH", 1, 0, 0x80, 0, 2))
    command = tlv(209, tlv(338, target), read)
    return tlv(207, struct.pack(">IHBBI", number, 0, 1, 0, 0), tlv(208, struct.pack(">BH", 0, 0)), command)


def events(*kinds: int) -> bytes:
    return tlv(244, *(tlv(245, struct.pack(">HB", kind, 0x80)) for kind in kinds))


def keepalive(period_ms: int) -> bytes:
    return tlv(220, struct.pack(">BI", 1, period_ms))


def gpo(port: int, on: bool) -> bytes:
    return tlv(219, struct.pack(">HB", port, 0x80 * on))


def gpi(port: int, enabled: bool = True) -> bytes:
    return tlv(225, struct.pack(">HBB", port, 0x80 * enabled, 2))


def hold(on: bool = True) -> bytes:
    return tlv(226, bytes((0x80 * on,)))


def impinj(subtype: int, data: bytes = b"") -> bytes:
    return tlv(1023, struct.pack(">II", IMPINJ, subtype), data)


def impinj_fields(*subtypes: int) -> bytes:
    return impinj(50, b"".join(impinj(subtype, b"\0\1") for subtype in subtypes))
