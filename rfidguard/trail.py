"""Step 2c: which antennas heard a tag in its last seconds, and how each heard it before that. Pure.

Unlike a base (`spot.py`) it is kept whatever the tag does and is thought to do, and never learns from its last seconds: what
the tag was like before somebody was counted is compared with what it was like then (`picked.py`).
"""

import msgspec

KEPT_S = 10.5
"""So many seconds back each read is known by itself."""
_SLACK_S = 4.0
"""They are forgotten some at once: to forget one at each read would cost more than all else that a read of a shelf tag does."""
_MOST = 16
"""Reads that a trail holds at least: of a tag that is seldom read, the last ones, however old."""
_KNOWN_MOST = 120.0

Step = tuple[float, str, float]
"""A read: when (Unix seconds), the antenna, the level (dB)."""


class Heard(msgspec.Struct, gc=False):
    """How one antenna heard a tag: `n` (fading) reads, the sums of their levels (dB) and of the squares of these."""

    n: float = 0.0
    total_db: float = 0.0
    square_db: float = 0.0


class Trail(msgspec.Struct):
    """The last reads of a tag, in the order in which they came, and what each antenna heard before them, `since` when."""

    steps: list[Step] = []
    before: dict[str, Heard] = {}
    since: float | None = None


def trodden(trail: Trail, at: float, slot: str, level_db: float) -> None:
    """Takes one read in. A report of several reads is one."""
    steps = trail.steps
    steps.append((at, slot, level_db))
    if len(steps) > _MOST and steps[0][0] < at - KEPT_S - _SLACK_S:
        _forget(trail, at - KEPT_S)


def _forget(trail: Trail, until: float) -> None:
    """Of what is older than `until` the sums remain."""
    gone = next((place for place, step in enumerate(trail.steps) if step[0] >= until), len(trail.steps) - 1)
    if trail.since is None and gone:
        trail.since = trail.steps[0][0]
    for _, slot, level_db in trail.steps[:gone]:
        add(trail.before, slot, level_db)
    del trail.steps[:gone]
    if trail.since is not None and sum(heard.n for heard in trail.before.values()) > _KNOWN_MOST:
        trail.since += (until - trail.since) / 2
        for heard in trail.before.values():
            heard.n, heard.total_db, heard.square_db = heard.n / 2, heard.total_db / 2, heard.square_db / 2


def add(before: dict[str, Heard], slot: str, level_db: float) -> None:
    """One more read of one antenna."""
    heard = before.get(slot)
    if heard is None:
        heard = before[slot] = Heard()
    heard.n += 1.0
    heard.total_db += level_db
    heard.square_db += level_db * level_db
