"""A scene becomes rows of another kind: of each tag that stood, some moments after each count, and whether it had gone along.

Only trails and counts are followed: no track, no place, no table plays a part in these rows.
"""

import math
import tomllib
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from rfidguard.config import Config
from rfidguard.evaluate import Passage, Truth
from rfidguard.events import Count, Event, Read
from rfidguard.floor import floor_heard
from rfidguard.layout import GateLayout, antenna_slot, layout_from
from rfidguard.picked import compared
from rfidguard.picked_shelf import AGES_S
from rfidguard.trail import Trail, trodden
from simulators.learn.labels import UNASKED, YES, gone_out
from simulators.learn.rows import Rows, carried, drawn
from simulators.scene_cache import Played

_UNLIKELY = {True: (-1.0, 0.1), False: (math.inf, 0.2)}
"""By whether the gate has zones: below which first guess only this share becomes rows, each for as many."""
_EARLY_S, _LATE_S = -1.0, 1.2
"""A count so long after a crossing, or before it, was of whoever crossed."""

Moment = tuple[float, float]
"""When it is asked, and the count that it is asked about (Unix seconds)."""


def picked_rows_of(scene: Played) -> Rows:
    """The rows of a scene at one gate with directed counters. The same scene always gives the same rows."""
    layout = layout_from(Config.model_validate(tomllib.loads(scene.config_text)))
    (gate,) = layout.gates.values()
    passages = carried(msgspec.convert(scene.truth, Truth))
    rows = Rows()
    unlikely, kept = _UNLIKELY[gate.tells_direction()]
    for epc, signs, guess, counted, now in _asked(gate, scene.events):
        label = _label(passages.get(epc, ()), counted, now)
        share = kept if guess < unlikely and label != YES else 1.0
        if drawn(f"{epc} {now:.3f}") < share:
            rows.add(signs, label, UNASKED, 1.0 / share)
    return rows


def _asked(gate: GateLayout, events: Iterable[Event]) -> Iterator[tuple[str, dict[str, float], float, float, float]]:
    """Each tag that stood at each moment at which the program would ask: EPC, signs, a first guess, the count, now."""
    trails: dict[str, Trail] = {}
    counts: list[tuple[float, str]] = []
    moments: list[Moment] = []
    floor_db, heard = 0.0, 0
    for event in events:
        if isinstance(event, Count):
            counts.append((event.at, event.direction))
            if event.direction == "out":
                moments = sorted([*moments, *((event.at + age, event.at) for age in AGES_S)])
        elif isinstance(event, Read):
            while moments and moments[0][0] <= event.at:
                now, counted = moments.pop(0)
                for epc, guess, signs in compared(trails.items(), gate, counts, counted, now, floor_db, unlikely_too=True):
                    yield epc, signs, guess, counted, now
            trail = trails.setdefault(event.epc, Trail())
            trodden(trail, event.at, antenna_slot(event.reader, event.antenna), event.rssi_dbm)
            floor_db, heard = floor_heard(floor_db, heard, event.rssi_dbm)


def _label(passages: Sequence[Passage], counted: float, now: float) -> int:
    """Whether the tag went along with whoever was counted; not asked of one that left with somebody else just then."""
    label = gone_out(passages, now)
    if label != YES:
        return label
    crossed = (passage.cross for passage in passages if passage.direction == "out" and passage.cross is not None)
    return YES if any(_EARLY_S <= counted - cross <= _LATE_S for cross in crossed) else UNASKED
