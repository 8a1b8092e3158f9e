"""The Gen2 air interface of one reader: antennas in turn, frames of slots, sessions. It decides which tag is read when.

Slot times are computed from the Gen2 link timing for a 96-bit EPC; reader overhead is as measured on an Impinj R420
(14 ms per read for one tag and one antenna; four antennas: 43 ms a visit).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

ROUND_OVERHEAD_S = 0.010
ANTENNA_SWITCH_S = 0.018
HOP_PAUSE_S = 0.006
"""A read across a hop comes 20 ms after the last instead of 14 (measured, R420)."""
_CAPTURE_DB = 8.0
_MAX_Q = 10


@dataclass(frozen=True)
class LinkMode:
    """Seconds of a slot in which one tag, none, or several answered."""

    success_s: float
    empty_s: float
    collision_s: float


MODES = {
    "fm0": LinkMode(0.000544, 0.000089, 0.000130),
    "m2": LinkMode(0.001660, 0.000170, 0.000370),
    "m4": LinkMode(0.002310, 0.000230, 0.000500),
    "m4_dense": LinkMode(0.003669, 0.000307, 0.000741),
    "m8": LinkMode(0.005900, 0.000500, 0.001190),
}
"""By name: about 1,400, 460, 340, 220 and 135 reads a second at the best frame size."""

ASKED_LINK: Final = "m2"
"""The one that the LLRP driver asks readers for (`mode = "fast"`)."""

_PERSISTENCE_S = {1: (0.8, 4.0), 2: (2.0, 60.0), 3: (2.0, 60.0)}
"""How long an inventoried flag outlives its tag's power (2, 3) or its setting (1)."""


@dataclass(frozen=True)
class Plan:
    """How the reader takes inventory: antenna ports in turn, at most `dwell_s` each, Gen2 `session` 0-3, one target or both."""

    ports: tuple[int, ...]
    mode: LinkMode
    dwell_s: float = 0.2
    session: int = 0
    dual_target: bool = True


Audible = Callable[[int, float], list[tuple[int, float]]]
"""(port, time) -> the tags powered now: index and received level in dB."""

Hopped = Callable[[float], bool]
"""(time) -> whether the reader has changed its channel since it was last asked."""


def inventory(
    plan: Plan, audible: Audible, start: float, end: float, rng: Random, hopped: Hopped | None = None
) -> Iterator[tuple[float, int, int]]:
    """Every singulation between `start` and `end`: (time, port, tag index). Deterministic for one `rng`."""
    flags = _Flags(plan.session, rng)
    many = len(plan.ports) > 1
    now, turn, target = start, 0, "A"
    while now < end:
        port = plan.ports[turn % len(plan.ports)]
        turn += 1
        if many:
            now += ANTENNA_SWITCH_S
            flags.carrier_off()
            target = "A" if plan.session == 0 else target
        leave = now + plan.dwell_s
        while now < min(leave, end):
            now += ROUND_OVERHEAD_S * rng.uniform(0.8, 1.2)
            if hopped is not None and hopped(now):
                now += HOP_PAUSE_S
                flags.carrier_off()
                target = "A" if plan.session == 0 else target
            powered = audible(port, now)
            flags.powered(powered, now)
            answering = flags.on_side(powered, target, now)
            if not answering and plan.dual_target:
                target = "B" if target == "A" else "A"
                if not many:
                    answering = powered
            if not answering:
                if many:
                    break
                continue
            now, found = _frame(plan.mode, answering, now, leave, rng)
            for at, tag in found:
                flags.inventoried(tag, at)
                yield at, port, tag
    return


def _frame(
    mode: LinkMode, answering: list[tuple[int, float]], now: float, leave: float, rng: Random
) -> tuple[float, list[tuple[float, int]]]:
    """One frame of 2^Q slots, cut off at `leave`: the time after it and who was read when."""
    slots, random = 1 << _frame_q(len(answering), rng), rng.random
    drawn: dict[int, list[tuple[int, float]]] = {}
    for entry in answering:
        slot = int(random() * slots)
        if slot in drawn:
            drawn[slot].append(entry)
        else:
            drawn[slot] = [entry]
    found: list[tuple[float, int]] = []
    last = -1
    for slot in sorted(drawn):
        now += (slot - last - 1) * mode.empty_s
        last = slot
        winner = _winner(drawn[slot])
        now += mode.collision_s if winner is None else mode.success_s
        if now >= leave:
            return leave, found
        if winner is not None:
            found.append((now, winner))
    return min(now + (slots - 1 - last) * mode.empty_s, leave), found


def _frame_q(answering: int, rng: Random) -> int:
    """The Q that an adapting reader is at: near the best one, never exact."""
    return min(max(round(math.log2(answering) + rng.gauss(0.0, 0.4)), 0), _MAX_Q)


def _winner(entries: list[tuple[int, float]]) -> int | None:
    """Who is heard in a slot: the only one, or one much louder than the rest (capture)."""
    if len(entries) == 1:
        return entries[0][0]
    loudest, second = sorted(entries, key=lambda entry: -entry[1])[:2]
    return loudest[0] if loudest[1] - second[1] > _CAPTURE_DB else None


class _Flags:
    """The inventoried flag of every tag in one session: B until it decays, then A again."""

    def __init__(self, session: int, rng: Random) -> None:
        self._session = session
        self._rng = rng
        self._until: dict[int, float] = {}

    def carrier_off(self) -> None:
        """The carrier paused (another antenna, another channel): tags forget session 0 at once."""
        if self._session == 0:
            self._until.clear()

    def powered(self, tags: list[tuple[int, float]], now: float) -> None:
        """Sessions 2 and 3 hold their flag for as long as the tag has power."""
        if self._session >= 2:
            for tag, _ in tags:
                if self._until.get(tag, 0.0) > now:
                    self._until[tag] = now + self._rng.uniform(*_PERSISTENCE_S[self._session])

    def on_side(self, tags: list[tuple[int, float]], target: str, now: float) -> list[tuple[int, float]]:
        """Those whose flag is at `target`."""
        until = self._until
        if not until:
            return tags if target == "A" else []
        if target == "A":
            return [entry for entry in tags if until.get(entry[0], -math.inf) <= now]
        return [entry for entry in tags if until.get(entry[0], -math.inf) > now]

    def inventoried(self, tag: int, at: float) -> None:
        """A singulated tag turns its flag over."""
        if self._until.get(tag, -math.inf) > at:
            del self._until[tag]
        elif self._session == 0:
            self._until[tag] = math.inf
        else:
            self._until[tag] = at + self._rng.uniform(*_PERSISTENCE_S[self._session])
