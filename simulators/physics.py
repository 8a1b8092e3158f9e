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
from simulators.people import BODY_RADIUS_M, Bodies, Body

LIGHT_M_S = 299_792_458.0
_PATTERN_EXPONENT = 3.5
"""Half power at 35 degrees off the boresight: a patch of some 70 degrees."""
_BACK_LOBE = 0.09
_DIPOLE_NULL = 0.1
_CEILING_GAP_M = 0.3
"""A ceiling is at 3.1 m, or so far above the highest antenna."""
_DIFFUSE_WAVES = 6
_DIFFUSE_AMPLITUDE = 0.16
_DIFFUSE_REACH_M = 8.0
_FREE_SPACE_1M_DB = 31.7
_TAG_GAIN_DB = -1.0
"""A 2 dBi dipole seen by a circular patch (-3 dB)."""
_KNEE_DB = -14.0
SHADOW_REACH_M = BODY_RADIUS_M + 0.25
"""A body farther from the straight line than this takes nothing of it."""
NEAREST_M = 0.4
"""No leg of a path off a body is taken as shorter."""


@dataclass(frozen=True)
class Channels:
    """A regulation's hopping plan: frequencies by index from 1, and how long a reader may stay on one."""

    mhz: tuple[float, ...]
    dwell_s: float


REGIONS = {
    "fcc": Channels(tuple(902.75 + 0.5 * index for index in range(50)), 0.2),
    "etsi": Channels((865.7, 866.3, 866.9, 867.5), 3.8),
}


class _Source(NamedTuple):
    """Where waves seem to come from: the antenna itself or a mirror image of it. `across` and `up` span its circular wave."""

    at: Vec
    boresight: Vec
    across: Vec
    up: Vec
    strength: float


@dataclass(frozen=True)
class _Site:
    """One antenna in its room: sources, fixed scatterers (place, first leg's amplitude and length), diffuse waves."""

    antenna: Antenna
    sources: tuple[_Source, ...]
    scatterers: tuple[tuple[Vec, float, float], ...]
    waves: tuple[tuple[Vec, complex], ...]


class Lit(NamedTuple):
    """A body as one antenna sees it: its torso's height, and the amplitude and length of the wave that reaches it."""

    body: Body
    torso_m: float
    amplitude: float
    length: float


class Paths(NamedTuple):
    """A channel by kinds of paths: straight, mirrored in floor, ceiling and walls, and all that people cannot block."""

    direct: complex
    mirrored: complex
    steady: complex


class Room:
    """The fixed surroundings of one gate. The same layout and seed always give the same field."""

    def __init__(self, layout: Layout, rng: Random) -> None:
        wall = layout.half_width_m + rng.uniform(1.5, 3.5)
        posts = tuple(_post(layout, rng) for _ in range(5))
        ceiling = max(3.1, *(antenna.at[2] + _CEILING_GAP_M for antenna in layout.antennas))
        self._sites = {antenna.port: _site(antenna, wall, ceiling, posts, rng) for antenna in layout.antennas}

    def paths(self, port: int, tag: Vec, axis: Vec, k: float) -> Paths:
        """The channel from antenna `port` to a tag at `tag` with dipole `axis` while nobody is there; `k` is the wave number."""
        site = self._sites[port]
        direct = _path(site.sources[0], tag, axis, k)
        mirrored = 0j
        for source in site.sources[1:]:
            mirrored += _path(source, tag, axis, k)
        steady = _diffuse(site, tag, k)
        for place, amplitude, length in site.scatterers:
            leg = max(math.dist(place, tag), 0.3)
            steady += cmath.rect(amplitude / leg, -k * (length + leg))
        return Paths(direct, mirrored, steady)

    def lit(self, port: int, bodies: Bodies) -> tuple[Lit, ...]:
        """The bodies as antenna `port` sees them."""
        antenna = self._sites[port].antenna
        return tuple(_lit(antenna, body) for body in bodies)

    def channel(self, port: int, tag: Vec, paths: Paths, k: float, bodies: Bodies) -> complex:
        """The one-way channel with people standing at `bodies`: they shadow what comes straight, and reflect."""
        return self.disturbed(port, tag, paths, k, self.lit(port, bodies))

    def disturbed(self, port: int, tag: Vec, paths: Paths, k: float, lit: tuple[Lit, ...]) -> complex:
        """The same for bodies that are lit already."""
        direct, mirrored, steady = self.among(port, tag, paths, k, lit)
        return direct + mirrored + steady

    def among(self, port: int, tag: Vec, paths: Paths, k: float, lit: tuple[Lit, ...]) -> Paths:
        """The same by kinds of paths, so that further bodies can be added."""
        antenna = self._sites[port].antenna.at
        clear = 1.0
        for body, _, _, _ in lit:
            clear *= shadow(antenna, tag, body)
        steady = paths.steady + reflection(tag, k, lit)
        if clear == 1.0:
            return Paths(paths.direct, paths.mirrored, steady)
        return Paths(clear * paths.direct, math.sqrt(clear) * paths.mirrored, steady)


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


