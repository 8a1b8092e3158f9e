"""Step 3c: what one tag's last seconds show against its shelf: louder or quieter, by which antennas, how often. Pure.

A tag that stands is heard by the same antennas, with the same levels, at its own pace. A shadow makes it quieter, or hides it for
a moment; whoever carries it away makes it louder somewhere, and then it is heard no more where it was.
"""

import math
from collections.abc import Sequence

from rfidguard.layout import GateLayout
from rfidguard.path import Presence
from rfidguard.track import BIN_S, Bin, Track

LATELY = 15
"""In bins."""
_UNHEARD_DB = 10.0
"""A shelf tag that an antenna does not hear would be so much quieter there than where it is heard best."""
OUTER_SHARE = 0.9
_EARS_MOST = 15.0
_OWED_MOST = 30.0
_PASSED_S = 0.3
"""So long after it was counted a body still shadows what stands beside the gate."""
_COUNTED_S = 5.0
_LONG_S = 60.0
_THREE_S = 30
"""In bins."""


def off_shelf_signs(track: Track, gate: GateLayout, presence: Presence, bins: Sequence[Bin], now: float) -> dict[str, float]:
    """Every sign by name; 0 each where the tag never stood. `bins`: those of the present passage."""
    last = int(now // BIN_S)
    found = _against_base(track, gate, bins, last)
    found |= _against_ears(track, gate, bins, last)
    found |= _against_beat(track, gate, bins, last, now)
    found |= _since_count(bins, presence, now)
    return found | since_settled(track, now)


def since_settled(track: Track, now: float) -> dict[str, float]:
    """How long ago it came to rest where it stood, and last did so at another place than before."""
    if not track.base:
        return {"settled_s": 0.0, "moved_s": 0.0}
    return {"settled_s": min(now - track.settled_at, _LONG_S), "moved_s": min(now - track.moved_at, _LONG_S)}


def missed_beats(track: Track, now: float) -> dict[str, float]:
    """How many reads the tag owes, by the pace at which it is read on its shelf: at all, and from its place."""
    if not track.beat_s or not track.base:
        return {"owed": 0.0, "owed_home": 0.0}
    return {"owed": owed(now - track.last_at, track.beat_s), "owed_home": owed(now - track.home_at, track.beat_s)}


def _against_base(track: Track, gate: GateLayout, bins: Sequence[Bin], last: int) -> dict[str, float]:
    """How much louder or quieter than on its shelf the tag was lately: a shadow makes it quieter anywhere, louder nowhere."""
    if not track.base:
        return {"far_rise": 0.0, "near_drop": 0.0, "any_rise": 0.0, "any_drop": 0.0, "most_rise": 0.0}
    unheard = max(spot.mean_db for spot in track.base.values()) - _UNHEARD_DB
    rises, far, near, most = [0.0], [-_UNHEARD_DB], [0.0], 0.0
    for place in bins:
        for cell in place.cells:
            spot = track.base.get(cell.slot)
            rise = cell.total_db / cell.n - (unheard if spot is None else spot.mean_db)
            most = max(most, rise)
            if last - place.index > LATELY:
                continue
            rises.append(rise)
            zone = gate.zones.get(cell.slot)
            if zone == gate.far:
                far.append(rise)
            if zone == gate.near:
                near.append(-rise)
    return {"far_rise": max(far), "near_drop": max(near), "any_rise": max(rises), "any_drop": -min(rises), "most_rise": most}


def _against_ears(track: Track, gate: GateLayout, bins: Sequence[Bin], last: int) -> dict[str, float]:
    """How much more the outer antennas hear of the tag than they do on its shelf: in the last second and a half, and since that
    began (a cumulated sum that starts anew at 0).

    Natural log of P(antennas | outside) / P(antennas | on its shelf): levels vary with whoever stands near, but an antenna that
    heard half of all reads does not miss ten in a row.
    """
    total = sum(track.ears.values())
    if not total or gate.near == gate.far:
        return {"ears1": 0.0, "ears": 0.0}
    share = _share(track, gate, gate.far)
    outer, inner = math.log(OUTER_SHARE / share), math.log((1.0 - OUTER_SHARE) / (1.0 - share))
    told = {"ears1": 0.0, "ears": 0.0}
    for place in bins:
        for cell in place.cells:
            zone = gate.zones.get(cell.slot)
            step = cell.n * (outer if zone == gate.far else inner if zone == gate.near else 0.0)
            told["ears"] = min(max(told["ears"] + step, 0.0), _EARS_MOST)
            told["ears1"] += step if last - place.index <= LATELY else 0.0
    told["ears1"] = min(max(told["ears1"], -_EARS_MOST), _EARS_MOST)
    return told


def _share(track: Track, gate: GateLayout, zone: int) -> float:
    """Which share of the reads on its shelf antennas of a zone gave."""
    heard = sum(n for slot, n in track.ears.items() if gate.zones.get(slot) == zone)
    return (heard + 0.5) / (sum(track.ears.values()) + 1.0)


def _against_beat(track: Track, gate: GateLayout, bins: Sequence[Bin], last: int, now: float) -> dict[str, float]:
    """How many reads the tag owes, by the pace at which it is read on its shelf: at all, from its place, by each side."""
    found = missed_beats(track, now)
    if not track.beat_s or not track.base:
        return found | {"near_owed": 0.0, "far_owed": 0.0, "pace3": 0.0}
    lately = sum(cell.n for place in bins if last - place.index <= _THREE_S for cell in place.cells)
    return found | {
        "near_owed": owed(_silent_s(gate, bins, gate.near, last), track.beat_s) * _share(track, gate, gate.near),
        "far_owed": owed(_silent_s(gate, bins, gate.far, last), track.beat_s) * _share(track, gate, gate.far),
        "pace3": min(lately * track.beat_s / (_THREE_S * BIN_S), _OWED_MOST),
    }


def owed(silent_s: float, beat_s: float) -> float:
    """How many reads a silence is worth, at one every `beat_s`."""
    return min(silent_s / beat_s, _OWED_MOST)


def _silent_s(gate: GateLayout, bins: Sequence[Bin], zone: int | None, last: int) -> float:
    """For how long no antenna of a zone heard it, in this passage."""
    for place in reversed(bins):
        if any(gate.zones.get(cell.slot) == zone for cell in place.cells):
            return (last - place.index) * BIN_S
    return (last - bins[0].index) * BIN_S if bins else 0.0


def _since_count(bins: Sequence[Bin], presence: Presence, now: float) -> dict[str, float]:
    """What reads say of its having left its place, since whoever was last counted going out has passed."""
    first = bin_passed(presence, now)
    if first is None:
        return {"off_since": 0.0, "offn_since": 0.0}
    since = [place for place in bins if place.index > first]
    return {"off_since": sum(place.off for place in since), "offn_since": float(sum(place.off_n for place in since))}


def bin_passed(presence: Presence, now: float) -> int | None:
    """The bin by which whoever was last counted going out had passed; None where that was nobody lately."""
    counted = presence.last_out(now)
    return None if counted is None or now - counted > _COUNTED_S else int((counted + _PASSED_S) // BIN_S)
