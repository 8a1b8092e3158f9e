"""POSLog and EPCIS feeds: what they say holds in any order, any number of times, in any spelling; no bytes upset them."""

import json
import random
import sys
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import (
    ARTICLES,
    NAMESPACES,
    SECRET,
    Receipt,
    epcis_document,
    epcis_event,
    epcis_xml,
    meaning,
    poslog,
    random_receipt,
)

from rfidguard.epc import Identity, credit_key
from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.epcis_json import epcis_json_taken
from rfidguard.feeds.epcis_xml import epcis_xml_taken
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.poslog import poslog_taken
from rfidguard.ledger import Policy, RecordSet, answer, document_of

ZONE = ZoneInfo("Europe/Berlin")
NOW = 1_795_400_000.0
SERIALISED = Policy(mode="serialised")
seeds = st.integers(0, 2**32)


def records_of(document: bytes, cut: int = 65_536) -> list[Ledger]:
    pieces = [document[start : start + cut] for start in range(0, len(document), cut)]
    every = list(poslog_taken(pieces, ZONE, NOW))
    assert [taken.text for taken in every if taken.reason] == []
    return [taken.record for taken in every if taken.record is not None]


def state(records: list[Ledger]) -> tuple[dict[str, str], Counter[str]]:
    """As the gate sees it: items that are sold or returned, and the balance of credits."""
    ledger = RecordSet()
    for record in records:
        ledger.add(record)
    items: dict[str, str] = {}
    for key in ledger.by_key:
        gtin, _, serial = key.partition(".")
        if serial:
            said = answer(ledger.find((key,)), Identity("00", "sgtin-96", gtin, serial), SERIALISED, NOW)
            if said.state != "unknown":
                items[key] = "sold" if said.state == "sold" else "returned"
    gone = {record.ref for record in records if record.kind == "void"}
    live = [r for r in ledger.records.values() if r.id not in gone and document_of(r.id) not in gone and r.gtin and not r.serial]
    balance: Counter[str] = Counter()
    for record in live:
        if record.epc is None:
            assert credit_key(record.gtin or "") in ledger.by_key
            balance[record.gtin or ""] += record.quantity * {"sold": 1, "returned": -1}[record.kind]
    return items, Counter({name: count for name, count in balance.items() if count})


@given(seeds)
def test_a_poslog_means_what_was_rung_up_in_any_order_and_any_number_of_times(seed: int) -> None:
    rng = random.Random(seed)
    receipts = [random_receipt(rng, number) for number in range(1, rng.randint(2, 6))]
    records = records_of(poslog(receipts, rng.choice(NAMESPACES)))
    assert state(records) == meaning(receipts)
    again = records + rng.choices(records, k=len(records)) if records else []
    rng.shuffle(again)
    assert state(again) == meaning(receipts)


@given(seeds, st.integers(1, 400))
def test_neither_namespace_nor_prefix_nor_the_size_of_pieces_matters(seed: int, cut: int) -> None:
    receipts = [random_receipt(random.Random(seed), 7)]
    plain = records_of(poslog(receipts, NAMESPACES[0]))
    assert records_of(poslog(receipts, NAMESPACES[1]), cut) == plain
    receipts[0].prefix = "v"
    assert records_of(poslog(receipts)) == plain


@given(seeds)
def test_a_transaction_voided_later_never_happened_whichever_comes_first(seed: int) -> None:
    rng = random.Random(seed)
    sale = random_receipt(rng, 7)
    sale.status = ""
    link = "<TransactionLink ReasonCode='Voided'><SequenceNumber>7</SequenceNumber></TransactionLink>"
    void = Receipt(8, sale.ops, rng.choice(("PostVoided", "Voided", "")), more=link)
    records = records_of(poslog([sale])) + records_of(poslog([void]))
    for _ in range(3):
        rng.shuffle(records)
        assert state(records) == ({}, Counter())


@given(seeds)
def test_nothing_of_a_person_comes_through(seed: int) -> None:
    document = poslog([random_receipt(random.Random(seed), 3)])
    assert SECRET.encode() in document
    assert SECRET[:6] not in repr(list(poslog_taken([document], ZONE, NOW)))


def counted(take: object, *args: object) -> list[Taken]:
    """Everything taken; a refusal of the whole counts as one. Anything else that is raised fails the test."""
    try:
        every = list(take(*args))  # type: ignore[operator]
    except RefusedInput:
        return []
    for taken in every:
        assert taken.record is not None or taken.reason or taken.passed
        assert taken.reason is None or taken.text
    return every


