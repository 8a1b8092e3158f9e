"""One reader's reads: inventory over the field of a room, with people and tags moving through it. Scene in, Read events out."""

import cmath
import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from rfidguard.events import Read
from simulators.gen2 import Plan, inventory
from simulators.layouts import Layout, Vec
from simulators.people import Carried, Door, Walk
from simulators.physics import REGIONS, Bodies, Body, Channels, Paths, Room, level_db, power_at_tag_dbm, rssi_dbm, wave_number
from simulators.tags import Tag, carry_loss_db, sway

READER_FLOOR_DBM = -84.0
_BODY_REACH_M = 3.5
"""People farther from a gate than this change nothing in it."""
_DOPPLER_STEP_S = 0.004
_SLICE_S = 5.0


@dataclass(frozen=True)
class RadioTraits:
    """How a reader measures. `rssi_step_db` 0.5 Impinj, 1.0 Zebra; without phase the fields stay out of the reads."""

    region: str = "fcc"
    rssi_step_db: float = 0.5
    phase: bool = True
    rssi_noise_db: float = 0.4
    clock_error_s: float = 0.0
    latency_s: float = 0.0
    silences: tuple["Silence", ...] = ()


@dataclass(frozen=True)
class Silence:
    """From `since` to `until` antenna `port` hears nothing (None: all of them; jammed, or the reader is off)."""

    since: float
    until: float
    port: int | None = None


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
        self._near, self._doors = _Presence(tags, people), doors
        self._rng = Random(f"{seed}/air")
        self._hop = _Hopper(REGIONS[traits.region], Random(f"{seed}/hop"))
        self._wave_numbers = tuple(wave_number(mhz) for mhz in REGIONS[traits.region].mhz)
        self._offsets = _Offsets(Random(f"{seed}/offsets"))
        self._still: dict[tuple[int, int, int, Vec], Paths] = {}

    def reads(self, plan: Plan, gate: str, reader: str, start: float, end: float) -> Iterator[Read]:
        """Every read between `start` and `end`, in order of time."""
        for at, port, index in inventory(plan, self._audible, start, end, self._rng):
            read = self._measured(at, port, index, gate, reader)
            if read is not None:
                yield read

    def _audible(self, port: int, at: float) -> list[tuple[int, float]]:
        if any(silent.since <= at < silent.until and silent.port in (None, port) for silent in self._traits.silences):
            return []
        antenna, found = self._antennas[port], []
        channel, bodies = self._hop.at(at), self._bodies(at)
        for index in self._near.tags(at):
            tag = self._tags[index]
            seen = self._seen(port, index, at, channel, bodies)
            if seen is None:
                continue
            gain, loss = level_db(seen[0]), seen[1]
            margin = power_at_tag_dbm(antenna, gain, loss) - tag.sensitivity_dbm
            if margin > 1.0 or (margin > -1.0 and self._rng.random() < (margin + 1.0) / 2.0):
                level = rssi_dbm(antenna, gain, loss)
                if level > READER_FLOOR_DBM:
                    found.append((index, level))
        return found

    def _seen(self, port: int, index: int, at: float, channel: int, bodies: Bodies) -> tuple[complex, float] | None:
        """The channel to a tag now, and its one-way loss in dB; None while it is not in the scene."""
        tag = self._tags[index]
        place = tag.stay(at)
        if place is None:
            return None
        k = self._wave_numbers[channel]
        if isinstance(place, Carried):
            where = place.position(at)
            if where is None:
                return None
            paths = self._room.paths(port, where, place.direction(at), k)
            return self._room.channel(port, where, paths, k, bodies), tag.own_loss_db(at) + carry_loss_db(place)
        swayed = sway(tag, place, at, bodies) if bodies else place
        still = swayed is place
        paths = self._still_paths(port, index, place, channel) if still else self._room.paths(port, swayed, tag.axis, k)
        return self._room.channel(port, swayed, paths, k, bodies), tag.own_loss_db(at)

    def _still_paths(self, port: int, index: int, place: Vec, channel: int) -> Paths:
        """A standing tag's paths never change, so they are kept."""
        key = (port, index, channel, place)
        known = self._still.get(key)
        if known is None:
            known = self._room.paths(port, place, self._tags[index].axis, self._wave_numbers[channel])
            self._still[key] = known
        return known

    def _bodies(self, at: float) -> Bodies:
        here = (walk.position(at) for walk in self._near.people(at))
        people = tuple(Body(*body) for body in here if body is not None and math.hypot(*body) < _BODY_REACH_M)
        return people + tuple(Body(*door.position(at), scatter_m=0.35, loss_db=4.0) for door in self._doors)

    def _measured(self, at: float, port: int, index: int, gate: str, reader: str) -> Read | None:
        channel, bodies = self._hop.at(at), self._bodies(at)
        seen = self._seen(port, index, at, channel, bodies)
        if seen is None:
            return None
        tag, gain = self._tags[index], level_db(seen[0])
        level = rssi_dbm(self._antennas[port], gain, seen[1]) + self._offsets.level(port, index, channel)
        level += self._rng.gauss(0.0, self._traits.rssi_noise_db)
        step = self._traits.rssi_step_db
        phase = self._phase(at, port, index, channel, seen[0], level) if self._traits.phase else None
        return Read(
            at=round(self._epoch + at + self._traits.clock_error_s, 6),
            received=self._heard(at),
            gate=gate,
            reader=reader,
            antenna=port,
            epc=tag.epc,
            rssi_dbm=round(level / step) * step,
            phase_rad=phase,
            doppler_hz=self._doppler(at, port, index, channel, bodies, seen[0]) if self._traits.phase else None,
            channel=channel + 1,
        )

    def _heard(self, at: float) -> float | None:
        """When the box hears of a read, if that differs from the reader's own time."""
        traits = self._traits
        if not traits.latency_s and not traits.clock_error_s:
            return None
        return round(self._epoch + at + traits.latency_s, 6)

    def _phase(self, at: float, port: int, index: int, channel: int, seen: complex, level: float) -> float:
        """R420-like: the two-way phase plus offsets of port, channel and tag, ambiguous by pi, in 4096 steps."""
        noise = min(max(0.045 * 10.0 ** ((-62.0 - level) / 20.0), 0.03), 0.4)
        turned = math.pi if self._rng.random() < 0.5 else 0.0
        phase = -2.0 * cmath.phase(seen) + self._offsets.phase(port, channel) + self._tags[index].own_phase(at) + turned
        phase = (phase + self._rng.gauss(0.0, noise)) % (2.0 * math.pi)
        return round(int(phase / (2.0 * math.pi) * 4096) % 4096 * 2.0 * math.pi / 4096, 4)

    def _doppler(self, at: float, port: int, index: int, channel: int, bodies: Bodies, seen: complex) -> float:
        """In 1/16 Hz. One value is mostly noise: 7 Hz with one antenna, 60 Hz where antennas take turns."""
        shift = 0.0
        if isinstance(self._tags[index].stay(at), Carried):
            later = self._seen(port, index, at + _DOPPLER_STEP_S, channel, bodies)
            if later is not None and abs(seen) > 1e-6:
                shift = cmath.phase(later[0] / seen) / (math.pi * _DOPPLER_STEP_S)
        noise = 7.0 if len(self._antennas) == 1 else 60.0
        return round((shift + self._rng.gauss(0.0, noise)) * 16.0) / 16.0


