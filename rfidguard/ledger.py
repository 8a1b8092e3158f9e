"""Step 4: what the sold-items ledger says of one item. Pure: a grow-only set of records, and a function of that set.

The state of an item depends on which records are known, never on the order in which they came.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import msgspec

from rfidguard.credits import Claim, units_used
from rfidguard.epc import Identity, credit_key, identify, item_key
from rfidguard.events import Ledger

LEFT_KINDS = ("sold", "shipped", "released", "retired")
"""Kinds after which an item may leave. Everything else leaves it armed."""

Find = Callable[[tuple[str, ...]], tuple[Ledger, ...]]
"""A ledger as the core sees it: every record that concerns some keys."""

BOUND = "bound"
"""The kind of a record that says which EPC used a unit of a credit. Made by the core, never heard from a till."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger's silence is read: `mode` serialised | gtin | mixed; `unknown_epc` observe | stock_only | strict.

    A credit pays for an item that leaves at most `credit_ttl_s` after it, or `credit_grace_s` before it (a late sale).
    `credit_authority`: the sources whose lines without an EPC count; none: those of all. See `mints`.
    """

    mode: str = "mixed"
    unknown_epc: str = "observe"
    credit_ttl_s: float = 900.0
    credit_grace_s: float = 120.0
    credit_authority: tuple[str, ...] = ()


class LedgerAnswer(msgspec.Struct, frozen=True):
    """`state`: sold, armed, reserved, personal, foreign or unknown. `by` is the record that decides, `at` its time.

    `credit` and `unit` are set where an article's credit would have to be bound to this EPC. `takes_over`: somebody who had
    left before that was sold goes without it then. `sold_before`: when this item had been sold on another document before,
    without having come back since.
    """

    state: str
    by: str | None = None
    kind: str | None = None
    at: float | None = None
    credit: str | None = None
    unit: int | None = None
    takes_over: bool = False
    sold_before: float | None = None


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


def mints(record: Ledger, authority: Sequence[str]) -> bool:
    """Whether a line that names only an article counts as a unit sold (or returned): two feeds that tell of the same receipt
    under different ids would count it twice. "mqtt" stands for every lane of it, "mqtt:3".
    """
    source = record.source
    return not authority or source is None or any(source == name or source.startswith(f"{name}:") for name in authority)


def credits_kept_s(ttl_s: float, grace_s: float) -> float:
    """How old credits, from when they were sold, can still decide about an item that leaves now: their users may yet change."""
    return _settled_s(ttl_s, grace_s) + ttl_s + grace_s


def _settled_s(ttl_s: float, grace_s: float) -> float:
    """So long after an item left with a credit nobody's leaving can take it over any more."""
    return 2 * (ttl_s + grace_s)


