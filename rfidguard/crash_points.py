"""Named places at which a test kills this process as a power cut would: RFIDGUARD_CRASH_AT=POINT or POINT:N (the N-th time).

Read once, at import; without the variable every call is one comparison. tests/faults/ walks through all of them.
"""

import os
import signal
from collections import Counter

POINTS = (
    "after_decision", "before_commit", "after_commit", "before_publish", "after_publish", "after_puback",
    "sale_before_commit", "sale_after_commit", "answer_after_store", "answer_judged", "mid_journal_flush",
)  # fmt: skip
"""Every point of the data path, in its order."""

FEED_POINTS = ("feed_before_commit", "feed_after_commit")
"""Where a page of a feed is stored; passed once for each thousand records, and by a poll without news too."""

_POINT, _, _NTH = os.environ.get("RFIDGUARD_CRASH_AT", "").partition(":")
_passed: Counter[str] = Counter()


def reached(point: str) -> None:
    """Dies here by SIGKILL if this is the point and the time."""
    if point == _POINT and _is_now(point):
        os.kill(os.getpid(), signal.SIGKILL)


def torn(point: str, fd: int, data: bytes) -> None:
    """Writes the first half of `data` to `fd` and dies, if this is the point and the time."""
    if point == _POINT and _is_now(point):
        os.write(fd, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)


def _is_now(point: str) -> bool:
    _passed[point] += 1
    return _passed[point] == int(_NTH or 1)