class _Presence:
    """Who and what is in the scene, by slices of time, so that a long scene costs no more a second than a short one."""

    def __init__(self, tags: tuple[Tag, ...], people: tuple[Walk, ...]) -> None:
        self._standing = [index for index, tag in enumerate(tags) if tag.present()[0] == -math.inf]
        self._tags: dict[int, list[int]] = {}
        self._people: dict[int, list[Walk]] = {}
        for index, tag in enumerate(tags):
            start, end = tag.present()
            if start > -math.inf:
                for part in _slices(start, end):
                    self._tags.setdefault(part, []).append(index)
        for walk in people:
            for part in _slices(walk.start, walk.end):
                self._people.setdefault(part, []).append(walk)

    def tags(self, at: float) -> list[int]:
        return self._standing + self._tags.get(int(at // _SLICE_S), [])

    def people(self, at: float) -> list[Walk]:
        return self._people.get(int(at // _SLICE_S), [])


def _slices(start: float, end: float) -> range:
    return range(int(start // _SLICE_S), int(end // _SLICE_S) + 1)


class _Hopper:
    """Which channel a reader is on: a fresh random order of all channels, again and again."""

    def __init__(self, plan: Channels, rng: Random) -> None:
        self.plan = plan
        self._rng = rng
        self._order: list[int] = []
        self._until = -math.inf
        self._now = 0

    def at(self, at: float) -> int:
        """Index of the channel at `at`; times are asked in order."""
        while at >= self._until:
            if not self._order:
                self._order = self._rng.sample(range(len(self.plan.mhz)), len(self.plan.mhz))
            self._now = self._order.pop()
            self._until = at + self.plan.dwell_s if self._until == -math.inf else self._until + self.plan.dwell_s
        return self._now


class _Offsets:
    """Constant errors: a phase per port and channel, a level per port, tag and channel (sd 0.6 dB between channels)."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._phases: dict[tuple[int, int], float] = {}
        self._levels: dict[tuple[int, int, int], float] = {}

    def phase(self, port: int, channel: int) -> float:
        if (port, channel) not in self._phases:
            self._phases[port, channel] = self._rng.uniform(0.0, 2.0 * math.pi)
        return self._phases[port, channel]

    def level(self, port: int, index: int, channel: int) -> float:
        key = (port, index, channel)
        if key not in self._levels:
            self._levels[key] = self._rng.gauss(0.0, 0.6)
        return self._levels[key]