class RecordSet(msgspec.Struct):
    """A ledger in memory: grow-only, idempotent by id, in any order."""

    records: dict[str, Ledger] = msgspec.field(default_factory=dict)
    by_key: dict[str, list[str]] = msgspec.field(default_factory=dict)
    by_ref: dict[str, list[str]] = msgspec.field(default_factory=dict)
    by_document: dict[str, int] = msgspec.field(default_factory=dict)
    """Document -> how many records of it are here, voids apart."""

    def add(self, record: Ledger) -> bool:
        """Takes a record in. False (and no change) where its id is known."""
        if record.id in self.records:
            return False
        self.records[record.id] = record
        key = record_key(record)
        if key is not None:
            self.by_key.setdefault(key, []).append(record.id)
            self._count(document_of(record.id), 1)
        if record.ref is not None:
            self.by_ref.setdefault(record.ref, []).append(record.id)
        return True

    def find(self, keys: Iterable[str]) -> tuple[Ledger, ...]:
        """Every record with one of `keys`, the voids that hit them, who used their credits, and what is known of those items."""
        found = self._with_key(dict.fromkeys(keys))
        users = dict.fromkeys(
            identify(record.epc).key for record in self._about(found) if record.kind == BOUND and record.epc is not None
        )
        names = {record.id for record in found}
        found += [record for record in self._with_key(users) if record.id not in names]
        return (*found, *self._about(found))

    def drop(self, key: str) -> None:
        """Forgets what was known under `key`. Only for a view of a ledger that is kept whole elsewhere."""
        for name in self.by_key.pop(key, ()):
            del self.records[name]
            others = self._count(document_of(name), -1)
            for ref in (name,) if others else _names(name):
                for about in self.by_ref.pop(ref, ()):
                    self.records.pop(about, None)

    def drop_void(self, name: str) -> None:
        """Forgets a void that has nothing to undo here."""
        void = self.records.get(name)
        if void is not None and void.ref is not None and not self.hits(void):
            del self.records[name]
            self.by_ref[void.ref].remove(name)
            if not self.by_ref[void.ref]:
                del self.by_ref[void.ref]

    def hits(self, void: Ledger) -> bool:
        """True where `void` undoes a record that is known here."""
        return void.ref is not None and (void.ref in self.records or void.ref in self.by_document)

    def users_of(self, key: str) -> Iterator[str]:
        """The ledger keys of the items that used the credits of the article `key`."""
        for name in self.by_key.get(key, ()):
            for about in self.by_ref.get(name, ()):
                record = self.records[about]
                if record.kind == BOUND and record.epc is not None:
                    yield identify(record.epc).key

    def _count(self, document: str, change: int) -> int:
        """How many records of a document are here now."""
        count = max(self.by_document.pop(document, 0) + change, 0)
        if document and count:
            self.by_document[document] = count
        return count

    def _with_key(self, keys: Iterable[str]) -> list[Ledger]:
        return [self.records[name] for key in keys for name in self.by_key.get(key, ())]

    def _about(self, found: Sequence[Ledger]) -> list[Ledger]:
        names = dict.fromkeys(name for record in found for name in _names(record.id))
        return [self.records[about] for name in names for about in self.by_ref.get(name, ())]


def answer(
    records: Sequence[Ledger], identity: Identity, policy: Policy, at: float, others: Iterable[tuple[str, float]] = ()
) -> LedgerAnswer:
    """What is known of an item that leaves at time `at` (Unix seconds). `records` may hold more than concerns it.

    The item's last record up to `at` decides (a tie goes to the one that lets it leave), or else the next one, where that is a
    sale: it came late. Without either an article's credit does, see `credits.units_used`, unless only what is in stock here is
    of this shop, and this is not. `others`: EPCs of the same article that left, and when, beside those that credits are bound
    to: they want the same credits.
    """
    valid = valid_of(records)
    by_key = _by_key(valid)
    decisive, armed_at = serial_state(by_key.get(identity.key, ()), at)
    if decisive is not None and decisive.kind in LEFT_KINDS:
        before = _sold_before(by_key.get(identity.key, ()), decisive)
        return LedgerAnswer("sold", decisive.id, decisive.kind, decisive.at, sold_before=before)
    not_of_this_shop = decisive is None and policy.unknown_epc == "stock_only"
    if policy.mode != "serialised" and identity.gtin is not None and not not_of_this_shop:
        mine = Claim(at, identity.key, armed_at)
        paid = _paid_by_credit(by_key, valid, identity.gtin, policy, mine, others)
        if paid is not None:
            return paid
    if decisive is None:
        return LedgerAnswer("unknown")
    return LedgerAnswer("reserved" if decisive.kind == "reserved" else "armed", decisive.id, decisive.kind, decisive.at)


def valid_of(records: Sequence[Ledger]) -> list[Ledger]:
    """The records that no void undoes; voids come along with none."""
    gone = {record.ref for record in records if record.kind == "void"}
    return [record for record in records if record.kind != "void" and gone.isdisjoint(_names(record.id))]


def serial_state(own: Sequence[Ledger], at: float) -> tuple[Ledger | None, float]:
    """The record that decides about an item at `at`, of all valid ones of it, and when it was last armed before (-1: never)."""
    before = [record for record in own if record.at <= at]
    last = max(before, key=_rank, default=None)
    if last is not None and last.kind in LEFT_KINDS:
        return last, last.at
    armed_at = -1.0 if last is None else last.at
    following = min((record for record in own if record.at > at), key=_turn, default=None)
    return (following if following is not None and following.kind in LEFT_KINDS else last), armed_at


