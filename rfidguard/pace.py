"""How often the tags in view are looked at, on a box that is too slow to look at all of them every tenth of a second. Pure.

Looks cost by tag and moment, and they are what can wait: a read that is not taken in is lost, a look that comes later sees all
that came until then. So a box that falls behind looks less often: first at what it hears nothing new of, then at everything. How
much depends on the box, so each change is an event of its own (`Pace`) in the journal: a replay looks when the box looked.
"""

from typing import NamedTuple

from rfidguard.core_state import CoreState
from rfidguard.effects import Effect
from rfidguard.events import Pace
from rfidguard.track import Track

TENTHS = 10.0
STEPS = ((1, 1), (1, 2), (1, 5), (1, 10), (2, 10), (4, 10), (10, 10))
"""`heard` and `quiet` of a Pace, from the best a box can do to the least. No step is more than 2.5 times the next."""
BEHIND_S = 0.3
"""Input that waits for so long, and ever longer, is more than the box can take. A shorter wait is a snapshot, or other work."""
FAR_BEHIND_S = 1.0
GIVE_UP_S = 4.0
"""Reads that wait for longer are given up, where looking less often does not help any more: after 5 s they would be backlog."""
_LOOK_S = 0.2
_CALM_S = 5.0
_IDLE = 0.6
"""Idle for such a share of _CALM_S, a box can look more often: the next better step is 2.5 times the work at most."""
_LATE_S = 0.3
"""Reads come so late: a tag last heard so long before its last look may have had news since."""


class Seen(NamedTuple):
    """How the core stands at a moment (seconds): the input just taken had waited for `waited`, it had nothing to do for `idle`
    in all.
    """

    at: float
    waited: float
    idle: float


class Pacer:
    """Finds the step that this box can keep. `step` counts from 0, the best one."""

    def __init__(self, at: float) -> None:
        self.step = 0
        self._looked = self._calm = Seen(at, 0.0, 0.0)
        self._least_since = at

    def look(self, seen: Seen) -> bool:
        """Call it often. True where `step` is another now."""
        if seen.at - self._looked.at < _LOOK_S:
            return False
        before, self._looked = self._looked, seen
        if seen.waited > BEHIND_S and seen.waited > before.waited - _LOOK_S / 2:
            return self._slower(seen)
        if seen.waited > BEHIND_S:
            self._calm = seen
        if seen.at - self._calm.at < _CALM_S:
            return False
        share, self._calm = (seen.idle - self._calm.idle) / (seen.at - self._calm.at), seen
        if share < _IDLE or self.step == 0:
            return False
        self.step -= 1
        return True

    def hopeless(self, seen: Seen) -> bool:
        """True where reads must be given up: they have waited for too long, and looking less often has not helped for a while."""
        return seen.waited > GIVE_UP_S and self.step == len(STEPS) - 1 and seen.at - self._least_since > _CALM_S

    def _slower(self, seen: Seen) -> bool:
        self._calm = seen
        if self.step == len(STEPS) - 1:
            return False
        self.step = min(self.step + (2 if seen.waited > FAR_BEHIND_S else 1), len(STEPS) - 1)
        self._least_since = seen.at
        return True


def paced(state: CoreState, pace: Pace) -> list[Effect]:
    """The box looks at this pace from now on."""
    state.heard_tenths, state.quiet_tenths = pace.heard, pace.quiet
    return []


def look_every_s(state: CoreState) -> dict[str, float]:
    """Of tags that are heard, and of others."""
    return {"heard": state.heard_tenths / TENTHS, "quiet": state.quiet_tenths / TENTHS}


def slow_words(state: CoreState) -> str | None:
    """For people: what a box that cannot keep up does, and what helps; None where it keeps up."""
    if state.heard_tenths == 1:
        return None
    return (
        f"this box cannot keep up: it looks at tags every {state.heard_tenths / TENTHS:g} s instead of every 0.1 s, and may ring"
        " so much later; a faster box, fewer shelf goods in view or fewer gates help"
    )


def every_tenths(state: CoreState, track: Track) -> int:
    """How often this tag is looked at. Goods that are not ours never ring: they can wait."""
    news = track.last_at > track.checked_at - _LATE_S or track.leaving
    return state.heard_tenths if news and track.own else state.quiet_tenths


def spared(track: Track, every: int, now: float) -> bool:
    """True where a tag that is looked at every so many tenths of a second is not looked at `now`. Spreads tags over the tenths,
    by something that a journal shows as it was (it masks EPCs).
    """
    return every > 1 and (round(now * TENTHS) + int(track.first_at * 1e3)) % every != 0


def overslept(track: Track, every: int, now: float) -> float:
    """How much longer than one tenth ago this tag was looked at last, in seconds; what one look adds to its time in view."""
    past = min(now - max(track.checked_at, track.start_at), every / TENTHS)
    return max(past - 1.0 / TENTHS, 0.0)
