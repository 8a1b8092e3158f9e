"""Where the tags come from: reads played along a time line (`Played`), or a journal's (`JournalReads`), paced by the reader."""

import gzip
import io
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, cast, runtime_checkable

import zstandard

from rfidguard.errors import ConfigError
from rfidguard.events import Read
from rfidguard.journal import decode_lines

LOOP_GAP_S = 1.0
"""Silence between the last read and the first one of the next round."""
_LOOK_AHEAD_LINES = 20_000


@runtime_checkable
class ReadSource(Protocol):
    """Reads along a time line that starts at 0 s with the first inventory."""

    def next_s(self) -> float | None:
        """When the next read comes; None when no more will."""
        ...

    def due(self, elapsed_s: float) -> list[tuple[float, Read]]:
        """The reads up to now, each with its own moment, and taken out of the source."""
        ...


class Played:
    """Reads at their own pace, `speed` times as fast. `zero`: the `at` that is 0 s (default: the first read's). `loop` needs a
    re-iterable `reads` (a list, JournalReads)."""

    def __init__(self, reads: Iterable[Read], speed: float = 1.0, loop: bool = False, zero: float | None = None) -> None:
        self._reads, self._speed, self._loop, self._zero = reads, speed, loop, zero
        self._iterator = iter(reads)
        self._round_s = self._last_s = 0.0
        self._next = self._pull()

    def next_s(self) -> float | None:
        return None if self._next is None else self._next[0]

    def due(self, elapsed_s: float) -> list[tuple[float, Read]]:
        out = []
        while self._next is not None and self._next[0] <= elapsed_s:
            out.append(self._next)
            self._next = self._pull()
        return out

    def _pull(self) -> tuple[float, Read] | None:
        read = next(self._iterator, None)
        if read is None:
            return self._again()
        if self._zero is None:
            self._zero = read.at
        moment = self._round_s + max(0.0, (read.at - self._zero) / self._speed)
        self._last_s = max(self._last_s, moment)
        return moment, read

    def _again(self) -> tuple[float, Read] | None:
        if not self._loop:
            return None
        self._iterator = iter(self._reads)
        self._round_s = self._last_s + LOOP_GAP_S / self._speed
        first = next(self._iterator, None)
        if first is None:
            return None
        self._iterator = itertools.chain((first,), self._iterator)
        return self._pull()


class JournalReads:
    """The `read` lines of one reader in a journal (plain, .gz, .zst), streamed anew at each iteration.

    `reader` None: the first one that the journal names. `readers`: those seen near its beginning. `zero`: `at` of the first
    read of any reader, so that two simulated readers of one journal keep step. `refused` counts unusable lines by reason.
    """

    def __init__(self, path: Path, reader: str | None = None) -> None:
        self.path = path
        self.refused: Counter[str] = Counter()
        self.zero = 0.0
        self.readers = self._look_ahead()
        self.reader = reader or self.readers[0]
        first = next(iter(self), None)
        if first is None:
            raise ConfigError([f"{path}: no reads of reader {self.reader!r}; it has reads of {', '.join(self.readers)}"])
        self.first_s = first.at - self.zero

    def __iter__(self) -> Iterator[Read]:
        name = f'"{self.reader}"'.encode()
        with open_journal(self.path) as lines:
            candidates = (line for line in lines if name in line and b'"read"' in line)
            for event in decode_lines(candidates, self.refused):
                if isinstance(event, Read) and event.reader == self.reader:
                    yield event

    def _look_ahead(self) -> list[str]:
        """The reader ids among the first lines (beyond them, too, as long as there is none)."""
        readers: dict[str, None] = {}
        refused: Counter[str] = Counter()
        with open_journal(self.path) as lines:
            for number, line in enumerate(lines):
                if readers and number > _LOOK_AHEAD_LINES:
                    break
                if b'"read"' not in line:
                    continue
                for event in decode_lines((line,), refused):
                    if isinstance(event, Read):
                        self.zero = self.zero if readers else event.at
                        readers[event.reader] = None
        if not readers:
            bad = f" ({sum(refused.values())} lines refused: {', '.join(refused)})" if refused else ""
            raise ConfigError([f"{self.path}: a journal with no `read` lines has nothing to play{bad}"])
        return list(readers)


class _Lines:
    """Lines of a journal file; what is wrong with it becomes a ConfigError that names it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Iterator[bytes]:
        try:
            self._file = _open(self._path)
        except OSError as error:
            raise ConfigError([f"{self._path}: cannot be read: {error.strerror or error}"]) from error
        return self._lines()

    def __exit__(self, *exc: object) -> None:
        self._file.close()

    def _lines(self) -> Iterator[bytes]:
        try:
            yield from self._file
        except (OSError, EOFError, zstandard.ZstdError) as error:
            raise ConfigError([f"{self._path}: is damaged or not what its name says: {error}"]) from error


def open_journal(path: Path) -> _Lines:
    """A context manager that gives the journal's lines. Raises ConfigError when it cannot be read."""
    return _Lines(path)


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.suffix == ".zst":
        stream = zstandard.ZstdDecompressor().stream_reader(path.open("rb"), read_across_frames=True)
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, stream)))
    return path.open("rb")
