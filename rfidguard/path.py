"""Step 3c: where along the way out a tag probably is, and whether it came from inside: a small forward filter. Pure.

The way is 3 m cut into 12 cells; a tag goes out, stands or comes in, and started inside or outside. Each bin of reads says how
much louder the outer zone hears it than the inner one; ten times a second the weights move on and are weighed anew (the
forward pass of a hidden Markov model). Only differences between antennas count, never a level by itself.
"""

import math
from collections.abc import Mapping, Sequence

import msgspec

from rfidguard.hearing import heard
from rfidguard.track import BIN_S, Ahead, Bin, Path, copied

CELLS = 12
CELL_M = 0.25
LAG_BINS = 1
"""Bins younger than this are weighed for the moment only: reads may still come in."""
SIDE_DB = 8.0
"""How much louder the zone that a tag is in hears it, well inside it (patches that look in and out: 6 to 10 dB)."""
_SIDE_SCALE_M = 0.35
_SPREAD_DB = 4.5
_CAP = 5.0
_STILL_DB = 3.5
_STILL_SHARE = 0.02
"""While a tag stands, each bin repeats what the last one said: multipath does not change."""
_MIDDLE = CELLS // 2
_TOLD = [SIDE_DB * math.tanh((cell - CELLS / 2 + 0.5) * CELL_M / _SIDE_SCALE_M) for cell in range(CELLS)]
_STAY, _ONE, _TWO = 0.52, 0.34, 0.14
"""Cells walked in 0.1 s: 1.2 m/s on the average, from standing to running."""
_STOP, _START, _REVERSE = 0.007, 0.04, 0.008
_KEEP, _STILL_KEEP = 1.0 - _STOP - _REVERSE, 1.0 - 2 * _START
_DEAD = 0.003
_SETTLE = 0.04
"""Who came in, and is well inside, counts after about 3 s as somebody inside."""
_NOTHING = [0.0] * _MIDDLE
IN, STILL, OUT = 0, 1, 2
OUTSIDE, LEAVING, ENTERED = 0, 1, 2
"""Stories: never inside yet; started inside; started outside and came in."""
_NEAR_COUNT_S = 0.7
_COUNTED = 4.0
_UNCOUNTED = 0.35


class Presence(msgspec.Struct):
    """People at a gate, lately: (time, direction) of each count, and whether the counters work (None: there are none)."""

    counts: list[tuple[float, str]] = []
    healthy: bool | None = None
    told: int = 0
    """How many counts were ever heard."""

    def hear(self, at: float, direction: str, kept_s: float) -> None:
        """Somebody was counted; counts of more than `kept_s` before are forgotten."""
        self.counts = [entry for entry in self.counts if at - entry[0] < kept_s]
        self.counts.append((at, direction))
        self.told += 1

    def last_out(self, now: float) -> float | None:
        """When somebody was last counted who may have gone out."""
        return max((at for at, direction in self.counts if direction != "in" and at <= now), default=None)


class Place(msgspec.Struct, frozen=True):
    """Probabilities at one moment: `out` started inside and is outside now; `entered` the reverse; `inside`, `still` now."""

    out: float
    entered: float
    inside: float
    still: float
    crossed_at: float | None
    side_db: float
    swing_db: float
    inner: bool
    outer: bool


def new_path(index: int, inside: float) -> Path:
    """A path that starts in bin `index`; `inside` is the probability that it starts inside."""
    inner = [1.0, 1.0, 1.0, 0.8, 0.5, 0.3] + [0.0] * (CELLS - _MIDDLE)
    outer = list(reversed(inner))
    weights = []
    for cells, share in ((outer, 1.0 - inside), (inner, inside), (None, 0.0)):
        for movement in (0.425, 0.15, 0.425):
            weights.append([0.0] * CELLS if cells is None else [share * movement * cell / 4.6 for cell in cells])
    return Path(index, weights)


