"""What passages say of the gate itself: are its ports swapped, is an antenna dead, does its counter still count? Pure."""

from collections.abc import Collection, Mapping

import msgspec

from rfidguard.found import Found
from rfidguard.gate_faults import UNCOUNTED
from rfidguard.gate_watch import MEMORY, Watch
from rfidguard.layout import GateLayout
from rfidguard.ledger import LedgerAnswer
from rfidguard.path import Presence
from rfidguard.track import BIN_S, Track

VOTE_GAP_S = 3.0
"""Tags of one person have one vote."""
CLEAR_S = 0.15
NEAR_COUNT_S = 1.5
MOST_VOTES = 12
ANTENNA_MEMORY = 60.0
"""So many votes on one antenna count; older ones fade."""
JUST_SOLD_S = 1800.0
SURELY = 0.9
SURE_MOTION = 3.0
MOVED_DB = 10.0
"""By how much one antenna's level changes when a tag is carried past it. People who pass a shelf change less."""
_KEPT = 20


def passage_seen(
    watch: Watch, gate: GateLayout, presence: Presence, track: Track, what: Found, known: LedgerAnswer, gone_before: bool
) -> None:
    """A tag moved through the gate, or seemed to. `gone_before`: the item had left lately already."""
    if what.terms.get("span_db", 0.0) < MOVED_DB or track.state == "standing":
        return
    if gate.tells_direction() and what.crossing - watch.vote_at > VOTE_GAP_S:
        heard = _heard(track)
        vote = _against_people(gate, presence, track, heard)
        _antennas_voted(watch, gate, presence, track, heard)
        vote = _against_sale(what, known, gone_before) if vote is None else vote
        if vote is not None:
            _voted(watch, vote, what.crossing)
    if what.direction == "out" and what.certainty >= SURELY:
        _slots_heard(watch, gate, track)
    if (presence.healthy or watch.distrusted) and _left_surely(gate, what):
        _needs_a_count(watch, what.crossing)


def trusted(watch: Watch) -> bool:
    """False once goods left again and again and no counter saw anybody."""
    watch.distrusted = watch.distrusted or watch.uncounted >= UNCOUNTED
    return not watch.distrusted


class _Heard(msgspec.Struct):
    """Of one antenna: reads, their power (mW in sum), and that times the time of each (s)."""

    n: int = 0
    power: float = 0.0
    moment: float = 0.0


def _heard(track: Track) -> dict[str, _Heard]:
    found: dict[str, _Heard] = {}
    for place in track.bins:
        for cell in place.cells:
            heard = found.setdefault(cell.slot, _Heard())
            power = cell.n * 10.0 ** (cell.total_db / cell.n / 10.0)
            heard.n += cell.n
            heard.power += power
            heard.moment += power * place.index * BIN_S
    return found


def _centroid_s(heard: Collection[_Heard]) -> float:
    return sum(one.moment for one in heard) / sum(one.power for one in heard)


def _side_gap_s(heard: Mapping[str, _Heard], gate: GateLayout) -> float | None:
    """By how much later the outer antennas heard the tag than the inner ones (centroids weighted by power); None: cannot tell."""
    inner, outer = ([one for slot, one in heard.items() if gate.zones.get(slot) == zone] for zone in (-1, 1))
    if min(sum(one.n for one in inner), sum(one.n for one in outer)) < 2:
        return None
    return _centroid_s(outer) - _centroid_s(inner)


def _way_counted(presence: Presence, track: Track, reach_s: float) -> str | None:
    """In which way the people were counted who came by with the tag; None where they went both, or nobody knows."""
    at = (track.bins[0].index + track.bins[-1].index) / 2 * BIN_S
    ways = {direction for when, direction in presence.counts if abs(when - at) <= reach_s}
    return ways.pop() if presence.healthy and len(ways) == 1 and ways != {"unknown"} else None


def _antennas_voted(watch: Watch, gate: GateLayout, presence: Presence, track: Track, heard: Mapping[str, _Heard]) -> None:
    """Each antenna that heard the tag earlier, or later, than the others, against the way in which a person was counted."""
    way = _way_counted(presence, track, NEAR_COUNT_S)
    if way is None:
        return
    times = {slot: _centroid_s([one]) for slot, one in heard.items() if one.n >= 2 and gate.zones.get(slot)}
    for slot, time in times.items():
        others = [other for name, other in times.items() if name != slot]
        late_s = time - sum(others) / len(others) if others else 0.0
        if abs(late_s) >= CLEAR_S:
            outer = (late_s > 0.0) == (way == "out")
            _antenna_voted(watch, slot, against=outer != (gate.zones[slot] == 1))


def _antenna_voted(watch: Watch, slot: str, against: bool) -> None:
    voted, votes = watch.antenna_votes.get(slot, (0.0, 0.0))
    scale = 1.0 - 1.0 / ANTENNA_MEMORY
    watch.antenna_votes[slot] = (voted * scale + against, votes * scale + 1.0)


def _against_people(gate: GateLayout, presence: Presence, track: Track, heard: Mapping[str, _Heard]) -> bool | None:
    """True where the antennas say in and the counter out, or the reverse; None where either says nothing."""
    gap_s = _side_gap_s(heard, gate)
    if gap_s is None or abs(gap_s) < CLEAR_S:
        return None
    way = _way_counted(presence, track, NEAR_COUNT_S + abs(gap_s))
    return None if way is None else way != ("out" if gap_s > 0 else "in")


def _against_sale(what: Found, known: LedgerAnswer, gone_before: bool) -> bool | None:
    """What was sold minutes ago goes out."""
    if known.state != "sold" or known.at is None or what.crossing - known.at > JUST_SOLD_S or gone_before:
        return None
    return {"out": False, "in": True}.get(what.direction)


def _voted(watch: Watch, against: bool, at: float) -> None:
    watch.vote_at = at
    watch.swap = max(min(watch.swap + (1 if against else -1), MOST_VOTES), -MOST_VOTES)
    watch.votes = [*watch.votes, against][-_KEPT:]


def _slots_heard(watch: Watch, gate: GateLayout, track: Track) -> None:
    slots = {cell.slot for place in track.bins for cell in place.cells}
    for slot in gate.zones:
        if slot not in slots:
            watch.skipped[slot] = watch.skipped.get(slot, 0) + 1
            continue
        heard, passages = watch.ears.get(slot, (0.0, 0.0))
        scale = 1.0 - 1.0 / MEMORY
        watch.ears[slot] = (heard * scale + 1.0, passages * scale + 1.0 + watch.skipped.get(slot, 0))
        watch.skipped[slot] = 0


def _left_surely(gate: GateLayout, what: Found) -> bool:
    """A gate without zones believes its counter, so what left uncounted seems to have stayed there."""
    if gate.tells_direction():
        return what.direction == "out" and what.certainty >= SURELY
    return what.direction == "none" and what.reason == "stayed" and what.terms.get("motion", 0.0) >= SURE_MOTION


def _needs_a_count(watch: Watch, crossing: float) -> None:
    if all(abs(crossing - at) > VOTE_GAP_S for at in watch.crossings):
        watch.crossings = [*watch.crossings, crossing][-_KEPT:]
