"""Why it rang, or why it stayed silent: the journal runs through the core again, and what concerns one item is kept. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from rfidguard.alarm import utc_text
from rfidguard.config import Config
from rfidguard.effects import AlarmChanged, BindCredit, Decided, Effect
from rfidguard.epc import identify
from rfidguard.events import Event, Ledger, Lookup, Read, State
from rfidguard.forget import ledger_keys
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet, binding
from rfidguard.reasons import reason_text
from rfidguard.runner import Runner


class Story(msgspec.Struct, kw_only=True):
    """All that the journal tells of some EPCs: passages judged, alarms, ledger records, and where the reads were heard."""

    epcs: tuple[str, ...]
    decisions: list[Decided] = []
    transitions: list[tuple[float, str, str, str]] = []
    """Time, alarm id, event type, state."""
    records: list[Ledger] = []
    reads: list[tuple[str, float, str, float]] = []
    """EPC, time, "reader/antenna", RSSI (dBm)."""


def tell(config: Config, events: Iterable[Event], epcs: Iterable[str], *, keep_reads: bool = False) -> Story:
    """Runs `events` through a fresh core and keeps what concerns `epcs` (upper-case hex)."""
    story = Story(epcs=tuple(epcs))
    wanted = frozenset(story.epcs)
    keys = frozenset(key for epc in wanted for key in ledger_keys(epc))
    known = RecordSet()
    runner = Runner(layout_from(config), known.find)
    for event in events:
        if isinstance(event, State):
            runner.feed(event)
            continue
        if isinstance(event, Ledger | Lookup):
            for record in event.records if isinstance(event, Lookup) else (event,):
                known.add(record)
        elif keep_reads and isinstance(event, Read) and event.epc in wanted:
            story.reads.append((event.epc, event.at, f"{event.reader}/{event.antenna}", event.rssi_dbm))
        _keep(story, wanted, known, runner.feed(event))
    _keep(story, wanted, known, runner.finish())
    story.records = sorted(known.find(tuple(sorted(keys))), key=lambda record: (record.at, record.id))
    return story


def _keep(story: Story, wanted: frozenset[str], known: RecordSet, effects: list[Effect]) -> None:
    for effect in effects:
        if isinstance(effect, Decided) and effect.epc in wanted:
            story.decisions.append(effect)
        elif isinstance(effect, AlarmChanged) and wanted & {item.epc for item in effect.alarm.items}:
            story.transitions.append((effect.event_at, effect.alarm.id, effect.event_type, effect.alarm.state))
        elif isinstance(effect, BindCredit):
            known.add(binding(effect.credit, effect.unit, effect.epc, effect.at))


def near(story: Story, at: float, reach_s: float) -> Story:
    """The part of a story within `reach_s` of `at`; ledger records are kept whole."""
    return Story(
        epcs=story.epcs,
        decisions=[entry for entry in story.decisions if abs(entry.at - at) <= reach_s],
        transitions=[entry for entry in story.transitions if abs(entry[0] - at) <= reach_s],
        records=story.records,
        reads=[entry for entry in story.reads if abs(entry[1] - at) <= reach_s],
    )


def story_message(story: Story) -> dict[str, Any]:
    """The story as one JSON object."""
    return {
        "epcs": list(story.epcs),
        "items": [msgspec.to_builtins(identify(epc)) for epc in story.epcs],
        "decisions": [
            {**msgspec.to_builtins(entry), "at": utc_text(entry.at), "text": reason_text(entry.reason)}
            for entry in story.decisions
        ],
        "alarms": [
            {"at": utc_text(at), "alarm": name, "event_type": kind, "state": state} for at, name, kind, state in story.transitions
        ],
        "ledger": [msgspec.to_builtins(record) for record in story.records],
    }


TERM_WORDS = {
    "prior": "before any evidence",
    "rise_fall": "rise and fall of the signal",
    "phase": "phase steps on one channel",
    "turn": "phase turned within a second",
    "ripple": "level wavered within a second",
    "handover": "louder side moved between the zones",
    "few_reads": "heard only a few times",
    "presence": "people counted at the gate",
    "stood": "had stood near the gate",
    "rise": "louder outside than it was on its shelf",
    "new": "had only just come into view",
    "flips": "had seemed to leave before",
    "company": "went with others that left",
    "place": "where it was: out (+) or come in (-), log-odds",
    "side_db": "louder outside at the end (dB)",
    "span_db": "span of the level (dB)",
    "reads": "reads",
    "motion": "MOTION, sum",
    "direction": "DIRECTION (+ out, - in)",
}
"""Every term of a decision in words."""
