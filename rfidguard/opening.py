"""Opening hours as the configuration writes them: "mon-sat 08:00-20:00, sun 13:00-18:00". Pure."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PART = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))?\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)")

Span = tuple[int, int]
"""Minutes since midnight, from and to; a `to` above 1440 is on the next day."""


class Opening:
    """When the shop is open, in its own time."""

    def __init__(self, text: str, zone: tzinfo) -> None:
        """Raises ValueError that says how to write it."""
        self._spans = spans(text)
        self._zone = zone

    def is_open(self, at: float, margin_s: float = 0.0) -> bool:
        """Whether it was open at `at` (Unix seconds), or will be or was within `margin_s`."""
        local = datetime.fromtimestamp(at, UTC).astimezone(self._zone)
        minute = local.hour * 60 + local.minute + local.second / 60
        margin = margin_s / 60
        yesterday = (local.date() - timedelta(days=1)).weekday()
        tomorrow = (local.date() + timedelta(days=1)).weekday()
        days = ((local.weekday(), 0), (yesterday, 1440), (tomorrow, -1440))
        return any(
            start - margin <= minute + shift <= end + margin for day, shift in days for start, end in self._spans.get(day, ())
        )


def spans(text: str) -> dict[int, list[Span]]:
    """Weekday (0 is Monday) -> the spans that begin on it. A part without days holds for all of them. Raises ValueError."""
    found: dict[int, list[Span]] = {}
    for part in text.lower().split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                f'{part.strip()[:40]!r} is no opening time; write "08:00-20:00" or "mon-sat 08:00-20:00, sun 13:00-18:00"'
            )
        first, last, *clock = match.groups()
        start, end = _minutes(*clock[:2]), _minutes(*clock[2:])
        for day in _days(first, last):
            found.setdefault(day, []).append((start, end if end > start else end + 1440))
    return found


def _days(first: str | None, last: str | None) -> list[int]:
    if first is None:
        return list(range(7))
    for name in (first, last):
        if name is not None and name not in DAYS:
            raise ValueError(f"no day is called {name!r}; one of {', '.join(DAYS)}")
    start, end = DAYS.index(first), DAYS.index(last or first)
    return list(range(start, end + 1)) if start <= end else list(chain(range(start, 7), range(end + 1)))


def _minutes(hours: str, minutes: str) -> int:
    if int(hours) * 60 + int(minutes) > 1440 or int(minutes) > 59:
        raise ValueError(f"there is no such time of day: {hours}:{minutes}")
    return int(hours) * 60 + int(minutes)
