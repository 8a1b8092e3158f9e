"""Runs a journal through the core that the daemon runs, as fast as the machine can. Same input, same bytes out.

Touches no database, broker or device: the ledger is what the journal says, and what an optional ledger file says.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from rfidguard.alarm import transition_message
from rfidguard.config import Config
from rfidguard.effects import AlarmChanged, BindCredit, Decided, Effect
from rfidguard.events import Count, Eas, Event, Ledger, Lookup, Read, State
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet, binding
from rfidguard.runner import Runner

Write = Callable[[bytes], object]

_encode = msgspec.json.Encoder().encode


@dataclass
class Summary:
    """What a replay came to. `refused`: events by reason that no gate of the configuration can take."""

    events: int = 0
    transitions: int = 0
    decisions: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def replay(
    config: Config,
    events: Iterable[Event],
    *,
    ledger: RecordSet | None = None,
    alarms: Write | None = None,
    decisions: Write | None = None,
    refused: Counter[str] | None = None,
) -> Summary:
    """Feeds `events` to a fresh core, lets every open deadline fire at the end, and hands out one line an effect.

    `alarms` gets the messages of `event/alarm`, `decisions` every passage judged. `ledger` is what is known beforehand.
    """
    layout = layout_from(config)
    known = RecordSet() if ledger is None else ledger
    runner = Runner(layout, known.find)
    out = _Outcome(Summary(refused=Counter() if refused is None else refused), known, alarms, decisions)
    for event in events:
        if isinstance(event, _AT_A_GATE) and event.gate not in layout.gates:
            out.summary.refused["unknown_gate"] += 1
            continue
        if isinstance(event, _NOT_PLAIN) and not _prepared(event, runner, known, out.summary.refused):
            continue
        out.summary.events += 1
        effects = runner.feed(event)
        if effects:
            out.carry_out(effects)
    out.carry_out(runner.finish())
    return out.summary


class _Outcome:
    """Where effects go in a replay: two writers, and the ledger's bindings; orders to devices and people go nowhere."""

    def __init__(self, summary: Summary, known: RecordSet, alarms: Write | None, decisions: Write | None) -> None:
        self.summary = summary
        self._known = known
        self._alarms = alarms
        self._decisions = decisions

    def carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, AlarmChanged):
                if not effect.notify:
                    continue
                self.summary.transitions += 1
                if self._alarms is not None:
                    self._alarms(_encode(transition_message(effect.alarm, effect.event_type, effect.event_at)) + b"\n")
            elif isinstance(effect, Decided):
                self.summary.decisions += 1
                if self._decisions is not None:
                    self._decisions(_encode(effect) + b"\n")
            elif isinstance(effect, BindCredit):
                self._known.add(binding(effect.credit, effect.unit, effect.epc, effect.at))


_AT_A_GATE = (Read, Eas, Count)
_NOT_PLAIN = (Ledger, Lookup, State)


def _prepared(event: Event, runner: Runner, known: RecordSet, refused: Counter[str]) -> bool:
    """What the world does before the core hears of an event: the ledger stores it. False where the core is not to hear it."""
    if isinstance(event, Ledger):
        known.add(event)
    elif isinstance(event, Lookup):
        for record in event.records:
            known.add(record)
    elif isinstance(event, State):
        try:
            runner.feed(event)
        except (msgspec.ValidationError, KeyError, TypeError):
            refused["bad_state"] += 1
        return False
    return True


def ledger_from(events: Iterable[Event], refused: Counter[str]) -> RecordSet:
    """The ledger that a journal of `ledger` lines stands for; lines of any other type are counted as not_ledger."""
    known = RecordSet()
    for event in events:
        if isinstance(event, Ledger):
            known.add(event)
        else:
            refused["not_ledger"] += 1
    return known
