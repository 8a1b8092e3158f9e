"""A stretch of a long journal: which files tell of a moment, and from which snapshot: nobody reads two weeks for a minute."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from rfidguard.alarm import utc_text
from rfidguard.errors import RefusedInput, RfidguardError
from rfidguard.events import Event, State, heard_at
from rfidguard.journal import decode_line
from rfidguard.journal_files import events_in, lines_of

_STAMP = re.compile(r"journal-(\d{8}T\d{6}Z)-\d+\.jsonl")
_HEAD_LINES = 3
"""A recorded file's first lines: header, then snapshot."""
_READ = b'"read"'
_SLACK_S = 5.0
"""A file is named after the second in which it began; what it starts with may be a little older."""


@dataclass(frozen=True)
class Mention:
    """Where an EPC was last read: the file's place among the journal's files, and when (Unix seconds)."""

    place: int
    at: float


def span_of(paths: Sequence[Path], since: float, until: float) -> list[Path]:
    """The files that tell of `since` to `until`, from the last one that starts with a snapshot before `since`.

    Raises RfidguardError where the journal does not reach back so far.
    """
    began = [began_at(path) for path in paths]
    before = [place for place, at in enumerate(began) if at <= since + _SLACK_S]
    if not before and (not paths or until < began[0]):
        oldest = f"it begins at {utc_text(began[0])}" if paths else "it is empty"
        raise RfidguardError(
            f"the journal does not reach back to {utc_text(since)}: {oldest}; older files were deleted (journal.keep_days)"
        )
    start = before[-1] if before else 0
    while start > 0 and not starts_whole(paths[start]):
        start -= 1
    return [path for path, at in zip(paths[start:], began[start:], strict=True) if at <= until]


def began_at(path: Path) -> float:
    """When a journal file begins: by its name, else by its first event. An empty one begins at the end of time."""
    match = _STAMP.match(path.name)
    if match is not None:
        return datetime.strptime(match[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    first = next(events_in([path], Counter()), None)
    return float("inf") if first is None else heard_at(first)


def starts_whole(path: Path) -> bool:
    """True where one of the file's first lines is a snapshot."""
    with path.open("rb", buffering=0) as file:
        for line, _ in zip(lines_of(file, Counter()), range(_HEAD_LINES), strict=False):
            if b'"state"' in line[:64]:
                return True
    return False


def events_until(events: Iterable[Event], until: float) -> Iterator[Event]:
    """The events up to `until`, by when they were heard."""
    for event in events:
        if heard_at(event) > until and not isinstance(event, State):
            return
        yield event


def last_mention(paths: Sequence[Path], epc: str, told: Callable[[int], None] | None = None) -> Mention | None:
    """Where `epc` was last read; None where it never was. Looks at raw lines, newest file first. `told`: files looked through."""
    names = (epc.encode(), epc.lower().encode())
    for place in reversed(range(len(paths))):
        found: bytes | None = None
        with paths[place].open("rb", buffering=0) as file:
            for line in lines_of(file, Counter()):
                if _READ in line and (names[0] in line or names[1] in line):
                    found = line
        if told is not None:
            told(1)
        if found is not None and (at := _time_of(found)) is not None:
            return Mention(place, at)
    return None


def _time_of(line: bytes) -> float | None:
    try:
        event = decode_line(line)
    except (RefusedInput, msgspec.MsgspecError):
        return None
    return None if event is None else event.at
