"""Step 2: what one gate remembers of one tag. Reads fall into bins of 0.1 s; a bin is a few numbers per antenna.

Bins make the order of reads within a moment irrelevant, keep the work per read constant, and bound the memory.
"""

import math

import msgspec

from rfidguard.spot import Spot, learn, surprise

BIN_S = 0.1
KEEP_BINS = 80
"""8 s of history: a slow stroll through the longest read zone takes about 6 s."""

VISIT_LEAD_S = 1.0
"""So long before the start of a passage its signs look back."""

_STEP_MOVING = math.log(2 / math.pi)
_STEP_SD = 0.25
_STEP_PEAK = math.sqrt(2 / math.pi) / _STEP_SD
_STEP_OUTLIERS = 0.08
_STEP_ANY = _STEP_OUTLIERS * 2 / math.pi
_STEP_MIN_S = 0.05
"""Below this even a running person moves the phase too little to tell from noise."""
_STEP_REACH_S = 2.0
_UNHEARD = 0.6
"""What a read by an antenna that never heard the tag on its shelf says of its having left."""
_STIR_MOST = 15.0
_STIR_LEARNS = 2.0
_BASE_READS, _LATELY_READS = 40.0, 6.0
_EARS_READS = 80.0
_BEAT_READS, _BEAT_MOST_S = 30.0, 5.0


class Cell(msgspec.Struct):
    """Reads of one antenna in one bin: how many, and the sums of their RSSI (dB) and of its square.

    `turns` of them carried a phase on `channel`, the bin's first: `real` and `imag` sum up the doubled phases as unit vectors
    (doubled, because readers report phase modulo π).
    """

    slot: str
    n: int = 0
    total_db: float = 0.0
    square_db: float = 0.0
    channel: float = -1.0
    turns: int = 0
    real: float = 0.0
    imag: float = 0.0


class Bin(msgspec.Struct):
    """One tenth of a second. `phase_llr` is the log-likelihood ratio, moving to standing, of its phase steps,
    `off` that of its reads, being away to standing where the track's base says. Of Doppler shifts the sums are kept.
    """

    index: int
    cells: list[Cell] = []
    phase_llr: float = 0.0
    phase_n: int = 0
    off: float = 0.0
    off_n: int = 0
    doppler_n: int = 0
    doppler_hz: float = 0.0
    doppler_square: float = 0.0


class Older(msgspec.Struct):
    """What one antenna heard of the present visit in bins that are forgotten: how many reads, and the sum of their RSSI (dB)."""

    n: float = 0.0
    total_db: float = 0.0


class Ear(msgspec.Struct):
    """What one antenna last heard of the tag: the level (dB), the bin in which it did, and the level's slow mean."""

    level_db: float
    index: int
    slow_db: float


class Ahead(msgspec.Struct):
    """A path moved on by one more bin for the moment: for good, unless that bin then held more than `reads`, or more than `told`
    counts of people were heard, or the counters were not as `healthy` as they were.
    """

    path: "Path"
    reads: int
    told: int
    healthy: bool | None


class Path(msgspec.Struct):
    """Where along the way out the tag probably is (path.py). `weights`: one list of cells for each story and movement.

    `index`: the last bin weighed for good; `heard`: the last one with reads. `crossed_at`: when the tag probably passed the
    threshold outward (Unix seconds), None where it did not. `low_db`, `high_db`: least and most louder outside lately;
    `inner`, `outer`: was once clearly louder there.
    """

    index: int
    weights: list[list[float]]
    ears: dict[str, Ear] = {}
    crossed_at: float | None = None
    heard: int = 0
    reads: int = 0
    same: int = -1
    last_db: float = 0.0
    anchor_db: float = 0.0
    calm_db: float = 0.0
    low_db: float = 0.0
    high_db: float = 0.0
    inner: bool = False
    outer: bool = False
    ahead: Ahead | None = None


class Track(msgspec.Struct, kw_only=True):
    """One tag at one gate. `state`: candidate (fresh or moving), standing, or left (judged to have gone out)."""

    gate: str
    epc: str
    first_at: float
    last_at: float
    state: str = "candidate"
    own: bool = True
    reads: int = 0
    fresh_reads: int = 0
    start_at: float
    """Start of the present passage: when it appeared, or left its baseline."""
    bins: list[Bin] = []
    older: dict[str, Older] = {}
    """What each antenna heard since `start_at`, before the first of `bins`."""
    phase_ref: dict[str, tuple[float, float, float]] = {}
    """Slot -> channel, phase (rad) and time of its last read."""
    base: dict[str, Spot] = {}
    """How each antenna hears the place where it stands, or last stood."""
    ears: dict[str, float] = {}
    """How many of the last reads at that place each antenna gave."""
    lately: dict[str, Spot] = {}
    """The same of where it is now, while it does not stand."""
    beat_s: float = 0.0
    """How far apart its reads came at that place, in the mean; 0 where it never stood."""
    settled_at: float = -1e9
    moved_at: float = -1e9
    """When it came to rest at that place, and when it last did so at another than before."""
    stir: float = 0.0
    stir_at: float = 0.0
    """How much speaks for its having left its base (a cumulated sum that starts anew at 0), and since when."""
    home: float = 0.0
    """The same sum the other way: how much speaks for its being there, or there again."""
    home_at: float = -1e9
    """Its last read that fits that place."""
    calm: float = 0.0
    calm_n: int = 0
    calm_at: float = 0.0
    """How much speaks for its resting where it is now, from how many reads, since when."""
    still_s: float = 0.0
    seen_s: float = 0.0
    """How long it has been in view in all."""
    strong_n: int = 0
    judged_at: float = -1e9
    inbound_at: float | None = None
    checked_at: float = -1e9
    looked_reads: int = 0
    """`reads` when it was last looked at."""
    rest_at: float = -1e9
    gone: bool = False
    path: Path | None = None
    flips: int = 0
    back_at: float | None = None
    """How often it was found inside again after it had left."""
    new: bool = False
    leaving: bool = False
    """Was probably beyond the threshold, having come from inside, when it was last looked at."""
    inside: float = 0.5
    """Probability that the next passage starts inside."""


