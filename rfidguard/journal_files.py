"""Reads journals: a file, plain or packed with gzip or zstandard, a directory of rotated ones in order, or standard input."""

import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from rfidguard.errors import ConfigError
from rfidguard.events import Event
from rfidguard.journal import MAX_LINE_BYTES, MAX_STATE_BYTES, decode_lines, longest
from rfidguard.journal_dir import journals

_CHUNK_BYTES = 1 << 20
_START_BYTES = 64
"""Enough of a line to tell whether it is a snapshot."""

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_BOM = b"\xef\xbb\xbf"
_TORN = (EOFError, gzip.BadGzipFile, zlib.error, zstandard.ZstdError)


def journal_paths(path: Path) -> list[Path]:
    """The files that `path` stands for, oldest first. Raises ConfigError where there is none."""
    if path.is_file() or path.is_fifo() or path.is_char_device():
        return [path]
    if not path.is_dir():
        raise ConfigError([f"{path}: there is no such journal; give a file, a directory of journals, or - for standard input"])
    found = journals(path) or [file for file in (path / "journal.jsonl",) if file.is_file()]
    if not found:
        raise ConfigError([f"{path}: no journal in this directory; they are called journal-*.jsonl, or .jsonl.zst"])
    return found


def events_of(file: BinaryIO, refused: Counter[str]) -> Iterator[Event]:
    """Every event of one journal, plain or packed. What is refused is counted in `refused` by reason."""
    return decode_lines(lines_of(file, refused), refused)


def events_in(paths: list[Path], refused: Counter[str], read: Callable[[int], None] | None = None) -> Iterator[Event]:
    """Every event of the files, in order. `read` hears how many bytes of each file were taken, as they are."""
    for path in paths:
        with path.open("rb", buffering=0) as file:
            yield from events_of(cast(BinaryIO, _Counted(file, read)) if read else file, refused)


def lines_of(file: BinaryIO, refused: Counter[str]) -> Iterator[bytes]:
    """The lines of one journal, without their ends. A line beyond all measure is counted as too_long and passed over."""
    return lines_in(chunks_of(file, refused), refused)


def lines_in(chunks: Iterable[bytes], refused: Counter[str]) -> Iterator[bytes]:
    """The lines of a text that comes in pieces, as `lines_of`."""
    rest: list[bytes] = []
    length = 0
    for chunk in chunks:
        first, *more = chunk.split(b"\n")
        rest.append(first)
        length += len(first)
        if not more:
            if _too_long(rest, length):
                rest, length = [b""], MAX_STATE_BYTES + 1  # whatever comes of it yet, it stays too long
            continue
        yield from _whole(rest, length, refused)
        yield from more[:-1]
        rest, length = [more[-1]], len(more[-1])
    yield from _whole(rest, length, refused)


def _whole(parts: list[bytes], length: int, refused: Counter[str]) -> Iterator[bytes]:
    if _too_long(parts, length):
        refused["too_long"] += 1
    elif length:
        yield b"".join(parts)


def _too_long(parts: list[bytes], length: int) -> bool:
    return length > MAX_LINE_BYTES and length > longest(b"".join(part[:_START_BYTES] for part in parts[:_START_BYTES]))


def chunks_of(file: BinaryIO, refused: Counter[str]) -> Iterator[bytes]:
    """The bytes of a file, plain or packed, in pieces, without a byte order mark. A torn archive is counted as torn_archive."""
    head = file.read(4)
    if head.startswith(_BOM):
        head = head[len(_BOM) :]
    stream = cast(BinaryIO, io.BufferedReader(_Rejoined(head, file), _CHUNK_BYTES))
    take: Callable[[int], bytes] = stream.read
    if head.startswith(_GZIP):
        take = gzip.GzipFile(fileobj=stream).read1  # read() would lose what stands before a torn end
    elif head == _ZSTD:
        take = zstandard.ZstdDecompressor().stream_reader(stream, read_across_frames=True, closefd=False).read
    try:
        while chunk := take(_CHUNK_BYTES):
            yield chunk
    except _TORN:
        refused["torn_archive"] += 1


class _Rejoined(io.RawIOBase):
    """A stream whose first bytes were taken off to look at, with them put back."""

    def __init__(self, head: bytes, file: BinaryIO) -> None:
        self._head = head
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._head or self._file.read(len(buffer)) or b""
        self._head = b""
        buffer[: len(data)] = data
        return len(data)


class _Counted:
    """A file that says how much of it was read."""

    def __init__(self, file: io.FileIO, read: Callable[[int], None]) -> None:
        self._file = file
        self._heard = read

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._heard(len(data))
        return data
