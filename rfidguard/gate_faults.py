"""What is wrong with a gate's sight, from what is usual there (gate_watch.py): blind, half blind, wired the wrong way. Pure."""

import math
from collections.abc import Iterable

from rfidguard.gate_watch import CHECK_S, SILENCE_S, Watch, known_online, offline
from rfidguard.layout import GateLayout
from rfidguard.track import Track

BLIND = ("silent", "collapse", "canaries", "noise", "unread")
"""Faults that raise a `blind_gate` alarm; every other one makes the gate degraded."""

UNLIKELY = math.log(1e-5)
"""So unlikely must it be that a row of people carried nothing that is read."""
ENOUGH_HITS = 5.0
SILENT_S = 20.0
SUDDEN_S = 4.0
SUDDEN_SHARE = 0.7
SUDDEN_TAGS = 3
HUM_LOOKS = 24.0
HUM_SHARE = 0.9
CANARY_S = 30.0
NOISE_S = 10.0
UNREAD_GROUPS = 3
EMPTY_GROUPS = 2
DEAD_S = 45.0
DEAD_READS = 200
DEAD_GAPS = 8
DWELL_S = 1.5
"""How long somebody who walks is in the read zone."""
STARVED_READS = 4.0
FED_READS = 5.0
STARVED_TAGS = 20
STARVED_LOOKS = 12
SWAPPED_VOTES = 8
UNCOUNTED = 6
ANTENNA_VOTES = 30.0
ANTENNA_SHARE, ANTENNA_SHARE_STILL = 0.75, 0.55
"""An antenna about which votes are even comes to so many against it in one of ten thousand sets of votes."""


def faults(watch: Watch, gate: GateLayout, tracks: Iterable[Track], now: float) -> dict[str, str]:
    """Every fault that stands now, and its evidence in words."""
    found = {**_blind(watch, gate, tracks, now), **_half_blind(watch, gate, now)}
    for pedestal, kind in watch.ill.items():
        found[f"pedestal_{kind}"] = f"{pedestal} reports: {kind}"
    return found


def fed(watch: Watch, tracks: Iterable[Track], now: float) -> None:
    """How many reads a carried tag gets, as the reader shares its time among all that it hears."""
    heard = sum(now - track.last_at <= CHECK_S for track in tracks)
    each = DWELL_S * watch.reads / CHECK_S / heard if heard else None
    watch.reads = 0
    if each is None:
        return
    watch.reads_each = each if watch.reads_each is None else round(0.7 * watch.reads_each + 0.3 * each, 3)
    hungry = heard >= STARVED_TAGS and watch.reads_each < (FED_READS if "starved" in watch.faults else STARVED_READS)
    watch.starving = min(watch.starving + 1, STARVED_LOOKS) if hungry else max(watch.starving - 1, 0)


def _blind(watch: Watch, gate: GateLayout, tracks: Iterable[Track], now: float) -> dict[str, str]:
    found: dict[str, str] = {}
    if watch.noise_since >= 0 and now - watch.noise_since >= NOISE_S:
        found["noise"] = "a pedestal reports noise on its band"
    if offline(watch):
        if watch.empty >= UNREAD_GROUPS:
            found["unread"] = f"the reader is offline and {watch.empty} groups of people passed"
        return found
    silent_s = now - watch.read_at
    if silent_s >= SILENT_S and ("silent" in watch.faults or _too_many_empty(watch)):
        found["silent"] = f"{watch.empty} groups of people passed and no tag was read; usually {_share(watch):.0%} bring reads"
    elif "collapse" in watch.faults and silent_s >= SILENT_S:
        found["collapse"] = watch.faults["collapse"]
    elif silent_s >= SILENCE_S and _collapsed(watch, tracks):
        found["collapse"] = "everything that stood here fell silent at once"
    return found | _canaries_gone(watch, gate, now)


