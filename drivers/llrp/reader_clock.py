"""A reader's clock against ours, pure: when a read truly happened, whatever the reader's clock says and however late it came.

The offset is learnt as the lower envelope of (receipt - reader time): nothing arrives before it happened, so the fastest
message is the truest. A backlog is late and therefore cannot move it. It rises as a poor crystal drifts, or as the line under
the last seconds' fastest messages says (envelope.py): a clock that is set right by slewing runs percents too fast or too slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.llrp.envelope import Envelope

DRIFT = 200e-6
"""Seconds a second by which a reader's crystal may lose against ours before anything is known of it."""

LATE_S = 0.5
"""Later than this is a backlog, or a clock that was set back."""

JUMP_S = 1.0
"""A message earlier by this much than any could be: the clock was set forward, once a second message agrees."""

JUDGE_S = 3.0
"""How long lateness is watched before a clock that was set back is told from a backlog."""

_LIVE_PACE = 1.5
_STANDING = 0.2


@dataclass
class _Late:
    received: float
    reader_s: float


class ReaderClock:
    """One session's clock. `hear` each message's newest reader time first, then ask `at` for each of its reads."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._envelope = Envelope()
        self._heard_at = 0.0
        self._late: _Late | None = None
        self._early: float | None = None
        self._standing = False
        self._fault: str | None = None

    def hear(self, reader_s: float, received: float) -> None:
        """A message whose newest time is `reader_s` (the reader's seconds) came at `received` (Unix seconds)."""
        sample = received - reader_s
        self._offset = offset = sample if self._offset is None else self._risen(self._offset, received)
        self._heard_at = received
        if sample < offset - JUMP_S:
            self._judge_early(sample)
        elif sample > offset + LATE_S:
            self._judge_late(reader_s, received)
        else:
            self._offset = min(sample, offset)
            self._envelope.add(received, sample)
            self._late = self._early = None

    def at(self, reader_s: float | None, received: float) -> float:
        """When it happened, in Unix seconds, never later than `received`. By receipt where the reader's clock is of no use."""
        if reader_s is None or self._offset is None or self._standing:
            return received
        return min(round(reader_s + self._offset, 6), received)

    def dates(self, stamps_us: Sequence[int], received: float) -> list[float]:
        """`at` for many reads of one message; `stamps_us` are the reader's microseconds."""
        if self._offset is None or self._standing:
            return [received] * len(stamps_us)
        offset_us = round(self._offset * 1e6)
        if (max(stamps_us, default=0) + offset_us) / 1e6 < received:
            return [(stamp_us + offset_us) / 1e6 for stamp_us in stamps_us]
        return [min((stamp_us + offset_us) / 1e6, received) for stamp_us in stamps_us]

    def take_fault(self) -> str | None:
        """What was found wrong with the clock since the last call, in words; None if nothing was."""
        fault, self._fault = self._fault, None
        return fault

    def _risen(self, offset: float, received: float) -> float:
        """Where the offset is by now."""
        crystal = offset + DRIFT * max(0.0, received - self._heard_at)
        line = self._envelope.at(received)
        return crystal if line is None else max(crystal, line)

    def _stepped(self, offset: float) -> None:
        self._offset, self._envelope = offset, Envelope()

    def _judge_early(self, sample: float) -> None:
        """One mad time stamp must not make every later read look stale: only a second one that agrees is believed."""
        if self._early is not None and abs(sample - self._early) < JUMP_S and self._offset is not None:
            self._fault = f"the reader's clock was set forward by {self._offset - sample:.1f} s"
            self._stepped(sample)
            self._early = None
        else:
            self._early = sample

    def _judge_late(self, reader_s: float, received: float) -> None:
        """A backlog runs faster than time; a clock that was set back runs as fast; one that stands does not run."""
        if self._late is None:
            self._late = _Late(received, reader_s)
        past = received - self._late.received
        if past < JUDGE_S:
            return
        pace = (reader_s - self._late.reader_s) / past
        self._late = None
        if pace < _STANDING:
            self._standing = True
            self._fault = "the reader's clock stands still: reads are dated by their arrival"
        elif pace < _LIVE_PACE:
            behind = received - reader_s - (self._offset or 0.0)
            self._fault = f"the reader's clock was set back by {behind:.1f} s"
            self._stepped(received - reader_s)