@given(st.binary(max_size=200))
def test_any_bytes_give_records_or_counted_reasons(data: bytes) -> None:
    counted(poslog_taken, [data], ZONE, NOW)
    counted(epcis_xml_taken, [data])
    counted(epcis_json_taken, data)


@given(seeds, st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=6)), min_size=1, max_size=4))
def test_documents_with_damage_give_records_or_counted_reasons(seed: int, damage: list[tuple[float, bytes]]) -> None:
    rng = random.Random(seed)
    events = [epcis_event("sale", [(ARTICLES[0], 5)], "2026-11-22T10:00:00Z", seed)]
    for take, document in (
        (lambda data: poslog_taken([data], ZONE, NOW), poslog([random_receipt(rng, 1)])),
        (lambda data: epcis_xml_taken([data]), epcis_xml(events, rng.choice(("1.2", "2.0")))),
        (epcis_json_taken, json.dumps(epcis_document(events)).encode()),
    ):
        spoiled = bytearray(document)
        for where, what in damage:
            place = int(where * len(spoiled))
            spoiled[place : place + rng.randint(0, 6)] = what
        counted(take, bytes(spoiled))


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "type", "eventTime", "eventTimeZoneOffset", "action", "bizStep", "disposition", "epcList", "quantityList", "eventID",
    "errorDeclaration", "persistentDisposition", "bizTransactionList", "readPoint", "ilmd", "certificationInfo",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, min_size=1, max_size=3), st.booleans())
def test_any_values_in_an_event_give_records_or_counted_reasons(odd: dict[str, object], query: bool) -> None:
    event = {**epcis_event("sale", [(ARTICLES[0], 5)], "2026-11-22T10:00:00Z", 0), **odd}
    counted(epcis_json_taken, json.dumps(epcis_document([event], query)).encode())


items = st.lists(st.tuples(st.sampled_from(ARTICLES), st.integers(1, 3)), min_size=1, max_size=4, unique=True)


def epcis_records(payload: bytes, xml: bool = False) -> list[Ledger]:
    every = list(epcis_xml_taken([payload]) if xml else epcis_json_taken(payload))
    assert [taken.text for taken in every if taken.reason] == []
    return [taken.record for taken in every if taken.record is not None]


@given(items, st.sampled_from(("sale", "return")), st.integers(0, 9))
def test_an_event_is_the_same_in_every_spelling_and_in_xml(things: list[tuple[str, int]], kind: str, how: int) -> None:
    def key(record: Ledger) -> tuple[object, ...]:
        return record.id, record.kind, record.at

    counts = [{"epcClass": "urn:epc:idpat:sgtin:0614141.077777.*", "quantity": 2.0}]
    first = epcis_event(kind, things, "2026-11-22T10:00:00Z", 0, quantityList=counts)
    plain = [key(record) for record in epcis_records(json.dumps(epcis_document([first])).encode())]
    other = epcis_event(kind, things[::-1], "2026-11-22T11:00:00.000+01:00", how, quantityList=counts)
    assert len(plain) == len(things) + 1
    assert [key(record) for record in epcis_records(json.dumps(epcis_document([other], query=True)).encode())] == plain
    assert [key(record) for record in epcis_records(json.dumps([other]).encode())] == plain
    for version in ("1.2", "2.0"):
        assert [key(record) for record in epcis_records(epcis_xml([other], version), xml=True)] == plain


@given(st.lists(st.tuples(items, st.sampled_from(("sale", "return")), st.booleans(), st.booleans()), max_size=5), seeds)
def test_an_event_declared_wrong_never_happened_whichever_comes_first(
    told: list[tuple[list[tuple[str, int]], str, bool, bool]], seed: int
) -> None:
    rng = random.Random(seed)
    documents, expected = [], {}
    for number, (things, kind, named, wrong) in enumerate(told):
        more = {"eventID": f"urn:uuid:{number}/x"} if named else {}
        event = epcis_event(kind, things, f"2026-11-22T10:0{number}:00Z", rng.randint(0, 9), **more)
        documents.append(event)
        if wrong:
            documents.append({**event, "errorDeclaration": {"declarationTime": "2026-11-22T12:00:00Z"}})
            continue
        for article, serial in things:
            expected[(article, serial)] = "sold" if kind == "sale" else "returned"
    records = [record for event in documents for record in epcis_records(json.dumps(event).encode())]
    records += rng.choices(records, k=2) if records else []
    rng.shuffle(records)
    found, _ = state(records)
    assert {key.rpartition(".")[2] + what for key, what in found.items()} == {
        str(serial) + what for (_, serial), what in expected.items()
    }
    assert len(found) == len(expected)