def _half_blind(watch: Watch, gate: GateLayout, now: float) -> dict[str, str]:
    found: dict[str, str] = {}
    gone = [epc for epc, at in watch.canaries.items() if epc in gate.canaries and now - at > CANARY_S]
    if gone and len(gone) < len(watch.canaries) and not offline(watch):
        found["canary_gone"] = f"canary {', '.join(sorted(gone))} is not heard, others are"
    for slot in sorted(gate.zones):
        if watch.read_at > 0 and _is_dead(watch, slot, now):
            found[f"antenna_dead {slot}"] = f"antenna {slot} hears nothing of what it used to hear; others do"
    if watch.starving >= STARVED_LOOKS or ("starved" in watch.faults and watch.starving):
        found["starved"] = f"a carried tag would get about {watch.reads_each or 0.0:.1f} reads: too many tags near the gate"
    if watch.swap >= SWAPPED_VOTES or ("ports_swapped?" in watch.faults and watch.swap > 0):
        against = sum(watch.votes)
        found["ports_swapped?"] = f"{against} of the last {len(watch.votes)} passages went the other way than they must have"
    elif wrong := [slot for slot in sorted(gate.zones) if _is_elsewhere(watch, slot)]:
        found["ports_swapped?"] = f"hears people come and go as from the other side than configured: {', '.join(wrong)}"
    if watch.distrusted:
        found["counter_silent"] = f"goods left {watch.uncounted} times and nobody was counted"
    return found


def _too_many_empty(watch: Watch) -> bool:
    return watch.hits >= ENOUGH_HITS and watch.empty * math.log(1.0 - _share(watch)) <= UNLIKELY


def _share(watch: Watch) -> float:
    """How many groups of people usually bring reads; cautious while few are known."""
    groups = max(watch.groups - watch.empty, watch.hits)
    return min((watch.hits + 1.0) / (groups + 5.0), 0.95)


def _collapsed(watch: Watch, tracks: Iterable[Track]) -> bool:
    """Only where something else shows that the gate is meant to hear: a reader that says so, or people."""
    meant_to = known_online(watch) or watch.empty >= EMPTY_GROUPS
    return meant_to and watch.read_at > 0 and _hummed(watch) and _sudden(watch, tracks)


def _hummed(watch: Watch) -> bool:
    """Something was read nearly always, but for the silence that lasts now."""
    return watch.looks >= HUM_LOOKS and watch.hums >= HUM_SHARE * (watch.looks - SILENCE_S / CHECK_S)


def _sudden(watch: Watch, tracks: Iterable[Track]) -> bool:
    """A rack that is rolled away goes tag by tag, and moves; a cut cable takes all in one moment."""
    stood = [track for track in tracks if track.state == "standing" and watch.read_at - track.last_at < 60.0]
    at_once = sum(watch.read_at - track.last_at <= SUDDEN_S for track in stood)
    return len(stood) >= SUDDEN_TAGS and at_once >= SUDDEN_SHARE * len(stood)


def _canaries_gone(watch: Watch, gate: GateLayout, now: float) -> dict[str, str]:
    heard = {epc: at for epc, at in watch.canaries.items() if epc in gate.canaries}
    if not heard or any(now - at <= CANARY_S for at in heard.values()):
        return {}
    return {"canaries": f"no canary tag has been heard for {now - max(heard.values()):.0f} s"}


def _is_elsewhere(watch: Watch, slot: str) -> bool:
    """Most passages say so; one that was reported must lose far more votes before it counts as right."""
    against, votes = watch.antenna_votes.get(slot, (0.0, 0.0))
    reported = slot in watch.faults.get("ports_swapped?", "").rpartition(": ")[2].split(", ")
    return votes >= ANTENNA_VOTES and against >= (ANTENNA_SHARE_STILL if reported else ANTENNA_SHARE) * votes


def _is_dead(watch: Watch, slot: str, now: float) -> bool:
    """Heard nothing of the standing tags that it always heard, or of the passages of which it heard most."""
    heard, passages = watch.ears.get(slot, (0.0, 0.0))
    share = min((heard + 1.0) / (passages + 5.0), 0.95)
    if heard >= ENOUGH_HITS and watch.skipped.get(slot, 0) * math.log(1.0 - share) <= UNLIKELY:
        return True
    unusual = max(DEAD_READS, DEAD_GAPS * watch.gaps.get(slot, 0))
    return watch.unheard.get(slot, 0) >= unusual and now - watch.slots.get(slot, -1.0) >= DEAD_S
