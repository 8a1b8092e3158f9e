"""The Gen2 air interface of one reader: antennas in turn, frames of slots, sessions. It decides which tag is read when.

Slot times are computed from the Gen2 link timing for a 96-bit EPC; reader overhead is as measured on an Impinj R420
(14 ms per read for one tag and one antenna; four antennas: 43 ms a visit).
"""

import itertools
import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

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
_MARK_LASTS_AS = 2
"""The SL flag lasts as long as that of session 2 (Gen2 2.0.1, table 6.20)."""


Newcomers = Literal["no", "sessions", "marks"]
"""How a reader asks newcomers first: not at all; in sessions of their own, where each answers once and is silent while it has
power; or by the SL mark that all others have.
"""
NEW_S: Final[Mapping[Newcomers, float]] = {"sessions": 0.04, "marks": 0.09}
ALL_S: Final[Mapping[Newcomers, float]] = {"sessions": 0.1, "marks": 0.2}
"""Seconds for each antenna of an inventory of newcomers, and of one of all: as the LLRP driver asks for them
(drivers/llrp/newcomers.py).
"""
MARK_EVERY: Final = 16
"""So many inventories of all until every tag gets the mark again."""
INSIDE_SESSION: Final = 3
OUTSIDE_SESSION: Final = 2
"""A tag is new inside, and new again outside."""


@dataclass(frozen=True)
class Plan:
    """How the reader takes inventory: antenna ports in turn, at most `dwell_s` each, Gen2 `session` 0-3, one target or both.

    `newcomers` other than "no": inventories of newcomers and of all take turns, the latter in session 0. `inside`: ports of the
    inside zone.
    """

    ports: tuple[int, ...]
    mode: LinkMode
    dwell_s: float = 0.2
    session: int = 0
    dual_target: bool = True
    newcomers: Newcomers = "no"
    inside: frozenset[int] = frozenset()


Audible = Callable[[int, float], list[tuple[int, float]]]
"""(port, time) -> the tags powered now: index and received level in dB."""

Hopped = Callable[[float], bool]
"""(time) -> whether the reader has changed its channel since it was last asked."""

Whom = Literal["all", "new", "mark"]
"""All tags, newcomers, or all, who get the mark first."""


def inventory(
    plan: Plan, audible: Audible, start: float, end: float, rng: Random, hopped: Hopped | None = None
) -> Iterator[tuple[float, int, int]]:
    """Every singulation between `start` and `end`: (time, port, tag index). Deterministic for one `rng`."""
    reader = _Reader(plan, audible, rng, hopped)
    now = start
    for whom, ports, lasts_s in _specs(plan):
        over = now + lasts_s
        for port in itertools.cycle(ports):
            if now >= min(over, end):
                break
            now = yield from reader.stay(port, whom, now, over, end)
        if now >= end:
            return


def _specs(plan: Plan) -> Iterator[tuple[Whom, tuple[int, ...], float]]:
    """Inventories without end: whom they ask, on which antennas in turn, and how many seconds they last. Each begins with the
    next antenna, so that none is always cut short.
    """
    if plan.newcomers == "no":
        yield "all", plan.ports, math.inf
    many = len(plan.ports)
    for number in itertools.count():
        ports = plan.ports[number % many :] + plan.ports[: number % many]
        yield "new", ports, NEW_S[plan.newcomers] * many
        yield "all" if number % MARK_EVERY else "mark", ports, ALL_S[plan.newcomers] * many


