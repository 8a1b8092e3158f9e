"""Time in which a gate's readers were away says nothing of its tags: who is not heard then has not fallen silent. Pure.

While a reader is away, and until the tags it brings back have had time to be heard, only tags that are heard right now are
judged. The wait has an end: a reader that stays away tells nothing more, and what is known is judged.
"""

import msgspec

from rfidguard.layout import GateLayout

PATIENCE_S = 5.0
"""What a reader kept for longer than this is backlog, which never rings."""
SETTLING_S = 2.0
"""A tag that bodies hide is silent for up to 1.3 s; in this time a reader also delivers all that it kept."""
FRESH_S = 0.5
"""Heard within this time, a tag is being heard now. Less than the shortest silence that means anything."""
KEPT_S = 15.0
"""After a longer sleep nobody in the gate is the one who was there before."""
_STEP_S = 0.1
_STEPS = 16
"""Up to the longest silence after which a live tag is judged for good: 2 s."""


class Blindness(msgspec.Struct):
    """One gate's readers. `away`: those that do not read; `until`: until when a tag's silence says nothing (-1: it does)."""

    away: list[str] = []
    until: float = -1.0

    def lasts(self) -> bool:
        """True while a tag's silence says nothing, and until everybody was looked at after that."""
        return self.until >= 0.0

    def hides(self, last_at: float, now: float) -> bool:
        """True where a tag last heard at `last_at` may just not have been heard."""
        return now < self.until and now - last_at > FRESH_S

    def moments(self, last_at: float, now: float) -> list[float]:
        """When to judge a tag that was hidden until `now`: as would have been done live, in the time after its last read."""
        if self.until < 0.0 or now - last_at <= FRESH_S:
            return [now]
        return [at for step in range(_STEPS) if (at := last_at + FRESH_S + step * _STEP_S) < now]

    def passed(self, now: float) -> None:
        """Everybody was looked at, at `now`."""
        if now >= self.until:
            self.until = -1.0


def reader_heard(blindness: Blindness, reader: str, reads: bool, now: float) -> None:
    """A reader came or went."""
    if not reads and reader not in blindness.away:
        blindness.away.append(reader)
        blindness.until = now + PATIENCE_S
    elif reads and reader in blindness.away:
        blindness.away.remove(reader)
        blindness.until = now + (PATIENCE_S if blindness.away else SETTLING_S)


def woken(blindness: Blindness, gate: GateLayout, slept_from: float, now: float) -> None:
    """The core goes on at `now` after it knew nothing since `slept_from`: every reader has yet to come back."""
    if 0.0 < now - slept_from <= KEPT_S:
        blindness.away = sorted(readers(gate))
        blindness.until = now + PATIENCE_S


def readers(gate: GateLayout) -> set[str]:
    """The readers whose antennas look at this gate."""
    return {slot.rpartition("/")[0] for slot in gate.zones}
