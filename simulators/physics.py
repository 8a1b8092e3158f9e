"""The radio field of a gate: one complex one-way channel per antenna, place and channel. RSSI and phase both come from it.

The channel is a sum of paths: direct, mirrored in floor, ceiling and walls, scattered by fixed metal and by people, and a
weak diffuse field of plane waves that knows no antenna pattern. Its unit is the free-space amplitude 1 m ahead of the patch.
"""

import cmath
import math
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from simulators.layouts import Antenna, Layout, Vec
from simulators.people import BODY_HEIGHT_M, BODY_RADIUS_M

LIGHT_M_S = 299_792_458.0
_PATTERN_EXPONENT = 3.5
"""Half power at 35 degrees off the boresight: a patch of some 70 degrees."""
_BACK_LOBE = 0.09
_DIPOLE_NULL = 0.1
_MIRRORS = (("z", 0.0, 0.4), ("z", 3.1, 0.3))
_DIFFUSE_WAVES = 6
_DIFFUSE_AMPLITUDE = 0.16
_DIFFUSE_REACH_M = 8.0
_FREE_SPACE_1M_DB = 31.7
_TAG_GAIN_DB = -1.0
"""A 2 dBi dipole seen by a circular patch (-3 dB)."""
_KNEE_DB = -14.0


class Body(NamedTuple):
    """Something upright that moves: a person, or a door leaf. `scatter_m` is sqrt(cross-section / 4 pi), `loss_db` its shadow."""

    x: float
    y: float
    scatter_m: float = 0.22
    loss_db: float = 15.0


Bodies = tuple[Body, ...]


@dataclass(frozen=True)
class Channels:
    """A regulation's hopping plan: frequencies by index from 1, and how long a reader may stay on one."""

    mhz: tuple[float, ...]
    dwell_s: float


REGIONS = {
    "fcc": Channels(tuple(902.75 + 0.5 * index for index in range(50)), 0.2),
    "etsi": Channels((865.7, 866.3, 866.9, 867.5), 3.8),
}


@dataclass(frozen=True)
class _Source:
    """Where waves seem to come from: the antenna itself or a mirror image of it."""

    at: Vec
    boresight: Vec
    strength: float


@dataclass(frozen=True)
class _Site:
    """One antenna in its room: sources, fixed scatterers (place, first leg's amplitude and length), diffuse waves."""

    antenna: Antenna
    sources: tuple[_Source, ...]
    scatterers: tuple[tuple[Vec, float, float], ...]
    waves: tuple[tuple[Vec, complex], ...]


class Room:
    """The fixed surroundings of one gate. The same layout and seed always give the same field."""

    def __init__(self, layout: Layout, rng: Random) -> None:
        wall = layout.half_width_m + rng.uniform(1.5, 3.5)
        posts = tuple(_post(layout, rng) for _ in range(5))
        self._sites = {antenna.port: _site(antenna, wall, posts, rng) for antenna in layout.antennas}

    def paths(self, port: int, tag: Vec, axis: Vec, k: float) -> "Paths":
        """The channel from antenna `port` to a tag at `tag` with dipole `axis` while nobody is there; `k` is the wave number."""
        site = self._sites[port]
        direct, *mirrors = (_path(source, tag, axis, k) for source in site.sources)
        steady = _diffuse(site, tag, k)
        for place, amplitude, length in site.scatterers:
            leg = max(math.dist(place, tag), 0.3)
            steady += amplitude / leg * cmath.exp(-1j * k * (length + leg))
        return Paths(direct, sum(mirrors, 0j), steady)

    def channel(self, port: int, tag: Vec, paths: "Paths", k: float, bodies: Bodies) -> complex:
        """The one-way channel with people standing at `bodies`: they shadow what comes straight, and reflect."""
        antenna = self._sites[port].antenna
        clear, reflected = 1.0, 0j
        for body in bodies:
            clear *= _shadow(antenna.at, tag, body)
            reflected += _off_body(antenna, tag, body, k)
        return clear * paths.direct + math.sqrt(clear) * paths.mirrored + paths.steady + reflected


@dataclass(frozen=True)
class Paths:
    """A channel by kinds of paths: straight, mirrored in floor, ceiling and walls, and all that people cannot block."""

    direct: complex
    mirrored: complex
    steady: complex


def level_db(channel: complex) -> float:
    """A channel's one-way gain in dB against 1 m ahead in free space."""
    return 20.0 * math.log10(max(abs(channel), 1e-6))


def power_at_tag_dbm(antenna: Antenna, gain_db: float, loss_db: float) -> float:
    """What reaches the chip: EIRP less free space at 1 m, tag gain, the channel's gain, and one-way `loss_db` at the tag."""
    return antenna.eirp_dbm - _FREE_SPACE_1M_DB + _TAG_GAIN_DB + gain_db - loss_db


def rssi_dbm(antenna: Antenna, gain_db: float, loss_db: float) -> float:
    """What the reader measures. Near by, the chip's modulation compresses: measured slopes are 18-23 dB a decade, not 40."""
    gain = gain_db - loss_db
    if gain > _KNEE_DB:
        return antenna.rssi_1m_dbm + 1.1 * gain
    return antenna.rssi_1m_dbm + 1.1 * _KNEE_DB + 2.0 * (gain - _KNEE_DB)


