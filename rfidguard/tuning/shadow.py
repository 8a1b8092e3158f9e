"""A core that lives through a site's journal under other settings than the site had then: what would it have done? Pure.

It begins with the first snapshot and remembers by itself from then on: a later snapshot is the memory of the settings that were
live, and would wash its own away. Only after a gap (the program stood still) it takes a snapshot over, with its own alarms.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from rfidguard.config import Config, LedgerPolicy
from rfidguard.effects import BindCredit, Decided, Effect
from rfidguard.events import Answer, Count, Eas, Event, Ledger, Lookup, Read, Site, State, Tick, heard_at
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet, binding
from rfidguard.runner import Runner
from rfidguard.tuning.rung import Heard, Rung, passage_of

GAP_S = 60.0
"""Who stands still so long misses whole passages; a change of files takes less than a second."""

Listen = Callable[[Decided], None]


class Shadow:
    """One core under `config`, fed with the events of a journal in order. `decided` hears of every passage it judges.

    `bad_states`: snapshots that could not be read.
    """

    def __init__(self, config: Config, decided: Listen | None = None) -> None:
        self._policy = config.ledger
        self._layout = layout_from(config)
        self._known = RecordSet()
        self._runner = Runner(self._layout, self._known.find)
        self._heard = Heard()
        self._decided = decided
        self._names: dict[str, str] = {}
        self._begun = False
        self.bad_states = 0

    def feed(self, event: Event) -> None:
        """One event of the journal."""
        if isinstance(event, _AT_A_GATE):
            if event.gate in self._layout.gates:
                self._take(event)
        elif isinstance(event, State):
            self._snapshot(event)
        else:
            self._take(self._prepared(event))

    def end(self) -> None:
        """The journal is over: everything that is open comes to its end."""
        self._carry_out(self._runner.finish())

    def alarms(self) -> list[Rung]:
        """Every alarm that it raised, in order."""
        return list(self._heard.rung.values())

    def _take(self, event: Event) -> None:
        self._begun = True
        self._carry_out(self._runner.feed(event))

    def _carry_out(self, effects: list[Effect]) -> None:
        if not effects:
            return
        known = len(self._heard.rung)
        self._heard.take(effects)
        if len(self._heard.rung) > known:
            self._names |= {passage_of(name): name for name in list(self._heard.rung)[known:]}
        for effect in effects:
            if isinstance(effect, BindCredit):
                self._known.add(binding(effect.credit, effect.unit, effect.epc, effect.at))
            elif self._decided is not None and isinstance(effect, Decided):
                self._decided(effect)

    def _prepared(self, event: Event) -> Event:
        """The event as this core has to hear it, with the ledger up to date."""
        match event:
            case Ledger():
                self._known.add(event)
            case Lookup():
                for record in event.records:
                    self._known.add(record)
            case Site():
                return msgspec.structs.replace(event, credit_ttl_s=_credit_ttl_s(event.credit_ttl_s, self._policy))
            case Answer() if event.alarm not in self._heard.rung:
                mine = self._names.get(passage_of(event.alarm), event.alarm)
                return msgspec.structs.replace(event, alarm=mine)
        return event

    def _snapshot(self, state: State) -> None:
        now = self._runner.state.now
        if self._begun and heard_at(state) - now <= GAP_S:
            return
        if self._begun:
            self._take(Tick(at=heard_at(state)))
        own = msgspec.to_builtins(self._runner.state.incidents) if self._begun else None
        try:
            self._runner.feed(msgspec.structs.replace(state, snapshot=_adopted(state.snapshot, own, self._policy)))
        except (msgspec.ValidationError, KeyError, TypeError):
            self.bad_states += 1
            return
        self._begun = True
        for record in self._runner.state.view.records.values():
            self._known.add(record)


_AT_A_GATE = (Read, Eas, Count)


def _adopted(snapshot: dict[str, Any], incidents: Any, policy: LedgerPolicy) -> dict[str, Any]:
    """A snapshot as another core takes it over: with the alarms of its own (None: those of the snapshot)."""
    site = dict(snapshot.get("site") or {})
    site["credit_ttl_s"] = _credit_ttl_s(site.get("credit_ttl_s"), policy)
    return {**snapshot, "site": site} if incidents is None else {**snapshot, "site": site, "incidents": incidents}


def _credit_ttl_s(learned: float | None, policy: LedgerPolicy) -> float | None:
    """The learned time as far as these settings let it count."""
    if learned is None or not policy.credit_ttl_learn:
        return None
    return min(max(learned, policy.credit_ttl_min_s), max(policy.credit_ttl_max_s, policy.credit_ttl_min_s))
