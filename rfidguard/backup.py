"""A consistent copy of a SQLite database while others use it: copied, checked, and only then given its name."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from rfidguard.errors import RfidguardError
from rfidguard.store_engine import APPLICATION_ID


def back_up(source: Path, target: Path) -> int:
    """Copies the database `source` to the new file `target`; returns its size in bytes.

    The copy is one plain file, complete without any -wal beside it. Raises RfidguardError where the source is no database of
    ours, the target exists or cannot be written, or the copy does not pass its check; then no target is left behind.
    """
    if not source.is_file():
        raise RfidguardError(f"{source}: there is no database yet; nothing to back up")
    if target.exists():
        raise RfidguardError(f"{target}: exists already; a backup overwrites nothing, name another file")
    if not target.absolute().parent.is_dir():
        raise RfidguardError(f"{target}: the folder {target.absolute().parent} does not exist")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        _copy(source, part)
        _check(part)
        _publish(part, target)
    except sqlite3.Error as error:
        raise RfidguardError(f"{source}: cannot be backed up to {target}: {error}") from error
    except OSError as error:
        raise RfidguardError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: Path, part: Path) -> None:
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=rw", uri=True, timeout=10.0)) as origin,
        closing(sqlite3.connect(part)) as copy,
    ):
        origin.backup(copy)  # in one step: in WAL it holds up no writer, and needs no new start when one commits
        copy.execute("PRAGMA journal_mode = DELETE")


def _check(part: Path) -> None:
    with closing(sqlite3.connect(part)) as copy:
        (application,) = copy.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise RfidguardError("the source is no database of rfidguard")
        faults = [row[0] for row in copy.execute("PRAGMA quick_check")]
    if faults != ["ok"]:
        raise RfidguardError(f"the copy is damaged, and so is the source: {faults[0]}; keep your last good backup")


def _publish(part: Path, target: Path) -> None:
    """Gives the finished copy its name, without taking that of another file, and makes both last."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    try:
        os.link(part, target)
    except FileExistsError:
        raise RfidguardError(f"{target}: exists already; a backup overwrites nothing, name another file") from None
    except OSError:  # a file system without hard links, such as that of a USB stick
        part.rename(target)
    folder = os.open(target.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
