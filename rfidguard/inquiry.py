"""Runs a stretch of the journal through the core again and keeps what concerns some items: the evidence of `explain`. Pure.

The rules are listened to while they judge, so that the story names the one that decided and the ledger's answer it was given.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from rfidguard.core_state import CoreState, catch_up
from rfidguard.effects import AlarmChanged, BindCredit, Decided, Effect
from rfidguard.epc import identify
from rfidguard.events import Count, Device, Eas, Event, Ledger, Lookup, Read, State, Tick, heard_at
from rfidguard.forget import ledger_keys
from rfidguard.layout import Layout
from rfidguard.ledger import FOREIGN, LedgerAnswer, RecordSet, answer, binding
from rfidguard.ledger_view import ledger_answer
from rfidguard.rule import Passage, Rule, RuleParams, Verdict
from rfidguard.runner import Runner
from rfidguard.track import Track
from rfidguard.trust import doubts


class Judged(msgspec.Struct, frozen=True):
    """One decision, when it was made, which rule made it (None: none was needed), and what the ledger said then."""

    decision: Decided
    made_at: float
    rule: str | None = None
    answer: LedgerAnswer | None = None


class Heard(msgspec.Struct, frozen=True):
    """One read of the item. `slot` is "reader/antenna", `late_s` how long after it the box heard of it."""

    epc: str
    at: float
    gate: str
    slot: str
    rssi_dbm: float
    phase_rad: float | None
    channel: int | float | None
    late_s: float


class Standing(msgspec.Struct, frozen=True):
    """What a gate remembered of the item at a moment. `base`: slot -> level (dBm) and spread (dB) on its shelf."""

    gate: str
    state: str
    reads: int
    first_at: float
    last_at: float
    still_s: float
    gone: bool
    base: dict[str, tuple[float, float]]
    inbound_at: float | None


class Mood(msgspec.Struct, frozen=True):
    """How a gate was disposed at a moment. `muted_until` None: not muted."""

    gate: str
    mode: str
    muted_until: float | None
    disarmed: bool
    counters: dict[str, bool]


class Picture(msgspec.Struct, frozen=True):
    """The core at a moment, as far as one item goes."""

    at: float
    epc: str
    own: bool
    answer: LedgerAnswer
    carried_in: float | None
    doubts: dict[str, str]
    gates: list[Mood]
    tracks: list[Standing]


class Story(msgspec.Struct, kw_only=True):
    """All that a stretch of the journal tells of some items. Times are Unix seconds; `began`, `ended`: first and last event."""

    epcs: tuple[str, ...]
    at: float | None = None
    began: float | None = None
    ended: float | None = None
    judged: list[Judged] = []
    transitions: list[tuple[float, str, str, str]] = []
    """Time, alarm id, event type, state of the alarm."""
    rang: dict[str, float] = {}
    """Alarm id -> when one of the items turned unpaid in it."""
    records: list[Ledger] = []
    reads: list[Heard] = []
    people: list[Count] = []
    pedestals: list[Eas] = []
    devices: dict[str, Device] = {}
    """The last word on each device up to `at`."""
    pictures: list[Picture] = []
    quiet: tuple[float, float] | None = None
    """The gap in the whole journal around `at`, where there is a long one."""


QUIET_S = 300.0
AFTERWARDS_S = 10.0
"""What was under way when the stretch ends is still judged; alarms do not expire, for nobody knows the answers to come."""


def inquire(layout: Layout, events: Iterable[Event], epcs: Sequence[str], at: float | None) -> Story:
    """Runs `events` through a fresh core and keeps what concerns `epcs` (upper-case hex), with a picture of the core at `at`."""
    return _Inquiry(layout, tuple(epcs), at).over(events)


class _Inquiry:
    def __init__(self, layout: Layout, epcs: tuple[str, ...], at: float | None) -> None:
        self.story = Story(epcs=epcs, at=at)
        self._wanted = frozenset(epcs)
        self._known = RecordSet()
        self._heard: dict[tuple[str, str], tuple[str, Verdict, LedgerAnswer]] = {}
        self._layout = replace(layout, rules=tuple((_Listening(rule, self._listen), params) for rule, params in layout.rules))
        self._runner = Runner(self._layout, self._known.find)

    def over(self, events: Iterable[Event]) -> Story:
        story = self.story
        for event in events:
            if story.at is not None and not story.pictures and heard_at(event) > story.at and not isinstance(event, State):
                self._take_picture(heard_at(event))
            self._take(event)
        if story.ended is not None:
            self._keep(self._runner.feed(Tick(at=story.ended + AFTERWARDS_S)))
        if not story.pictures:
            self._take_picture(None)
        keys = tuple(sorted({key for epc in story.epcs for key in ledger_keys(epc)}))
        story.records = sorted(self._known.find(keys), key=lambda record: (record.at, record.id))
        return story

    def _take(self, event: Event) -> None:
        if isinstance(event, State):
            self._runner.feed(event)
            for record in self._runner.state.view.records.values():
                self._known.add(record)
            return
        story = self.story
        heard = heard_at(event)
        story.began = heard if story.began is None else story.began
        story.ended = heard
        self._note(event)
        self._keep(self._runner.feed(event))

    def _note(self, event: Event) -> None:
        story = self.story
        match event:
            case Read() if event.epc in self._wanted:
                slot, late_s = f"{event.reader}/{event.antenna}", heard_at(event) - event.at
                level = (event.rssi_dbm, event.phase_rad, event.channel)
                story.reads.append(Heard(event.epc, event.at, event.gate, slot, *level, late_s))
            case Ledger() | Lookup():
                for record in event.records if isinstance(event, Lookup) else (event,):
                    self._known.add(record)
            case Count():
                story.people.append(event)
            case Eas():
                story.pedestals.append(event)
            case Device() if story.at is None or event.at <= story.at:
                story.devices[event.device] = event

    def _keep(self, effects: list[Effect]) -> None:
        story = self.story
        for effect in effects:
            if isinstance(effect, Decided) and effect.epc in self._wanted:
                rule, verdict, said = self._heard.get((effect.gate, effect.epc), (None, None, None))
                decisive = rule if verdict is not None and effect.direction in ("out", "unknown") else None
                story.judged.append(Judged(effect, self._runner.state.now, decisive, said))
                self._heard.pop((effect.gate, effect.epc), None)
            elif isinstance(effect, AlarmChanged) and self._wanted & {item.epc for item in effect.alarm.items}:
                story.transitions.append((effect.event_at, effect.alarm.id, effect.event_type, effect.alarm.state))
                if any(item.epc in self._wanted and item.state == "unpaid" for item in effect.alarm.items):
                    story.rang.setdefault(effect.alarm.id, effect.event_at)
            elif isinstance(effect, BindCredit):
                self._known.add(binding(effect.credit, effect.unit, effect.epc, effect.at))

    def _listen(self, name: str, passage: Passage, said: LedgerAnswer, verdict: Verdict) -> None:
        if passage.epc in self._wanted:
            self._heard[passage.gate, passage.epc] = (name, verdict, said)

    def _take_picture(self, following: float | None) -> None:
        story = self.story
        last = story.ended if story.ended is not None else story.at or 0.0
        at = last if story.at is None else story.at
        if story.ended is not None and (end := max(at, following or 0.0)) - story.ended > QUIET_S:
            story.quiet = (story.ended, end)
        for gate in self._runner.state.gates:
            catch_up(self._runner.state, gate)
        story.pictures = [self._picture(epc, at) for epc in story.epcs]

    def _picture(self, epc: str, at: float) -> Picture:
        state = self._runner.state
        identity = identify(epc)
        tracks = [tags[epc] for tags in state.tracks.values() if epc in tags]
        own = self._layout.owns(identity) or identity.gtin in state.articles
        said = FOREIGN
        if own and tracks:
            said = ledger_answer(self._layout, state, epc, at)
        elif own:
            said = answer(self._known.find(ledger_keys(epc)), identity, self._layout.policy, at)
        return Picture(
            at=at, epc=epc, own=own, answer=said, carried_in=state.carried_in.get(epc), doubts=doubts(state),
            gates=[self._mood(state, gate) for gate in state.gates], tracks=[_standing(track) for track in tracks],
        )  # fmt: skip

    def _mood(self, state: CoreState, name: str) -> Mood:
        gate = state.gates[name]
        muted = gate.muted_until if gate.muted_until > state.now else None
        return Mood(name, self._layout.gates[name].mode, muted, gate.disarmed, dict(gate.counters))


def _standing(track: Track) -> Standing:
    base = {slot: (round(base.mean_db, 1), round(math.sqrt(base.square_db), 1)) for slot, base in sorted(track.base.items())}
    return Standing(
        track.gate, track.state, track.reads, track.first_at, track.last_at, track.still_s, track.gone, base, track.inbound_at
    )


@dataclass
class _Listening:
    """A rule that tells what it decided."""

    rule: Rule
    tell: Callable[[str, Passage, LedgerAnswer, Verdict], None]

    def __post_init__(self) -> None:
        self.KINDS: tuple[str, ...] = self.rule.KINDS
        self.Params: type[RuleParams] = self.rule.Params

    def judge(self, passage: Passage, answer: LedgerAnswer, params: RuleParams, /) -> Verdict | None:
        verdict = self.rule.judge(passage, answer, params)
        if verdict is not None:
            self.tell(getattr(self.rule, "__name__", "?").rpartition(".")[2], passage, answer, verdict)
        return verdict
