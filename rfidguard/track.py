"""Step 2: what one gate remembers of one tag. Reads fall into bins of 0.1 s; a bin is a few numbers per antenna.

Bins make the order of reads within a moment irrelevant, keep the work per read constant, and bound the memory.
"""

import msgspec

from rfidguard.spot import Spot
from rfidguard.trail import Trail

BIN_S = 0.1
KEEP_BINS = 80
"""8 s of history: a slow stroll through the longest read zone takes about 6 s."""

VISIT_LEAD_S = 1.0
"""So long before the start of a passage its signs look back."""

Loose = tuple[int, str, float, float, float | None, float | None, float | None, float]
"""A read of which no bin was made yet: its bin's index, antenna, time (Unix seconds), RSSI (dB), channel, phase
(rad), Doppler shift (Hz), and what it says against the base (`Bin.off`).
"""


class Cell(msgspec.Struct, gc=False):
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


class Bin(msgspec.Struct, gc=False):
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


class Older(msgspec.Struct, gc=False):
    """What one antenna heard of the present visit in bins that are forgotten: how many reads, and the sum of their RSSI (dB)."""

    n: float = 0.0
    total_db: float = 0.0


class Ear(msgspec.Struct, gc=False):
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
    loose: list[Loose] = []
    """While it stands, its reads after those in `bins`, in order of their bins (bins.py)."""
    older: dict[str, Older] = {}
    """What each antenna heard since `start_at`, before the first of `bins`."""
    trail: Trail = msgspec.field(default_factory=Trail)
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
    left_unpaid: bool = False
    """What the ledger said when it last left."""
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
