"""The journal's directory: names of its files, their order, packing what is finished, and deleting what is too old or too much.

A file that is being written is locked (flock); nobody packs or deletes a locked one, whichever process holds it.
"""

import fcntl
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import zstandard

from rfidguard.clock import Clock, SystemClock
from rfidguard.pulse import Pulse

log = logging.getLogger(__name__)

_NAME = re.compile(r"journal-(\d{8}T\d{6}Z)-(\d+)\.jsonl(\.zst|\.gz)?")
_STAMP = "%Y%m%dT%H%M%SZ"
_DAY_S = 86_400
_CHUNK_BYTES = 1 << 18
_LEVEL = 3
HUNG_S = 60.0
"""A quarter of a megabyte is packed and written in that time on any disk that works."""


def file_name(stamp: datetime, number: int) -> str:
    """The name of the `number`-th journal that began in the second of `stamp` (UTC)."""
    return f"journal-{stamp.strftime(_STAMP)}-{number}.jsonl"


def journals(folder: Path) -> list[Path]:
    """The journal files in `folder`, oldest first; where one is there plain and packed, the packed one."""
    found: dict[tuple[str, int], Path] = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            found[match[1], int(match[2])] = path  # ".jsonl.zst" sorts after ".jsonl"
    return [found[when] for when in sorted(found)]


class JournalDir:
    """Keeps `folder` within `keep_days` and `max_bytes`, and packs in one background thread."""

    def __init__(self, folder: Path, *, keep_days: int, max_bytes: int, clock: Clock | None = None) -> None:
        self._folder = folder
        self._keep_s = keep_days * _DAY_S
        self._max_bytes = max_bytes
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._wanted_at: float | None = None
        self._worker: threading.Thread | None = None
        self._pulse = Pulse((clock or SystemClock()).monotonic, HUNG_S)
        self._tidied_at = 0.0

    def tidy(self, now: float) -> None:
        """Packs what is finished and deletes what is too old or too much, in the background."""
        with self._lock:
            self._wanted_at = self._tidied_at = now
            if self._worker is None:
                self._begin()

    def late_s(self, now: float) -> float:
        """How long the thread is over its deadline at `now` (monotonic); 0 while there is nothing to pack."""
        with self._lock:
            return self._pulse.late_s(now, self._worker)

    def replace(self) -> None:
        """Leaves a thread that hangs to itself and begins anew; the file that it holds stays locked and is passed over."""
        with self._lock:
            self._wanted_at = self._tidied_at
            self._begin()

    def close(self) -> None:
        """Stops the thread, within a chunk's time."""
        self._stop.set()
        self.wait()

    def wait(self) -> None:
        """Returns once what was asked for is done."""
        with self._lock:
            worker = self._worker
        if worker is not None:
            worker.join()

    def _begin(self) -> None:
        self._pulse.beat()
        self._worker = threading.Thread(target=self._work, name="journal-pack", daemon=True)
        self._worker.start()

    def _work(self) -> None:
        while (now := self._next()) is not None:
            try:
                self._tidy(now)
            except OSError as error:
                log.warning("journal files in %s could not be packed or deleted: %s", self._folder, error)

    def _next(self) -> float | None:
        with self._lock:
            if self._worker is not threading.current_thread():
                return None
            now, self._wanted_at = self._wanted_at, None
            if now is None or self._stop.is_set():
                self._worker = None
                return None
            return now

    def _tidy(self, now: float) -> None:
        self._delete(now)
        for path in journals(self._folder):
            if path.suffix == ".jsonl" and not self._stop.is_set():
                pack(path, self._stop, self._pulse.beat)
        self._delete(now)

    def _delete(self, now: float) -> None:
        """The oldest go first, until days and bytes fit. A file covers at most a day, so its last line is a day younger."""
        files = [(path, _size(path)) for path in journals(self._folder)]
        total = sum(size for _, size in files)
        for path, size in files:
            too_old = _began(path) + _DAY_S + self._keep_s < now
            if not (too_old or total > self._max_bytes):
                continue
            with _locked(path) as mine:
                if mine:
                    path.unlink(missing_ok=True)
                    total -= size
                    log.info("journal %s deleted: %s", path.name, "too old" if too_old else "no more room")


def pack(path: Path, stop: threading.Event, beat: Callable[[], None] = lambda: None) -> Path | None:
    """Packs a finished journal: the packed file appears whole, then the plain one goes. None where it is busy or `stop` came."""
    packed = path.with_name(f"{path.name}.zst")
    fresh = path.with_name(f"{path.name}.zst.new")
    with _locked(path) as mine:
        if not mine:
            return None
        if not _copy_packed(path, fresh, stop, beat):
            fresh.unlink(missing_ok=True)
            return None
        fresh.replace(packed)
        path.unlink()
    return packed


def _copy_packed(path: Path, fresh: Path, stop: threading.Event, beat: Callable[[], None]) -> bool:
    with path.open("rb") as plain, fresh.open("wb") as file:
        with zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).stream_writer(file, closefd=False) as writer:
            while chunk := plain.read(_CHUNK_BYTES):
                beat()
                if stop.is_set():
                    return False
                writer.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(fresh, path.stat().st_mode & 0o777)
    return True


@contextmanager
def _locked(path: Path) -> Iterator[bool]:
    """Holds the file's lock; gives False where somebody else does, or where it is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)


def _began(path: Path) -> float:
    match = _NAME.fullmatch(path.name)
    assert match is not None
    return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC).timestamp()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
