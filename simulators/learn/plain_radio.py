"""Radio of the plain world: level falls with the logarithm of the distance, ripples with the place, and drops behind a patch.

No rooms, no reflections, no inventory: on purpose another world than physics.py and air.py, so that a table which learns from
both cannot lean on what only one of them does.
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from rfidguard.events import Read
from simulators.learn.plain_walks import Way

WAVE_M = 0.346
"""At 867 MHz."""
LEVEL_1M_DBM = -42.0
_NEAREST_M = 0.15
_HEARS = 0.75
"""How likely an antenna hears a tag that it could hear, in one turn."""
_TURN_S = 0.003
"""An antenna comes so much later than the one before."""
_PHASE_NOISE_RAD, _SHADOW_NOISE_RAD = 0.1, 0.3
_HOPS: dict[str, tuple[float, int, int]] = {"fixed": (1e9, 1, 1), "etsi": (3.8, 3, 4), "fcc": (0.2, 17, 50)}
"""Seconds on a channel, the step to the next, and how many there are."""


@dataclass(frozen=True)
class Antenna:
    """`y_m` along the way out, `aside_m` across it; `looks` in (-1), out (1) or across (0). `ripple`: (dB, rad/m, rad) each."""

    port: int
    y_m: float
    aside_m: float
    looks: int
    gain_db: float
    ripple: tuple[tuple[float, float, float], ...]


@dataclass(frozen=True)
class Gate:
    """A reader and its antennas. `plan`: fixed, etsi, fcc, or none (a reader that tells no channels, and no phase)."""

    antennas: tuple[Antenna, ...]
    slope_db: float
    behind_db: float
    noise_db: float
    step_db: float
    plan: str
    phase: bool

    def distance_m(self, antenna: Antenna, y: float, side_m: float) -> float:
        return max(math.hypot(y - antenna.y_m, side_m - antenna.aside_m), _NEAREST_M)

    def level_dbm(self, antenna: Antenna, y: float, side_m: float) -> float:
        """The level of a tag at `y`, `side_m` across, while nobody is in between; without noise."""
        ripple = sum(size * math.sin(turn * y + start + 7.0 * side_m) for size, turn, start in antenna.ripple)
        behind = self.behind_db if (y - antenna.y_m) * antenna.looks < 0.0 else 0.0
        far = self.slope_db * math.log10(self.distance_m(antenna, y, side_m))
        return LEVEL_1M_DBM + antenna.gain_db - far - behind + ripple

    def channel(self, at: float) -> int | None:
        if self.plan == "none":
            return None
        dwell_s, step, channels = _HOPS[self.plan]
        return 1 + int(at / dwell_s) * step % channels


@dataclass(frozen=True)
class Shadow:
    """A body takes `loss_db` of what one antenna hears (port None: every one) from `since` to `until`."""

    since: float
    until: float
    loss_db: float
    port: int | None = None


@dataclass(frozen=True)
class Tag:
    """One tag: how often it is asked, how far across the gate, and the level below which it falls silent."""

    epc: str
    rate_hz: float
    side_m: float
    reach_dbm: float
    shadows: tuple[Shadow, ...] = ()


def drawn_gate(rng: Random, zoned: bool) -> Gate:
    """A gate with inside and outside antennas, or one whose antennas all look across the threshold from both sides."""
    plan = rng.choice(("fixed", "etsi", "etsi", "fcc", "none"))
    return Gate(
        antennas=tuple(_antennas(rng, zoned)),
        slope_db=rng.uniform(18.0, 30.0),
        behind_db=rng.uniform(2.0, 9.0),
        noise_db=rng.uniform(0.4, 2.0),
        step_db=rng.choice((0.5, 0.5, 1.0)),
        plan=plan,
        phase=plan != "none" and rng.random() < 0.75,
    )


def reads(gate: Gate, tag: Tag, way: Way, rng: Random, epoch: float, name: str) -> Iterator[Read]:
    """Every read of the tag on its way, in order of turns."""
    at = way.points[0][0]
    while at < way.end:
        y, channel = way.y(at), gate.channel(at)
        for number, antenna in enumerate(gate.antennas):
            if rng.random() >= _HEARS:
                continue
            shadows = [s for s in tag.shadows if s.since <= at <= s.until and s.port in (None, antenna.port)]
            level = gate.level_dbm(antenna, y, tag.side_m) - sum(s.loss_db for s in shadows) + rng.gauss(0.0, gate.noise_db)
            if level < tag.reach_dbm:
                continue
            yield Read(
                at=round(epoch + at + number * _TURN_S, 4),
                gate=name,
                reader=f"{name}-1",
                antenna=antenna.port,
                epc=tag.epc,
                rssi_dbm=round(level / gate.step_db) * gate.step_db,
                phase_rad=_phase(gate, antenna, tag, y, channel, rng, bool(shadows)) if gate.phase else None,
                channel=channel,
            )
        at += rng.uniform(0.5, 1.5) / tag.rate_hz


def _phase(gate: Gate, antenna: Antenna, tag: Tag, y: float, channel: int | None, rng: Random, shadowed: bool) -> float:
    """There and back, an offset, noise, and the reader's ambiguity by half a turn; 0 to 2π."""
    offset = zlib.crc32(f"{tag.epc}/{antenna.port}/{channel}".encode()) / 2**32 * 2.0 * math.pi
    noise = rng.gauss(0.0, _SHADOW_NOISE_RAD if shadowed else _PHASE_NOISE_RAD)
    turned = 4.0 * math.pi * gate.distance_m(antenna, y, tag.side_m) / WAVE_M + offset + noise
    return round((turned + rng.choice((0.0, math.pi))) % (2.0 * math.pi), 4) % (2.0 * math.pi)


def _antennas(rng: Random, zoned: bool) -> Iterator[Antenna]:
    apart, width = rng.uniform(0.2, 0.6), rng.uniform(1.2, 2.0)
    for number in range(rng.choice((2, 2, 2, 4))):
        far, second = number % 2 == 1, number > 1
        yield Antenna(
            port=number + 1,
            y_m=(apart if far else -apart) if zoned else rng.uniform(-0.05, 0.05),
            aside_m=(-0.3 if second else 0.0) if zoned else (width if far else 0.0),
            looks=(1 if far else -1) if zoned else 0,
            gain_db=rng.uniform(-2.0, 2.0),
            ripple=tuple((rng.uniform(0.5, 2.2), rng.uniform(4.0, 18.0), rng.uniform(0.0, 2.0 * math.pi)) for _ in range(3)),
        )
