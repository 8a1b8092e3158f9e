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
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Every message completed by `data`, in order. After a fault nothing more comes."""
        if self.fault is not None:
            return []
        self._buffer += data
        frames: list[Frame] = []
        at = 0
        while len(self._buffer) - at >= HEADER.size:
            word, length, number = HEADER.unpack_from(self._buffer, at)
            if not self._sane(word, length):
                break
            if len(self._buffer) - at < length:
                break
            self._keep(frames, word, number, bytes(self._buffer[at + HEADER.size : at + length]))
            at += length
        del self._buffer[:at]
        return frames

    def end(self) -> None:
        """The connection is over: a message that never became whole is counted."""
        if self._buffer and self.fault is None:
            self._rejects["torn_frame"] += 1
        self._buffer.clear()

    def _sane(self, word: int, length: int) -> bool:
        """False (and a fault) where neither this message nor the place of the next one can be believed."""
        if word >> 13:
            self._break("garbled_header")
        elif not HEADER.size <= length <= MAX_MESSAGE_BYTES:
            self._break("absurd_length")
        return self.fault is None

    def _break(self, reason: str) -> None:
        self.fault = reason
        self._rejects[reason] += 1

    def _keep(self, frames: list[Frame], word: int, number: int, body: bytes) -> None:
        version = word >> 10 & 7
        if version in VERSIONS:
            frames.append(Frame(word & 0x3FF, number, body, version))
        else:
            self._rejects["wrong_version"] += 1
