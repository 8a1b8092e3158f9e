"""Step 2a: reads into bins. Pure.

Nobody asks for the bins of a tag that stands, until it stirs: its reads stay loose meanwhile, and nearly all are forgotten so.
Bins that are made of loose reads are those that would be there had each read been put in as it came.
"""

import math

from rfidguard.track import BIN_S, KEEP_BINS, VISIT_LEAD_S, Bin, Cell, Track, add_older

_MOST_LOOSE = 512
_STEP_MOVING = math.log(2 / math.pi)
_STEP_SD = 0.25
_STEP_PEAK = math.sqrt(2 / math.pi) / _STEP_SD
_STEP_OUTLIERS = 0.08
_STEP_ANY = _STEP_OUTLIERS * 2 / math.pi
_STEP_MIN_S = 0.05
"""Below this even a running person moves the phase too little to tell from noise."""
_STEP_REACH_S = 2.0


def may_wait(track: Track, index: int) -> bool:
    """True where a read of bin `index` may stay loose: it is in order, so that whatever comes later can be put in after it."""
    loose = track.loose
    if loose:
        return index >= loose[-1][0] and len(loose) < _MOST_LOOSE
    return not track.bins or index >= track.bins[-1].index


def binned(track: Track) -> None:
    """Puts all reads into bins: whoever looks at `bins` of a tag that stands, or ends its standing, asks for this first."""
    loose, track.loose = track.loose, []
    for index, slot, at, rssi_db, channel, phase, doppler_hz, off in loose:
        place = put(track, index, slot, at, rssi_db, channel, phase, doppler_hz)
        if place is not None:
            place.off += off
            place.off_n += 1


def oldest(track: Track) -> int | None:
    """The index of its first bin, made or not."""
    bins, loose = track.bins, track.loose
    if not loose:
        return bins[0].index if bins else None
    first = bins[0].index if bins else loose[0][0]
    if first > loose[-1][0] - KEEP_BINS:
        return first
    binned(track)
    return bins[0].index


def forget_before(track: Track, first: int) -> None:
    """Forgets all bins before `first`, made or not. Of the reads in them the last phase remains."""
    bins, loose = track.bins, track.loose
    if bins:
        del bins[: next((place for place, known in enumerate(bins) if known.index >= first), len(bins))]
    if loose and loose[0][0] < first:
        gone = 0
        for index, slot, at, _, channel, phase, _, _ in loose:
            if index >= first:
                break
            gone += 1
            if phase is not None:
                _phase_step(track, slot, at, _hop(channel), phase)
        del loose[:gone]


def put(
    track: Track, index: int, slot: str, at: float, rssi_db: float, channel: float | None, phase: float | None,
    doppler_hz: float | None,
) -> Bin | None:  # fmt: skip
    """Puts one read into its bin, which is returned; None where that is older than the kept history."""
    bins = track.bins
    place = bins[-1] if bins and bins[-1].index == index else _bin_at(track, index)
    if place is None:
        return None
    cells = place.cells
    cell = cells[0] if cells and cells[0].slot == slot else _cell_of(place, slot)
    cell.n += 1
    cell.total_db += rssi_db
    cell.square_db += rssi_db * rssi_db
    if phase is not None:
        hop = _hop(channel)
        _add_turn(cell, hop, math.cos(2.0 * phase), math.sin(2.0 * phase))
        _add_phase(track, place, slot, at, hop, phase)
    if doppler_hz is not None:
        place.doppler_n += 1
        place.doppler_hz += doppler_hz
        place.doppler_square += doppler_hz * doppler_hz
    return place


def _hop(channel: float | None) -> float:
    return -1.0 if channel is None else float(channel)


def phase_step_llr(step_rad: float) -> float:
    """How much a phase step on one channel speaks for motion (natural log of the likelihood ratio).

    Readers report phase modulo π, so a step is folded into 0..π/2. A moving tag's step is uniform there; a standing
    tag's is near zero (half-normal of 0.25 rad) but for some disturbed reads.
    """
    folded = abs(math.remainder(step_rad, math.pi))
    still = _STEP_PEAK * math.exp(-((folded / _STEP_SD) ** 2) / 2)
    return _STEP_MOVING - math.log((1 - _STEP_OUTLIERS) * still + _STEP_ANY)


def _bin_at(track: Track, index: int) -> Bin | None:
    bins = track.bins
    if not bins or index > bins[-1].index:
        bins.append(Bin(index))
        while bins[0].index <= index - KEEP_BINS:
            _outlived(track, bins.pop(0))
        return bins[-1]
    for place, known in enumerate(reversed(bins)):
        if known.index == index:
            return known
        if known.index < index:
            bins.insert(len(bins) - place, Bin(index))
            return bins[len(bins) - place - 1]
    if index <= bins[-1].index - KEEP_BINS:
        return None
    bins.insert(0, Bin(index))
    return bins[0]


def _outlived(track: Track, place: Bin) -> None:
    """Of a bin that is forgotten its sums remain, while the visit lasts."""
    if track.state == "standing" or place.index < int((track.start_at - VISIT_LEAD_S) // BIN_S):
        return
    add_older(track.older, place)


def _cell_of(place: Bin, slot: str) -> Cell:
    for cell in place.cells:
        if cell.slot == slot:
            return cell
    place.cells.append(Cell(slot))
    return place.cells[-1]


def _add_turn(cell: Cell, channel: float, real: float, imag: float) -> None:
    if not cell.turns:
        cell.channel = channel
    if cell.channel == channel:
        cell.turns += 1
        cell.real += real
        cell.imag += imag


def _add_phase(track: Track, place: Bin, slot: str, at: float, channel: float, phase: float) -> None:
    step_rad = _phase_step(track, slot, at, channel, phase)
    if step_rad is not None:
        place.phase_llr += phase_step_llr(step_rad)
        place.phase_n += 1


def _phase_step(track: Track, slot: str, at: float, channel: float, phase: float) -> float | None:
    """From the antenna's last phase to this one; None where the two do not compare."""
    last = track.phase_ref.get(slot)
    if last is not None and last[0] == channel and -_STEP_REACH_S < at - last[2] < _STEP_MIN_S:
        return None
    track.phase_ref[slot] = (channel, phase, at)
    if last is not None and last[0] == channel and at - last[2] <= _STEP_REACH_S:
        return phase - last[1]
    return None
