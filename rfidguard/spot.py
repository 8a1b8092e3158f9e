"""Step 2b: how one antenna hears a tag that stands, and how surprising a new read is to that. Pure.

A standing tag is read with the same level, and on each channel with the same phase (modulo π); a carried one with any. People
who pass disturb both for a moment. `surprise` is the log-likelihood ratio, moving to standing, of one read; sums of it say
whether a tag has left its place, or has come to rest at a new one.
"""

from collections.abc import Iterable
from math import exp, hypot, log, pi, sqrt

import msgspec

_CALM_DB = 1.1
"""Levels of a standing tag spread by this much at least: quantisation, channels, warmth."""
_MOVING_DB = 6.0
_LEVEL_MOST, _LEVEL_LEAST = 1.6, -1.4
_SHARP, _BLURRED = 11.0, 1.5
_SHARP_SHARE, _BLURRED_SHARE = 0.7, 0.2
"""Doubled phases of a standing tag (von Mises): sharp (0.15 rad), blurred by people near, or anything."""
_DRIFT_DB = 3.0
_STEPS = 64
_MOST_CHANNELS = 60


class Turn(msgspec.Struct, array_like=True, gc=False):
    """The mean doubled phase on one channel, as the sum of `n` (fading) unit vectors."""

    n: float
    real: float
    imag: float


class Spot(msgspec.Struct, gc=False):
    """How one antenna hears one place: mean level (dB), its mean square deviation, phases by channel, over `n` (fading) reads."""

    n: float
    mean_db: float
    square_db: float = 1.0
    anchor_db: float = 0.0
    """The mean level when the tag began to be calm: who walks slowly drifts away from it."""
    turns: dict[int, Turn] = {}


def surprise(spot: Spot, level_db: float, channel: int, real: float, imag: float) -> float:
    """Natural log of P(read | moving) / P(read | standing here). `real`, `imag`: the doubled phase, 0, 0 without one."""
    spread = _CALM_DB + sqrt(spot.square_db)
    off = (level_db - spot.mean_db) / spread
    told = log(spread / _MOVING_DB) + 0.5 * off * off
    told = _LEVEL_LEAST if told < _LEVEL_LEAST else _LEVEL_MOST if told > _LEVEL_MOST else told
    if (real or imag) and (turn := spot.turns.get(channel)) is not None:
        mean_real, mean_imag = turn.real, turn.imag
        length = hypot(mean_real, mean_imag)
        if length > 0.0:
            cosine = (real * mean_real + imag * mean_imag) / length
            told += _PHASE_LLR[int((cosine + 1.0) * _STEPS / 2)]
    n = spot.n
    return told * n / (n + 0.7)


def drifted(spots: Iterable[Spot]) -> bool:
    """True where an antenna's mean level is another than when the tag began to be calm: it walks slowly."""
    return any(abs(spot.mean_db - spot.anchor_db) > _DRIFT_DB for spot in spots)


def learn(spot: Spot, level_db: float, channel: int, real: float, imag: float, most: float) -> None:
    """Takes a read into the spot; its memory is some `most` reads long."""
    n = spot.n + 1.0
    spot.n = n = n if n < most else most
    off = level_db - spot.mean_db
    spot.mean_db += off / n
    square = off * off
    spot.square_db += ((square if square < 36.0 else 36.0) - spot.square_db) / (n + 2.0)
    if not (real or imag):
        return
    turn = spot.turns.get(channel)
    if turn is None:
        if len(spot.turns) >= _MOST_CHANNELS:
            del spot.turns[next(iter(spot.turns))]
        spot.turns[channel] = Turn(1.0, real, imag)
        return
    known = turn.n
    fade = (most - 1.0) / known if known >= most else 1.0
    turn.n = known * fade + 1.0
    turn.real = turn.real * fade + real
    turn.imag = turn.imag * fade + imag


def _phase_llr(cosine: float) -> float:
    sharp = exp(_SHARP * (cosine - 1.0)) * sqrt(2.0 * pi * _SHARP)
    blurred = exp(_BLURRED * cosine) / 1.6467
    return -log(_SHARP_SHARE * sharp + _BLURRED_SHARE * blurred + 1.0 - _SHARP_SHARE - _BLURRED_SHARE)


_PHASE_LLR = [_phase_llr(2.0 * (step + 0.5) / _STEPS - 1.0) for step in range(_STEPS)] + [_phase_llr(1.0)]
