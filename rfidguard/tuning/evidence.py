"""What a site's own history says: its alarms with what staff said of them, and how goods passed its gates. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from rfidguard.effects import Decided
from rfidguard.events import Event, Site
from rfidguard.exit_tally import SOLD, UNKNOWN, UNSOLD, Passed
from rfidguard.tuning.rung import SILENT, Rung, RungItem
from rfidguard.tuning.staff import OPEN, RIGHT, Said, Words

NEAR_S = 10.0
"""A passage and the alarm made of it lie closer together than this."""


class Case(msgspec.Struct, frozen=True):
    """One alarm and what is known of its cause."""

    rung: Rung
    said: Said

    @property
    def meaning(self) -> str:
        return self.said.meaning

    def outcome_of(self, item: RungItem) -> str | None:
        return self.said.items.get(item.epc) or self.said.outcome


class Way(msgspec.Struct, frozen=True):
    """One passage of an own item: when it crossed, at which gate, and in which direction ("in", "out", "unknown")."""

    at: float
    gate: str
    direction: str


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """`ways`: EPC -> its passages, in order. `full_count`: whether all stock was ever counted. `learned_ttl_s`: for how long a
    sale of an article pays, as learned.
    """

    cases: tuple[Case, ...] = ()
    passed: Passed = Passed()
    ways: dict[str, list[Way]] = {}
    full_count: bool = False
    learned_ttl_s: float | None = None

    def answered(self, cases: Iterable[Case] | None = None) -> list[Case]:
        """Those whose cause is known."""
        return [case for case in (self.cases if cases is None else cases) if case.meaning != OPEN]

    def came_in_at(self, epc: str, before: float) -> float | None:
        """When an item was last carried in before a moment."""
        ins = [way.at for way in self.ways.get(epc, ()) if way.direction == "in" and way.at < before]
        return max(ins, default=None)

    def direction_of(self, rung: Rung, item: RungItem) -> str | None:
        """Which way an alarm's item went, as far as its gate could tell."""
        near = [way for way in self.ways.get(item.epc, ()) if way.gate == rung.gate and abs(way.at - item.first_at) <= NEAR_S]
        return min(near, key=lambda way: abs(way.at - item.first_at)).direction if near else None


def right(cases: Iterable[Case]) -> list[Case]:
    """Those that rang for unpaid goods."""
    return [case for case in cases if case.meaning == RIGHT]


class Gathering:
    """Listens to one replay for evidence."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()
        self._ways: dict[str, list[Way]] = {}
        self._learned_ttl_s: float | None = None

    def decided(self, decision: Decided) -> None:
        """A passage was judged."""
        if decision.reason in (*SOLD, *UNSOLD, *UNKNOWN):
            self._reasons[decision.reason] += 1
        if decision.epc and decision.reason != "foreign" and decision.direction in ("in", "out", "unknown"):
            way = Way(decision.at, decision.gate, decision.direction)
            self._ways.setdefault(decision.epc, []).append(way)

    def heard(self, event: Event) -> None:
        """An event of the journal."""
        if isinstance(event, Site) and event.credit_ttl_s is not None:
            self._learned_ttl_s = event.credit_ttl_s

    def evidence(self, alarms: Sequence[Rung], words: Words, full_count: bool) -> Evidence:
        """All that was heard, joined with what staff said."""
        return Evidence(
            cases=tuple(Case(rung, words.of(rung)) for rung in alarms if rung.sound > SILENT),
            passed=Passed(*(sum(self._reasons[reason] for reason in reasons) for reasons in (SOLD, UNSOLD, UNKNOWN))),
            ways=self._ways,
            full_count=full_count,
            learned_ttl_s=self._learned_ttl_s,
        )
