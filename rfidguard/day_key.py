"""The key under which foreign EPCs are replaced: random, one for each UTC day, gone with the next."""

import json
import logging
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

FILE = ".day-key"


def day_of(at: float) -> str:
    """Unix seconds -> the UTC day, "2026-11-22"."""
    return datetime.fromtimestamp(at, UTC).date().isoformat()


def day_key(folder: Path, day: str) -> bytes:
    """The key of `day`: that of `folder`/.day-key where it is of this day, else a new one that takes its place.

    A restart on the same day thus goes on with the same key. Where the file cannot be written the key lives in memory only.
    """
    path = folder / FILE
    known = _known(path)
    if known is not None and known[0] == day:
        return known[1]
    key = secrets.token_bytes(32)
    try:
        _write(path, json.dumps({"day": day, "key": key.hex()}))
    except OSError as error:
        log.warning("the privacy key of the day is kept in memory only: %s", error)
    return key


def key_of(folder: Path, day: str) -> bytes | None:
    """The key of `day` if it is still there; never makes one."""
    known = _known(folder / FILE)
    return known[1] if known is not None and known[0] == day else None


def _known(path: Path) -> tuple[str, bytes] | None:
    try:
        body = json.loads(path.read_text("utf-8"))
        return str(body["day"]), bytes.fromhex(body["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f"{FILE}.new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
