"""The whole data path on one page: step(layout, state, event) -> effects; advance(layout, state, to) does what time alone does.

read -> track (track.py) -> place (path.py), motion (motion.py) -> passage (passage.py) -> ledger answer (ledger.py)
-> verdict (verdict.py, rules/) -> incident (incident.py) -> effects. Pure: no clock, no I/O; the state is a value that only
these functions change.
"""

from collections.abc import Mapping
from math import exp

from rfidguard.add_read import add_read
from rfidguard.arming import hushed
from rfidguard.around import around_of
from rfidguard.blind import reader_heard, readers
from rfidguard.commands import commanded
from rfidguard.concealment import metal_judged, metal_seen
from rfidguard.core_state import CoreState, GateState, OpenEas, catch_up
from rfidguard.effects import AnswerJudged, AskLedger, Effect, Noted
from rfidguard.epc import identify
from rfidguard.events import Answer, Command, Count, Device, Eas, Event, Feed, Ledger, Lookup, Pace, Read, Site
from rfidguard.exits import eas_explained, tags_judged
from rfidguard.floor import floor_heard
from rfidguard.forget import FORGET_S, forget_closed, ledger_keys, make_room, sweep, tally
from rfidguard.found import Found
from rfidguard.gate_check import checked, counters_judged
from rfidguard.gate_watch import pedestal_said, people_counted, read_heard, reader_said
from rfidguard.incident import answered, due_at, time_passed
from rfidguard.layout import GateLayout, Layout, antenna_slot
from rfidguard.ledger_view import known_better, lookup_heard, record_heard
from rfidguard.looking import anew, anything_in_view, lively_ones, missing_ones, placed, returned, stirred
from rfidguard.pace import every_tenths, overslept, paced, skipped, spared
from rfidguard.passage import look, next_look, wants_look
from rfidguard.second_look import site_heard
from rfidguard.shelf import SHORTEST_S, caught_up, forget_bins
from rfidguard.standing import STIRRED
from rfidguard.track import Track
from rfidguard.trust import feed_heard
from rfidguard.went_along import went_along

EAS_JOIN_S = 2.5
EAS_REPEAT_S = 5.0
STALE_READ_S = 5.0
"""A read that comes later than this after it happened is backlog: it is counted, and never rings."""
COUNTS_KEPT_S = 20.0
HIDDEN_S = 5.0
"""Who carries a tag past may hide it for so long: what was heard before and after belongs together."""
SETTLING_S = 6.0
"""Tags met so soon after a gate's first read may have stood there all along."""
SETTLED_S = 60.0
_MET_FADE_S, _MANY_MET = 3.0, 3.0
"""A full shelf is met at some two tags a second even 15 s after the start; somebody with one or two items at less."""


def step(layout: Layout, state: CoreState, event: Event) -> list[Effect]:
    """Takes one event in. Call `advance` to its time first."""
    effects = _taken_in(layout, state, event)
    return hushed(layout, state, effects) if effects else effects


def _taken_in(layout: Layout, state: CoreState, event: Event) -> list[Effect]:
    match event:
        case Read():
            return taken_in(layout, state, event)
        case Ledger():
            return record_heard(layout, state, event)
        case Lookup():
            return lookup_heard(layout, state, event)
        case Feed() | Site():
            return feed_heard(state, event) if isinstance(event, Feed) else site_heard(state, event)
        case Eas():
            return _eas(state, event)
        case Count():
            return _count(state, event)
        case Device() | Pace():
            return _device(layout, state, event) if isinstance(event, Device) else paced(state, event)
        case Answer():
            return _answer(layout, state, event)
        case Command():
            return commanded(layout, state, event)
        case _:
            return []


def due(layout: Layout, state: CoreState, *, ended: bool = False) -> float | None:
    """When time alone will next change something; None: never. `ended`: nothing more is to be heard, so no gate is looked at."""
    times = [gate.next_look for gate in state.gates.values() if gate.next_look is not None]
    times += [eas.due for gate in state.gates.values() for eas in (*gate.eas, *gate.metal)]
    times += [at for incident in state.incidents.values() if (at := due_at(layout, incident)) is not None]
    if not ended:
        times += [gate.watch.next_at for gate in state.gates.values() if gate.watch.next_at is not None]
    return min(times, default=None)


def advance(layout: Layout, state: CoreState, to: float, *, ended: bool = False) -> list[Effect]:
    """Lets time pass up to `to`: every deadline on the way fires at its own moment, in order."""
    effects: list[Effect] = []
    while (at := due(layout, state, ended=ended)) is not None and at <= to:
        state.now = max(state.now, at)
        effects += hushed(layout, state, _fire(layout, state, state.now, ended))
    state.now = max(state.now, to)
    return effects


