"""How often the tags in view are looked at, on a box that is too slow to look at all of them every tenth of a second. Pure.

Looks cost by tag and moment, and they are what can wait: a read that is not taken in is lost, a look that comes later sees all
that came until then. So a box that falls behind looks less often: first at what it hears nothing new of, then at everything. How
much depends on the box, so each change is an event of its own (`Pace`) in the journal: a replay looks when the box looked.
"""

from typing import NamedTuple

from rfidguard.core_state import CoreState
from rfidguard.effects import Effect
from rfidguard.events import Pace
from rfidguard.overlook import REST_LOOK_S
from rfidguard.passage import QUIET_LOOK_S
from rfidguard.path import new_path
from rfidguard.standing import came_to_rest
from rfidguard.track import BIN_S, Track

TENTHS = 10.0
STEPS = ((1, 1), (1, 2), (1, 5), (1, 10), (2, 20), (4, 30), (10, 50), (20, 100))
"""`heard` and `quiet` of a Pace, from the best a box can do to the least. No step is more than 2.5 times the next."""
FOLLOWED = 20
"""Tenths of a second. Of a tag that waited for longer only the last ones are followed along the way out: each costs."""
BEHIND_S = 0.3
"""Input that waits for so long, and ever longer, is more than the box can take. A shorter wait is a snapshot, or other work."""
FAR_BEHIND_S = 1.0
GIVE_UP_S = 4.0
"""Reads that wait for longer are given up, where looking less often does not help any more: after 5 s they would be backlog."""
_LOOK_S = 0.2
_CALM_S = 5.0
_IDLE, _VERY_IDLE = 0.6, 0.85
"""Idle for such a share of _CALM_S, a box can look more often: the next better step is 2.5 times the work at most."""
_LATE_S = 0.3
"""Reads come so late: a tag last heard so long before its last look may have had news since."""
_STILL = 2.5
"""Log-odds of resting where it is from which a tag can wait."""


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
        self._looked = self._calm = self._before = Seen(at, 0.0, 0.0)
        """When it was asked last, when it fell behind or changed last, and some seconds ago."""
        self._stuck = False

    def look(self, seen: Seen) -> bool:
        """Call it often. True where `step` is another now."""
        if seen.at - self._looked.at < _LOOK_S:
            return False
        before, self._looked = self._looked, seen
        if seen.at - self._before.at >= _CALM_S:
            self._stuck = self.step == len(STEPS) - 1 and seen.waited > max(self._before.waited - _LOOK_S, GIVE_UP_S - _LOOK_S)
            self._before = seen
        if seen.waited > BEHIND_S and seen.waited > before.waited - _LOOK_S / 2:
            return self._slower(seen)
        if seen.waited > BEHIND_S:
            self._calm = seen
        if seen.at - self._calm.at < _CALM_S:
            return False
        share, self._calm = (seen.idle - self._calm.idle) / (seen.at - self._calm.at), seen
        if share < _IDLE or self.step == 0:
            return False
        self.step = max(self.step - (2 if share > _VERY_IDLE else 1), 0)
        return True

    def hopeless(self, seen: Seen) -> bool:
        """True where reads must be given up: they wait for too long, and looking as seldom as can be has not helped."""
        return self._stuck and seen.waited > GIVE_UP_S

    def _slower(self, seen: Seen) -> bool:
        self._calm = seen
        if self.step == len(STEPS) - 1:
            return False
        self.step = min(self.step + (2 if seen.waited > FAR_BEHIND_S else 1), len(STEPS) - 1)
        self._before, self._stuck = seen, False
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
    """How often this tag is looked at. What can wait: goods that are not ours and never ring, tags that were not heard since the
    last look or seem to lie still, and shelves met at a start, when hundreds of tags are new at once.
    """
    news = track.leaving or (track.last_at > track.checked_at - _LATE_S and track.calm < _STILL)
    return state.heard_tenths if track.own and news and (track.new or track.base) else state.quiet_tenths


def spared(track: Track, every: int, now: float) -> bool:
    """True where a tag that is looked at every so many tenths of a second is not looked at `now`. Not where it has come to rest:
    then it stands from this look on, and costs no more. Spreads tags over the tenths, by something that a journal shows as it
    was (it masks EPCs).
    """
    if every == 1 or (round(now * TENTHS) + int(track.first_at * 1e3)) % every == 0:
        return False
    return now - track.rest_at < REST_LOOK_S or not came_to_rest(track, now)


def skipped(track: Track, every: int, now: float) -> None:
    """Lets the way of a tag that waited for long begin later. It seemed to lie still all the while."""
    first = int(now // BIN_S) - FOLLOWED
    if every <= FOLLOWED or int(track.start_at // BIN_S) >= first:
        return
    if track.path is None and not track.base:
        track.path = new_path(first, track.inside)
    elif track.path is not None:
        track.path.index = max(track.path.index, first)


def overslept(track: Track, every: int, now: float) -> float:
    """By how much longer ago this tag was looked at than a look itself adds to its time in view, in seconds."""
    past = min(now - max(track.checked_at, track.start_at), every / TENTHS)
    return max(past - QUIET_LOOK_S, 0.0)
