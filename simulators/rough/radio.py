"""Radio of the rough world: levels and phases of a field with deep fades, a body beside the tag, and one antenna heard at a time.

Where the plain world asks every antenna at each turn, and lets levels ripple by a few dB, here antennas take turns, all tags in
reach share them, and what a tag gives may fade by 20 dB within a hand's breadth. No rooms and no Gen2: physics.py and gen2.py
play no part.
"""

import cmath
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from rfidguard.events import Read
from simulators.learn.plain_radio import WAVE_M

_NEAREST_M = 0.2
_SOFT_DB = 1.0
"""So many dB around its reach a tag answers by chance."""
_NEAR_BODY_M = 1.2

Point = tuple[float, float]
"""Metres across the gate, and along the way out."""


@dataclass(frozen=True)
class Antenna:
    """At `at`, looking along `looks` (radians; 0: straight out). `gain_db` at 1 m ahead."""

    port: int
    side: int
    at: Point
    looks: float
    gain_db: float


@dataclass(frozen=True)
class Reader:
    """How a gate hears. `wide_rad`: 3 dB down at half of it; `fades`: the diffuse field against the straight one; `rate_hz`:
    reads a second, shared by all tags; `again`: how often a tag is read in one turn; `fresh`: how much likelier who was not
    read lately.
    """

    antennas: tuple[Antenna, ...]
    slope_db: float
    wide_rad: float
    back_db: float
    fades: float
    noise_db: float
    step_db: float
    phase: bool
    channels: int
    turn_s: float
    rate_hz: float
    again: int
    fresh: float


@dataclass(frozen=True)
class Waves:
    """A diffuse field: (turn across, turn along, start, size) of each wave, radians a metre and radians."""

    waves: tuple[tuple[float, float, float, float], ...]

    def at(self, place: Point) -> complex:
        return 1.0 + sum(
            cmath.rect(size, across * place[0] + along * place[1] + start) for across, along, start, size in self.waves
        )


def drawn_waves(rng: Random, fades: float) -> Waves:
    """Some six waves from anywhere that together are `fades` times as strong as the straight one."""
    number, found = 6, []
    for _ in range(number):
        angle, size = rng.uniform(0.0, 2.0 * math.pi), fades * math.sqrt(2.0 / number) * rng.random() ** 0.5
        turn = 2.0 * math.pi / WAVE_M
        found.append((turn * math.cos(angle), turn * (1.0 + math.sin(angle)), rng.uniform(0.0, 2.0 * math.pi), size))
    return Waves(tuple(found))


def field(reader: Reader, antenna: Antenna, waves: Waves, place: Point) -> tuple[float, float]:
    """Level (dBm) and phase (radians, unbounded) of a tag at `place`, with nobody in between."""
    across, along = place[0] - antenna.at[0], place[1] - antenna.at[1]
    distance = max(math.hypot(across, along), _NEAREST_M)
    off = abs(math.remainder(math.atan2(across, along) - antenna.looks, 2.0 * math.pi))
    pattern = min(12.0 * (off / reader.wide_rad) ** 2, reader.back_db)
    around = waves.at(place)
    level = antenna.gain_db - reader.slope_db * math.log10(distance) - 2.0 * pattern + 40.0 * math.log10(max(abs(around), 0.05))
    return level, 4.0 * math.pi * distance / WAVE_M - 2.0 * cmath.phase(around)


def body_loss_db(worn_db: float, worn: float, heading: float, antenna: Antenna, place: Point) -> float:
    """What the body of who carries the tag takes: all of `worn_db` where it is right in between. `worn`: where the tag is held,
    as an angle from where the body goes (0: in front); `heading`: 1 out, -1 in.
    """
    to_antenna = math.atan2(antenna.at[0] - place[0], (antenna.at[1] - place[1]) * heading)
    return worn_db * max(-math.cos(to_antenna - worn), 0.0)


