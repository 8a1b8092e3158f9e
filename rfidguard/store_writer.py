"""The one thread that writes to the database. Jobs that wait together are committed together: many producers, one fsync.

A job that fails takes back only its own work. A database that fails (locked, disk full, server away) is tried again until the
job's patience ends; the thread itself never ends before `close`.
"""

import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rfidguard.clock import Clock
from rfidguard.pulse import Pulse
from rfidguard.store_engine import StoreUnavailable, condition_of

log = logging.getLogger(__name__)

MAX_WAITING = 20_000
MAX_BATCH = 256
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 1.0
STALLED_AFTER_S = 30.0
HUNG_S = 120.0
"""One job, or the commit of all, takes no longer on the slowest card; a server that is gone without a word answers never."""

Transaction = Callable[[], AbstractContextManager[Connection]]
"""Opens a connection with a transaction begun; commits on leaving, rolls back on an exception."""


@dataclass(slots=True)
class _Job:
    run: Callable[[Connection], Any]
    give_up_at: float
    future: "Future[Any]" = field(default_factory=Future)


@dataclass(slots=True)
class _Outcome:
    job: _Job
    value: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        if self.error is None:
            self.job.future.set_result(self.value)
        else:
            self.job.future.set_exception(self.error)


class Writer:
    """Takes jobs from any thread. `after_commit` callbacks and the futures' own run on this thread: keep them short."""

    def __init__(self, transaction: Transaction, clock: Clock) -> None:
        self._transaction = transaction
        self._clock = clock
        self._queue: queue.Queue[_Job | None] = queue.Queue(MAX_WAITING)
        self._closing = threading.Event()
        self._gate = threading.Lock()
        self._busy_since: float | None = None
        self._pulse = Pulse(clock.monotonic, HUNG_S)
        self._thread = threading.Thread(target=self._live, name="store-writer", daemon=True)
        self.callbacks: list[Callable[[], None]] = []
        self.last_error: str | None = None
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        self._thread.start()

    def submit(self, run: Callable[[Connection], Any], patience_s: float) -> "Future[Any]":
        job = _Job(run, self._clock.monotonic() + patience_s)
        with self._gate:
            refusal = self._refusal()
            if refusal is None:
                self._queue.put_nowait(job)
                return job.future
        self.counts[refusal] += 1
        job.future.set_exception(StoreUnavailable(f"the database takes nothing now: {refusal}; {self.last_error or ''}"))
        return job.future

    def healthy(self) -> bool:
        """False while the database refuses to commit, while one commit hangs, and once the thread is gone."""
        since = self._busy_since
        hangs = since is not None and self._clock.monotonic() - since > STALLED_AFTER_S
        return self._thread.is_alive() and self.last_error is None and not hangs

    def late_s(self, now: float) -> float:
        """How long it is over its deadline: for the watchdog. A database that refuses is no hang; one that never answers is."""
        return 0.0 if self._closing.is_set() else self._pulse.late_s(now, self._thread)

    def waiting(self) -> int:
        return self._queue.qsize()

    def close(self, timeout_s: float) -> None:
        """Commits what waits, tries a failing database no longer, and ends the thread. Jobs left over fail."""
        with self._gate:
            if self._closing.is_set():
                return
            self._closing.set()
        if self._thread.is_alive():
            self._nudge()
            self._thread.join(timeout_s)
        for job in self._left_over():
            job.future.set_exception(StoreUnavailable("the database was closed"))

    def _refusal(self) -> str | None:
        if self._closing.is_set():
            return "closed"
        return "queue_full" if self._queue.full() else None

    def _nudge(self) -> None:
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            log.debug("the writer has plenty to do and needs no nudge")

    def _left_over(self) -> Iterator[_Job]:
        while True:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return
            if job is not None:
                yield job

    def _live(self) -> None:
        while not (self._closing.is_set() and self._queue.empty()):
            batch = self._next_batch()
            self._busy_since = self._clock.monotonic()
            try:
                self._commit(batch)
            except Exception as error:  # thread root: nothing may end the writer
                log.exception("the database writer failed")
                self.counts["writer_failed"] += 1
                self._fail(batch, error)
            self._busy_since = None

    def _next_batch(self) -> list[_Job]:
        batch = [self._queue.get()]
        while len(batch) < MAX_BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
        return [job for job in batch if job is not None and job.future.set_running_or_notify_cancel()]

    def _commit(self, batch: list[_Job]) -> None:
        pause_s = FIRST_PAUSE_S
        while batch:
            try:
                outcomes = self._attempt(batch)
            except (DBAPIError, StoreUnavailable) as error:
                batch = self._after_failure(batch, error)
                self._closing.wait(pause_s if batch else 0.0)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self._settle(outcomes)
                return

    def _attempt(self, batch: list[_Job]) -> list[_Outcome]:
        self._pulse.beat()
        try:
            with self._transaction() as conn:
                return [self._run(conn, job) for job in batch]
        finally:
            self._pulse.rest()

    def _run(self, conn: Connection, job: _Job) -> _Outcome:
        self._pulse.beat()
        return _outcome(conn, job)

    def _settle(self, outcomes: list[_Outcome]) -> None:
        if self.last_error is not None:
            log.warning("the database takes commits again")
            self.last_error = None
        self.counts["commits"] += 1
        for outcome in outcomes:
            outcome.tell()
        for callback in self.callbacks:
            try:
                callback()
            except Exception:  # a listener's fault must not end the writer
                log.exception("a listener for commits failed")
                self.counts["listener_failed"] += 1

    def _after_failure(self, batch: list[_Job], error: DBAPIError | StoreUnavailable) -> list[_Job]:
        """Reports the failure, gives up on jobs whose patience ended, returns those to try again."""
        condition = condition_of(error) or "error"
        why = error.orig if isinstance(error, DBAPIError) else error
        self.counts[condition] += 1
        if self.last_error is None:
            log.error("the database does not commit (%s): %s", condition, why)
        self.last_error = f"{condition}: {why}"
        now = self._clock.monotonic()
        stopping = self._closing.is_set() or condition_of(error) is None
        waiting = [job for job in batch if not stopping and now < job.give_up_at]
        gone = [job for job in batch if job not in waiting]
        self._fail(gone, StoreUnavailable(f"the database does not commit ({condition}): {why}", condition_of(error)))
        return waiting

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(error)


def _outcome(conn: Connection, job: _Job) -> _Outcome:
    """Runs one job in a savepoint. Raises only where the database itself fails, which concerns the whole batch."""
    savepoint = conn.begin_nested()
    try:
        value = job.run(conn)
    except Exception as error:  # the job's caller hears of it through the future
        if condition_of(error) is not None:
            raise
        savepoint.rollback()
        return _Outcome(job, error=error)
    savepoint.commit()
    return _Outcome(job, value)
