"""Steps 4 to 6 for what has been found at a gate: ask the ledger's view, run the rules, gather incidents. Pure."""

from collections.abc import Sequence

from rfidguard.alarm import Item
from rfidguard.arming import goods_moved, quietened
from rfidguard.core_state import CoreState, GateState, Left, OpenEas
from rfidguard.effects import Decided, Effect
from rfidguard.found import Found
from rfidguard.gathering import incident_near, item_of, raise_or_grow
from rfidguard.incident import EAS_REACH_S, announced, grown
from rfidguard.layout import GateLayout, Layout
from rfidguard.ledger import FOREIGN, LedgerAnswer
from rfidguard.ledger_view import brought_in, came_back, ledger_answer, left_before, left_unpaid, let_go, moment, use
from rfidguard.passage_votes import passage_seen
from rfidguard.rule import Passage, Verdict
from rfidguard.second_look import second_look, swapped_back
from rfidguard.track import Track
from rfidguard.trust import believed, seen_leaving
from rfidguard.verdict import judge

LEFT_KEPT_S = 20.0


def tags_judged(
    layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, found: Sequence[tuple[Track, Found]], now: float
) -> list[Effect]:
    """Verdicts on the passages found at one moment, and the incidents that they make or join."""
    effects: list[Effect] = []
    ringing: list[tuple[Item, Verdict, Found]] = []
    sold: list[tuple[Item, Found]] = []
    for track, what in found:
        effects += _badge_left(layout, state, gate, track, what)
    for track, what in found:
        at = moment(state)
        known = ledger_answer(layout, state, track.epc, at) if track.own else FOREIGN
        passage_seen(memory.watch, gate, memory.presence, track, what, known, _left_lately(state, memory, track.epc))
        passage = _tag_passage(layout, state, gate, memory, track, what)
        judged = judge(layout, passage, known)
        if passage.leaves() and judged.state in ("sold", "unpaid") and now >= memory.movement_until:
            effects += seen_leaving(state, track.epc, judged.state == "sold", what.crossing)
        if judged.reason != "after_hours":
            judged = second_look(layout, state, believed(layout, state, judged), track.epc, at)
        verdict = quietened(gate, memory, judged, now)
        effects += _settle(layout, state, known, verdict, track.epc, gate.id, at)
        effects += swapped_back(layout, state, track.epc) if verdict.state == "sold" else []
        effects.append(_decided(gate, passage, verdict, what))
        if what.direction == "in" and track.own:
            brought_in(state, known, track.epc)
            came_back(state, track.epc)
        track.left_unpaid = verdict.state == "unpaid"
        if track.left_unpaid:
            left_unpaid(state, track.epc)
        if passage.leaves() and track.own:
            memory.left.append(Left(track.epc, what.crossing, what.start, verdict.state, what.certainty))
        if verdict.kind is not None:
            ringing.append((item_of(state, track.epc, verdict, what.certainty, at), verdict, what))
        elif verdict.state == "sold":
            sold.append((item_of(state, track.epc, verdict, what.certainty, at), what))
    memory.left = [left for left in memory.left if now - left.crossing < LEFT_KEPT_S]
    return [*effects, *_gathered(layout, state, gate, ringing, now), *_explained_late(layout, state, gate, sold, now)]


def eas_explained(
    layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, eas: OpenEas, now: float
) -> list[Effect]:
    """A pedestal's alarm has waited long enough: judge it together with what left at that time."""
    near = [left for left in memory.left if abs(left.crossing - eas.at) <= EAS_REACH_S]
    unpaid = tuple(left.epc for left in near if left.state == "unpaid")
    sold = tuple(left.epc for left in near if left.state == "sold")
    direction = {"alarm_in": "in", "alarm_out": "out"}.get(eas.kind, "unknown")
    passage = Passage(
        trigger="eas", gate=gate.id, start=eas.at, crossing=eas.at, direction=direction, certainty=1.0, terms={},
        eas=eas.kind, unpaid=unpaid, sold=sold,
    )  # fmt: skip
    if unpaid:
        decided = _decided(gate, passage, Verdict("unpaid", "eas_explained"))
        return [decided, *_joined_by_eas(layout, state, gate, eas, now)]
    verdict = quietened(gate, memory, judge(layout, passage, LedgerAnswer("unknown")), now)
    effects: list[Effect] = [_decided(gate, passage, verdict)]
    if verdict.kind is None:
        return effects
    items = tuple(item_of(state, epc, verdict, 1.0, now) for epc in sold)
    return [*effects, *raise_or_grow(layout, state, gate, items, verdict, eas.at, eas.at, eas.pedestal, now)]


