"""One reader's reads: inventory over the field of a room, with people and tags moving through it. Scene in, Read events out."""

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from rfidguard.events import Read
from simulators.audible import Audible
from simulators.carried import Carried
from simulators.gen2 import Plan, inventory
from simulators.layouts import Layout, Vec
from simulators.people import Door, Walk
from simulators.physics import REGIONS, Lit, Paths, Room, level_db, rssi_dbm, wave_number
from simulators.presence import Around, Presence
from simulators.reader_errors import Hopper, Offsets
from simulators.tags import Tag, carry_loss_db, sway

READER_FLOOR_DBM = -84.0
_BODY_REACH_M = 2.5
"""People farther than this from the opening change nothing in it."""
_DOPPLER_STEP_S = 0.004


@dataclass(frozen=True)
class RadioTraits:
    """How a reader measures. `rssi_step_db` 0.5 Impinj, 1.0 Zebra; without phase the fields stay out of the reads."""

    region: str = "fcc"
    rssi_step_db: float = 0.5
    phase: bool = True
    rssi_noise_db: float = 0.4
    drift_x: float = 1.0
    silences: tuple["Silence", ...] = ()
    noises: tuple["Noise", ...] = ()


@dataclass(frozen=True)
class Silence:
    """From `since` to `until` antenna `port` hears nothing (None: all of them; jammed, or the reader is off)."""

    since: float
    until: float
    port: int | None = None


@dataclass(frozen=True)
class Noise:
    """From `since` to `until` the noise is up to `rise_db` higher; it comes and goes within `ramp_s`."""

    since: float
    until: float
    rise_db: float
    ramp_s: float = 1.0

    def at(self, at: float) -> float:
        """How much higher it is now, in dB."""
        part = min((at - self.since) / self.ramp_s, (self.until - at) / self.ramp_s, 1.0)
        return self.rise_db * max(part, 0.0)


