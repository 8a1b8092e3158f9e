"""Tags in the scene: each knows where it is at any moment, how deaf it is, and how its own phase drifts."""

import math
from dataclasses import dataclass
from random import Random

from simulators.carried import CARRY, Carried
from simulators.layouts import Vec
from simulators.people import Bodies

BRUSH_REACH_M = 0.7
_SWAY_M = 0.04
_DRIFT_DB = 0.4


@dataclass(frozen=True)
class Stay:
    """From `since` on the tag is in this place: a fixed one, on a person, or (None) out of the shop."""

    since: float
    place: Vec | Carried | None


@dataclass(frozen=True)
class Tag:
    """One tag. `axis` is its dipole while it stands; `loss_db` its one-way loss by mounting and neighbours."""

    epc: str
    stays: tuple[Stay, ...]
    axis: Vec
    sensitivity_dbm: float
    loss_db: float
    phase_rad: float
    drift_rad: float
    drift_period_s: float

    @property
    def permanent(self) -> bool:
        """True for a tag that stands in one place all along."""
        return len(self.stays) == 1 and self.stays[0].since == -math.inf

    def stay(self, at: float) -> Vec | Carried | None:
        """What holds the tag at `at`."""
        holder: Vec | Carried | None = None
        for stay in self.stays:
            if stay.since > at:
                break
            holder = stay.place
        return holder

    def present(self) -> tuple[float, float]:
        """From when to when the tag is anywhere in the scene; infinite for what stands there all along."""
        held = [stay.since for stay in self.stays if stay.place is not None]
        last = self.stays[-1]
        if isinstance(last.place, Carried):
            return held[0], last.place.walk.end
        return held[0], last.since if last.place is None else math.inf

    def own_phase(self, at: float) -> float:
        """Chip and antenna phase, drifting slowly with warmth."""
        return self.phase_rad + self.drift_rad * self._drift(at)

    def own_loss_db(self, at: float) -> float:
        """One-way loss by mounting and neighbours, drifting along."""
        return self.loss_db + _DRIFT_DB * self._drift(at)

    def _drift(self, at: float) -> float:
        """Slow and slower: minutes and hours, between -1 and 1."""
        quick = math.sin(2 * math.pi * at / self.drift_period_s + 7.0 * self.phase_rad)
        return 0.4 * quick + 0.6 * math.sin(2 * math.pi * at / (25.0 * self.drift_period_s) + 3.0 * self.phase_rad)


def new_tag(epc: str, stays: tuple[Stay, ...], rng: Random, *, crowded: bool = False) -> Tag:
    """A tag of ordinary spread. Tags packed on a shelf (`crowded`) lose 0-8 dB to their neighbours."""
    return Tag(
        epc=epc,
        stays=stays,
        axis=random_axis(rng),
        sensitivity_dbm=rng.gauss(-19.5, 1.0),
        loss_db=max(rng.gauss(1.0, 1.0), 0.0) + (rng.uniform(0.0, 8.0) if crowded else 0.0),
        phase_rad=rng.uniform(0.0, 2 * math.pi),
        drift_rad=rng.uniform(0.05, 0.4),
        drift_period_s=rng.uniform(120.0, 900.0),
    )


def sway(tag: Tag, place: Vec, at: float, moving: Bodies) -> Vec:
    """Where a standing tag hangs while bodies brush past: within 0.7 m of one it swings, the nearer the more, at most 4 cm.

    Returns `place` itself where nobody is so near.
    """
    nearest = BRUSH_REACH_M
    for body in moving:
        gap = math.hypot(body.x - place[0], body.y - place[1])
        if gap < nearest:
            nearest = gap
    if nearest >= BRUSH_REACH_M:
        return place
    swing = _SWAY_M * (1.0 - nearest / BRUSH_REACH_M)
    turn = tag.phase_rad
    return (
        place[0] + swing * math.sin(5.0 * at + turn) * math.cos(turn),
        place[1] + swing * math.sin(4.3 * at + 2.0 * turn) * math.sin(turn),
        place[2],
    )


def random_axis(rng: Random) -> Vec:
    """A dipole direction: mostly lying or hanging flat, seldom pointing at an antenna."""
    azimuth, rise = rng.uniform(0, 2 * math.pi), rng.uniform(-0.7, 0.7)
    flat = math.sqrt(1 - rise * rise)
    return flat * math.cos(azimuth), flat * math.sin(azimuth), rise


def carry_loss_db(carried: Carried) -> float:
    """One-way loss by what the tag is carried in or against."""
    return CARRY[carried.place].loss_db + carried.packed_db
