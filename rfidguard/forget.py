"""What the core forgets, so that its memory stays bounded: tags long gone, ledger records nobody needs, closed alarms. Pure."""

from rfidguard.alarm import OPEN_STATES
from rfidguard.core_state import CoreState
from rfidguard.epc import credit_key, identify
from rfidguard.looking import forgotten
from rfidguard.track import Track

FORGET_S = 60.0
FORGET_STANDING_S = 1800.0
FORGET_SEEN_S = 600.0
"""Goods that a gate hears only now and then are no newcomers each time."""
SEEN_S = 5.0
CLOSED_KEPT_S = 3600.0
CLOSED_KEPT = 200
"""Closed alarms stay for an hour, so that a late answer is told who was first."""
CARRIED_IN_KEPT_S = 48 * 3600.0
"""As long as `ledger.carried_in_s` can be."""
UNPAID_OUT_KEPT_S = 60 * 86_400.0
MAX_TRACKS = 20_000
"""At each gate. Beyond it a tenth, the tags heard longest ago, is forgotten and counted."""


def sweep(state: CoreState) -> None:
    """Forgets tags that are long gone. Shelf goods are remembered longer: their baseline is worth it."""
    state.swept_at = state.now
    for tracks in state.tracks.values():
        for track in [track for track in tracks.values() if track.gone and state.now - track.last_at > _kept_s(track)]:
            del state.tracks[track.gate][track.epc]
    state.carried_in = {epc: at for epc, at in state.carried_in.items() if state.now - at < CARRIED_IN_KEPT_S}
    state.unpaid_out = {epc: at for epc, at in state.unpaid_out.items() if state.now - at < UNPAID_OUT_KEPT_S}
    _unfollow(state)


def make_room(state: CoreState, gate: str) -> None:
    """Forgets the tags heard longest ago where a gate remembers too many."""
    tracks = state.tracks[gate]
    if len(tracks) < MAX_TRACKS:
        return
    oldest = sorted(tracks.values(), key=lambda track: (track.last_at, track.epc))[: MAX_TRACKS // 10]
    for track in oldest:
        del tracks[track.epc]
        forgotten(state.gates[gate].looking, track.epc)
    _unfollow(state)
    tally(state, "track_evicted", len(oldest))


def forget_closed(state: CoreState) -> None:
    """Forgets alarms that closed long ago."""
    closed = [incident for incident in state.incidents.values() if incident.alarm.state not in OPEN_STATES]
    surplus = {incident.alarm.id for incident in closed[: max(len(closed) - CLOSED_KEPT, 0)]}
    for incident in closed:
        if incident.alarm.id in surplus or state.now - incident.alarm.updated_at > CLOSED_KEPT_S:
            del state.incidents[incident.alarm.id]


def ledger_keys(epc: str) -> tuple[str, ...]:
    """The ledger keys that concern one item: its own, and that of its article's credits."""
    identity = identify(epc)
    return (identity.key, credit_key(identity.gtin)) if identity.gtin else (identity.key,)


def tally(state: CoreState, reason: str, n: int = 1) -> None:
    """Counts something that was discarded."""
    state.counts[reason] = state.counts.get(reason, 0) + n


def _kept_s(track: Track) -> float:
    if track.state == "left":
        return FORGET_S
    if track.base:
        return FORGET_STANDING_S
    return FORGET_SEEN_S if track.seen_s > SEEN_S else FORGET_S


def _unfollow(state: CoreState) -> None:
    """Lets the view of the ledger go of everything that no track, alarm or departed item needs, nor who used their credits."""
    epcs = [track.epc for tracks in state.tracks.values() for track in tracks.values() if track.own]
    epcs += [item.epc for known in state.incidents.values() for item in known.alarm.items]
    needed = {key for epc in (*epcs, *(left.epc for left in state.departed)) for key in ledger_keys(epc)}
    needed |= {user for key in needed for user in state.view.users_of(key)}
    for key in [key for key in (*state.asked, *state.view.by_key) if key not in needed]:
        state.asked.pop(key, None)
        state.view.drop(key)
    state.articles = {gtin: article for gtin, article in state.articles.items() if credit_key(gtin) in needed}