def reflection(tag: Vec, k: float, lit: tuple[Lit, ...]) -> complex:
    """The waves off all bodies together, at a tag."""
    total, dist, rect = 0j, math.dist, cmath.rect
    for body, torso, amplitude, length in lit:
        second = dist((body.x, body.y, torso), tag)
        if second < NEAREST_M:
            second = NEAREST_M
        total += rect(amplitude / second, -k * (length + second))
    return total


def shadow(antenna: Vec, tag: Vec, body: Body) -> float:
    """Amplitude that a body leaves of the straight line antenna-tag: 1 = clear, soft at the edge over some 15 cm."""
    ax, ay, az = antenna
    dx, dy = tag[0] - ax, tag[1] - ay
    bx, by = body.x - ax, body.y - ay
    square = dx * dx + dy * dy
    part = (bx * dx + by * dy) / square if square > 1e-6 else 0.5
    part = 0.0 if part < 0.0 else 1.0 if part > 1.0 else part
    gap = math.hypot(part * dx - bx, part * dy - by)
    if gap > SHADOW_REACH_M or az + part * (tag[2] - az) > body.height_m:
        return 1.0
    loss_db = body.loss_db / (1.0 + math.exp((gap - BODY_RADIUS_M) / 0.04))
    return math.pow(10.0, -loss_db / 20.0)


def _lit(antenna: Antenna, body: Body) -> Lit:
    """The path antenna - a person's torso, at 63 % of the height."""
    torso = (body.x, body.y, 0.63 * body.height_m)
    length = max(math.dist(antenna.at, torso), NEAREST_M)
    return Lit(body, torso[2], body.scatter_m * _pattern(antenna.at, antenna.boresight, torso, length) / length, length)


def _post(layout: Layout, rng: Random) -> tuple[Vec, float]:
    """A metal rack, door leaf or till near the gate: its place and its scattering length."""
    side = rng.choice((-1.0, 1.0))
    at = (side * (layout.half_width_m + rng.uniform(0.2, 2.0)), rng.uniform(-3.0, 2.0), rng.uniform(0.4, 2.2))
    return at, rng.uniform(0.15, 0.45)


def _site(antenna: Antenna, wall: float, ceiling: float, posts: tuple[tuple[Vec, float], ...], rng: Random) -> _Site:
    mirrors = (("z", 0.0, 0.4), ("z", ceiling, 0.3), ("x", -wall, 0.25), ("x", wall, 0.25))
    itself = _Source(antenna.at, antenna.boresight, *_polarisation(antenna.boresight), 1.0)
    return _Site(
        antenna,
        (itself, *(_mirrored(itself, plane, place, strength) for plane, place, strength in mirrors)),
        tuple(_first_leg(antenna, at, strength) for at, strength in posts),
        tuple(_wave(rng) for _ in range(_DIFFUSE_WAVES)),
    )


