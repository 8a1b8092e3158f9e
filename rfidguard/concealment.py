"""A pedestal saw metal as somebody left, and goods that stood here are gone unsold: perhaps in a lined bag. Pure.

Nobody sees into such a bag, so this is a hint for staff, never a ring: which goods stood near the gate until lately, vanished
without having been heard to leave, and were not sold.
"""

from rfidguard.arming import quietened
from rfidguard.core_state import CoreState, GateState, OpenEas, catch_up
from rfidguard.effects import Decided, Effect
from rfidguard.events import Eas
from rfidguard.gathering import incident_near, item_of, raise_or_grow
from rfidguard.incident import EAS_REACH_S, grown, growth
from rfidguard.layout import GateLayout, Layout
from rfidguard.ledger import LedgerAnswer
from rfidguard.ledger_view import ledger_answer
from rfidguard.rule import Passage, Verdict
from rfidguard.track import Track
from rfidguard.verdict import judge

WAIT_S = 10.0
"""So long after the metal is looked: what vanished in the last moment must first have been silent for a while."""
REPEAT_S = 5.0
STOOD_S = 20.0
"""Goods that stood as long belong near the gate."""
SILENT_S = 8.0
SILENT_GAPS = 20.0
"""Silence means something once it is that many times the usual gap between two reads of the tag."""
LOOK_BACK_S = 900.0
CERTAINTY = 0.5
_MOST_SHARE = 0.5
_FEW = 3


def metal_seen(memory: GateState, event: Eas, now: float) -> None:
    """A pedestal reported metal."""
    if all(known.pedestal != event.pedestal or event.at - known.at >= REPEAT_S for known in memory.metal):
        memory.metal.append(OpenEas(event.pedestal, event.kind, event.at, max(now, event.at) + WAIT_S))


def metal_judged(
    layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, metal: OpenEas, now: float
) -> list[Effect]:
    """The metal has waited long enough: who passed, and what is gone?"""
    if not _somebody_left(memory, metal.at):
        return []
    passage = Passage(
        trigger="metal", gate=gate.id, start=metal.at, crossing=metal.at, direction="out", certainty=CERTAINTY, terms={},
        eas=metal.kind, vanished=_vanished(layout, state, gate, metal.at, now), unknown_epc=layout.policy.unknown_epc,
    )  # fmt: skip
    verdict = judge(layout, passage, LedgerAnswer("unknown"))
    if quietened(gate, memory, verdict, now).kind is None:
        return []
    told = [
        Decided(epc, gate.id, round(metal.at, 3), verdict.state, verdict.reason, "unknown", CERTAINTY, {})
        for epc in verdict.items
    ]
    return [*told, *_announced(layout, state, gate, metal, verdict, now)]


def _announced(layout: Layout, state: CoreState, gate: GateLayout, metal: OpenEas, verdict: Verdict, now: float) -> list[Effect]:
    """What rang for the same person is the same alarm; else the hint is one of its own."""
    items = tuple(item_of(state, epc, verdict, CERTAINTY, now) for epc in verdict.items)
    incident = incident_near(state, gate, metal.at)
    if incident is None:
        return raise_or_grow(layout, state, gate, items, verdict, metal.at, metal.at, metal.pedestal, now)
    before = incident.alarm
    known = {item.epc for item in before.items}
    grown(incident, [item for item in items if item.epc not in known], before.kind, metal.at, metal=metal.pedestal)
    return growth(layout, incident, before, now)


def _somebody_left(memory: GateState, at: float) -> bool:
    counted = {direction for when, direction in memory.presence.counts if abs(when - at) <= EAS_REACH_S}
    return bool(counted - {"in"}) or any(abs(left.crossing - at) <= EAS_REACH_S for left in memory.left)


def _vanished(layout: Layout, state: CoreState, gate: GateLayout, at: float, now: float) -> tuple[tuple[str, float], ...]:
    """Own goods that stood here and are gone, the newest first, with how long before the metal each was heard last. None of them
    where most of the shelf is gone: then it is the gate that does not hear.
    """
    catch_up(state, gate.id)
    stood = [
        track for track in state.tracks[gate.id].values() if track.own and track.still_s >= STOOD_S and track.state != "left"
    ]
    gone = [track for track in stood if _is_gone(track, at, now)]
    if len(gone) > max(_FEW, _MOST_SHARE * len(stood)):
        return ()
    unsold = [track for track in gone if ledger_answer(layout, state, track.epc, now).state not in ("sold", "personal")]
    order = sorted(unsold, key=lambda track: (-track.last_at, track.epc))
    return tuple((track.epc, round(max(at - track.last_at, 0.0), 1)) for track in order)


def _is_gone(track: Track, at: float, now: float) -> bool:
    gap_s = (track.last_at - track.first_at) / max(track.reads, 1)
    silent_s = now - track.last_at
    return silent_s >= max(SILENT_S, SILENT_GAPS * gap_s) and -EAS_REACH_S <= at - track.last_at <= LOOK_BACK_S
