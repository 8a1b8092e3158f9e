"""Step 3e: which looks at a tag a glance can do without, and which tables are asked. Pure.

Nearly all looks find a tag that is far from having gone out and from having come in. Its cheap signs tell (glance.py), so that
neither its way out is followed, nor all signs gathered, nor the scores added up.
"""

from rfidguard.around import Around
from rfidguard.glance import glanced
from rfidguard.layout import GateLayout
from rfidguard.path import Presence, new_path
from rfidguard.picked import table_of
from rfidguard.standing import came_to_rest
from rfidguard.track import BIN_S, Path, Track
from rfidguard.trees import Table, hopeless, ready, table

GONE_S = 2.5
"""Not heard for so long, a tag is not there any more: bodies hide tags for up to 1.3 s."""
PICKED_GONE_S = 3.5
"""The same of a tag that stood: the longer it is missing from its place, the surer it was carried off."""
REST_LOOK_S = 0.5
"""A look asks so often whether a tag has come to rest."""
FOLLOWED = 20
"""Tenths of a second that a path is followed back at most after glances: a tag leaves its shelf at most so long before it is
noticed (`standing.DEPARTS_S`).
"""
_SURELY = 0.8


def overlooked(track: Track, gate: GateLayout, presence: Presence, around: Around, now: float) -> bool:
    """True where a glance tells that a look would find nothing: neither that the tag went out or came in, nor that it vanished or
    came to rest. Not for tags that have left: whether they are back no glance knows.

    Its path then waits, and goes on from FOLLOWED bins ago at most: to follow it all the way would cost what the glances
    saved. What it was before stays in its weights, and the few seconds before a passage weigh the most by far.
    """
    if vanished(track, now) or not _hopeless(track, gate, presence, around, now):
        return False
    if now - track.rest_at >= REST_LOOK_S:
        if came_to_rest(track, now):
            return False
        track.rest_at = now
    if gate.tells_direction():
        _path_waits(track, now)
    return True


def _hopeless(track: Track, gate: GateLayout, presence: Presence, around: Around, now: float) -> bool:
    out_table, in_table = tables(gate, presence)
    if out_table.glance is None or in_table.glance is None:
        return False
    signs = glanced(track, gate, presence, around, now)
    return hopeless(out_table.glance, signs) and (came_in_before(track) or hopeless(in_table.glance, signs))


def _path_waits(track: Track, now: float) -> None:
    first = int(now // BIN_S) - FOLLOWED
    if track.path is not None:
        track.path.index = max(track.path.index, first)
    elif int(track.start_at // BIN_S) < first:
        track.path = fresh_path(track)
        track.path.index = first


def vanished(track: Track, now: float) -> bool:
    """True where a tag that is being watched is not there any more."""
    return now - track.last_at >= (PICKED_GONE_S if track.base and track.state == "candidate" else GONE_S)


def came_in_before(track: Track) -> bool:
    """True where it was found to have come in on this passage."""
    return track.inbound_at is not None and track.inbound_at >= track.start_at


def fresh_path(track: Track) -> Path:
    """The path of a passage that begins."""
    path = new_path(int((track.start_at - BIN_S / 2) // BIN_S), track.inside)
    path.inner = track.inside >= _SURELY
    path.outer = track.inside <= 1.0 - _SURELY
    return path


def tables(gate: GateLayout, presence: Presence) -> tuple[Table, Table]:
    """The tables for "gone out" and "come in". A gate that can tell neither is asked whether anything went through at all."""
    if gate.tells_direction():
        return table("zones-out"), table("zones-in")
    if presence.healthy:
        return table("plane-out"), table("plane-in")
    return table("plane-through"), table("plane-in")


def made_ready(gate: GateLayout) -> None:
    """Compiles what a gate's looks will ask, so that the first of them need not wait for it."""
    for presence in (Presence(healthy=True), Presence(healthy=False)):
        for known in tables(gate, presence):
            ready(known)
            if known.glance is not None:
                ready(known.glance)
    ready(table(table_of(gate)))
