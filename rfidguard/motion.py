"""Step 3a: evidence of motion and direction in one track's recent bins. Pure; additive scores, each term named.

RSSI level is no evidence: shelf goods are as loud as carried ones and give more reads. What counts is change: how far the
level of each antenna rises and falls, how the phase steps on one channel, and how the louder side moves from one zone to
the other. Scores are natural log-odds; figures come from recorded and simulated passages (tests/logs, simulators/README.md).
"""

from collections.abc import Iterable, Sequence

import msgspec

from rfidguard.track import BIN_S, Bin, Track

LEVEL_WINDOW_S = 0.6
EDGE_WINDOW_S = 0.8
FLOOR_DB = -76.0
"""The level of a zone that hears nothing while another hears the tag well: about the floor of common readers."""
CLIP_D_DB = 12.0
_BLOCK_BINS = 5
_MIN_READS_FOR_FLOOR = 3


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the last seconds of a track say.

    `motion` log-odds that the tag was carried; `direction` > 0 outward, < 0 inward; `d_start_db`, `d_end_db` how much louder
    the outer zone was than the inner one at the start and the end; `crossing` Unix seconds, None where no side changed;
    `paused` true where the last moments show no motion; `peak_at` when it was loudest.
    """

    motion: float
    direction: float
    d_start_db: float
    d_end_db: float
    crossing: float | None
    paused: bool
    peak_at: float
    fall_db: float
    reads: int
    terms: dict[str, float]


def evidence(track: Track, zones: dict[str, int], near: int, far: int, now: float) -> Evidence:
    """Weighs everything since the passage started, at most the kept history, up to `now`."""
    first = int((track.start_at - 1.0) // BIN_S)
    bins = [place for place in track.bins if place.index >= first and place.index * BIN_S <= now]
    reads = sum(cell.n for place in bins for cell in place.cells)
    start = bins[0].index * BIN_S if bins else now
    end = (bins[-1].index + 1) * BIN_S if bins else now
    d_start = base_side(track, zones, near, far) if track.base else side(bins, zones, near, far, start, start + EDGE_WINDOW_S)
    d_end = side(bins, zones, near, far, end - EDGE_WINDOW_S, end)
    centroid_s = _centroid_gap(bins, zones, near, far)
    span_db, fall_db, peak_at = _rise_and_fall(bins)
    phase = _clip(0.35 * _liveliest_second(bins), -4.0, 4.0)
    swing = d_end - d_start
    terms = {
        "prior": -1.5,
        "rise_fall": _clip((span_db - 6.0) / 2.5, -2.0, 3.5),
        "phase": phase,
        "handover": _clip((abs(swing) - 5.0) / 3.0, -1.0, 3.0) if near < far else 0.0,
        "few_reads": -2.0 if reads < 4 else 0.0,
    }
    direction = _clip(swing / 4.0, -3.0, 3.0) + _clip(centroid_s / 0.25, -2.0, 2.0) * 0.5 if near < far else 0.0
    return Evidence(
        motion=sum(terms.values()),
        direction=direction,
        d_start_db=d_start,
        d_end_db=d_end,
        crossing=_crossing(bins, zones, near, far, start, end) if near < far else peak_at,
        paused=_paused(bins, now),
        peak_at=peak_at,
        fall_db=fall_db,
        reads=reads,
        terms={
            **terms,
            "swing_db": swing,
            "d_end_db": d_end,
            "centroid_s": centroid_s,
            "span_db": span_db,
            "reads": float(reads),
        },
    )


def side(bins: Sequence[Bin], zones: dict[str, int], near: int, far: int, start: float, end: float) -> float:
    """How much louder (dB) the far zone heard the tag than the near one between `start` and `end`; 0 where unknown."""
    return _side_of(slot_levels(bins, start, end), zones, near, far)


def base_side(track: Track, zones: dict[str, int], near: int, far: int) -> float:
    """How much louder (dB) the far zone hears a standing tag than the near one, by its baseline."""
    levels = {slot: (base.mean_db, base.n) for slot, base in track.base.items()}
    return _side_of(levels, zones, near, far)


def slot_levels(bins: Iterable[Bin], start: float, end: float) -> dict[str, tuple[float, int]]:
    """Mean RSSI (dB) and count of reads of every antenna between `start` and `end`."""
    sums: dict[str, list[float]] = {}
    for place in bins:
        if start - BIN_S / 2 <= place.index * BIN_S < end - BIN_S / 2:
            for cell in place.cells:
                entry = sums.setdefault(cell.slot, [0.0, 0])
                entry[0] += cell.total_db
                entry[1] += cell.n
    return {slot: (total / n, int(n)) for slot, (total, n) in sums.items()}


def _side_of(levels: dict[str, tuple[float, int]], zones: dict[str, int], near: int, far: int) -> float:
    inner = [(mean, n) for slot, (mean, n) in levels.items() if zones.get(slot) == near]
    outer = [(mean, n) for slot, (mean, n) in levels.items() if zones.get(slot) == far]
    n = sum(count for _, count in inner) + sum(count for _, count in outer)
    if n == 0 or near == far:
        return 0.0
    if not (inner and outer) and n < _MIN_READS_FOR_FLOOR:
        return _clip(-3.0 if inner else 3.0, -CLIP_D_DB, CLIP_D_DB)
    return _clip((_loudest(outer) - _loudest(inner)) * n / (n + 1.0), -CLIP_D_DB, CLIP_D_DB)


def _loudest(levels: Sequence[tuple[float, int]]) -> float:
    return max((mean for mean, _ in levels), default=FLOOR_DB)


def _centroid_gap(bins: Sequence[Bin], zones: dict[str, int], near: int, far: int) -> float:
    """Seconds by which the power-weighted time centroid of the far zone lies behind that of the near one; 0 where unknown."""
    peaks: dict[str, float] = {}
    for place in bins:
        for cell in place.cells:
            peaks[cell.slot] = max(peaks.get(cell.slot, -200.0), cell.peak_db)
    mass = {near: [0.0, 0.0], far: [0.0, 0.0]}
    for place in bins:
        for cell in place.cells:
            zone = zones.get(cell.slot)
            if zone in mass:
                weight = cell.n * 10 ** ((cell.total_db / cell.n - peaks[cell.slot]) / 10)
                mass[zone][0] += weight
                mass[zone][1] += weight * cell.time_s / cell.n
    if near == far or not (mass[near][0] and mass[far][0]):
        return 0.0
    return mass[far][1] / mass[far][0] - mass[near][1] / mass[near][0]


def _liveliest_second(bins: Sequence[Bin]) -> float:
    """The phase evidence of the second that speaks most for motion: who pauses on the way has still walked."""
    halves: dict[int, float] = {}
    for place in bins:
        if place.phase_n:
            half = place.index // _BLOCK_BINS
            halves[half] = halves.get(half, 0.0) + place.phase_llr
    return max((value + halves.get(half + 1, 0.0) for half, value in halves.items()), default=0.0)


def _rise_and_fall(bins: Sequence[Bin]) -> tuple[float, float, float]:
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


def _span(series: dict[int, list[float]]) -> tuple[float, float, float]:
    mean = sum(total for total, _ in series.values()) / sum(n for _, n in series.values())
    levels = {block: mean + (total / n - mean) * n / (n + 1.0) for block, (total, n) in series.items()}
    top = max(levels, key=lambda block: levels[block])
    span = levels[top] - min(levels.values())
    return span, levels[top] - levels[max(levels)], (top + 0.5) * _BLOCK_BINS * BIN_S


def _crossing(bins: Sequence[Bin], zones: dict[str, int], near: int, far: int, start: float, end: float) -> float | None:
    """The last time at which the louder side changed."""
    steps = max(round((end - start) / 0.2), 1)
    times = [start + (k + 0.5) * (end - start) / steps for k in range(steps)]
    half = LEVEL_WINDOW_S / 2
    sides = [side(bins, zones, near, far, at - half, at + half) for at in times]
    found = None
    for before, after, at, d0, d1 in zip(times, times[1:], times, sides, sides[1:], strict=False):
        if d0 * d1 < 0 or (d0 != 0 and d1 == 0):
            found = at + (after - before) * abs(d0) / (abs(d0) + abs(d1))
    return found


def _paused(bins: Sequence[Bin], now: float) -> bool:
    """True where phase steps of the last moments say "still", or, without phase, levels hold."""
    recent = [place for place in bins if place.index * BIN_S >= now - 0.7]
    steps = sum(place.phase_n for place in recent)
    if steps >= 3:
        return sum(place.phase_llr for place in recent) / steps < -0.6
    late = slot_levels(recent, now - 0.4, now + BIN_S)
    early = slot_levels(bins, now - 1.0, now - 0.5)
    shared = [(late[slot][0] - early[slot][0], late[slot][1], early[slot][1]) for slot in late if slot in early]
    return bool(shared) and all(abs(step) < 1.5 and min(n, m) >= 3 for step, n, m in shared)


def _clip(value: float, low: float, high: float) -> float:
    return low if value < low else high if value > high else value
