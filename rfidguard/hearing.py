"""Step 3b: what the antennas say of a tag's side: how much louder the outer zone hears it than the inner one. Pure.

Antennas take turns, so the side is the difference of what each zone last heard, fading while it is silent. Only differences
between antennas count, never a level by itself.
"""

import math
from collections.abc import Mapping

from rfidguard.track import BIN_S, Bin, Ear, Path

CLIP_DB = 14.0
_CALM = 0.4
_SLOW = 0.25
_FORGET_DB_S = 0.3
HEARD_DB = 1.5
"""A side counts as left behind only where it once heard the tag so much louder than the other, on the average."""
_FADE_DB_S = 10.0
_FADE_MAX_DB = 14.0
_UNHEARD_DB = 2.0
_SHARE_0, _SHARE_GAP, _SHARE_N = 0.35, 0.25, 0.1


def heard(path: Path, place: Bin, zones: Mapping[str, int], near: int, far: int) -> tuple[float, float, float]:
    """How much louder (dB) the far zone hears the tag now, from how many reads, and what speaks for motion (log-odds)."""
    n, change, changes = 0, 0.0, 0
    for cell in place.cells:
        level, ear = cell.total_db / cell.n, path.ears.get(cell.slot)
        n += cell.n
        if ear is None:
            path.ears[cell.slot] = Ear(level, path.index, level)
            continue
        age_s = (path.index - ear.index) * BIN_S
        if age_s <= 1.0:
            change += level_change_llr(level - ear.slow_db)
            changes += 1
        faded = ear.level_db - _FADE_DB_S * age_s
        ear.level_db = level if age_s > 0.3 else 0.6 * level + 0.4 * max(faded, ear.level_db - 3.0)
        ear.slow_db += _SLOW * (level - ear.slow_db) if age_s <= 1.0 else level - ear.slow_db
        ear.index = path.index
    path.reads += n
    side = _side(path, zones, near, far)
    share = min(_SHARE_0 + _SHARE_GAP * (path.index - path.heard), 1.0) * n / (n + _SHARE_N)
    last, path.heard = path.heard, path.index
    path.last_db = side
    path.anchor_db += _SLOW * (side - path.anchor_db) if path.reads > n else side - path.anchor_db
    path.calm_db += _CALM * (side - path.calm_db)
    path.inner = path.inner or path.calm_db <= -HEARD_DB
    path.outer = path.outer or path.calm_db >= HEARD_DB
    forgot_db = _FORGET_DB_S * BIN_S * min(path.index - last, 10)
    path.low_db = min(path.low_db + forgot_db, path.calm_db)
    path.high_db = max(path.high_db - forgot_db, path.calm_db)
    moving = place.phase_llr * 0.35 if place.phase_n else 0.35 * change
    return side, share, min(max(moving, -1.5), 1.5)


def level_change_llr(step_db: float) -> float:
    """What a change of level between two moments says of motion: moving spreads by 4 dB, standing by 1.5 dB (natural log)."""
    return min(max(math.log(1.5 / 4.0) + step_db * step_db * (1 / 4.5 - 1 / 32.0), -1.0), 3.0)


def _side(path: Path, zones: Mapping[str, int], near: int, far: int) -> float:
    inner = outer = middle = -math.inf
    for slot, ear in path.ears.items():
        age_s = (path.index - ear.index) * BIN_S
        level = ear.level_db - min(_FADE_DB_S * age_s, _FADE_MAX_DB)
        zone = zones.get(slot)
        if zone == near:
            inner = max(inner, level)
        elif zone == far:
            outer = max(outer, level)
        else:
            middle = max(middle, level)
    loudest = max(inner, outer, middle)
    if inner == -math.inf:
        inner = loudest - min(_UNHEARD_DB + 2.0 * path.reads, 12.0)
    if outer == -math.inf:
        outer = loudest - min(_UNHEARD_DB + 2.0 * path.reads, 12.0)
    return min(max(outer - inner, -CLIP_DB), CLIP_DB)
