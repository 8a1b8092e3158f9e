"""What a reader adds to the field by itself: its hops from channel to channel, and errors that stay the same."""

import math
from random import Random

from simulators.physics import Channels


class Hopper:
    """Which channel a reader is on: a fresh random order of all channels, again and again."""

    def __init__(self, plan: Channels, rng: Random) -> None:
        self.plan = plan
        self._rng = rng
        self._order: list[int] = []
        self._until = -math.inf
        self._now = 0
        self._told = False

    def at(self, at: float) -> int:
        """Index of the channel at `at`; times are asked in order."""
        while at >= self._until:
            if not self._order:
                self._order = self._rng.sample(range(len(self.plan.mhz)), len(self.plan.mhz))
            self._now = self._order.pop()
            self._until = at + self.plan.dwell_s if self._until == -math.inf else self._until + self.plan.dwell_s
            self._told = False
        return self._now

    def hopped(self, at: float) -> bool:
        """True once after each change of channel."""
        self.at(at)
        changed, self._told = not self._told, True
        return changed


class Offsets:
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
