"""Writes the journal while the daemon runs: every input of the core, in order, in files that are rotated, packed and bounded.

Called on the core's thread, so it must cost next to nothing and never raise: lines gather in memory and go to the file
at least every 0.05 s; what was flushed survives a SIGKILL. A full or unwritable disk is reported in `problem`, counted
in `lost` and tried again; after a loss the next file starts with a fresh snapshot.

Files: `journal-YYYYMMDDTHHMMSSZ-N.jsonl`, first line a header, second a `state`; once rotated `….jsonl.zst` (journal_dir.py).
"""

import errno
import fcntl
import logging
import os
import secrets
from collections import Counter, deque
from datetime import UTC, datetime
from pathlib import Path

from rfidguard import __version__, crash_points
from rfidguard.clock import Clock
from rfidguard.config import Journal, Privacy
from rfidguard.day_key import day_key, day_of
from rfidguard.errors import RefusedInput
from rfidguard.events import Event, State
from rfidguard.journal import header_line
from rfidguard.journal_dir import JournalDir, file_name
from rfidguard.privacy import Mask, Own

log = logging.getLogger(__name__)

FLUSH_S = 0.05
"""What a SIGKILL can cost of the reads of this box."""
RETRY_S = 1.0
ROTATE_BYTES = 16 * 1024 * 1024
"""Some six minutes of a busy gate: a restart and `explain` go on from the snapshot with which a file begins."""
BUFFER_BYTES = 256 * 1024
KEEP_UNWRITTEN_BYTES = 8 * 1024 * 1024
"""How much may wait in memory for a disk that does not take it; the oldest is given up first."""


