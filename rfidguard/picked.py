"""Step 3c: of the goods that stood in view of a gate, how each looks to have gone along with whoever was just counted. Pure.

Goods taken from a shelf are no newcomers: they are read seldom, at levels that a body beside the shelf makes, too, and of two
hundred that stand there a few look like that by chance each time. But the counter says when. What was heard before and after
that moment, against how each tag was heard all along, and how many others of the shelf show the same, tells more than seconds
that slide along.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rfidguard import picked_plane, picked_zones
from rfidguard.layout import GateLayout
from rfidguard.trail import Trail

Key = TypeVar("Key")

ZONES, PLANE = "zones-picked", "plane-picked"
PICKED = {ZONES: 2.2, PLANE: 1.2}
"""Log-odds of having gone along from which goods that stood are judged to have gone out, by table."""
_LEAST = {ZONES: -2.5, PLANE: 0.5}
"""Of a first guess; most of a shelf is below. What the sides tell: below it no score came near. By how many dB a tag was louder
at the count than since: nearly all that goes through a plane is.
"""


def table_of(gate: GateLayout) -> str:
    """The name of the table that is asked at a gate."""
    return ZONES if gate.tells_direction() else PLANE


def compared(
    trails: Iterable[tuple[Key, Trail]], gate: GateLayout, counts: Sequence[tuple[float, str]], counted: float, now: float,
    floor_db: float, unlikely_too: bool = False,
) -> Iterator[tuple[Key, float, dict[str, float]]]:  # fmt: skip
    """The tags that stood in view when somebody was `counted`, and may have gone along: whose trail it is, a first guess, and
    every sign. `unlikely_too`: also those that the sides of a gate with zones speak against, to learn from.
    """
    if gate.tells_direction():
        least = -math.inf if unlikely_too else _LEAST[ZONES]
        return picked_zones.compared(trails, gate, counts, counted, now, floor_db, least)
    return picked_plane.compared(trails, counts, counted, now, floor_db, _LEAST[PLANE])
