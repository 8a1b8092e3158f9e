"""Step 4: what the sold-items ledger says of one item. Pure: a grow-only set of records, and a function of that set.

The state of an item depends on which records are known, never on the order in which they came.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from rfidguard.epc import Identity, credit_key, identify, item_key
from rfidguard.events import Ledger

LEFT_KINDS = ("sold", "shipped", "released", "retired")
"""Kinds after which an item may leave. Everything else leaves it armed."""

Find = Callable[[tuple[str, ...]], tuple[Ledger, ...]]
"""A ledger as the core sees it: every record that concerns some keys."""

BOUND = "bound"
"""The kind of a record that says which EPC used a unit of a credit. Made by the core, never heard from a till."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger's silence is read: `mode` serialised | gtin | mixed; `unknown_epc` observe | stock_only | strict."""

    mode: str = "mixed"
    unknown_epc: str = "observe"
    credit_ttl_s: float = 900.0


class LedgerAnswer(msgspec.Struct, frozen=True):
    """`state`: sold, armed, reserved, foreign or unknown. `by` is the record that decides, `at` its time.

    `credit` and `unit` are set where an article's credit would have to be bound to this EPC.
    """

    state: str
    by: str | None = None
    kind: str | None = None
    at: float | None = None
    credit: str | None = None
    unit: int | None = None


FOREIGN = LedgerAnswer("foreign")


def record_key(record: Ledger) -> str | None:
    """The ledger key under which a record is found; None for a void, which is found by what it undoes."""
    if record.kind == "void":
        return None
    if record.epc is not None and record.kind != BOUND:
        return identify(record.epc).key
    if record.gtin is not None:
        return item_key(record.gtin, record.serial) if record.serial is not None else credit_key(record.gtin)
    return None


def document_of(record_id: str) -> str:
    """The id of the document that a line's id (`ID/line`) belongs to."""
    return record_id.rpartition("/")[0]


class RecordSet(msgspec.Struct):
    """A ledger in memory: grow-only, idempotent by id, in any order."""

    records: dict[str, Ledger] = msgspec.field(default_factory=dict)
    by_key: dict[str, list[str]] = msgspec.field(default_factory=dict)
    by_ref: dict[str, list[str]] = msgspec.field(default_factory=dict)

    def add(self, record: Ledger) -> bool:
        """Takes a record in. False (and no change) where its id is known."""
        if record.id in self.records:
            return False
        self.records[record.id] = record
        key = record_key(record)
        if key is not None:
            self.by_key.setdefault(key, []).append(record.id)
        if record.ref is not None:
            self.by_ref.setdefault(record.ref, []).append(record.id)
        return True

    def find(self, keys: Iterable[str]) -> tuple[Ledger, ...]:
        """Every record with one of `keys`, the voids that hit them and the bindings of their sales."""
        found = [self.records[name] for key in keys for name in self.by_key.get(key, ())]
        return (*found, *self._about(found))

    def _about(self, found: Sequence[Ledger]) -> Iterable[Ledger]:
        names = dict.fromkeys(name for record in found for name in _names(record.id))
        return (self.records[about] for name in names for about in self.by_ref.get(name, ()))

    def drop(self, key: str) -> None:
        """Forgets what was known under `key`. Only for a view of a ledger that is kept whole elsewhere."""
        for name in self.by_key.pop(key, ()):
            del self.records[name]
            for ref in _names(name):
                for about in self.by_ref.pop(ref, ()):
                    self.records.pop(about, None)

    def hits(self, void: Ledger) -> bool:
        """True where `void` undoes a record that is known here."""
        return any(void.ref in _names(name) for name in self.records)


def answer(records: Sequence[Ledger], identity: Identity, policy: Policy, at: float) -> LedgerAnswer:
    """What is known of the item at time `at` (Unix seconds). `records` may hold more than concerns it.

    The last record of the item decides (a tie goes to the one that lets it leave); without one that lets it leave, an
    article's credit does: one already bound to this EPC, else the oldest free unit no older than the time to live.
    """
    gone = {record.ref for record in records if record.kind == "void"}
    valid = [record for record in records if record.kind != "void" and gone.isdisjoint(_names(record.id))]
    own = [record for record in valid if record_key(record) == identity.key]
    last = max(own, key=_rank, default=None)
    if last is not None and last.kind in LEFT_KINDS:
        return LedgerAnswer("sold", last.id, last.kind, last.at)
    if policy.mode != "serialised" and identity.gtin is not None:
        by_credit = _credit_answer(valid, identity, policy, at, -1.0 if last is None else last.at)
        if by_credit is not None:
            return by_credit
    if last is None:
        return LedgerAnswer("unknown")
    return LedgerAnswer("reserved" if last.kind == "reserved" else "armed", last.id, last.kind, last.at)


def _credit_answer(
    valid: Sequence[Ledger], identity: Identity, policy: Policy, at: float, not_before: float
) -> LedgerAnswer | None:
    article = credit_key(identity.gtin or "")
    sales = sorted((r for r in valid if record_key(r) == article and r.kind == "sold"), key=lambda r: (r.at, r.id))
    known = {credit.id for credit in sales}
    bound = [record for record in valid if record.kind == BOUND and record.ref in known]
    for binding in bound:
        if binding.epc == identity.epc and binding.at >= not_before:
            return LedgerAnswer("sold", binding.ref, "sold", binding.at)
    used = {binding.id for binding in bound}
    returns = sorted((r for r in valid if record_key(r) == article and r.kind == "returned"), key=lambda r: (r.at, r.id))
    free = [(c, unit) for c in sales for unit in range(c.quantity) if f"{c.id}#{unit}" not in used]
    for back in returns:
        _take_back(free, back)
    for credit, unit in free:
        if credit.at >= not_before and at - credit.at <= policy.credit_ttl_s:
            return LedgerAnswer("sold", credit.id, "sold", credit.at, credit.id, unit)
    return None


def _take_back(free: list[tuple[Ledger, int]], back: Ledger) -> None:
    """A return by quantity cancels the latest unused units sold before it; what is left of it is not carried forward."""
    sold_before = [entry for entry in free if entry[0].at <= back.at]
    for entry in sold_before[max(len(sold_before) - back.quantity, 0) :]:
        free.remove(entry)


def _names(record_id: str) -> tuple[str, ...]:
    """What a void may call a record: its own id, or that of its document."""
    document = document_of(record_id)
    return (record_id, document) if document else (record_id,)


def _rank(record: Ledger) -> tuple[float, bool, str]:
    return record.at, record.kind in LEFT_KINDS, record.id


def binding(credit: str, unit: int, epc: str, at: float) -> Ledger:
    """The record that unit `unit` of `credit` is used by `epc` from `at` on."""
    return Ledger(at=at, id=f"{credit}#{unit}", kind=BOUND, epc=epc, ref=credit)