def wave_number(mhz: float) -> float:
    """Radians per metre."""
    return 2.0 * math.pi * mhz * 1e6 / LIGHT_M_S


def _post(layout: Layout, rng: Random) -> tuple[Vec, float]:
    """A metal rack, door leaf or till near the gate: its place and its scattering length."""
    side = rng.choice((-1.0, 1.0))
    at = (side * (layout.half_width_m + rng.uniform(0.2, 2.0)), rng.uniform(-3.0, 2.0), rng.uniform(0.4, 2.2))
    return at, rng.uniform(0.15, 0.45)


def _site(antenna: Antenna, wall: float, posts: tuple[tuple[Vec, float], ...], rng: Random) -> _Site:
    mirrors = (*_MIRRORS, ("x", -wall, 0.25), ("x", wall, 0.25))
    sources = [_Source(antenna.at, antenna.boresight, 1.0)]
    sources += [_mirrored(antenna, plane, place, strength) for plane, place, strength in mirrors]
    return _Site(
        antenna,
        tuple(sources),
        tuple(_first_leg(antenna, at, strength) for at, strength in posts),
        tuple(_wave(rng) for _ in range(_DIFFUSE_WAVES)),
    )


def _mirrored(antenna: Antenna, plane: str, place: float, strength: float) -> _Source:
    (x, y, z), (bx, by, bz) = antenna.at, antenna.boresight
    if plane == "z":
        return _Source((x, y, 2 * place - z), (bx, by, -bz), strength)
    return _Source((2 * place - x, y, z), (-bx, by, bz), strength)


def _first_leg(antenna: Antenna, at: Vec, strength: float) -> tuple[Vec, float, float]:
    length = max(math.dist(antenna.at, at), 0.3)
    return at, strength * _pattern(antenna.at, antenna.boresight, at, length) / length, length


def _wave(rng: Random) -> tuple[Vec, complex]:
    azimuth, rise = rng.uniform(0, 2 * math.pi), rng.uniform(-0.8, 0.8)
    flat = math.sqrt(1 - rise * rise)
    amplitude = _DIFFUSE_AMPLITUDE / math.sqrt(_DIFFUSE_WAVES) * cmath.exp(1j * rng.uniform(0, 2 * math.pi))
    return (flat * math.cos(azimuth), flat * math.sin(azimuth), rise), amplitude


def _path(source: _Source, tag: Vec, axis: Vec, k: float) -> complex:
    dx, dy, dz = tag[0] - source.at[0], tag[1] - source.at[1], tag[2] - source.at[2]
    length = max(math.sqrt(dx * dx + dy * dy + dz * dz), 0.15)
    along = (dx * axis[0] + dy * axis[1] + dz * axis[2]) / length
    tag_gain = max(math.sqrt(max(1.0 - along * along, 0.0)), _DIPOLE_NULL)
    amplitude = source.strength * _pattern(source.at, source.boresight, tag, length) * tag_gain / length
    return amplitude * cmath.exp(-1j * k * length)


def _pattern(at: Vec, boresight: Vec, target: Vec, length: float) -> float:
    """Amplitude gain of a patch towards `target`: a power of the cosine ahead, a small lobe elsewhere."""
    dot = (target[0] - at[0]) * boresight[0] + (target[1] - at[1]) * boresight[1] + (target[2] - at[2]) * boresight[2]
    cosine = dot / length
    if cosine <= 0.0:
        return _BACK_LOBE
    return max(float(cosine ** (_PATTERN_EXPONENT / 2)), _BACK_LOBE)


def _diffuse(site: _Site, tag: Vec, k: float) -> complex:
    total = 0j
    for (x, y, z), amplitude in site.waves:
        total += amplitude * cmath.exp(-1j * k * (x * tag[0] + y * tag[1] + z * tag[2]))
    return total * math.exp(-math.dist(site.antenna.at, tag) / _DIFFUSE_REACH_M)


def _shadow(antenna: Vec, tag: Vec, body: Body) -> float:
    """Amplitude that a body leaves of the straight line antenna-tag: 1 = clear, soft at the edge over some 15 cm."""
    dx, dy = tag[0] - antenna[0], tag[1] - antenna[1]
    square = dx * dx + dy * dy
    part = ((body.x - antenna[0]) * dx + (body.y - antenna[1]) * dy) / square if square > 1e-6 else 0.5
    part = min(max(part, 0.0), 1.0)
    gap = math.hypot(antenna[0] + part * dx - body.x, antenna[1] + part * dy - body.y)
    height = antenna[2] + part * (tag[2] - antenna[2])
    if gap > BODY_RADIUS_M + 0.25 or height > BODY_HEIGHT_M:
        return 1.0
    loss_db = body.loss_db / (1.0 + math.exp((gap - BODY_RADIUS_M) / 0.04))
    return math.pow(10.0, -loss_db / 20.0)


def _off_body(antenna: Antenna, tag: Vec, body: Body, k: float) -> complex:
    """The path antenna - a person's torso - tag."""
    torso = (body.x, body.y, 1.1)
    first = max(math.dist(antenna.at, torso), 0.4)
    second = max(math.dist(torso, tag), 0.4)
    amplitude = body.scatter_m * _pattern(antenna.at, antenna.boresight, torso, first) / (first * second)
    return amplitude * cmath.exp(-1j * k * (first + second))
