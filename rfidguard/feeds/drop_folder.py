"""A folder that a shop's system drops files into: CSV, POSLog, EPCIS or journal lines. Each is taken once and moved away.

A file that is still being written is left alone until it has rested; so are hidden ones and those called .part or .tmp. A file is
moved only after its last commit; the cursor says how much of it is stored, so that a restart goes on in the middle.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec
from pydantic import Field

from rfidguard.feeds.contract import Context, Page, PollSettings
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.ledger_file import ledger_lines
from rfidguard.feeds.ledger_import import to_the_end
from rfidguard.record_intake import BATCH, RecordCounts

log = logging.getLogger(__name__)

DONE, REFUSED = "done", "refused"
"""Where files go: all of it taken; something of it refused (the reasons stand beside it, in NAME.reasons.txt)."""

MAX_REASONS = 1_000
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".swp")


class Dropped(msgspec.Struct):
    """The file in hand and what became of it. `lines`: how many are stored. `reasons`: the first MAX_REASONS refusals."""

    path: Path
    mark: list[int]
    file: BinaryIO
    rest: Iterator[Taken]
    lines: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: Counter[str] = msgspec.field(default_factory=Counter)
    reasons: list[str] = msgspec.field(default_factory=list)

    def refuse(self, taken: Taken) -> None:
        self.refused[taken.reason or ""] += 1
        if len(self.reasons) < MAX_REASONS:
            place = f"line {taken.line}: " if taken.line and not (taken.text or "").startswith("line ") else ""
            self.reasons.append(f"{place}{taken.text} ({taken.reason})")


class FolderSettings(PollSettings):
    path: Path
    """The folder."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Of CSV files: what they call a column -> epc, gtin, serial, quantity, kind, at, transaction, lane, id."""
    rest_s: float = Field(2.0, ge=0, le=3600)
    """A file that has not changed for so long is complete."""
    every_s: float = Field(2.0, ge=0.2, le=86_400)


class DropFolder:
    """A Source. An empty folder does not prove that anybody lives."""

    Settings = FolderSettings
    proves_life = False

    def __init__(self, settings: FolderSettings, context: Context) -> None:
        self._folder, self._rest_s = settings.path, settings.rest_s
        self._columns = {name.strip().lower(): ours for name, ours in settings.columns.items()}
        self._context = context
        self._seen: dict[str, tuple[int, int, float]] = {}
        self._hand: Dropped | None = None

    def poll(self, cursor: str | None) -> Page:
        """The next lines of the file in hand, or of the next complete one. Raises OSError where the folder cannot be read."""
        if self._hand is None:
            path = next(iter(self._complete()), None)
            if path is None:
                return Page()
            self._hand = self._opened(path, cursor)
        hand = self._hand
        lines = tuple(islice(hand.rest, BATCH))
        place = json.dumps([hand.path.name, *hand.mark, hand.lines + len(lines)])
        return Page(lines, place, more=True)

    def stored(self, page: Page, counts: RecordCounts) -> None:
        """Counts; a file that is through is moved. Raises OSError where it cannot be: it would be taken for ever."""
        hand = self._hand
        if hand is None:
            return
        hand.lines += len(page.taken)
        hand.stored += counts.stored
        hand.duplicate += counts.duplicate
        for taken in page.taken:
            if taken.reason is not None:
                hand.refuse(taken)
        for name in counts.reused:
            hand.refuse(Taken(0, reason="id_reused", text=f"{name}: stands for something else already"))
        if len(page.taken) < BATCH:
            hand.file.close()
            self._hand = None
            self._move(hand)

    def close(self) -> None:
        if self._hand is not None:
            self._hand.file.close()
            self._hand = None

    def doctor(self) -> str:
        """Raises OSError."""
        names = [path.name for path in self._folder.iterdir()]
        if not os.access(self._folder, os.W_OK):
            raise PermissionError(f"{self._folder}: files cannot be moved away by this user")
        return f"{self._folder} is there, {len(set(names) - {DONE, REFUSED})} files wait"

    def _complete(self) -> list[Path]:
        now = self._context.clock.now()
        seen: dict[str, tuple[int, int, float]] = {}
        for path in sorted(self._folder.iterdir()):
            if path.is_symlink() or not path.is_file() or path.name.startswith(".") or path.name.endswith(_UNFINISHED):
                continue
            status = path.stat()
            before = self._seen.get(path.name)
            same = before is not None and before[:2] == (status.st_size, status.st_mtime_ns)
            seen[path.name] = (status.st_size, status.st_mtime_ns, before[2] if before and same else now)
        self._seen = seen
        return [self._folder / name for name, (_, _, since) in seen.items() if now - since >= self._rest_s]

    def _opened(self, path: Path, cursor: str | None) -> Dropped:
        """From where it was left, if it is the same file."""
        size, changed, _ = self._seen[path.name]
        file = path.open("rb", buffering=0)
        rest = to_the_end(ledger_lines(file, self._context.zone, self._context.clock.now(), self._columns))
        place = json.loads(cursor) if cursor else []
        skip = int(place[3]) if place[:3] == [path.name, size, changed] else 0
        hand = Dropped(path, [size, changed], file, rest, lines=skip)
        for taken in islice(rest, skip):
            if taken.reason is not None:
                hand.refuse(taken)
        return hand

    def _move(self, hand: Dropped) -> None:
        """Out of the way, under a name that is free."""
        goal = self._folder / (REFUSED if hand.refused else DONE)
        goal.mkdir(exist_ok=True)
        name, number = hand.path.name, 1
        while (goal / name).exists():
            number += 1
            name = f"{hand.path.stem}~{number}{hand.path.suffix}"
        if hand.refused:
            (goal / f"{name}.reasons.txt").write_text("\n".join(hand.reasons) + "\n", encoding="utf-8")
        hand.path.rename(goal / name)
        self._seen.pop(hand.path.name, None)
        log.info(
            "%s: %d stored, %d duplicate, %d refused; moved to %s",
            hand.path.name, hand.stored, hand.duplicate, hand.refused.total(), goal.name,
        )  # fmt: skip
