"""From the reader to the box: a clock that is off and drifts, a slow link, reports that come twice or much too late."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

import msgspec

from rfidguard.events import Read


@dataclass(frozen=True)
class Delivery:
    """`clock_error_s` at the start, `clock_drift_ppm` from there; every read takes `latency_s`, `late_share` of them up to
    `late_s` longer; `duplicates` is the share of reads reported twice.
    """

    clock_error_s: float = 0.0
    clock_drift_ppm: float = 0.0
    latency_s: float = 0.0
    duplicates: float = 0.0
    late_share: float = 0.0
    late_s: float = 0.0


def delivered(reads: Iterable[Read], delivery: Delivery, epoch: float, rng: Random) -> Iterator[Read]:
    """The reads as the box gets them, in the order of reading. `received` is set where it differs from the reader's own time."""
    if delivery == Delivery():
        yield from reads
        return
    for read in reads:
        told = read.at + delivery.clock_error_s + (read.at - epoch) * delivery.clock_drift_ppm * 1e-6
        for _ in range(2 if rng.random() < delivery.duplicates else 1):
            late = rng.uniform(0.0, delivery.late_s) if rng.random() < delivery.late_share else 0.0
            heard = round(read.at + delivery.latency_s + late, 6)
            stamped = round(told, 6)
            yield msgspec.structs.replace(read, at=stamped, received=None if heard == stamped else heard)