class Recorder:
    """One journal directory, one writer: `rotate(state)` first and whenever `due_rotation()`, `write` and `flush` between.

    `problem`: why nothing can be written now (None: all is well). `written`: "lines" and "bytes" so far. `lost`: lines by
    reason: disk, privacy (mode "drop"), snapshot_too_large. `path`: the file being written. `files`: its directory.
    """

    def __init__(
        self,
        journal: Journal,
        privacy: Privacy,
        own: Own,
        clock: Clock,
        *,
        site: str = "",
        session: str = "",
        out: Path | None = None,
    ) -> None:
        self._clock = clock
        self._own = own
        self._mode = privacy.foreign_epc
        self._site, self._session = site, session
        self._folder = out or journal.dir
        limit = journal.max_mb * 1024 * 1024
        self._rotate_bytes = min(ROTATE_BYTES, limit // 4)
        self.files = JournalDir(self._folder, keep_days=journal.keep_days, max_bytes=limit, clock=clock)
        self._mask = Mask(self._mode, own, secrets.token_bytes(32))
        self._fd: int | None = None
        self._size = 0
        self._day = ""
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._flushed_at = self._retry_at = clock.monotonic()
        self._gap = False
        self.path: Path | None = None
        self.problem: str | None = None
        self.written: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def write(self, event: Event) -> None:
        """Takes one event; it is in the file 0.05 s later at the latest, if anybody calls `write` or `flush` by then."""
        if self._fd is None and self.path is None and self.problem is None:
            self._open(None)
        line = self._line(event)
        if line is not None:
            self._waiting.append(line)
            self._waiting_bytes += len(line)
        if self._waiting_bytes >= BUFFER_BYTES or self._clock.monotonic() - self._flushed_at >= FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Writes what waits. Called when the core is idle, and at least every 0.05 s."""
        now = self._clock.monotonic()
        self._flushed_at = now
        if self._fd is None or (self.problem is not None and now < self._retry_at):
            self._give_up_oldest()
        elif self._waiting and self._still_there(self._fd) and self._append(b"".join(self._waiting)):
            self.written["lines"] += len(self._waiting)
            self._forget_waiting()

    def due_rotation(self, calm: bool = True) -> bool:
        """True where a new file should begin: none is open, it is large, the UTC day is another, or lines were lost. A large one
        waits for a `calm` moment, until it is half as large again.
        """
        if self._fd is None or self.problem is not None:
            return (self._fd is None or self._gap) and self._clock.monotonic() >= self._retry_at
        most = self._rotate_bytes if calm else self._rotate_bytes * 3 // 2
        return self._gap or self._size >= most or day_of(self._clock.now()) != self._day

    def rotate(self, state: State | None, left_out: str | None = None) -> None:
        """Ends the current file and begins the next with `state`. The ended one is packed in the background.

        Lines that the disk did not take are given up: `state` already knows what they said. `left_out`: the state that is too
        large for a line, in words.
        """
        if left_out is not None:
            self.lost["snapshot_too_large"] += 1
            log.warning("a journal begins without %s; a restart goes on from the one before", left_out)
        self.flush()
        self._close()
        if state is not None:
            self._give_up_waiting()
        self._open(state)

    def close(self) -> None:
        """Writes what waits and ends the file. Packing that is under way stops; the next start takes it up again."""
        self._retry_at = self._clock.monotonic()
        self.flush()
        self._give_up_waiting()
        self._close()
        self.files.close()

    def _line(self, event: Event) -> bytes | None:
        try:
            line = self._mask.line(event)
        except RefusedInput as error:
            self.lost[error.reason] += 1
            return None
        if line is None:
            self.lost["privacy"] += 1
        return line

    def _open(self, state: State | None) -> None:
        now = self._clock.now()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            self.path, self._fd = _new_file(self._folder, now)
        except OSError as error:
            self._failed(error)
            return
        self._day = day_of(now)
        self._mask = Mask(self._mode, self._own, day_key(self._folder, self._day))
        self._size = 0
        first = header_line(now, self._site, self._session, __version__)
        if self._append(first + (b"" if state is None else self._line(state) or b"")):
            self._gap = False
            self.files.tidy(now)
        else:
            self._close()
            self.path.unlink(missing_ok=True)

    def _append(self, data: bytes) -> bool:
        """Writes whole lines or none: what a full disk took of them is cut off again."""
        assert self._fd is not None
        crash_points.torn("mid_journal_flush", self._fd, data)
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, memoryview(data)[done:])
        except OSError as error:
            _cut(self._fd, self._size)
            self._failed(error)
            return False
        self._size += len(data)
        self.written["bytes"] += len(data)
        if self.problem is not None:
            log.warning("the journal is written again: %s", self.path)
            self.problem = None
        return True

    def _still_there(self, fd: int) -> bool:
        """A file that somebody deleted takes lines without complaint and keeps none: then a new one is due."""
        if os.fstat(fd).st_nlink:
            return True
        self._failed(FileNotFoundError(errno.ENOENT, f"{self.path} was deleted"))
        self._retry_at = self._clock.monotonic()
        self._close()
        return False

    def _failed(self, error: OSError) -> None:
        problem = f"journal {self._folder}: {error.strerror or error}"
        if self.problem is None:
            log.error("nothing can be written to the %s; trying again every %g s", problem, RETRY_S)
        self.problem = problem
        self._retry_at = self._clock.monotonic() + RETRY_S
        self._give_up_oldest()

    def _give_up_oldest(self) -> None:
        while self._waiting_bytes > KEEP_UNWRITTEN_BYTES:
            self._waiting_bytes -= len(self._waiting.popleft())
            self.lost["disk"] += 1
            self._gap = True

    def _give_up_waiting(self) -> None:
        if self._waiting:
            self.lost["disk"] += len(self._waiting)
        self._forget_waiting()

    def _forget_waiting(self) -> None:
        self._waiting.clear()
        self._waiting_bytes = 0

    def _close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None


def _new_file(folder: Path, now: float) -> tuple[Path, int]:
    """A new journal file, locked for as long as it is written so that nobody packs or deletes it."""
    stamp = datetime.fromtimestamp(now, UTC)
    for number in range(10_000):
        path = folder / file_name(stamp, number)
        if path.with_suffix(".jsonl.zst").exists():
            continue
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # whoever packs took it for a finished one in the moment before
            os.close(fd)
            continue
        return path, fd
    raise FileExistsError(f"{folder}: 10000 journals of one second")


def _cut(fd: int, size: int) -> None:
    try:
        os.ftruncate(fd, size)
    except OSError as error:
        log.warning("a torn line stays at the end of the journal: %s", error)