class _Reader:
    """A reader at work: what its tags remember, and which target it has come to."""

    def __init__(self, plan: Plan, audible: Audible, rng: Random, hopped: Hopped | None) -> None:
        self._plan, self._audible, self._rng, self._hopped = plan, audible, rng, hopped
        self._session = 0 if plan.newcomers != "no" else plan.session
        self._flags, self._marks = _Flags(self._session, rng), _Flags(_MARK_LASTS_AS, rng)
        self._met = {session: _Flags(session, rng) for session in (INSIDE_SESSION, OUTSIDE_SESSION)}
        self._many = len(plan.ports) > 1
        self._target = "A"

    def stay(self, port: int, whom: Whom, now: float, over: float, end: float) -> Generator[tuple[float, int, int], None, float]:
        """The reads of one visit to an antenna that begins at `now`; returns when it is over."""
        if self._many or whom != "all":
            now += ANTENNA_SWITCH_S
            self._carrier_off()
        leave, marked = min(now + self._plan.dwell_s, over), whom != "mark"
        while now < min(leave, end):
            now += self._round_s(now)
            powered = self._powered(port, now)
            if not marked:
                self._marks.set(powered, now)
                marked = True
            answering = self._answering(port, whom, powered, now)
            if not answering:
                if self._many:
                    break
                continue
            now, found = _frame(self._plan.mode, answering, now, leave, self._rng)
            flags = self._flags_of(port, whom)
            for at, tag in found:
                flags.inventoried(tag, at)
                yield at, port, tag
        return now

    def _round_s(self, now: float) -> float:
        """What a round costs before anybody answers, and a hop before it."""
        spent = ROUND_OVERHEAD_S * self._rng.uniform(0.8, 1.2)
        if self._hopped is not None and self._hopped(now + spent):
            spent += HOP_PAUSE_S
            self._carrier_off()
        return spent

    def _powered(self, port: int, now: float) -> list[tuple[int, float]]:
        powered = self._audible(port, now)
        self._flags.powered(powered, now)
        for flags in (self._marks, *self._met.values()) if self._plan.newcomers != "no" else ():
            flags.powered(powered, now)
        return powered

    def _flags_of(self, port: int, whom: Whom) -> "_Flags":
        """The session that an inventory is in."""
        if whom == "new" and self._plan.newcomers == "sessions":
            return self._met[INSIDE_SESSION if port in self._plan.inside else OUTSIDE_SESSION]
        return self._flags

    def _answering(self, port: int, whom: Whom, powered: list[tuple[int, float]], now: float) -> list[tuple[int, float]]:
        """Whose turn it is. With both targets, the other one comes once all are at it."""
        if whom == "new":
            unmarked = self._marks.on_side(powered, "A", now) if self._plan.newcomers == "marks" else powered
            return self._flags_of(port, whom).on_side(unmarked, "A", now)
        answering = self._flags.on_side(powered, self._target, now)
        if answering or not self._plan.dual_target:
            return answering
        self._target = "B" if self._target == "A" else "A"
        return [] if self._many else powered

    def _carrier_off(self) -> None:
        self._flags.carrier_off()
        self._target = "A" if self._session == 0 else self._target


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
                    self._until[tag] = self._lasting(now)

    def on_side(self, tags: list[tuple[int, float]], target: str, now: float) -> list[tuple[int, float]]:
        """Those whose flag is at `target`."""
        until = self._until
        if not until:
            return tags if target == "A" else []
        if target == "A":
            return [entry for entry in tags if until.get(entry[0], -math.inf) <= now]
        return [entry for entry in tags if until.get(entry[0], -math.inf) > now]

    def set(self, tags: list[tuple[int, float]], now: float) -> None:
        """These have it from now on."""
        for tag, _ in tags:
            self._until[tag] = self._lasting(now)

    def inventoried(self, tag: int, at: float) -> None:
        """A singulated tag turns its flag over."""
        if self._until.get(tag, -math.inf) > at:
            del self._until[tag]
        elif self._session == 0:
            self._until[tag] = math.inf
        else:
            self._until[tag] = self._lasting(at)

    def _lasting(self, since: float) -> float:
        """Until when a flag of a tag holds that was set, or had power, at `since`."""
        return since + self._rng.uniform(*_PERSISTENCE_S[self._session])
