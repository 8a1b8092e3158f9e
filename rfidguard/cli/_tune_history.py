"""What `tune` reads: the kept journal, through several cores in one go, and what staff said, from the database."""

import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rfidguard.errors import RfidguardError

if TYPE_CHECKING:
    from rfidguard.alarm import Alarm
    from rfidguard.config import Config
    from rfidguard.events import Event
    from rfidguard.tuning.rung import Rung
    from rfidguard.tuning.shadow import Listen

Heard = Callable[["Event"], None]


@dataclass
class History:
    """A stretch of the journal. `since`, `until`: Unix seconds; None: all that is kept. `jobs`: processes. The rest
    is known after the first `replay`: `began` and `ended`, when its first and last event were heard.
    """

    paths: list[Path]
    since: float | None
    until: float
    jobs: int = 1
    events: int = 0
    began: float | None = None
    ended: float | None = None
    refused: Counter[str] = field(default_factory=Counter)

    def replay(
        self, configs: "Sequence[Config]", title: str, heard: Heard | None = None, decided: "Listen | None" = None
    ) -> "list[list[Rung]]":
        """What a core under each configuration rings within the stretch. `heard` hears of each event, `decided` of each passage
        that the first core judges. Each process reads the whole stretch for its share of the cores.
        """
        shares = [configs[first :: self.jobs] for first in range(min(self.jobs, len(configs)))]
        with _helpers(len(shares) - 1) as pool:
            others = [pool.submit(_replayed, self.paths, self.since, self.until, share) for share in shares[1:] if pool]
            with _progress(title, self.paths) as read:
                runs = [self._fed(shares[0], read, heard, decided), *(other.result() for other in others)]
        return [runs[place % self.jobs][place // self.jobs] for place in range(len(configs))]

    def _fed(
        self, configs: "Sequence[Config]", read: Callable[[int], None] | None, heard: Heard | None, decided: "Listen | None"
    ) -> "list[list[Rung]]":
        from rfidguard.events import State, heard_at
        from rfidguard.journal_span import events_until
        from rfidguard.tuning.shadow import Shadow

        self.events, self.refused, self.began = 0, Counter(), None
        shadows = [Shadow(config, decided if place == 0 else None) for place, config in enumerate(configs)]
        for event in events_until(self._events(read), self.until):
            if not isinstance(event, State):
                self.began = heard_at(event) if self.began is None else self.began
                self.ended = heard_at(event)
            self.events += 1
            if heard is not None:
                heard(event)
            for shadow in shadows:
                shadow.feed(event)
        for shadow in shadows:
            shadow.end()
        self.refused["bad_state"] += shadows[0].bad_states
        self.refused = +self.refused
        return [[rung for rung in shadow.alarms() if self.covers(rung.raised_at)] for shadow in shadows]

    def covers(self, at: float) -> bool:
        """Whether a moment lies in the stretch; what leads up to it from the last snapshot does not."""
        return (self.since is None or at >= self.since) and at <= self.until

    def span(self) -> tuple[float, float]:
        """When it begins and ends. Raises RfidguardError where nothing was heard."""
        if self.began is None or self.ended is None:
            raise RfidguardError(f"{self.paths[0].parent}: the journal holds no event of this time; nothing can be compared")
        return max(self.began, self.since or self.began), self.ended

    def _events(self, read: Callable[[int], None] | None) -> "Iterator[Event]":
        """A running daemon packs files and deletes old ones while they are read."""
        from rfidguard.journal_files import events_in

        for path in self.paths:
            packed = path.with_name(f"{path.name}.zst")
            here = path if path.exists() else packed
            if here.exists():
                yield from events_in([here], self.refused, read)
            else:
                self.refused["file_deleted_meanwhile"] += 1


def history_of(paths: list[Path], since: float | None, until: float, jobs: int) -> History:
    """The files that tell of a time. Raises RfidguardError where the journal does not reach back so far."""
    from rfidguard.journal_span import began_at, span_of

    found = [path for path in paths if began_at(path) <= until] if since is None else span_of(paths, since, until)
    if not found:
        raise RfidguardError(f"{paths[0].parent}: the journal holds nothing of this time")
    return History(found, since, until, jobs)


def end_of(paths: Sequence[Path]) -> float:
    """When the journal's last event was heard: a running daemon writes on. Raises RfidguardError where it holds none."""
    from rfidguard.events import State, heard_at
    from rfidguard.journal_files import events_in

    for path in reversed(paths):
        times = [heard_at(event) for event in events_in([path], Counter()) if not isinstance(event, State)]
        if times:
            return max(times)
    raise RfidguardError(f"{paths[0].parent}: the journal holds no event; there is nothing to compare")


def _replayed(paths: list[Path], since: float | None, until: float, configs: "Sequence[Config]") -> "list[list[Rung]]":
    """In a process of its own: the share of a few configurations."""
    return History(paths, since, until)._fed(configs, None, None, None)


@contextmanager
def _helpers(processes: int) -> Iterator[ProcessPoolExecutor | None]:
    """Fresh processes: a fork would copy the threads of the progress bar half-way through."""
    if not processes:
        yield None
        return
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        yield pool


def from_database(config: "Config", since: float, until: float) -> "tuple[list[Alarm], bool]":
    """The alarms of the time with what staff said of them, and whether all stock was ever counted; ([], False) where there is no
    database. Raises RfidguardError where it cannot be asked.
    """
    from sqlalchemy.engine import make_url

    from rfidguard.alarm_db import alarms_between
    from rfidguard.catalogue_db import FULL, last_counts
    from rfidguard.clock import SystemClock
    from rfidguard.store import Store

    url = make_url(config.database.url)
    if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).is_file()):
        return [], False
    with Store(config.database.url, SystemClock()) as store:
        return store.read(lambda conn: (alarms_between(conn, since, until), FULL in last_counts(conn)))


@contextmanager
def _progress(title: str, paths: Sequence[Path]) -> Iterator[Callable[[int], None]]:
    """A bar over the bytes of all files, as they are on the disk."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    total = sum(path.stat().st_size for path in paths if path.exists())
    columns = (TextColumn(title), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=total)
        yield lambda size: bar.advance(task, size)
