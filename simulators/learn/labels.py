"""What a score should have said of a tag at one moment, by the truth. Pure.

Around a crossing there is a time in which either answer is fine: the tag is in the doorway. There nothing is asked.
"""

from collections.abc import Iterable

from rfidguard.evaluate import Passage

NO, YES, UNASKED = 0, 1, -1

_OUT_FROM_S, _OUT_TO_S, _OUT_UNASKED_S = -0.3, 4.0, 0.7
"""From the crossing: from when to when "gone out" is right, and how long before that it is not asked."""
_IN_FROM_S, _IN_TO_S, _IN_UNASKED_S = 0.1, 5.0, 0.8
"""The same for "come in": later, because who is wrongly taken to have come in may leave unseen."""


def gone_out(passages: Iterable[Passage], now: float) -> int:
    """Has the tag of these `passages` gone out by `now`?"""
    return _label(passages, "out", now, _OUT_FROM_S, _OUT_TO_S, _OUT_UNASKED_S)


def come_in(passages: Iterable[Passage], now: float) -> int:
    """Has it come in?"""
    return _label(passages, "in", now, _IN_FROM_S, _IN_TO_S, _IN_UNASKED_S)


def through(out: int, come: int) -> int:
    """Has it gone through at all, whichever way? Of the two answers."""
    if YES in (out, come):
        return YES
    return UNASKED if UNASKED in (out, come) else NO


def _label(passages: Iterable[Passage], way: str, now: float, since: float, until: float, unasked_s: float) -> int:
    ages = [now - passage.cross for passage in passages if passage.cross is not None and passage.direction == way]
    if any(since <= age <= until for age in ages):
        return YES
    return UNASKED if any(since - unasked_s <= age < since for age in ages) else NO