def _polarisation(boresight: Vec) -> tuple[Vec, Vec]:
    """Two directions at right angles to the boresight: the patch feeds both, a quarter period apart (circular)."""
    bx, by, bz = boresight
    flat = math.hypot(bx, by)
    across = (-by / flat, bx / flat, 0.0) if flat > 1e-6 else (1.0, 0.0, 0.0)
    return across, (by * across[2] - bz * across[1], bz * across[0] - bx * across[2], bx * across[1] - by * across[0])


def _mirrored(source: _Source, plane: str, place: float, strength: float) -> _Source:
    """Its image: turned over in the plane, and so the circular wave with its sense reversed."""
    axis = 2 if plane == "z" else 0
    (x, y, z) = source.at
    at = (x, y, 2 * place - z) if axis == 2 else (2 * place - x, y, z)
    across, up = _flipped(source.across, axis), _flipped(source.up, axis)
    return _Source(at, _flipped(source.boresight, axis), across, up, strength)


def _flipped(vector: Vec, axis: int) -> Vec:
    x, y, z = vector
    return (x, y, -z) if axis == 2 else (-x, y, z)


def _first_leg(antenna: Antenna, at: Vec, strength: float) -> tuple[Vec, float, float]:
    length = max(math.dist(antenna.at, at), 0.3)
    return at, strength * _pattern(antenna.at, antenna.boresight, at, length) / length, length


def _wave(rng: Random) -> tuple[Vec, complex]:
    azimuth, rise = rng.uniform(0, 2 * math.pi), rng.uniform(-0.8, 0.8)
    flat = math.sqrt(1 - rise * rise)
    amplitude = _DIFFUSE_AMPLITUDE / math.sqrt(_DIFFUSE_WAVES) * cmath.exp(1j * rng.uniform(0, 2 * math.pi))
    return (flat * math.cos(azimuth), flat * math.sin(azimuth), rise), amplitude


def _path(source: _Source, tag: Vec, axis: Vec, k: float) -> complex:
    """One straight path: pattern, and what of the circular wave lies along the dipole (none end-on; a null keeps a tenth)."""
    (sx, sy, sz), (bx, by, bz), (ex, ey, ez), (fx, fy, fz), strength = source
    ax, ay, az = axis
    dx, dy, dz = tag[0] - sx, tag[1] - sy, tag[2] - sz
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    if length < 0.15:
        length = 0.15
    along = (dx * ax + dy * ay + dz * az) / length
    across = ex * ax + ey * ay + ez * az - (dx * ex + dy * ey + dz * ez) / length * along
    up = fx * ax + fy * ay + fz * az - (dx * fx + dy * fy + dz * fz) / length * along
    cosine = (dx * bx + dy * by + dz * bz) / length
    received = math.hypot(across, up) * math.sqrt(2.0 / (1.0 + cosine * cosine))
    turn = math.atan2(up, across)
    lobe = cosine ** (_PATTERN_EXPONENT / 2) if cosine > 0.0 else 0.0
    amplitude = strength * max(lobe, _BACK_LOBE) * max(received, _DIPOLE_NULL) / length
    return cmath.rect(amplitude, turn - k * length)


def _pattern(at: Vec, boresight: Vec, target: Vec, length: float) -> float:
    """Amplitude gain of a patch towards `target`: a power of the cosine ahead, a small lobe elsewhere."""
    dot = (target[0] - at[0]) * boresight[0] + (target[1] - at[1]) * boresight[1] + (target[2] - at[2]) * boresight[2]
    cosine = dot / length
    if cosine <= 0.0:
        return _BACK_LOBE
    return max(float(cosine ** (_PATTERN_EXPONENT / 2)), _BACK_LOBE)


def _diffuse(site: _Site, tag: Vec, k: float) -> complex:
    total = 0j
    tx, ty, tz = tag
    for (x, y, z), amplitude in site.waves:
        total += amplitude * cmath.rect(1.0, -k * (x * tx + y * ty + z * tz))
    return total * math.exp(-math.dist(site.antenna.at, tag) / _DIFFUSE_REACH_M)