def _badge_left(layout: Layout, state: CoreState, gate: GateLayout, track: Track, what: Found) -> list[Effect]:
    """Staff go out with their badge: what goes with them is being moved."""
    if not layout.badges.holds(track.epc):
        return []
    if what.direction != "out" and not (what.direction == "unknown" and gate.unknown_counts_as_out()):
        return []
    until = what.crossing + layout.movement_s
    return goods_moved(layout, state, gate.id, until, f"badge {track.epc}", what.crossing)


def _came_in(layout: Layout, state: CoreState, track: Track, what: Found) -> bool:
    """Somebody brought it in through this gate, lately, and it had not left unpaid before."""
    if track.inbound_at is None or what.direction == "in" or layout.carried_in == "alarm" or track.epc in state.unpaid_out:
        return False
    return what.crossing - track.inbound_at <= layout.carried_in_s


def _left_lately(state: CoreState, memory: GateState, epc: str) -> bool:
    return any(left.epc == epc for left in memory.left) or any(left.epc == epc for left in state.departed)


def _tag_passage(layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, track: Track, what: Found) -> Passage:
    eas = next((open_.kind for open_ in memory.eas if abs(open_.at - what.crossing) <= EAS_REACH_S), None)
    return Passage(
        gate=gate.id, epc=track.epc, start=what.start, crossing=what.crossing, direction=what.direction,
        certainty=what.certainty, terms=what.terms, eas=eas, unknown_counts_as_out=gate.unknown_counts_as_out(),
        unknown_epc=layout.policy.unknown_epc, carried_in=_came_in(layout, state, track, what),
        carried_in_policy=layout.carried_in, left_before=left_before(state, track.epc, what.crossing),
        after_hours=gate.after_hours == "critical" and not gate.is_open(what.crossing),
    )  # fmt: skip


def _settle(
    layout: Layout, state: CoreState, known: LedgerAnswer, verdict: Verdict, epc: str, gate: str, at: float
) -> list[Effect]:
    """An item is let go: what paid for it is used, and remembered in case it is undone."""
    if verdict.state != "sold":
        return []
    let_go(state, epc, gate, at)
    return use(layout, state, known, epc, at)


def _decided(gate: GateLayout, passage: Passage, verdict: Verdict, what: Found | None = None) -> Decided:
    reason = verdict.reason
    if what is not None and what.reason is not None and not passage.leaves() and reason != "foreign":
        reason = what.reason
    return Decided(
        passage.epc,
        gate.id,
        round(passage.crossing, 3),
        verdict.state,
        reason,
        passage.direction,
        passage.certainty,
        passage.terms,
    )


def _gathered(
    layout: Layout, state: CoreState, gate: GateLayout, ringing: Sequence[tuple[Item, Verdict, Found]], now: float
) -> list[Effect]:
    """Items that ring: those whose crossings lie together go into one incident and one announcement."""
    effects: list[Effect] = []
    rest = sorted(ringing, key=lambda entry: (entry[2].crossing, entry[0].epc))
    while rest:
        _, verdict, first = rest[0]
        together = [e for e in rest if e[1].kind == verdict.kind and e[2].crossing - first.crossing <= 2.0]
        rest = [entry for entry in rest if entry not in together]
        items = tuple(item for item, _, _ in together)
        last = max(what.crossing for _, _, what in together)
        effects += raise_or_grow(layout, state, gate, items, verdict, last, first.start, items[0].epc, now)
    return effects


def _joined_by_eas(layout: Layout, state: CoreState, gate: GateLayout, eas: OpenEas, now: float) -> list[Effect]:
    incident = incident_near(state, gate, eas.at)
    if incident is None:
        return []
    grown(incident, (), incident.alarm.kind, eas.at, eas=eas.pedestal)
    return announced(layout, incident, "updated", now)


def _explained_late(
    layout: Layout, state: CoreState, gate: GateLayout, sold: Sequence[tuple[Item, Found]], now: float
) -> list[Effect]:
    """A sold item explains, late, an alarm of a pedestal that was still unidentified."""
    effects: list[Effect] = []
    for item, what in sold:
        incident = incident_near(state, gate, what.crossing)
        if incident is not None and incident.alarm.kind in ("eas_unidentified", "tag_not_deactivated"):
            grown(incident, (item,), "tag_not_deactivated", what.crossing)
            effects += announced(layout, incident, "updated", now)
    return effects
