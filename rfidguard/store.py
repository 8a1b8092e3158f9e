"""The database of this box: one writer thread with group commit, readers on their own connections.

Works the same on a SQLite file, on SQLite in memory (one connection, shared under a lock) and on PostgreSQL.
"""

import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, nullcontext
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rfidguard.clock import Clock
from rfidguard.errors import RfidguardError
from rfidguard.store_engine import WRITER, StoreUnavailable, build_engine, condition_of, is_memory, prepare, unavailable
from rfidguard.store_writer import Writer

__all__ = ["FOR_EVER", "Store", "StoreUnavailable"]

T = TypeVar("T")

FOR_EVER = math.inf
"""Patience for what must never be given up: alarms and their outbox rows."""

CLOSE_TIMEOUT_S = 15.0


class Store:
    """One database. `open` before use, `close` after; or as a context manager."""

    def __init__(self, url: str, clock: Clock) -> None:
        """`url`: sqlite:///FILE, sqlite:// (memory) or postgresql+psycopg://… . Raises RfidguardError for any other."""
        self._engine = build_engine(url)
        self._clock = clock
        self._lock = threading.RLock() if is_memory(self._engine.url) else None
        self._writer = Writer(self._transaction, clock)
        self._open = False
        self._prepared = False
        self._corrupt = False

    @property
    def path(self) -> str | None:
        """The file of a SQLite database; None for one in memory and for a server."""
        url = self._engine.url
        return None if url.get_backend_name() != "sqlite" or is_memory(url) else url.database

    @property
    def last_error(self) -> str | None:
        """Why the last commit failed; None as soon as one works again."""
        return self._writer.last_error

    @property
    def counts(self) -> Counter[str]:
        """Commits and failures since the start, by reason."""
        return self._writer.counts

    def open(self) -> None:
        """Creates or migrates the database and starts the writer.

        Raises StoreUnavailable where the database cannot be reached now (call again later), RfidguardError for a folder that
        is missing, a file of another program or a version newer than this program.
        """
        if self._open:
            return
        self._prepare()
        self._writer.start()
        self._open = True

    def open_soon(self, patience_s: float) -> bool:
        """As `open`, but a database that cannot be reached within `patience_s` is no error: the answer is False, the writer
        opens it as soon as it can, jobs wait for that as long as their patience lasts, and reads raise StoreUnavailable.
        """
        self._writer.start()
        self._open = True
        try:
            self.write(lambda _conn: None, FOR_EVER).result(patience_s)
        except FutureTimeout:
            return False
        return True

    @property
    def prepared(self) -> bool:
        """True once the database was reached and is of this program's version."""
        return self._prepared

    def write(self, job: Callable[[Connection], T], patience_s: float = 10.0) -> "Future[T]":
        """Runs `job` on the writer thread; the future is done after COMMIT.

        `job` may run more than once (after a failed commit) and must only touch the connection. Its own exception comes out
        of the future and undoes only its own work. A database that fails is tried for `patience_s`, then the future raises
        StoreUnavailable. Never wait for a future inside a job or a callback of the writer.
        """
        if not self._open:
            raise RfidguardError("the store is not open")
        return self._writer.submit(job, patience_s)

    def read(self, job: Callable[[Connection], T]) -> T:
        """Runs `job` at once on the caller's thread, on one consistent state. Nothing it writes is kept.

        Raises StoreUnavailable where the database cannot be read now.
        """
        if not self._prepared:
            raise StoreUnavailable(f"the database cannot be read: {self.last_error or 'it is not open yet'}")
        try:
            with self._lock or nullcontext(), self._engine.connect() as conn:
                return job(conn)
        except DBAPIError as error:
            condition = condition_of(error)
            self._corrupt = self._corrupt or condition == "corrupt"
            if condition is None:
                raise
            raise unavailable(error, "the database cannot be read", self._engine.url) from error

    def after_commit(self, callback: Callable[[], None]) -> None:
        """`callback` is called on the writer thread after each commit, once the futures are done."""
        self._writer.callbacks.append(callback)

    def healthy(self) -> bool:
        """True while the writer lives and commits."""
        return self._open and self._writer.healthy()

    def late_s(self, now: float) -> float:
        """How long the writer is over its deadline at `now` (monotonic). A migration, before all else, may take its time."""
        return self._writer.late_s(now) if self._prepared else 0.0

    def is_corrupt(self) -> bool:
        """True once a page of the database was found damaged, by a reader or the writer."""
        return self._corrupt or self._writer.counts["corrupt"] > 0

    def waiting(self) -> int:
        """Jobs that wait for the writer."""
        return self._writer.waiting()

    def close(self) -> None:
        """Commits what waits, ends the writer and closes every connection. Twice is fine."""
        self._open = False
        self._writer.close(CLOSE_TIMEOUT_S)
        self._engine.dispose()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _prepare(self) -> None:
        with self._lock or nullcontext():
            prepare(self._engine)
        self._prepared = True

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        if not self._prepared:
            self._prepare()
        with (
            self._lock or nullcontext(),
            self._engine.connect().execution_options(**{WRITER: True}) as conn,
            conn.begin(),
        ):
            yield conn