def _fire(layout: Layout, state: CoreState, now: float, ended: bool) -> list[Effect]:
    effects: list[Effect] = []
    for name, gate in state.gates.items():
        if gate.next_look is not None and gate.next_look <= now:
            effects += _look(layout, state, layout.gates[name], gate, now)
        for eas in [eas for eas in gate.eas if eas.due <= now]:
            gate.eas.remove(eas)
            effects += eas_explained(layout, state, layout.gates[name], gate, eas, now)
        for metal in [metal for metal in gate.metal if metal.due <= now]:
            gate.metal.remove(metal)
            effects += metal_judged(layout, state, layout.gates[name], gate, metal, now)
        if not ended and gate.watch.next_at is not None and gate.watch.next_at <= now:
            effects += checked(layout, state, layout.gates[name], gate, now)
    for incident in list(state.incidents.values()):
        at = due_at(layout, incident)
        if at is not None and at <= now:
            effects += time_passed(layout, incident, now)
            forget_closed(state)
    return effects


def _look(layout: Layout, state: CoreState, gate: GateLayout, memory: GateState, now: float) -> list[Effect]:
    """Judges the tags in view of a gate that have anything to look at; those that left together are announced together."""
    blind = memory.blindness.lasts()
    everybody = state.tracks[gate.id]
    active = _worth_a_look(everybody, memory, now)
    found: dict[str, tuple[Track, Found]] = {}
    around = around_of(active, memory.floor_db, now)
    slow = state.quiet_tenths > 1
    for track in active:
        if not wants_look(track, memory.presence, now):
            continue
        if memory.blindness.hides(track.last_at, now):
            continue
        if slow and track.state != "standing" and _left_out(state, gate, track, now):
            continue
        for at in memory.blindness.moments(track.last_at, now):
            result = look(track, gate, memory.presence, around, at, blind)
            if result is not None:
                track.judged_at = now
                found[track.epc] = (track, result)
                break
        if track.state == "standing":
            forget_bins(track, now)
    memory.blindness.passed(now)
    if not blind:
        found |= _gone_along(gate, memory, everybody, now)
        placed(memory.looking, active)
    elif not memory.blindness.lasts():
        memory.looking = anew(everybody.values(), now)
    memory.next_look = next_look(now) if _in_view(memory, active) else None
    as_met = [found[epc] for epc in everybody if epc in found] if len(found) > 1 else list(found.values())
    return tags_judged(layout, state, gate, memory, as_met, now) if found else []


def _gone_along(
    gate: GateLayout, memory: GateState, everybody: Mapping[str, Track], now: float
) -> dict[str, tuple[Track, Found]]:
    """What stood in view and went out with somebody who was counted."""
    found = {}
    for track, result in went_along(gate, memory.presence, everybody.values(), memory.floor_db, now):
        track.judged_at = now
        found[track.epc] = (track, result)
        placed(memory.looking, [track])
    return found


def _worth_a_look(everybody: Mapping[str, Track], memory: GateState, now: float) -> list[Track]:
    """While its readers are away all that a gate remembers: who is not heard then is not gone."""
    if memory.blindness.lasts():
        return [track for track in everybody.values() if not track.gone]
    missing_ones(memory.looking, everybody, memory.presence, now)
    return lively_ones(memory.looking, now)


def _in_view(memory: GateState, active: list[Track]) -> bool:
    """While its readers are away the index is not kept."""
    if memory.blindness.lasts():
        return any(not track.gone for track in active)
    return anything_in_view(memory.looking)


def _left_out(state: CoreState, gate: GateLayout, track: Track, now: float) -> bool:
    """True where the box is too slow to look at this tag now."""
    every = every_tenths(state, track)
    if spared(track, every, now):
        tally(state, "look_left_out")
        return True
    track.seen_s += overslept(track, every, now)
    if gate.tells_direction():
        skipped(track, every, now)
    return False


def taken_in(layout: Layout, state: CoreState, read: Read) -> list[Effect]:
    """`step` for a read, of which nothing sounds at once."""
    gate = layout.gates.get(read.gate)
    at, received, now = read.at, read.received, state.now
    if gate is None or now - at > STALE_READ_S or (received is not None and received - at > STALE_READ_S):
        tally(state, "unknown_gate" if gate is None else "stale_read")
        return []
    effects: list[Effect] = []
    memory = state.gates[gate.id]
    track = state.tracks[gate.id].get(read.epc)
    if track is None:
        track = Track(gate=gate.id, epc=read.epc, first_at=at, last_at=at, start_at=at)
        effects = _met(layout, state, track)
        memory.since = at if memory.since is None else memory.since
        track.new = _from_elsewhere(memory, at, memory.since)
    elif track.state == "standing" and not track.gone and now - track.checked_at >= SHORTEST_S and not memory.blindness.lasts():
        caught_up(track, now)
    if track.gone:
        _reappeared(track, at)
        if not memory.blindness.lasts():
            returned(memory.looking, track, memory.next_look or next_look(now))
    slot = antenna_slot(read.reader, read.antenna)
    add_read(track, slot, at, read.rssi_dbm, read.channel, read.phase_rad, read.count, read.doppler_hz)
    if track.stir >= STIRRED and track.state == "standing":
        stirred(memory.looking, track)
    read_heard(memory.watch, gate, track, slot, at, read.count, now)
    memory.floor_db, memory.floor_n = floor_heard(memory.floor_db, memory.floor_n, read.rssi_dbm)
    if memory.next_look is None:
        memory.next_look = next_look(now)
    return effects


