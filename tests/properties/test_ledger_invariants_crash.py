"""A box that dies between any two steps: the database, the journal and what the core decides agree again after each start."""

import os
from collections import Counter

from gatework import EPCS, GTINS, Gate, offline
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from walks import T0

from rfidguard.clock import SystemClock
from rfidguard.effects import BindCredit, Effect
from rfidguard.events import Event, Ledger
from rfidguard.journal import decode_lines, encode_line
from rfidguard.ledger import credits_kept_s
from rfidguard.ledger_db import bind_credit, records_for, store_records, voids_before
from rfidguard.runner import Runner
from rfidguard.store import Store

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
KINDS = ("sold", "sold", "returned", "stock_in", "reserved", "shipped")
UNTOLD = 9
"""It dies before the core hears of a record that is on disk."""
DEATHS = st.sampled_from([None, None, None, UNTOLD, 0, 1, 2])
LATEST_S = 1700.0
"""Beyond it the core would have forgotten its first exits."""


class Box(Gate):
    """A gate on a real database, with a journal. `left`: so many effects are carried out yet, then it dies; None: it lives."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.journal: list[bytes | tuple[str, float, str]] = []
        self.left: int | None = None
        super().__init__()
        self._begin(Runner(self.layout, self.find))

    def find(self, keys: tuple[str, ...]) -> tuple[Ledger, ...]:
        policy = self.layout.policy
        since = self.runner.state.now - credits_kept_s(policy.credit_ttl_s, policy.credit_grace_s)
        return tuple(self.store.read(lambda conn: records_for(conn, keys, since)))

    def keep(self, record: Ledger) -> None:
        """The till's sale is on disk; the core may never have heard of it."""
        self.store.write(lambda conn: store_records(conn, [record], record.at)).result(10)
        self.heard.append(record)

    def leave(self, epc: str, at: float, direction: str = "out") -> None:
        super().leave(epc, at, direction)
        self.journal.append((epc, at, direction))

    def resume(self) -> None:
        """The newest snapshot, every line after it, then what the database knows beyond that."""
        tail = list(self.journal)
        exits, self.exits = self.exits, []
        self.left = None
        self.runner = Runner(self.layout, self.find)
        for entry in tail:
            if isinstance(entry, bytes):
                for event in decode_lines([entry], Counter()):
                    self._carry_out(self.runner.feed(event))
            else:
                Gate.leave(self, *entry)
        self.exits = exits
        self._carry_out(self.runner.recheck())
        self._begin(self.runner)

    def rotate(self) -> None:
        self._begin(self.runner)

    def _begin(self, runner: Runner) -> None:
        self.runner = runner
        self.journal = [encode_line(runner.snapshot(runner.state.now))]
        runner.record_to(self._write)

    def _write(self, event: Event) -> None:
        self.journal.append(encode_line(event))

    def _carry_out(self, effects: list[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            if self.left == 0:
                continue
            self.left = None if self.left is None else self.left - 1
            if isinstance(effect, BindCredit):
                self.store.write(lambda conn, effect=effect: bind_credit(conn, effect)).result(10)


class Shop(RuleBasedStateMachine):
    """Sales come in, items leave, and the box dies: before a sale is told to the core, and before, between or after the effects
    of a sale or an exit."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store("sqlite://", SystemClock())
        self.store.open()
        self.box = Box(self.store)
        self.now = 0.0
        self.number = 0
        self.last_left: dict[str, float] = {}

    @rule(seconds=st.sampled_from([0.0, 1.0, 20.0, 90.0, 300.0]))
    @precondition(lambda self: self.now < LATEST_S - 300)
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(epc=st.sampled_from(EPCS), kind=st.sampled_from(KINDS), age=st.sampled_from([0.0, 5.0, 200.0]), dies=DEATHS)
    def an_item_is_rung_up(self, epc: str, kind: str, age: float, dies: int | None) -> None:
        self._sale(Ledger(at=self._at(age), id=self._name(), kind=kind, epc=epc), dies)

    @rule(gtin=st.sampled_from(GTINS), age=st.sampled_from([0.0, 5.0, 200.0]), quantity=st.integers(1, 2), dies=DEATHS)
    def an_article_is_rung_up(self, gtin: str, age: float, quantity: int, dies: int | None) -> None:
        self._sale(Ledger(at=self._at(age), id=self._name(), kind="sold", gtin=gtin, quantity=quantity), dies)

    @rule(back=st.integers(-2, 6), dies=DEATHS)
    def a_sale_is_undone(self, back: int, dies: int | None) -> None:
        """Also one that is yet to come."""
        record = Ledger(at=T0 + self.now, id=f"v{self.number}.{back}", kind="void", ref=f"d{self.number - back}/1")
        if all(known.id != record.id for known in self.box.heard):
            self._sale(record, dies)

    @rule(back=st.integers(0, 6))
    def a_till_sends_again(self, back: int) -> None:
        """It had no answer; what is on disk already changes nothing."""
        again = self.box.heard[-back - 1 :][:1]
        assert set(self.store.write(lambda conn: store_records(conn, again, T0)).result(10)) <= {"duplicate"}

    @rule(epc=st.sampled_from(EPCS), dies=DEATHS)
    def an_item_leaves(self, epc: str, dies: int | None) -> None:
        if self.now - self.last_left.get(epc, -100.0) < 75.0:
            return
        self.last_left[epc] = self.now
        self.box.left = dies
        self.box.leave(epc, self.now)
        if dies is not None:
            self.box.resume()

    @rule()
    def the_journal_is_rotated(self) -> None:
        self.box.rotate()

    @rule()
    def the_box_is_restarted(self) -> None:
        self.box.resume()

    @invariant()
    def what_stands_is_what_everything_known_says(self) -> None:
        assert self.box.unpaid() == offline(self.box.heard, self.box.exits)

    def teardown(self) -> None:
        self.store.close()

    def _sale(self, record: Ledger, dies: int | None) -> None:
        self.box.keep(record)
        if dies == UNTOLD:
            self.box.resume()
            return
        self.box.left = dies
        for news in (*self.store.read(lambda conn: voids_before(conn, record)), record):  # as the ledger desk does
            self.box.tell(news, self.now)
        if dies is not None:
            self.box.resume()

    def _at(self, age: float) -> float:
        return T0 + max(self.now - age, 0.0)

    def _name(self) -> str:
        self.number += 1
        return f"d{self.number}/1"


def test_a_box_that_dies_between_any_two_steps_says_what_it_should() -> None:
    examples = 2000 if LONG else 30
    run_state_machine_as_test(Shop, settings=settings(max_examples=examples, stateful_step_count=25, deadline=None))
