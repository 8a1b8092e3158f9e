"""A SQLite file that is damaged: how it is found out while the daemon runs, marked, and moved out of the way at the start."""

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

_BESIDE = ("", "-wal", "-shm")
_PAGES_A_STEP = 100_000


def mark(path: Path) -> None:
    """The next start is to move this database aside."""
    _marker(path).touch()


def is_marked(path: Path) -> bool:
    return _marker(path).exists()


def moved_aside(path: Path, now: float) -> Path:
    """Renames the database, with all that belongs to it, to `NAME.damaged-TIME`; returns its new path."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    target = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in _BESIDE:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(target.with_name(target.name + suffix))
    _marker(path).unlink(missing_ok=True)
    return target


def moved_aside_if_damaged(path: Path, now: float) -> Path | None:
    """Where a database went that was marked, or cannot be read; None for one that looks sound, or is not there."""
    if not path.exists():
        return None
    fault = "found damaged while it was used" if is_marked(path) else unreadable(path)
    if fault is None:
        return None
    target = moved_aside(path, now)
    log.critical("the database was damaged (%s) and is now %s; starting with an empty one", fault, target)
    return target


def unreadable(path: Path) -> str | None:
    """Why this file can be no database any more, told within a second; None for one that looks sound, or is not there."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.5)) as conn:
            conn.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        return _damage(error)
    return None


def fault_in(path: Path, stop: Callable[[], bool] = lambda: False) -> str | None:
    """The first fault that SQLite's quick_check finds in a database; None for a sound one, and where `stop` said so.

    Takes seconds for a large file; use a thread. Others may use the database meanwhile.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)) as conn:
            conn.set_progress_handler(lambda: int(stop()), _PAGES_A_STEP)
            (found,) = conn.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.DatabaseError as error:
        return _damage(error)
    return None if found == "ok" else str(found)


def check_in_background(path: Path, found: Callable[[str], None], stop: threading.Event) -> threading.Thread:
    """Looks a database over on a thread of its own; `found(fault)` is called there if it is damaged."""

    def look() -> None:
        fault = fault_in(path, stop.is_set)
        if fault is not None and not stop.is_set():
            log.critical("the database %s is damaged: %s", path, fault)
            found(fault)

    thread = threading.Thread(target=look, name="database-check", daemon=True)
    thread.start()
    return thread


def _damage(error: sqlite3.DatabaseError) -> str | None:
    """What is broken; None where the file is only locked, away or forbidden."""
    name = getattr(error, "sqlite_errorname", "")
    return str(error) if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) else None


def _marker(path: Path) -> Path:
    return path.with_name(path.name + ".is-damaged")