def _from_elsewhere(memory: GateState, at: float, since: float) -> bool:
    """Whether a tag first heard `at` has come to the gate, which first heard anything at `since`: what it meets one after the
    other in its first minute stood there.
    """
    if at - since > SETTLED_S:
        return True
    memory.met = memory.met * exp(min(memory.met_at - at, 0.0) / _MET_FADE_S) + 1.0
    memory.met_at = at
    return at - since > SETTLING_S and memory.met < _MANY_MET


def _met(layout: Layout, state: CoreState, track: Track) -> list[Effect]:
    """A tag not seen before at this gate: remember it, and ask the ledger about it if it may be ours."""
    if state.now - state.swept_at > FORGET_S:
        sweep(state)
    make_room(state, track.gate)
    state.tracks[track.gate][track.epc] = track
    stirred(state.gates[track.gate].looking, track)
    identity = identify(track.epc)
    track.own = layout.owns(identity) or identity.gtin in state.articles
    if not track.own:
        return []
    keys = ledger_keys(track.epc)
    fresh = tuple(key for key in keys if key not in state.asked)
    for key in keys:
        state.asked[key] = state.asked.get(key, 0) + 1
    return [AskLedger(fresh)] if fresh else []


def _reappeared(track: Track, at: float) -> None:
    """Heard again after a silence: a new passage, unless the silence was short and nobody knows yet what the old one was."""
    track.gone = False
    if track.state == "left" and at - track.last_at > FORGET_S / 2:
        track.state = "candidate"
    came_in = track.inbound_at is not None and track.inbound_at >= track.start_at
    open_still = track.state == "candidate" and not came_in and at - track.last_at <= HIDDEN_S
    if track.state != "standing" and not open_still:
        track.start_at = at
        track.fresh_reads = 0
        track.older = {}
        track.path = None


def _eas(state: CoreState, event: Eas) -> list[Effect]:
    gate = state.gates.get(event.gate)
    if gate is None:
        tally(state, "unknown_gate")
        return []
    pedestal_said(gate.watch, event, state.now)
    if event.kind == "metal":
        metal_seen(gate, event, state.now)
    if event.kind not in ("alarm", "alarm_in", "alarm_out"):
        return [Noted("device", {"device": event.pedestal, "gate": event.gate, "kind": event.kind, "at": event.at})]
    for known in gate.eas:
        if known.pedestal == event.pedestal and event.at - known.at < EAS_REPEAT_S:
            return []
    gate.eas.append(OpenEas(event.pedestal, event.kind, event.at, max(state.now, event.at) + EAS_JOIN_S))
    return []


def _count(state: CoreState, event: Count) -> list[Effect]:
    gate = state.gates.get(event.gate)
    if gate is None:
        tally(state, "unknown_gate")
        return []
    gate.presence.hear(event.at, event.direction, COUNTS_KEPT_S)
    gate.counters.setdefault(event.counter, True)
    people_counted(gate.watch, event.at, state.now)
    counters_judged(gate)
    return []


def _device(layout: Layout, state: CoreState, event: Device) -> list[Effect]:
    for name in layout.devices.get(event.device, ()):
        gate = state.gates[name]
        if event.device in layout.gates[name].counters or event.device in gate.counters:
            gate.counters[event.device] = event.state == "online"
            counters_judged(gate)
        if event.device in readers(layout.gates[name]):
            catch_up(state, name)
            reader_heard(gate.blindness, event.device, event.state != "offline", state.now)
            reader_said(gate.watch, event.device, event.state, state.now)
    body = {"device": event.device, "state": event.state, "reason": event.reason, "at": event.at}
    return [Noted("device", body)]


def _answer(layout: Layout, state: CoreState, event: Answer) -> list[Effect]:
    incident = state.incidents.get(event.alarm)
    if incident is None:
        return [AnswerJudged(event.id, event.by, "rejected", "unknown_alarm: no open alarm has this id")]
    effects = answered(layout, incident, event, state.now)
    known_better(state, incident.alarm)
    forget_closed(state)
    return effects
