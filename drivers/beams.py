"""Light beams across a doorway, pure: which way people went. Works on clean (debounced) changes of one or two beams.

Beam 0 is the inner one, beam 1 the outer one. Broken first and left last decide: inner then outer is "out". Overlapping beams
(both broken at once) settle it in one go; beams further apart than a body is deep give two halves, matched within `timeout_s`.
"""

from collections import Counter, deque

import msgspec

from drivers.contacts import Change, Debounce

INNER, OUTER = 0, 1
HALVES_MAX = 64
"""More people between the beams within one timeout is a swinging door, not a crowd."""


class Crossing(msgspec.Struct, frozen=True):
    """Somebody passed at `at`: `direction` is in, out or unknown."""

    at: float
    direction: str


class BeamPins:
    """Input pins [inner, outer], or one: debounced, then counted. The same four calls as a ContactDecoder."""

    def __init__(
        self, pins: tuple[int, ...], *, broken_high: bool, debounce_s: float, timeout_s: float, blocked_s: float
    ) -> None:
        self.counter = BeamCounter(len(pins), timeout_s)
        self._pins = pins
        self._broken_high = broken_high
        self._blocked_s = blocked_s
        self._wires = [Debounce(debounce_s, high=not broken_high) for _ in pins]

    def edge(self, at: float, pin: int, high: bool) -> list[Crossing]:
        """A pin changed at `at`; the other one kept its level. Pins of no beam count nobody."""
        found = self.settle(at)
        if pin not in self._pins:
            return found
        beam = self._pins.index(pin)
        change = self._wires[beam].edge(at, high)
        return found + self._counted([(change, beam)] if change else [])

    def settle(self, now: float) -> list[Crossing]:
        """Time passed."""
        due = [(change, beam) for beam, wire in enumerate(self._wires) if (change := wire.settle(now))]
        found = self._counted(sorted(due, key=lambda pair: pair[0].at))
        # The oldest edge that may yet come true bounds what can be called too late.
        self.counter.expire(min([now, *(at for wire in self._wires if (at := wire.since) is not None)]))
        return found

    def trouble(self, now: float) -> str | None:
        """Why the counter cannot be trusted, if a beam has been broken for too long."""
        pins = [str(self._pins[beam]) for beam in self.counter.blocked(now, self._blocked_s)]
        return f"beam blocked: pin {', '.join(pins)}" if pins else None

    def deadline(self) -> float | None:
        """When `settle` will next have something to look at."""
        return min((due for wire in self._wires if (due := wire.deadline()) is not None), default=None)

    def _counted(self, changes: list[tuple[Change, int]]) -> list[Crossing]:
        return [
            crossing
            for change, beam in changes
            for crossing in self.counter.change(change.at, beam, change.high == self._broken_high)
        ]


class BeamCounter:
    """One doorway. `ignored`: turned_back (one beam, or back the way they came), blocked, too_many."""

    def __init__(self, beams: int, timeout_s: float) -> None:
        self.ignored: Counter[str] = Counter()
        self._timeout_s = timeout_s
        self._broken_at: list[float | None] = [None] * beams
        self._first: tuple[float, int | None] | None = None
        self._both_at: float | None = None
        self._cleared: tuple[float, int | None] | None = None
        self._halves: deque[tuple[float, int]] = deque()
        self._void = False

    def change(self, at: float, beam: int, broken: bool) -> list[Crossing]:
        """One beam was broken or is clear again. Changes come in the order of their times."""
        self.expire(at)
        if len(self._broken_at) == 1:
            self._broken_at[0] = at if broken else None
            return [Crossing(at, "unknown")] if broken else []
        return self._broken(at, beam) if broken else self._clear(at, beam)

    def expire(self, now: float) -> None:
        """Halves that found no other half in time were people who turned round."""
        while self._halves and now - self._halves[0][0] > self._timeout_s:
            self._halves.popleft()
            self.ignored["turned_back"] += 1

    def blocked(self, now: float, blocked_s: float) -> list[int]:
        """The beams that have been broken for longer than `blocked_s`: something stands there. What began since is void."""
        found = [beam for beam, at in enumerate(self._broken_at) if at is not None and now - at > blocked_s]
        self._void = self._void or bool(found)
        return found

    def _broken(self, at: float, beam: int) -> list[Crossing]:
        self._broken_at[beam] = at
        if self._first is None:
            self._first = (at, beam)
        elif self._both_at is None and self._broken_at[1 - beam] is not None:
            self._both_at = at
            if at == self._first[0]:
                self._first = (at, None)
        return []

    def _clear(self, at: float, beam: int) -> list[Crossing]:
        if self._first is None or self._broken_at[beam] is None:
            return []
        self._broken_at[beam] = None
        last = None if self._cleared is not None and self._cleared[0] == at else beam
        self._cleared = (at, beam)
        return [] if any(since is not None for since in self._broken_at) else self._left(at, last)

    def _left(self, at: float, last: int | None) -> list[Crossing]:
        """Both beams are clear again: who was it, and whereto."""
        assert self._first is not None
        (began, first), both_at, void = self._first, self._both_at, self._void
        self._first = self._both_at = self._cleared = None
        self._void = False
        if void:
            self.ignored["blocked"] += 1
            return []
        if both_at is not None:
            return self._whole(both_at, first, last)
        return [] if last is None else self._half(began, at, last)

    def _whole(self, at: float, first: int | None, last: int | None) -> list[Crossing]:
        if first is not None and first == last:
            self.ignored["turned_back"] += 1
            return []
        if first is None and last is None:
            return [Crossing(at, "unknown")]
        return [Crossing(at, "out" if first == INNER or last == OUTER else "in")]

    def _half(self, began: float, ended: float, beam: int) -> list[Crossing]:
        if self._halves and self._halves[0][1] != beam:
            self._halves.popleft()
            return [Crossing(began, "out" if beam == OUTER else "in")]
        if len(self._halves) >= HALVES_MAX:
            self.ignored["too_many"] += 1
            return []
        self._halves.append((ended, beam))
        return []
