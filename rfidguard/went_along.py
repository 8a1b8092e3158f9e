"""Step 3g: when somebody was counted going out, which of the goods that stood in view went along? Changes their tracks. Pure.

`passage.look` follows one tag from moment to moment. Here all tags of a shelf are compared, a few times after each count.
"""

from collections.abc import Collection, Iterator

from rfidguard.bins import binned
from rfidguard.found import Found, found
from rfidguard.layout import GateLayout
from rfidguard.passage import LOOK_S
from rfidguard.path import Presence
from rfidguard.picked import PICKED, compared, table_of
from rfidguard.picked_shelf import AGES_S
from rfidguard.shelf import TENTHS, caught_up
from rfidguard.track import Track
from rfidguard.trees import score, table

_TAKEN_S = 4.0
"""So long before the count, at most, they were taken."""


def went_along(
    gate: GateLayout, presence: Presence, tracks: Collection[Track], floor_db: float, now: float
) -> Iterator[tuple[Track, Found]]:
    """What went out with those who were counted so long ago that it is time to ask."""
    if not presence.healthy:
        return
    for counted, direction in presence.counts:
        if direction == "out" and any(now - LOOK_S < counted + age <= now for age in AGES_S):
            yield from _with(gate, presence, tracks, counted, floor_db, now)


def _with(
    gate: GateLayout, presence: Presence, tracks: Collection[Track], counted: float, floor_db: float, now: float
) -> Iterator[tuple[Track, Found]]:
    trails = ((track, track.trail) for track in tracks)
    name = table_of(gate)
    for track, _, signs in compared(trails, gate, presence.counts, counted, now, floor_db):
        if track.state != "left" and score(table(name), signs) >= PICKED[name]:
            _taken(track, counted, now)
            what = found("out", track, table(name), signs, counted)
            track.state, track.start_at = "left", now
            yield track, what


def _taken(track: Track, counted: float, now: float) -> None:
    """The tag stands no more: what it does from here on is its next passage."""
    if track.state == "standing" and not track.gone:
        caught_up(track, now - 0.5 / TENTHS)
    binned(track)
    track.start_at = counted - _TAKEN_S
    track.path, track.older = None, {}
    track.leaving = False
