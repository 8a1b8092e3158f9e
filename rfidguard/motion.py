"""Step 3a: what speaks for motion in one tag's recent bins: the turn of the phase, the ripple of the level, Doppler shifts. Pure.

RSSI level is no evidence: shelf goods are as loud as carried ones and give more reads. What counts is change. Antennas and
channels are never mixed: each has a level and a phase of its own.
"""

import math
from collections.abc import Sequence

from rfidguard.track import Bin

_BLOCK_BINS = 5
_ENOUGH = 4
_ENOUGH_DOPPLER = 3


def liveliest_second(bins: Sequence[Bin]) -> float:
    """The phase evidence of the second that speaks most for motion: who pauses on the way has still walked."""
    halves: dict[int, float] = {}
    for place in bins:
        if place.phase_n:
            half = place.index // _BLOCK_BINS
            halves[half] = halves.get(half, 0.0) + place.phase_llr
    return max((value + halves.get(half + 1, 0.0) for half, value in halves.items()), default=0.0)


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


def doppler_spread(bins: Sequence[Bin]) -> float | None:
    """Standard deviation (Hz) of the Doppler shifts: one alone is noise. None where fewer than three were reported."""
    n = sum(place.doppler_n for place in bins)
    if n < _ENOUGH_DOPPLER:
        return None
    mean = sum(place.doppler_hz for place in bins) / n
    return math.sqrt(max(sum(place.doppler_square for place in bins) / n - mean * mean, 0.0))
