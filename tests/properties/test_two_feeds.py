"""Two feeds of one shop: a live one that loses and repeats, and a complete one that comes late. Each repairs the other, and
no unit is paid for twice, whatever the order, whether they call a receipt the same or not.
"""

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, Op, Receipt, gtin, poslog, tag

from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.feeds.poslog import poslog_taken
from rfidguard.forget import ledger_keys
from rfidguard.ledger import Policy, RecordSet, answer, binding
from rfidguard.sale import SaleDocument, sale_records

BERLIN = ZoneInfo("Europe/Berlin")
SOLD_AT = 1_795_338_842.0  # 2026-11-22T10:14:02 in Berlin
NOW = SOLD_AT + 600.0
STRANGERS = range(900, 937)
"""Serials that nobody sold by themselves."""

lines = st.one_of(
    st.builds(lambda article, serial: Op("sale", article, (serial,)), st.sampled_from(ARTICLES), st.integers(1, 5)),
    st.builds(lambda article, pieces: Op("sale", article, (), pieces), st.sampled_from(ARTICLES), st.integers(1, 3)),
)
days = st.lists(st.lists(lines, min_size=1, max_size=3), min_size=1, max_size=4)


def complete(day: Sequence[Receipt]) -> list[Ledger]:
    """The day's log, as a folder brings it."""
    return [replace(one.record, source="log") for one in poslog_taken([poslog(list(day))], BERLIN, NOW) if one.record is not None]


def live(day: Sequence[Receipt], name: str) -> Iterator[Ledger]:
    """What the till told at once. `name`: how it calls a receipt."""
    for receipt in day:
        told = [
            {"line": at, "epc": tag(op.article, op.serials[0])} if op.serials
            else {"line": at, "gtin": gtin(op.article), "quantity": op.quantity}
            for at, op in enumerate(receipt.ops, 1)
        ]  # fmt: skip
        body = {"id": f"{name}-{receipt.sequence}", "at": "2026-11-22T10:14:02+01:00", "kind": "sale", "lines": told}
        yield from sale_records(SaleDocument.model_validate_json(json.dumps(body)), "mqtt:3", "3", NOW)


def sold(day: Sequence[Receipt]) -> tuple[set[str], Counter[str]]:
    """EPCs that were sold, and pieces without an EPC by article."""
    ops = [op for receipt in day for op in receipt.ops]
    pieces = Counter[str]()
    for op in ops:
        pieces[op.article] += 0 if op.serials else op.quantity
    return {tag(op.article, op.serials[0]) for op in ops if op.serials}, pieces


def may_leave(records: Sequence[Ledger], policy: Policy) -> tuple[set[str], Counter[str]]:
    """As the gate answers: which items of serials 1 to 5 are sold, and how many others of each article then go unhindered."""
    ledger = RecordSet()
    for record in records:
        ledger.add(record)
    items = {epc for article in ARTICLES for epc in (tag(article, serial) for serial in range(1, 6))}
    leave = {epc for epc in items if _is_sold_itself(ledger, epc, policy)}
    free: Counter[str] = Counter()
    for article in ARTICLES:
        for number, serial in enumerate(STRANGERS):
            epc, at = tag(article, serial), NOW + number
            known = answer(ledger.find(ledger_keys(epc)), identify(epc), policy, at)
            if known.credit is not None and known.unit is not None:
                ledger.add(binding(known.credit, known.unit, epc, at))
                free[article] += 1
    return leave, free


def _is_sold_itself(ledger: RecordSet, epc: str, policy: Policy) -> bool:
    known = answer(ledger.find(ledger_keys(epc)), identify(epc), policy, NOW)
    return known.state == "sold" and known.credit is None


def mixed(one: list[Ledger], other: list[Ledger], rng: random.Random) -> list[Ledger]:
    """Both, in any order, some of it again."""
    both = one + other
    both += rng.sample(both, len(both) // 2)
    rng.shuffle(both)
    return both


def receipts(day: list[list[Op]]) -> list[Receipt]:
    return [Receipt(number, ops) for number, ops in enumerate(day, 1)]


@given(days, st.sets(st.integers(1, 4)), st.randoms(use_true_random=False))
def test_feeds_that_call_a_receipt_the_same_tell_of_it_once(day: list[list[Op]], lost: set[int], rng: random.Random) -> None:
    made = receipts(day)
    heard = list(live([one for one in made if one.sequence not in lost], "0001-3-20261122"))
    records = mixed(heard, complete(made), rng)
    assert may_leave(records, Policy(unknown_epc="strict")) == sold(made)


@given(days, st.sets(st.integers(1, 4)), st.randoms(use_true_random=False))
def test_feeds_that_call_it_differently_tell_of_it_once_where_one_has_the_authority(
    day: list[list[Op]], lost: set[int], rng: random.Random
) -> None:
    made = receipts(day)
    heard = list(live([one for one in made if one.sequence not in lost], "till"))
    records = mixed(heard, complete(made), rng)
    assert may_leave(records, Policy(unknown_epc="strict", credit_authority=("log",))) == sold(made)


@given(days, st.sets(st.integers(1, 4)), st.randoms(use_true_random=False))
def test_until_the_complete_feed_has_come_the_live_one_pays_for_no_more_than_it_told(
    day: list[list[Op]], lost: set[int], rng: random.Random
) -> None:
    told = [one for one in receipts(day) if one.sequence not in lost]
    records = mixed(list(live(told, "till")), [], rng)
    assert may_leave(records, Policy(unknown_epc="strict", credit_authority=("mqtt",))) == sold(told)
    assert may_leave(records, Policy(unknown_epc="strict", credit_authority=("log",))) == (sold(told)[0], Counter())