def add_read(
    track: Track, slot: str, at: float, rssi_db: float, channel: float | None, phase: float | None, count: int,
    doppler_hz: float | None = None,
) -> None:  # fmt: skip
    """Takes one read into the track. Reads older than the kept history change only the counts."""
    track.reads += count
    track.fresh_reads += count
    if track.state == "standing":
        track.beat_s += (min(max(at - track.last_at, 0.0), _BEAT_MOST_S) - track.beat_s) / _BEAT_READS
    if at > track.last_at:
        track.last_at = at
    bins, index = track.bins, int(at // BIN_S)
    place = bins[-1] if bins and bins[-1].index == index else _bin_at(track, index)
    if place is None:
        return
    cells = place.cells
    cell = cells[0] if cells and cells[0].slot == slot else _cell_of(place, slot)
    cell.n += 1
    cell.total_db += rssi_db
    cell.square_db += rssi_db * rssi_db
    hop, real, imag = -1.0 if channel is None else float(channel), 0.0, 0.0
    if phase is not None:
        real, imag = math.cos(2.0 * phase), math.sin(2.0 * phase)
        _add_turn(cell, hop, real, imag)
        _add_phase(track, place, slot, at, hop, phase)
    if doppler_hz is not None:
        place.doppler_n += 1
        place.doppler_hz += doppler_hz
        place.doppler_square += doppler_hz * doppler_hz
    tenfold = int(10.0 * hop)
    if track.base:
        _against_base(track, place, slot, at, rssi_db, tenfold, real, imag)
    if track.state != "standing":
        _against_lately(track, slot, at, rssi_db, tenfold, real, imag)


def _against_base(track: Track, place: Bin, slot: str, at: float, rssi_db: float, channel: int, real: float, imag: float) -> None:
    """Does the read come from where the tag stands, or stood? While it does, its place is learnt on."""
    spot = track.base.get(slot)
    off = _UNHEARD if spot is None else surprise(spot, rssi_db, channel, real, imag)
    place.off += off
    place.off_n += 1
    stir, home = track.stir, track.home - off
    if stir <= 0.0:
        track.stir_at = at
    if off <= 0.0:
        track.home_at = at
    stir += off
    track.stir = stir = 0.0 if stir < 0.0 else _STIR_MOST if stir > _STIR_MOST else stir
    track.home = 0.0 if home < 0.0 else _STIR_MOST if home > _STIR_MOST else home
    if stir < _STIR_LEARNS and track.state == "standing":
        if spot is None:
            spot = track.base[slot] = Spot(0.0, rssi_db)
        learn(spot, rssi_db, channel, real, imag, _BASE_READS)
        _share(track.ears, slot)


def _share(ears: dict[str, float], slot: str) -> None:
    ears[slot] = ears.get(slot, 0.0) + 1.0
    if sum(ears.values()) > _EARS_READS:
        for known in ears:
            ears[known] *= 0.5


def _against_lately(track: Track, slot: str, at: float, rssi_db: float, channel: int, real: float, imag: float) -> None:
    spot = track.lately.get(slot)
    if spot is None:
        spot = track.lately[slot] = Spot(0.0, rssi_db, anchor_db=rssi_db)
    else:
        told = surprise(spot, rssi_db, channel, real, imag)
        if not track.calm_n:
            track.calm_at = at
        track.calm -= told
        track.calm_n += 1
        if track.calm <= 0.0:
            track.calm, track.calm_n, track.calm_at = 0.0, 0, at
            for known in track.lately.values():
                known.anchor_db = known.mean_db
    learn(spot, rssi_db, channel, real, imag, _LATELY_READS)


def add_older(older: dict[str, Older], place: Bin) -> None:
    """Adds what a bin holds to what each antenna heard before."""
    for cell in place.cells:
        known = older.get(cell.slot)
        if known is None:
            known = older[cell.slot] = Older()
        known.n += cell.n
        known.total_db += cell.total_db


def copied(path: Path) -> Path:
    """A path that can be moved on without moving `path`."""
    ears = {slot: msgspec.structs.replace(ear) for slot, ear in path.ears.items()}
    return msgspec.structs.replace(path, ears=ears, ahead=None)


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
    last = track.phase_ref.get(slot)
    if last is not None and last[0] == channel and -_STEP_REACH_S < at - last[2] < _STEP_MIN_S:
        return
    track.phase_ref[slot] = (channel, phase, at)
    if last is not None and last[0] == channel and at - last[2] <= _STEP_REACH_S:
        place.phase_llr += phase_step_llr(phase - last[1])
        place.phase_n += 1
