"""Step 3a: evidence of motion in one track's recent bins. Pure; additive scores, each term named.

RSSI level is no evidence: shelf goods are as loud as carried ones and give more reads. What counts is change: how far the
level of each antenna rises and falls, and how the phase steps on one channel. Scores are natural log-odds; figures come
from recorded and simulated passages (tests/data/ecd, simulators/README.md).
"""

import math
from collections.abc import Sequence

import msgspec

from rfidguard.track import BIN_S, Bin, Track

_BLOCK_BINS = 5
_ENOUGH = 4
_TURN_WEIGHT, _TURN_EVEN = 0.5, 0.05
"""Standing tags turn by 0.01 (noise of 0.07 rad) to 0.3 (people near, 0.4 rad), moving ones all around."""
_RIPPLE_WEIGHT, _RIPPLE_EVEN_DB = 0.8, 1.3


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the last seconds of a track say.

    `motion` log-odds that the tag was carried; `direction` > 0 outward, < 0 inward; `peak_at` when it was loudest,
    `fall_db` how far it fell since.
    """

    motion: float
    direction: float
    peak_at: float
    fall_db: float
    reads: int
    terms: dict[str, float]


def evidence(track: Track, now: float) -> Evidence:
    """Weighs everything since the passage started, at most the kept history, up to `now`."""
    first = int((track.start_at - 1.0) // BIN_S)
    bins = [place for place in track.bins if place.index >= first and place.index * BIN_S <= now]
    reads = sum(cell.n for place in bins for cell in place.cells)
    span_db, fall_db, peak_at = rise_and_fall(bins)
    terms = {
        "prior": -1.5,
        "rise_fall": _clip((span_db - 6.0) / 2.5, -min(reads / 15.0, 2.0), 3.5),
        "phase": _clip(0.35 * liveliest_second(bins), -1.0, 4.0),
        "turn": _turn(bins),
        "ripple": _ripple(bins),
        "few_reads": -2.0 if reads < 4 else 0.0,
    }
    return Evidence(
        motion=sum(terms.values()),
        direction=0.0,
        peak_at=peak_at,
        fall_db=fall_db,
        reads=reads,
        terms={**terms, "span_db": span_db, "reads": float(reads)},
    )


def slot_levels(bins: Sequence[Bin], start: float, end: float) -> dict[str, tuple[float, int]]:
    """Mean RSSI (dB) and count of reads of every antenna between `start` and `end`. `bins` in order of time."""
    sums: dict[str, list[float]] = {}
    first, last = start - BIN_S / 2, end - BIN_S / 2
    for place in reversed(bins):
        at = place.index * BIN_S
        if at < first:
            break
        if at < last:
            for cell in place.cells:
                entry = sums.setdefault(cell.slot, [0.0, 0])
                entry[0] += cell.total_db
                entry[1] += cell.n
    return {slot: (total / n, int(n)) for slot, (total, n) in sums.items()}


def since(bins: Sequence[Bin], start: float) -> list[Bin]:
    """The bins that began at `start` or later, in order of time."""
    found: list[Bin] = []
    for place in reversed(bins):
        if place.index * BIN_S < start:
            break
        found.append(place)
    found.reverse()
    return found


def liveliest_second(bins: Sequence[Bin]) -> float:
    """The phase evidence of the second that speaks most for motion: who pauses on the way has still walked."""
    halves: dict[int, float] = {}
    for place in bins:
        if place.phase_n:
            half = place.index // _BLOCK_BINS
            halves[half] = halves.get(half, 0.0) + place.phase_llr
    return max((value + halves.get(half + 1, 0.0) for half, value in halves.items()), default=0.0)


def rise_and_fall(bins: Sequence[Bin]) -> tuple[float, float, float]:
    """The widest span (dB) of any antenna's level over blocks of half a second, the fall since its peak, and the peak's time.

    A block of few reads is drawn towards the antenna's mean, so that noise alone spans little.
    """
    if not bins:
        return 0.0, 0.0, 0.0
    blocks: dict[str, dict[int, list[float]]] = {}
    for place in bins:
        for cell in place.cells:
            entry = blocks.setdefault(cell.slot, {}).setdefault(place.index // _BLOCK_BINS, [0.0, 0])
            entry[0] += cell.total_db
            entry[1] += cell.n
    best = (0.0, 0.0, bins[0].index * BIN_S)
    for series in blocks.values():
        best = max(best, _span(series))
    return best


def phase_spread(bins: Sequence[Bin]) -> float | None:
    """How far the phase turned on one antenna and channel: 0 not at all, 1 all around (circular variance of the doubled phase).

    None where too few reads share a channel.
    """
    sums: dict[tuple[str, float], list[float]] = {}
    for place in bins:
        for cell in place.cells:
            if cell.turns:
                entry = sums.setdefault((cell.slot, cell.channel), [0.0, 0.0, 0.0])
                entry[0] += cell.turns
                entry[1] += cell.real
                entry[2] += cell.imag
    told = [(n, 1.0 - math.hypot(real, imag) / n) for n, real, imag in sums.values() if n >= _ENOUGH]
    total = sum(n for n, _ in told)
    return sum(n * spread for n, spread in told) / total if total else None


def level_spread(bins: Sequence[Bin]) -> float | None:
    """Standard deviation (dB) of the RSSI on its antenna, the mean of all antennas with enough reads; None without."""
    sums: dict[str, list[float]] = {}
    for place in bins:
        for cell in place.cells:
            entry = sums.setdefault(cell.slot, [0.0, 0.0, 0.0])
            entry[0] += cell.n
            entry[1] += cell.total_db
            entry[2] += cell.square_db
    told = [(n, math.sqrt(max(square / n - (total / n) ** 2, 0.0))) for n, total, square in sums.values() if n >= _ENOUGH]
    reads = sum(n for n, _ in told)
    return sum(n * spread for n, spread in told) / reads if reads else None


def _turn(bins: Sequence[Bin]) -> float:
    spreads = [spread for part in _seconds(bins) if (spread := phase_spread(part)) is not None]
    return _clip(_TURN_WEIGHT * math.log(max(max(spreads), 1e-4) / _TURN_EVEN), -2.5, 1.0) if spreads else 0.0


def _ripple(bins: Sequence[Bin]) -> float:
    spreads = [spread for part in _seconds(bins) if (spread := level_spread(part)) is not None]
    return _clip(_RIPPLE_WEIGHT * math.log(max(max(spreads), 0.1) / _RIPPLE_EVEN_DB), -1.5, 1.0) if spreads else 0.0


def _seconds(bins: Sequence[Bin]) -> list[list[Bin]]:
    """The bins of every second, half a second apart."""
    halves: dict[int, list[Bin]] = {}
    for place in bins:
        halves.setdefault(place.index // _BLOCK_BINS, []).append(place)
    return [part + halves.get(half + 1, []) for half, part in halves.items()]


def paused(bins: Sequence[Bin], now: float) -> bool:
    """True where phase steps of the last moments say "still", or, without phase, levels hold."""
    recent = since(bins, now - 0.7)
    steps = sum(place.phase_n for place in recent)
    if steps >= 3:
        return sum(place.phase_llr for place in recent) / steps < -0.6
    late = slot_levels(recent, now - 0.4, now + BIN_S)
    early = slot_levels(bins, now - 1.0, now - 0.5)
    shared = [(late[slot][0] - early[slot][0], late[slot][1], early[slot][1]) for slot in late if slot in early]
    return bool(shared) and all(abs(step) < 1.5 and min(n, m) >= 3 for step, n, m in shared)


def _span(series: dict[int, list[float]]) -> tuple[float, float, float]:
    mean = sum(total for total, _ in series.values()) / sum(n for _, n in series.values())
    levels = {block: mean + (total / n - mean) * n / (n + 1.0) for block, (total, n) in series.items()}
    top = max(levels, key=lambda block: levels[block])
    span = levels[top] - min(levels.values())
    return span, levels[top] - levels[max(levels)], (top + 0.5) * _BLOCK_BINS * BIN_S


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value
