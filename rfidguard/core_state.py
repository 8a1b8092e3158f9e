"""Everything the core remembers, as plain data: what a snapshot holds, whole, and a restart restores."""

from typing import Any, cast

import msgspec

from rfidguard.blind import Blindness
from rfidguard.events import Article
from rfidguard.gate_watch import Watch
from rfidguard.incident import Incident
from rfidguard.layout import Layout
from rfidguard.ledger import RecordSet
from rfidguard.looking import Looking, looking_at
from rfidguard.path import Presence
from rfidguard.shelf import all_caught_up
from rfidguard.track import Track

_encode = msgspec.json.Encoder().encode
_BIN_BYTES, _LOOSE_BYTES = 270, 100
"""Measured: a bin that two antennas heard, and a read without one, as JSON."""


class OpenEas(msgspec.Struct):
    """A pedestal's alarm that waits for the tags that may explain it, until `due`."""

    pedestal: str
    kind: str
    at: float
    due: float


class Left(msgspec.Struct, frozen=True):
    """An item that lately left: what a pedestal's alarm may be explained by."""

    epc: str
    crossing: float
    start: float
    state: str
    certainty: float


class Departed(msgspec.Struct):
    """An own item that left at `at`, let go as sold. `doubted`: what paid for it was undone since. `back`: it came in since.
    `paid_for`: whom its sale really was for, where it stands here still.
    """

    epc: str
    gate: str
    at: float
    doubted: bool = False
    back: bool = False
    paid_for: str | None = None


class Flow(msgspec.Struct):
    """How own items leave. `sold` of `seen`, older ones fading; `row`: those that left unsold since the last sold one -> when,
    in `departures` groups.
    """

    sold: float = 0.0
    seen: float = 0.0
    row: dict[str, float] = {}
    departures: int = 0
    suspect: bool = False


class GateState(msgspec.Struct):
    """One gate now. `next_look`: when its tracks are judged next (None: nothing moves). `muted_until`: -1 not muted."""

    presence: Presence = msgspec.field(default_factory=Presence)
    counters: dict[str, bool] = {}
    next_look: float | None = None
    eas: list[OpenEas] = []
    metal: list[OpenEas] = []
    left: list[Left] = []
    muted_until: float = -1.0
    disarmed: bool = False
    disarmed_until: float = -1.0
    """-1: until it is armed again."""
    movement_since: float = -1.0
    movement_until: float = -1.0
    movement_by: str | None = None
    """Goods are moved through this gate, and who said so."""
    floor_db: float = 0.0
    floor_n: int = 0
    """The level that one read in fifty lies below: the tags' own deafness ends there what a gate can hear. Of how many reads."""
    since: float | None = None
    """When this gate first heard anything: what stands near it is met in the seconds after."""
    met: float = 0.0
    met_at: float = 0.0
    """How many tags were met in the last seconds, as a sum that fades, and when the last of them was."""
    blindness: Blindness = msgspec.field(default_factory=Blindness)
    looking: Looking = msgspec.field(default_factory=Looking)
    watch: Watch = msgspec.field(default_factory=Watch)


class SoldLately(msgspec.Struct):
    """An item sold by its own number that has not left since. `used_by`: the EPC of the same article that its sale is thought
    to have been for.
    """

    id: str
    key: str
    gtin: str
    at: float
    used_by: str | None = None


class SiteState(msgspec.Struct):
    """The shop as `events.Site` told it last."""

    counting: bool = False
    open: bool | None = None
    credit_ttl_s: float | None = None


class CoreState(msgspec.Struct):
    """`now` is the core's clock: the greatest time heard of so far. `tracks`: gate -> EPC -> track."""

    now: float = 0.0
    tracks: dict[str, dict[str, Track]] = {}
    gates: dict[str, GateState] = {}
    incidents: dict[str, Incident] = {}
    view: RecordSet = msgspec.field(default_factory=RecordSet)
    asked: dict[str, int] = {}
    """Ledger keys that the view follows -> how many tracks and alarms need them."""
    articles: dict[str, Article] = {}
    """What the catalogue says of articles in view, by GTIN."""
    carried_in: dict[str, float] = {}
    """EPCs that somebody brought in and the ledger did not know -> when."""
    unpaid_out: dict[str, float] = {}
    """EPCs that left unpaid -> when: what is brought back later is nobody's own."""
    departed: list[Departed] = []
    stale_feeds: dict[str, str] = {}
    """Feeds of sales that fell silent -> why that is thought."""
    flow: Flow = msgspec.field(default_factory=Flow)
    site: SiteState = msgspec.field(default_factory=SiteState)
    sold_lately: dict[str, SoldLately] = {}
    """Items sold in the last minutes that have not left, by ledger key."""
    loose_voids: list[str] = []
    verdict_at: float = 0.0
    counts: dict[str, int] = {}
    heard_tenths: int = 1
    quiet_tenths: int = 1
    """How often tags are looked at that are heard, and others (pace.py)."""
    swept_at: float = 0.0


def new_state(layout: Layout) -> CoreState:
    """A core that has seen nothing."""
    return CoreState(tracks={gate: {} for gate in layout.gates}, gates={gate: GateState() for gate in layout.gates})


def to_snapshot(state: CoreState) -> dict[str, Any]:
    """The state as a State event's snapshot; loses nothing. It is JSON already (msgspec.Raw), which takes a third of the time
    that plain data would: the core waits meanwhile, and a full shelf has megabytes.
    """
    gates = {name: msgspec.structs.replace(gate, looking=Looking()) for name, gate in state.gates.items()}
    # Tag by tag: nobody else gets the interpreter while one of them is encoded.
    tracks = {gate: {epc: msgspec.Raw(_encode(track)) for epc, track in known.items()} for gate, known in state.tracks.items()}
    whole = msgspec.structs.replace(state, gates=gates, tracks=cast(dict[str, dict[str, Track]], tracks))
    return cast(dict[str, Any], msgspec.Raw(_encode(whole)))


def snapshot_bytes(state: CoreState) -> int:
    """About how large a snapshot would be, at no cost, but for 2 kB a tag: the bins of tags in view, and reads without."""
    known = [track for tracks in state.tracks.values() for track in tracks.values()]
    return sum(_BIN_BYTES * len(track.bins) + _LOOSE_BYTES * len(track.loose) for track in known)


def from_snapshot(layout: Layout, snapshot: object) -> CoreState:
    """The state that `to_snapshot` wrote, for today's layout: gates that are gone are forgotten, new ones start empty."""
    if isinstance(snapshot, msgspec.Raw):
        state = msgspec.json.decode(snapshot, type=CoreState)
    else:
        state = msgspec.convert(snapshot, CoreState, str_keys=True)
    state.tracks = {gate: state.tracks.get(gate, {}) for gate in layout.gates}
    state.gates = {gate: state.gates.get(gate, GateState()) for gate in layout.gates}
    state.incidents = {name: incident for name, incident in state.incidents.items() if incident.alarm.gate in layout.gates}
    for name, gate in state.gates.items():
        catch_up(state, name)
        gate.looking = looking_at(state.tracks[name].values())
    return state


def catch_up(state: CoreState, gate: str) -> None:
    """Makes up for the looks that standing tags did without: for whoever needs to know how long they stood."""
    if not state.gates[gate].blindness.lasts():
        all_caught_up(state.tracks[gate].values(), state.now)
