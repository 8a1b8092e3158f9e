"""A folder that a shop's system drops files into: CSV, POSLog, EPCIS or journal lines. Each is taken once and moved away.

A file that is still being written is left alone until it has rested; so are hidden ones and those called .part or .tmp. What
was stored before a crash is a duplicate the next time: the file is moved only after its last commit.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import tzinfo
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from rfidguard.clock import Clock
from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.ledger_file import NO_COLUMNS, ledger_lines
from rfidguard.feeds.ledger_import import to_the_end
from rfidguard.record_intake import BATCH, take_records
from rfidguard.store import Store

log = logging.getLogger(__name__)

REST_S = 2.0
"""A file that has not changed for so long is complete."""

DONE, REFUSED = "done", "refused"
"""Where files go: all of it taken; something of it refused (the reasons stand beside it, in NAME.reasons.txt)."""

MAX_REASONS = 1_000
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".swp")


class Dropped(msgspec.Struct):
    """What became of one file. `refused`: by reason; `reasons`: the first MAX_REASONS with their places."""

    name: str
    stored: int = 0
    duplicate: int = 0
    passed_over: Counter[str] = msgspec.field(default_factory=Counter)
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: list[str] = msgspec.field(default_factory=list)

    def refuse(self, taken: Taken) -> None:
        self.refused[taken.reason or ""] += 1
        if len(self.reasons) < MAX_REASONS:
            place = f"line {taken.line}: " if taken.line and not (taken.text or "").startswith("line ") else ""
            self.reasons.append(f"{place}{taken.text} ({taken.reason})")


class DropFolder:
    """`sweep` takes whatever is complete. Called again and again by one thread; nothing is remembered between restarts.

    `source`: what its records are called by. `zone`: that of times without one. `columns`: of CSV files, their names of
    columns (lower case) to ours.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        emit: Emit,
        clock: Clock,
        *,
        source: str,
        zone: tzinfo,
        columns: Mapping[str, str] = NO_COLUMNS,
    ) -> None:
        self._folder = folder
        self._store = store
        self._emit = emit
        self._clock = clock
        self._source = source
        self._zone = zone
        self._columns = columns
        self._seen: dict[str, tuple[int, int, float]] = {}

    def sweep(self) -> list[Dropped]:
        """What became of each file that was complete, in order of their names.

        Raises OSError where the folder cannot be read or a file cannot be moved away (it would be taken for ever), and
        StoreUnavailable. What is taken by then stays taken.
        """
        return [self._take(path) for path in self._complete()]

    def _complete(self) -> list[Path]:
        now = self._clock.now()
        seen: dict[str, tuple[int, int, float]] = {}
        for path in sorted(self._folder.iterdir()):
            if path.is_symlink() or not path.is_file() or path.name.startswith(".") or path.name.endswith(_UNFINISHED):
                continue
            status = path.stat()
            before = self._seen.get(path.name)
            same = before is not None and before[:2] == (status.st_size, status.st_mtime_ns)
            seen[path.name] = (status.st_size, status.st_mtime_ns, before[2] if before and same else now)
        self._seen = seen
        return [self._folder / name for name, (_, _, since) in seen.items() if now - since >= REST_S]

    def _take(self, path: Path) -> Dropped:
        dropped = Dropped(path.name)
        now = self._clock.now()
        with path.open("rb", buffering=0) as file:
            lines = to_the_end(ledger_lines(file, self._zone, now, self._columns))
            while batch := list(islice(lines, BATCH)):
                self._store_batch(batch, dropped, now)
        if dropped.refused:
            self._bury(path, dropped, now)
        self._move(path, dropped)
        return dropped

    def _store_batch(self, batch: list[Taken], dropped: Dropped, now: float) -> None:
        records = [taken.record for taken in batch if taken.record is not None]
        counts = take_records(self._store, records, source=self._source, now=now, emit=self._emit)
        dropped.stored += counts.stored
        dropped.duplicate += counts.duplicate
        for taken in batch:
            if taken.reason is not None:
                dropped.refuse(taken)
            elif taken.passed is not None:
                dropped.passed_over[taken.passed] += 1
        for name in counts.reused:
            dropped.refuse(Taken(0, reason="id_reused", text=f"{name}: stands for something else already"))

    def _bury(self, path: Path, dropped: Dropped, now: float) -> None:
        reason, detail = next(iter(dropped.refused)), "\n".join([path.name, *dropped.reasons])
        self._store.write(partial(bury, source=self._source, reason=reason, detail=detail, payload=b"", at=now)).result()

    def _move(self, path: Path, dropped: Dropped) -> None:
        """Out of the way, under a name that is free."""
        goal = self._folder / (REFUSED if dropped.refused else DONE)
        goal.mkdir(exist_ok=True)
        name, number = path.name, 1
        while (goal / name).exists():
            number += 1
            name = f"{path.stem}~{number}{path.suffix}"
        if dropped.refused:
            (goal / f"{name}.reasons.txt").write_text("\n".join(dropped.reasons) + "\n", encoding="utf-8")
        path.rename(goal / name)
        self._seen.pop(path.name, None)
        log.info(
            "%s: %d stored, %d duplicate, %d refused; moved to %s",
            path.name, dropped.stored, dropped.duplicate, dropped.refused.total(), goal.name,
        )  # fmt: skip