def stirred_db(place: Point, size_db: float, start: float, bodies: Sequence[Point]) -> float:
    """How far bodies near a standing tag move its level."""
    near = [body for body in bodies if abs(body[0] - place[0]) < _NEAR_BODY_M and abs(body[1] - place[1]) < _NEAR_BODY_M]
    return sum(size_db * math.sin(18.0 * (body[1] - place[1]) + 11.0 * body[0] + start) for body in near)


def answers(level: float, reach_dbm: float, rng: Random) -> bool:
    """True where a tag heard at `level` has the power to answer."""
    return level >= reach_dbm + rng.uniform(-_SOFT_DB, _SOFT_DB)


def drawn_turn(rng: Random, reader: Reader, waiting: Sequence[float]) -> Iterator[int]:
    """Which of the tags in reach are read in one turn, in order. `waiting`: how long ago each was read."""
    chances = [(rng.random() ** (1.0 / (1.0 + reader.fresh * min(since, 1.0))), number) for number, since in enumerate(waiting)]
    order = [number for _, number in sorted(chances, reverse=True)] * reader.again
    yield from order[: max(int(reader.rate_hz * reader.turn_s * rng.uniform(0.8, 1.2)), 1)]


def read_of(reader: Reader, antenna: Antenna, epc: str, at: float, level: float, phase: float, channel: int, gate: str) -> Read:
    """What the reader tells of one answer."""
    return Read(
        at=round(at, 4),
        gate=gate,
        reader=f"{gate}-1",
        antenna=antenna.port,
        epc=epc,
        rssi_dbm=round(level / reader.step_db) * reader.step_db,
        phase_rad=round(phase % (2.0 * math.pi), 4) % (2.0 * math.pi) if reader.phase else None,
        channel=channel if reader.phase else None,
    )


def drawn_reader(rng: Random, zoned: bool) -> Reader:
    """A gate with inside and outside antennas in any order of ports, or with all in one plane."""
    phase = rng.random() < 0.5
    return Reader(
        antennas=tuple(_antennas(rng, zoned)),
        slope_db=rng.uniform(18.0, 28.0),
        wide_rad=rng.uniform(1.1, 2.2),
        back_db=rng.uniform(3.0, 9.0),
        fades=rng.uniform(0.15, 0.75),
        noise_db=rng.uniform(0.3, 1.5),
        step_db=0.5 if phase else rng.choice((0.5, 1.0, 1.0)),
        phase=phase,
        channels=rng.choice((1, 4, 4, 50)),
        turn_s=rng.choice((0.05, 0.1, 0.2, 0.2, 0.4)),
        rate_hz=rng.uniform(120.0, 420.0),
        again=rng.choice((1, 1, 2, 4)),
        fresh=rng.choice((0.0, 0.0, 2.0, 8.0)),
    )


def _antennas(rng: Random, zoned: bool) -> Iterator[Antenna]:
    sides = rng.choice(((-1, 1), (-1, 1), (-1, -1, 1, 1), (-1, -1, 1, 1), (-1, 1, 1), (-1, -1, 1)))
    apart, width, level = rng.uniform(0.15, 0.9), rng.uniform(1.2, 2.6), rng.uniform(-48.0, -36.0)
    outward, tilt = rng.random() < 0.8, rng.uniform(0.0, 0.5)
    shuffled = rng.sample(sides, len(sides))
    for number, side in enumerate(shuffled):
        left = -1.0 if number % 2 == 0 else 1.0
        across = -left * math.pi / 2.0
        along = 0.0 if side > 0 else math.pi
        aim = across + math.remainder(along - across, 2.0 * math.pi) * (rng.uniform(0.4, 1.0) if outward else tilt)
        yield Antenna(
            port=number + 1,
            side=side if zoned else 0,
            at=(left * width / 2.0, side * apart * rng.uniform(0.8, 1.2) if zoned else rng.uniform(-0.05, 0.05)),
            looks=aim if zoned else across + rng.uniform(-0.2, 0.2),
            gain_db=level + rng.uniform(-2.0, 2.0),
        )
