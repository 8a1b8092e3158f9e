"""The core in motion: the one loop that the daemon, a replay and a test all use. It reads no clock; time is in the events."""

from collections.abc import Callable

from rfidguard.alarm import OPEN_STATES
from rfidguard.core_state import CoreState, from_snapshot, new_state, to_snapshot
from rfidguard.effects import AskLedger, Effect
from rfidguard.epc import identify
from rfidguard.events import Article, Event, Lookup, Read, State, Tick, heard_at
from rfidguard.forget import ledger_keys
from rfidguard.layout import Layout
from rfidguard.ledger import Find
from rfidguard.overlook import made_ready
from rfidguard.pipeline import advance, due, step, taken_in

FindArticles = Callable[[tuple[str, ...]], tuple[Article, ...]]
"""A catalogue as the core sees it: what it says of the articles among some ledger keys."""

CALM_S = 2.0
"""Nearly all who ring do so this soon after they were counted."""


class Runner:
    """Feeds events to the core in order, answers its questions to the ledger, and records what it consumed."""

    def __init__(
        self,
        layout: Layout,
        lookup: Find,
        record: Callable[[Event], None] | None = None,
        state: CoreState | None = None,
    ) -> None:
        self.layout = layout
        self.state = state or new_state(layout)
        self._lookup = lookup
        self._record = record or _unrecorded
        self._articles: FindArticles = _no_articles
        self._due = due(layout, self.state)
        for gate in layout.gates.values():
            made_ready(gate)

    def feed(self, event: Event) -> list[Effect]:
        """One event: first everything that was due before it, then the event itself. The effects, in order."""
        if type(event) is Read:
            return self._feed_read(event)
        if isinstance(event, State):
            self.state = from_snapshot(self.layout, event.snapshot)
            self._due = due(self.layout, self.state)
            return []
        effects: list[Effect] = []
        heard = heard_at(event)
        at = due(self.layout, self.state)
        if at is not None and at <= heard:
            effects += advance(self.layout, self.state, heard)
            self._due = due(self.layout, self.state)
            if isinstance(event, Tick):
                self._record(event)
        elif heard > self.state.now:
            self.state.now = heard
        if isinstance(event, Tick):
            return effects
        self._record(event)
        effects += self._resolved(step(self.layout, self.state, event))
        self._due = due(self.layout, self.state)
        return effects

    def _feed_read(self, read: Read) -> list[Effect]:
        """The same for by far the most frequent event. A read can only bring its gate's look nearer: `due` need not be asked."""
        state = self.state
        heard = read.at if read.received is None else read.received
        effects: list[Effect] = []
        if self._due is not None and self._due <= heard:
            effects = advance(self.layout, state, heard)
            self._due = due(self.layout, state)
        elif heard > state.now:
            state.now = heard
        self._record(read)
        if found := taken_in(self.layout, state, read):
            effects += self._resolved(found)
        gate = state.gates.get(read.gate)
        if gate is None:
            self._due = due(self.layout, state)
        elif gate.next_look is not None and (self._due is None or gate.next_look < self._due):
            self._due = gate.next_look
        return effects

    def name_from(self, articles: FindArticles) -> None:
        """From now on articles are called what `articles` says."""
        self._articles = articles

    def relaid(self, layout: Layout) -> list[Effect]:
        """Goes on with another layout of the same gates: tags in view that are own goods by it are own goods from now on."""
        self.layout = layout
        for track in [track for tracks in self.state.tracks.values() for track in tracks.values() if not track.own]:
            if layout.owns(identify(track.epc)):
                track.own = True
                self.state.asked |= dict.fromkeys(ledger_keys(track.epc), 1)
        return self.recheck()

    def record_to(self, record: Callable[[Event], None]) -> None:
        """From now on every event consumed is handed to `record`, before it takes effect."""
        self._record = record

    def deadline(self) -> float | None:
        """When a Tick should come next if no event does; None: never."""
        return self._due

    def calm(self) -> bool:
        """Nobody was counted a moment ago, and no tag is leaving: the core may be made to wait without delaying an alarm."""
        gates, now = self.state.gates.values(), self.state.now
        if any(now - at < CALM_S for gate in gates for at, _ in gate.presence.counts):
            return False
        return not any(track.leaving for gate in gates for track in gate.looking.lively.values())

    def changed(self) -> None:
        """The state was changed by others than events: finds anew what is due next."""
        self._due = due(self.layout, self.state)

    def finish(self) -> list[Effect]:
        """Lets time pass until nothing is due any more."""
        effects: list[Effect] = []
        while (at := due(self.layout, self.state, ended=True)) is not None:
            effects += advance(self.layout, self.state, at, ended=True)
        return effects

    def follow(self, keys: tuple[str, ...]) -> None:
        """Makes the core's view of the ledger follow these keys, for alarms taken over from elsewhere."""
        fresh = tuple(key for key in keys if key not in self.state.asked)
        for key in keys:
            self.state.asked[key] = self.state.asked.get(key, 0) + 1
        if fresh:
            self._resolved([AskLedger(fresh)])
        self._due = due(self.layout, self.state)

    def recheck(self) -> list[Effect]:
        """Asks the ledger again about every item in view or of an open alarm: a sale may have come in while nobody listened."""
        open_ones = [known.alarm for known in self.state.incidents.values() if known.alarm.state in OPEN_STATES]
        items = [key for alarm in open_ones for item in alarm.items for key in ledger_keys(item.epc)]
        keys = dict.fromkeys((*self.state.asked, *items))
        effects = self._resolved([AskLedger(tuple(keys))]) if keys else []
        self._due = due(self.layout, self.state)
        return effects

    def snapshot(self, at: float) -> State:
        """The state of the core as a journal event."""
        return State(at=at, snapshot=to_snapshot(self.state))

    def _resolved(self, effects: list[Effect]) -> list[Effect]:
        done: list[Effect] = []
        for effect in effects:
            if isinstance(effect, AskLedger):
                records = self._lookup(effect.keys)
                articles = self._articles(effect.keys)
                answer = Lookup(at=self.state.now, keys=effect.keys, records=records, articles=articles)
                if records or articles:
                    self._record(answer)
                done += step(self.layout, self.state, answer)
            else:
                done.append(effect)
        return done


def _no_articles(_keys: tuple[str, ...]) -> tuple[Article, ...]:
    """Where there is no catalogue."""
    return ()


def _unrecorded(_event: Event) -> None:
    """Where nobody keeps a journal."""