class Air:
    """Everything one reader can hear: its room, the tags and the people."""

    def __init__(
        self,
        layout: Layout,
        tags: tuple[Tag, ...],
        people: tuple[Walk, ...],
        doors: tuple[Door, ...],
        traits: RadioTraits,
        seed: str,
        epoch: float,
    ) -> None:
        self._room = Room(layout, Random(f"{seed}/room"))
        self._antennas = {antenna.port: antenna for antenna in layout.antennas}
        self._tags, self._traits, self._epoch = tags, traits, epoch
        self._presence = Presence(tags, people, doors, layout.reach_m + _BODY_REACH_M)
        self._rng = Random(f"{seed}/air")
        self._hop = Hopper(REGIONS[traits.region], Random(f"{seed}/hop"))
        self._wave_numbers = tuple(wave_number(mhz) for mhz in REGIONS[traits.region].mhz)
        self._offsets = Offsets(Random(f"{seed}/offsets"))
        self._audible = Audible(
            self._room, self._antennas, tags, self._wave_numbers, self._presence.resting_doors, traits.drift_x, self._rng
        )
        self._still: dict[tuple[int, int, int, Vec], Paths] = {}

    def reads(self, plan: Plan, gate: str, reader: str, start: float, end: float) -> Iterator[Read]:
        """Every read between `start` and `end`, in order of time."""
        for at, port, index in inventory(plan, self._powered, start, end, self._rng, self._hop.hopped):
            read = self._measured(at, port, index, gate, reader)
            if read is not None:
                yield read

    def _powered(self, port: int, at: float) -> list[tuple[int, float]]:
        """Tags that answer on `port` now, with their level."""
        if any(silent.since <= at < silent.until and silent.port in (None, port) for silent in self._traits.silences):
            return []
        standing, moving = self._presence.tags(at)
        around, channel = self._presence.around(at), self._hop.at(at)
        found = self._audible.standing(port, channel, standing, at, around)
        if moving:
            found = list(found)
            lit = self._room.lit(port, around.people + around.doors)
            for index in moving:
                seen = self._seen(port, index, at, channel, around, lit)
                level = None if seen is None else self._audible.powered(port, index, level_db(seen[0]), seen[1])
                if level is not None:
                    found.append((index, level))
        return self._above_noise(found, at)

    def _above_noise(self, found: list[tuple[int, float]], at: float) -> list[tuple[int, float]]:
        """Those that the reader can make out: of a weak one, the fewer answers the nearer it is to the noise."""
        rise = sum(noise.at(at) for noise in self._traits.noises)
        if not rise:
            return [entry for entry in found if entry[1] > READER_FLOOR_DBM]
        floor = READER_FLOOR_DBM + rise
        return [entry for entry in found if entry[1] - floor > self._rng.uniform(-2.0, 2.0)]

    def _seen(
        self, port: int, index: int, at: float, channel: int, around: Around, lit: tuple[Lit, ...]
    ) -> tuple[complex, float] | None:
        """The channel to a tag now, and its one-way loss in dB; None while it is not in the scene. `lit`: people, then doors."""
        tag = self._tags[index]
        place = tag.stay(at)
        if place is None:
            return None
        k, loss = self._wave_numbers[channel], tag.own_loss_db(at * self._traits.drift_x)
        if isinstance(place, Carried):
            pose = place.walk.pose(at)
            if pose is None:
                return None
            where, axis = place.ride(pose, at)
            paths = self._room.paths(port, where, axis, k)
            return self._room.disturbed(port, where, paths, k, lit), loss + carry_loss_db(place)
        where = sway(tag, place, at, around.moving)
        if where is not place or not around.at_rest:
            return self._room.disturbed(port, where, self._room.paths(port, where, tag.axis, k), k, lit), loss
        paths = self._closed_paths(port, index, place, channel)
        return self._room.disturbed(port, where, paths, k, lit[: len(around.people)]), loss

    def _closed_paths(self, port: int, index: int, place: Vec, channel: int) -> Paths:
        """A standing tag's paths while all doors are closed never change, so they are kept."""
        key = (port, index, channel, place)
        known = self._still.get(key)
        if known is None:
            k, doors = self._wave_numbers[channel], self._room.lit(port, self._presence.resting_doors)
            open_paths = self._room.paths(port, place, self._tags[index].axis, k)
            known = self._still[key] = self._room.among(port, place, open_paths, k, doors)
        return known

    def _measured(self, at: float, port: int, index: int, gate: str, reader: str) -> Read | None:
        channel, around = self._hop.at(at), self._presence.around(at)
        lit = self._room.lit(port, around.people + around.doors)
        seen = self._seen(port, index, at, channel, around, lit)
        if seen is None:
            return None
        antenna, traits = self._antennas[port], self._traits
        level = rssi_dbm(antenna, level_db(seen[0]), seen[1]) + self._offsets.level(port, index, channel)
        level += self._rng.gauss(0.0, traits.rssi_noise_db)
        step = traits.rssi_step_db
        return Read(
            at=round(self._epoch + at, 6),
            gate=antenna.gate or gate,
            reader=reader,
            antenna=port,
            epc=self._tags[index].epc,
            rssi_dbm=round(level / step) * step,
            phase_rad=self._phase(at, port, index, channel, seen[0], level) if traits.phase else None,
            doppler_hz=self._doppler(at, port, index, channel, around, lit, seen[0]) if traits.phase else None,
            channel=channel + 1,
        )

    def _phase(self, at: float, port: int, index: int, channel: int, seen: complex, level: float) -> float:
        """R420-like: the two-way phase plus offsets of port, channel and tag, ambiguous by pi, in 4096 steps."""
        heard = level - sum(noise.at(at) for noise in self._traits.noises)
        noise = min(max(0.045 * 10.0 ** ((-62.0 - heard) / 20.0), 0.03), 0.4)
        turned = math.pi if self._rng.random() < 0.5 else 0.0
        phase = (
            -2.0 * cmath.phase(seen)
            + self._offsets.phase(port, channel)
            + self._tags[index].own_phase(at * self._traits.drift_x)
            + turned
        )
        phase = (phase + self._rng.gauss(0.0, noise)) % (2.0 * math.pi)
        return round(int(phase / (2.0 * math.pi) * 4096) % 4096 * 2.0 * math.pi / 4096, 4)

    def _doppler(
        self, at: float, port: int, index: int, channel: int, around: Around, lit: tuple[Lit, ...], seen: complex
    ) -> float:
        """In 1/16 Hz. One value is mostly noise: 7 Hz with one antenna, 60 Hz where antennas take turns."""
        shift = 0.0
        if isinstance(self._tags[index].stay(at), Carried):
            later = self._seen(port, index, at + _DOPPLER_STEP_S, channel, around, lit)
            if later is not None and abs(seen) > 1e-6:
                shift = cmath.phase(later[0] / seen) / (math.pi * _DOPPLER_STEP_S)
        noise = 7.0 if len(self._antennas) == 1 else 60.0
        return round((shift + self._rng.gauss(0.0, noise)) * 16.0) / 16.0
