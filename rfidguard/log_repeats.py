"""Keeps a fault that repeats itself from filling the log: the first lines are written, later ones say how many were left out."""

import logging
import threading
from collections import Counter, OrderedDict

WINDOW_S = 60.0
SAME = 3
"""Lines with the very same text in a window."""

ALIKE = 100
"""Lines of one place in the program, whatever they name, in a window."""

MAX_PLACES = 500
MAX_TEXTS = 200

left_out: Counter[str] = Counter()
"""Lines that were not written, by level."""


class _Place:
    """What one place in the program said in the window that began at `since`."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.texts: Counter[str] = Counter()
        self.lines = 0
        self.left_out = 0


class Repeats(logging.Filter):
    """A handler's filter. Time is that of the records. Critical lines always pass."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._places: OrderedDict[tuple[str, int, str], _Place] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Sets `record.left_out`, how many like it were left out before, on the first that passes again."""
        if record.levelno >= logging.CRITICAL:
            return True
        with self._lock:
            place = self._place(record)
            place.lines += 1
            if self._is_too_often(place, record.getMessage()):
                place.left_out += 1
                left_out[record.levelname.lower()] += 1
                return False
            record.left_out, place.left_out = place.left_out, 0
        return True

    def _place(self, record: logging.LogRecord) -> _Place:
        key = (record.name, record.levelno, str(record.msg))
        place = self._places.pop(key, None)
        if place is None:
            place = _Place(record.created)
        elif not 0 <= record.created - place.since < WINDOW_S:
            fresh = _Place(record.created)
            fresh.left_out = place.left_out
            place = fresh
        self._places[key] = place
        if len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
        return place

    def _is_too_often(self, place: _Place, text: str) -> bool:
        if text in place.texts or len(place.texts) < MAX_TEXTS:
            place.texts[text] += 1
        return place.texts[text] > SAME or place.lines > ALIKE
