"""What `tune` reads: the kept journal, through several cores in one go, and what staff said, from the database."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
    from rfidguard.tuning.shadow import Shadow

Heard = Callable[["Event"], None]


@dataclass
class History:
    """A stretch of the journal. `since`, `until`: Unix seconds, None: as far as it is kept. The rest is known after the first
    `replay`: `began` and `ended`, when its first and last event were heard.
    """

    paths: list[Path]
    since: float | None
    until: float | None
    events: int = 0
    began: float | None = None
    ended: float | None = None
    refused: Counter[str] = field(default_factory=Counter)

    def replay(self, shadows: "Sequence[Shadow]", heard: Heard, title: str) -> "list[list[Rung]]":
        """Feeds every event to every core; what each of them rang within the stretch. `heard` hears of each event, too."""
        from rfidguard.events import State, heard_at
        from rfidguard.journal_span import events_until

        self.events, self.refused, self.began = 0, Counter(), None
        with _progress(title, self.paths) as read:
            found = self._events(read)
            for event in found if self.until is None else events_until(found, self.until):
                if not isinstance(event, State):
                    self.began = heard_at(event) if self.began is None else self.began
                    self.ended = heard_at(event)
                self.events += 1
                heard(event)
                for shadow in shadows:
                    shadow.feed(event)
        for shadow in shadows:
            shadow.end()
            self.refused["bad_state"] += shadow.bad_states
        self.refused = +self.refused
        return [[rung for rung in shadow.alarms() if self.covers(rung.raised_at)] for shadow in shadows]

    def covers(self, at: float) -> bool:
        """Whether a moment lies in the stretch; what leads up to it from the last snapshot does not."""
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)

    def span(self) -> tuple[float, float]:
        """When it begins and ends. Raises RfidguardError where nothing was heard."""
        if self.began is None or self.ended is None:
            raise RfidguardError(f"{self.paths[0].parent}: the journal holds no event of this time; nothing can be compared")
        return max(self.began, self.since or self.began), self.ended

    def _events(self, read: Callable[[int], None]) -> "Iterator[Event]":
        """A running daemon packs files and deletes old ones while they are read."""
        from rfidguard.journal_files import events_in

        for path in self.paths:
            packed = path.with_name(f"{path.name}.zst")
            here = path if path.exists() else packed
            if here.exists():
                yield from events_in([here], self.refused, read)
            else:
                self.refused["file_deleted_meanwhile"] += 1


def history_of(folder: Path, since: float | None, until: float | None) -> History:
    """The kept journal in `folder` (or the file) that tells of a time. Raises ConfigError, RfidguardError."""
    from rfidguard.journal_files import journal_paths
    from rfidguard.journal_span import began_at, span_of

    paths = journal_paths(folder)
    if since is not None:
        paths = span_of(paths, since, float("inf") if until is None else until)
    elif until is not None:
        paths = [path for path in paths if began_at(path) <= until]
    if not paths:
        raise RfidguardError(f"{folder}: the journal holds nothing of this time")
    return History(paths, since, until)


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
