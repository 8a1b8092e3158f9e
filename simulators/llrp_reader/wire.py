"""LLRP on the wire: messages and parameters as bytes, and a byte stream cut into messages. Own codec, no library.

Message:  reserved 3 bits | version 3 | type 10 | length 32 (whole message) | id 32 | body
TLV:      reserved 6 bits | type 10 | length 16 (whole parameter) | value
TV:       1 bit set | type 7 | value of a length known by type
"""

import struct
from dataclasses import dataclass

from simulators.llrp_reader.numbers import IMPINJ, Message, Parameter

HEADER_SIZE = 10
MAX_MESSAGE_BYTES = 1024 * 1024
"""A client's message longer than this is taken for a broken stream."""

_header = struct.Struct(">HII")
_tlv = struct.Struct(">HH")
_custom = struct.Struct(">HHII")


@dataclass(frozen=True)
class Frame:
    """One message as received. `kind` is the bare number: it may be one that this reader does not know."""

    version: int
    kind: int
    number: int
    body: bytes


class BrokenStream(Exception):
    """The bytes cannot be cut into messages any more; the connection is of no further use."""


class Frames:
    """Cuts a byte stream into messages."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """The messages completed by `data`. Raises BrokenStream when a length cannot be."""
        self._rest += data
        frames = []
        while len(self._rest) >= HEADER_SIZE:
            first, length, number = _header.unpack_from(self._rest)
            if not HEADER_SIZE <= length <= MAX_MESSAGE_BYTES:
                raise BrokenStream(f"a message says that it is {length} bytes long")
            if len(self._rest) < length:
                break
            frames.append(Frame(first >> 10 & 7, first & 0x3FF, number, bytes(self._rest[HEADER_SIZE:length])))
            del self._rest[:length]
        return frames


def message(kind: int, number: int, body: bytes = b"", version: int = 1) -> bytes:
    """A whole message."""
    return _header.pack(version << 10 | kind, HEADER_SIZE + len(body), number) + body


def tlv(kind: int, *parts: bytes) -> bytes:
    """A TLV parameter of its fields and sub-parameters."""
    value = b"".join(parts)
    return _tlv.pack(kind, 4 + len(value)) + value


def impinj(subtype: int, *parts: bytes) -> bytes:
    """An Impinj custom parameter."""
    value = b"".join(parts)
    return _custom.pack(Parameter.CUSTOM, 12 + len(value), IMPINJ, subtype) + value


def custom_message(number: int, subtype: int, body: bytes, version: int = 1) -> bytes:
    """An Impinj custom message."""
    return message(Message.CUSTOM_MESSAGE, number, struct.pack(">IB", IMPINJ, subtype) + body, version)


def u8(*values: int) -> bytes:
    """Unsigned 8-bit fields."""
    return bytes(values)


def u16(*values: int) -> bytes:
    """Unsigned 16-bit fields."""
    return struct.pack(f">{len(values)}H", *values)


def u32(*values: int) -> bytes:
    """Unsigned 32-bit fields."""
    return struct.pack(f">{len(values)}I", *values)


def u64(value: int) -> bytes:
    """An unsigned 64-bit field."""
    return struct.pack(">Q", value)


def s16(*values: int) -> bytes:
    """Signed 16-bit fields."""
    return struct.pack(f">{len(values)}h", *values)


def flag(on: bool) -> bytes:
    """One bit and seven reserved ones."""
    return b"\x80" if on else b"\x00"


def text(value: str) -> bytes:
    """A UTF-8 string with its 16-bit byte count."""
    data = value.encode()
    return u16(len(data)) + data