def _sold_before(own: Sequence[Ledger], decisive: Ledger) -> float | None:
    """When an item whose sale decides had been sold before on another document; None where it came back since, or never was."""
    if decisive.kind != "sold":
        return None
    back_at = max((record.at for record in own if record.kind not in LEFT_KINDS and record.at < decisive.at), default=-1.0)
    sales = (record for record in own if record.kind == "sold" and back_at < record.at < decisive.at)
    return min((sale.at for sale in sales if document_of(sale.id) != document_of(decisive.id)), default=None)


def binding(credit: str, unit: int, epc: str, at: float) -> Ledger:
    """The record that unit `unit` of `credit` pays for `epc`, which left at `at`."""
    return Ledger(at=at, id=f"{credit}#{unit}@{epc}:{at!r}", kind=BOUND, epc=epc, ref=credit)


def _paid_by_credit(
    by_key: dict[str, list[Ledger]],
    valid: Sequence[Ledger],
    gtin: str,
    policy: Policy,
    mine: Claim,
    others: Iterable[tuple[str, float]],
) -> LedgerAnswer | None:
    article = [record for record in by_key.get(credit_key(gtin), ()) if mints(record, policy.credit_authority)]
    sales = {record.id: record for record in article if record.kind == "sold"}
    bound = [record for record in valid if record.kind == BOUND and record.ref in sales]
    own = [record for record in bound if _is_kept(record, sales[record.ref or ""], mine)]
    if own and mine.at - own[0].at > _settled_s(policy.credit_ttl_s, policy.credit_grace_s):
        return LedgerAnswer("sold", own[0].ref, "sold", own[0].at)
    claims = _claims(by_key, [(record.epc or "00", record.at) for record in bound] + list(others), mine)
    returns = [record for record in article if record.kind == "returned"]
    use = partial(units_used, sales.values(), returns, ttl_s=policy.credit_ttl_s, grace_s=policy.credit_grace_s)
    used = use([*claims, mine])
    unit = used.get(mine)
    if unit is None:
        return None
    if any(record.at == mine.at for record in own):
        return LedgerAnswer("sold", unit.credit, "sold", unit.at)
    takes_over = not use(claims).keys() <= used.keys()
    if any(claim.key == mine.key and used.get(claim) == unit for claim in claims):
        return LedgerAnswer("sold", unit.credit, "sold", unit.at, takes_over=takes_over)
    return LedgerAnswer("sold", unit.credit, "sold", unit.at, unit.credit, unit.number, takes_over)


def _is_kept(record: Ledger, credit: Ledger, mine: Claim) -> bool:
    """True where a credit was bound to the item of `mine`, and the item has not been armed since."""
    mine_too = identify(record.epc or "00").key == mine.key
    return mine_too and record.at <= mine.at and mine.not_before <= min(record.at, credit.at)


def _claims(by_key: dict[str, list[Ledger]], left: Iterable[tuple[str, float]], mine: Claim) -> set[Claim]:
    """Who else left and has no sale of its own. What is sold by its own number needs no credit (any more)."""
    found = set()
    for epc, left_at in left:
        key = identify(epc).key
        if (left_at, key) != mine[:2]:
            decisive, armed_at = serial_state(by_key.get(key, ()), left_at)
            if decisive is None or decisive.kind not in LEFT_KINDS:
                found.add(Claim(left_at, key, armed_at))
    return found


def _by_key(valid: Sequence[Ledger]) -> dict[str, list[Ledger]]:
    found: dict[str, list[Ledger]] = {}
    for record in valid:
        key = record_key(record)
        if key is not None:
            found.setdefault(key, []).append(record)
    return found


def _names(record_id: str) -> tuple[str, ...]:
    """What a void may call a record: its own id, or that of its document."""
    document = document_of(record_id)
    return (record_id, document) if document else (record_id,)


def _rank(record: Ledger) -> tuple[float, bool, str]:
    return record.at, record.kind in LEFT_KINDS, record.id


def _turn(record: Ledger) -> tuple[float, bool, str]:
    return record.at, record.kind not in LEFT_KINDS, record.id
