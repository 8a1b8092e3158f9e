"""LLRP framing, pure: bytes as they come from the wire -> whole messages, whatever the splits.

Header (LLRP 1.1, section 16.1): 3 reserved bits, 3 bits version, 10 bits type, 32 bits length of the whole message, 32 bits id.
"""

from collections import Counter
from struct import Struct
from typing import NamedTuple

HEADER = Struct("!HII")
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
VERSIONS = (1, 2, 3)
"""LLRP 1.0.1, 1.1 and 2.0: the framing is the same."""

_HEADER_BYTES = HEADER.size
_unpack = HEADER.unpack_from
_new = tuple.__new__  # half the time of Frame(...), for thousands a second


class Frame(NamedTuple):
    """One whole message: its type number, id and body (the header cut off)."""

    kind: int
    id: int
    body: bytes
    version: int = 1


class Framer:
    """Cuts one connection's bytes into messages. `fault` is set, for good, once the stream can no longer be trusted."""

    def __init__(self, rejects: Counter[str]) -> None:
        self.fault: str | None = None
        self._rejects = rejects
        self._begun = bytearray()
        """Of a message that is not whole yet."""
        self._needed = 0
        """Bytes that it takes before anything more can be told of it."""

    def feed(self, data: bytes) -> list[Frame]:
        """Every message completed by `data`, in order. After a fault nothing more comes."""
        if self.fault is not None:
            return []
        if not self._begun and len(data) >= _HEADER_BYTES:
            word, length, number = _unpack(data)
            if length == len(data) <= MAX_MESSAGE_BYTES and word >> 10 in VERSIONS:  # by far the most frequent: one whole message
                return [_new(Frame, (word & 0x3FF, number, data[_HEADER_BYTES:], word >> 10))]
        return self._cut(data)

    def _cut(self, data: bytes) -> list[Frame]:
        if self._begun:
            self._begun += data
            if len(self._begun) < self._needed:
                return []
            data = bytes(self._begun)
            self._begun.clear()
        frames: list[Frame] = []
        at, end = 0, len(data)
        self._needed = _HEADER_BYTES
        while end - at >= _HEADER_BYTES:
            word, length, number = _unpack(data, at)
            if word >> 13 or not _HEADER_BYTES <= length <= MAX_MESSAGE_BYTES:
                self._break("garbled_header" if word >> 13 else "absurd_length")
                break
            if end - at < length:
                self._needed = length
                break
            if word >> 10 in VERSIONS:
                frames.append(_new(Frame, (word & 0x3FF, number, data[at + _HEADER_BYTES : at + length], word >> 10)))
            else:
                self._rejects["wrong_version"] += 1
            at += length
        if at < end:
            self._begun += data[at:]
        return frames

    def end(self) -> None:
        """The connection is over: a message that never became whole is counted."""
        if self._begun and self.fault is None:
            self._rejects["torn_frame"] += 1
        self._begun.clear()

    def _break(self, reason: str) -> None:
        """Neither this message nor the place of the next one can be believed."""
        self.fault = reason
        self._rejects[reason] += 1