def followed(
    path: Path, bins: Sequence[Bin], zones: Mapping[str, int], near: int, far: int, now: float, presence: Presence
) -> tuple[Path, Place]:
    """The path moved on to `now`, and where the tag is. Late reads within the lag still count."""
    upto = int(now // BIN_S) - 1
    by_index = _after(bins, path.index)
    if path.index < upto - LAG_BINS:
        path = _held(path, by_index, presence)
    while path.index < upto - LAG_BINS:
        _advance(path, by_index.get(path.index + 1), zones, near, far, presence)
    if path.index >= upto:
        return path, _place(path)
    ahead = copied(path)
    while ahead.index < upto:
        _advance(ahead, by_index.get(ahead.index + 1), zones, near, far, presence)
    path.ahead = Ahead(ahead, _reads(by_index.get(ahead.index)), presence.told, presence.healthy)
    return path, _place(ahead)


def _held(path: Path, by_index: Mapping[int, Bin], presence: Presence) -> Path:
    """The path one bin on, if it was moved there for the moment and nothing came since that would have moved it otherwise."""
    ahead = path.ahead
    if ahead is None or ahead.path.index != path.index + 1 or (ahead.told, ahead.healthy) != (presence.told, presence.healthy):
        return path
    return ahead.path if ahead.reads == _reads(by_index.get(ahead.path.index)) else path


def _reads(place: Bin | None) -> int:
    return 0 if place is None else sum(cell.n for cell in place.cells)


def _after(bins: Sequence[Bin], index: int) -> dict[int, Bin]:
    found: dict[int, Bin] = {}
    for place in reversed(bins):
        if place.index <= index:
            break
        found[place.index] = place
    return found


def _advance(path: Path, place: Bin | None, zones: Mapping[str, int], near: int, far: int, presence: Presence) -> None:
    path.index += 1
    at = path.index * BIN_S
    around = [direction for when, direction in presence.counts if abs(when - at) <= _NEAR_COUNT_S]
    leak_out = leak_in = 1.0
    if presence.healthy:
        leak_out = 1.0 if "out" in around or "unknown" in around else _UNCOUNTED
        leak_in = 1.0 if "in" in around or "unknown" in around else _UNCOUNTED
    weights = _moved(path.weights, leak_out, leak_in)
    if place is not None and place.cells:
        before = path.anchor_db
        side, share, moving = heard(path, place, zones, near, far)
        step = side - before
        path.same = 0 if abs(step) > _STILL_DB or path.same < 0 else path.same + 1
        news = max(1.0 - math.exp(-step * step / (2 * _STILL_DB * _STILL_DB)), 1.0 / (1 + path.same) ** 2, _STILL_SHARE)
        weigh(weights, side, step, share, news, moving)
    for when, direction in presence.counts:
        if int(when // BIN_S) == path.index:
            _counted(weights, direction)
    path.weights = _normed(weights)
    _note_crossings(path, at)


def _normed(weights: list[list[float]]) -> list[list[float]]:
    """Sums to one; stories of next to no weight are dropped."""
    stories = [sum(map(sum, weights[story : story + 3])) for story in (0, 3, 6)]
    least = _DEAD * sum(stories)
    total = sum(story for story in stories if story >= least) or 1.0
    normed: list[list[float]] = []
    for number, cells in enumerate(weights):
        normed.append([] if stories[number // 3] < least else [weight / total for weight in cells])
    return normed


def _moved(weights: list[list[float]], leak_out: float, leak_in: float) -> list[list[float]]:
    """One bin later. A story that nearly died is an empty list, and costs nothing."""
    fresh: list[list[float]] = []
    for story in (0, 3, 6):
        ins, stills, outs = weights[story : story + 3]
        if not ins:
            fresh += [[], [], []]
            continue
        back: list[float] = []
        stay: list[float] = []
        on: list[float] = []
        for a, s, b in zip(ins, stills, outs, strict=True):
            back.append(_KEEP * a + _START * s + _REVERSE * b)
            stay.append(_STILL_KEEP * s + _STOP * (a + b))
            on.append(_KEEP * b + _START * s + _REVERSE * a)
        back.reverse()
        came = _shifted(back, leak_in)
        came.reverse()
        fresh += [came, stay, _shifted(on, leak_out)]
    if fresh[0]:
        _came_in(fresh)
    if fresh[6]:
        _settled(fresh)
    return fresh


def _came_in(fresh: list[list[float]]) -> None:
    """What was never inside and is now has come in."""
    for movement in range(3):
        never = fresh[movement]
        entered = fresh[6 + movement] or [0.0] * CELLS
        fresh[6 + movement] = [e + n for e, n in zip(entered[:_MIDDLE], never[:_MIDDLE], strict=True)] + entered[_MIDDLE:]
        fresh[movement] = _NOTHING + never[_MIDDLE:]


def _settled(fresh: list[list[float]]) -> None:
    """Who came in and has been well inside for a while counts as somebody inside."""
    for movement in range(3):
        entered = fresh[6 + movement]
        leaving = fresh[3 + movement] or [0.0] * CELLS
        for cell in range(_MIDDLE - 1):
            share = _SETTLE * entered[cell]
            entered[cell] -= share
            leaving[cell] += share
        fresh[3 + movement] = leaving


def _shifted(cells: list[float], leak: float) -> list[float]:
    """Everything 0, 1 or 2 cells on; what passes the middle is multiplied by `leak`."""
    moved: list[float] = []
    one = two = 0.0
    for cell in cells:
        moved.append(_STAY * cell + _ONE * one + _TWO * two)
        one, two = cell, one
    moved[-1] += (_ONE + _TWO) * one + _TWO * two
    if leak != 1.0:
        lost = 1.0 - leak
        moved[_MIDDLE] -= lost * (_ONE * cells[_MIDDLE - 1] + _TWO * cells[_MIDDLE - 2])
        moved[_MIDDLE + 1] -= lost * _TWO * cells[_MIDDLE - 1]
    return moved


def weigh(weights: list[list[float]], side_db: float, step_db: float, share: float, news: float, moving: float) -> None:
    """Multiplies every weight by how well its cell and movement explain the side heard."""
    drop = [(side_db - told) ** 2 / (2 * _SPREAD_DB * _SPREAD_DB) for told in _TOLD]
    drop = [min(entry, _CAP) for entry in drop]
    lively = [math.exp(-share * entry + moving / 2) for entry in drop]
    jump = share * (min(step_db * step_db / (2 * _STILL_DB * _STILL_DB), 4.0) - 0.2)
    steady = [math.exp(-share * news * entry - moving / 2 - jump) for entry in drop]
    for number, cells in enumerate(weights):
        factors = steady if number % 3 == STILL else lively
        if cells:
            weights[number] = [weight * factor for weight, factor in zip(cells, factors, strict=True)]


def _counted(weights: list[list[float]], direction: str) -> None:
    """Somebody passed: who goes that way and is near the threshold is likely the one."""
    wanted = {"out": OUT, "in": IN}.get(direction)
    for number, cells in enumerate(weights):
        if cells and (wanted is None or number % 3 == wanted):
            for cell in range(_MIDDLE - 3, _MIDDLE + 3):
                cells[cell] *= _COUNTED


def _note_crossings(path: Path, at: float) -> None:
    w = path.weights
    out = sum(w[3][_MIDDLE:]) + sum(w[4][_MIDDLE:]) + sum(w[5][_MIDDLE:])
    if out >= 0.5 and path.crossed_at is None:
        path.crossed_at = at
    elif out < 0.3:
        path.crossed_at = None


def _place(path: Path) -> Place:
    w = path.weights
    beyond, before = _MIDDLE + 1, _MIDDLE - 1
    return Place(
        out=sum(sum(w[3 + movement][beyond:]) for movement in range(3)),
        entered=sum(sum(w[6 + movement][:before]) for movement in range(3)),
        inside=sum(sum(cells[:_MIDDLE]) for cells in w),
        still=sum(sum(w[story * 3 + STILL]) for story in range(3)),
        crossed_at=path.crossed_at,
        side_db=path.last_db,
        swing_db=path.high_db - path.low_db,
        inner=path.inner,
        outer=path.outer,
    )
