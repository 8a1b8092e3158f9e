"""Where the reading of a growing column goes on: a number, a time or a text, as JSON between two runs. Pure."""

import json
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from rfidguard.errors import DeviceLost


def to_cursor(value: Any) -> str:
    """A value of the column -> text to be kept."""
    kind = "time" if isinstance(value, datetime) else "number" if is_number(value) else "text"
    plain = value.isoformat() if isinstance(value, datetime) else str(value)
    return json.dumps([kind, plain])


def from_cursor(cursor: str) -> Any:
    """What `to_cursor` was given; numbers as int or float."""
    kind, plain = json.loads(cursor)
    if kind == "time":
        return datetime.fromisoformat(plain)
    if kind == "number":
        return int(plain) if plain.lstrip("-").isdigit() else float(plain)
    return plain


def first_cursor(start: int | float | str | None) -> Any:
    """Where the first poll begins, as the setting says it."""
    if isinstance(start, str) and "-" in start:
        with suppress(ValueError):
            return datetime.fromisoformat(start)
    return start


def back(after: Any, overlap: float) -> Any:
    """`overlap` seconds or counts before. Raises DeviceLost for a text, which has no before."""
    if after is None or not overlap:
        return after
    if isinstance(after, datetime):
        return after - timedelta(seconds=overlap)
    if not is_number(after):
        raise DeviceLost(f"overlap needs a cursor that is a number or a time, and {str(after)[:40]!r} is a text")
    return after - overlap


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float, Decimal))
