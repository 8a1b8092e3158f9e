"""The ledger in the database: once by id, found by item and article, with voids and used credits."""

import pytest
from sqlalchemy import Connection

from rfidguard.clock import SystemClock
from rfidguard.effects import BindCredit
from rfidguard.epc import credit_key, encode_sgtin_96, identify
from rfidguard.events import Ledger
from rfidguard.ledger_db import CHUNK, bind_credit, export_records, records_by_id, records_for, store_records, tallies
from rfidguard.store import Store

SHIRT = encode_sgtin_96("0614141", "012345", 6789)
OTHER_SHIRT = encode_sgtin_96("0614141", "012345", 6790)
KEY = identify(SHIRT).key
ARTICLE = credit_key(identify(SHIRT).gtin or "")
GTIN = identify(SHIRT).gtin


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


def keep(store: Store, *records: Ledger, at: float = 1000.0) -> list[str]:
    return store.write(lambda conn: store_records(conn, records, at)).result(10)


def ids(store: Store, *keys: str, since: float | None = None) -> list[str]:
    return [record.id for record in store.read(lambda conn: records_for(conn, keys, since))]


def sold(name: str, at: float = 100.0, **fields: object) -> Ledger:
    return Ledger(id=name, kind="sold", at=at, **fields)


def credit(name: str, at: float = 100.0, quantity: int = 1) -> Ledger:
    return sold(name, at, gtin=GTIN, quantity=quantity)


def test_a_known_id_changes_nothing(store: Store) -> None:
    assert keep(store, sold("A/1", epc=SHIRT)) == ["stored"]
    assert keep(store, sold("A/1", at=200.0, epc=OTHER_SHIRT), sold("A/2", epc=OTHER_SHIRT)) == ["duplicate", "stored"]
    assert store.read(lambda conn: records_by_id(conn, ["A/1"]))["A/1"].epc == SHIRT


def test_the_same_id_twice_in_one_batch_is_stored_once(store: Store) -> None:
    assert keep(store, credit("A/1"), credit("A/1", at=300.0)) == ["stored", "duplicate"]


def test_a_record_comes_back_as_it_went_in(store: Store) -> None:
    whole = Ledger(
        id="A/1",
        kind="returned",
        at=100.25,
        epc=SHIRT,
        gtin=GTIN,
        serial="6789",
        quantity=1,
        transaction="4711",
        source="till-3",
        lane="3",
    )
    keep(store, whole, at=100.25)
    assert store.read(lambda conn: records_for(conn, [KEY])) == [whole]


def test_a_record_says_when_it_was_heard(store: Store) -> None:
    keep(store, sold("A/1", epc=SHIRT), at=160.0)
    assert store.read(lambda conn: records_for(conn, [KEY]))[0].received == 160.0


def test_an_item_is_found_by_gtin_and_serial_whatever_its_tag_says(store: Store) -> None:
    keep(
        store, sold("A/1", gtin=GTIN, serial="6789"), sold("B/1", epc=encode_sgtin_96("0614141", "012345", 6789, filter_value=3))
    )
    assert ids(store, KEY) == ["A/1", "B/1"]


def test_an_epc_that_is_no_sgtin_is_found_by_its_hex(store: Store) -> None:
    keep(store, sold("A/1", epc="E2801160"))
    assert ids(store, "epc:E2801160") == ["A/1"]


def test_an_item_and_its_article_are_two_keys(store: Store) -> None:
    keep(store, sold("A/1", epc=SHIRT), credit("A/2"))
    assert ids(store, KEY) == ["A/1"]
    assert ids(store, ARTICLE) == ["A/2"]
    assert ids(store, KEY, ARTICLE) == ["A/1", "A/2"]


def test_voids_of_a_line_and_of_its_document_come_along(store: Store) -> None:
    keep(
        store,
        sold("A/1", epc=SHIRT),
        sold("A/2", epc=OTHER_SHIRT),
        Ledger(id="V/1", kind="void", at=110.0, ref="A/1"),
        Ledger(id="W/void", kind="void", at=120.0, ref="A"),
        Ledger(id="X/1", kind="void", at=130.0, ref="A/2"),
        Ledger(id="Y/void", kind="void", at=140.0, ref="B"),
    )
    assert ids(store, KEY) == ["A/1", "V/1", "W/void"]


def test_a_void_that_came_first_is_found_all_the_same(store: Store) -> None:
    keep(store, Ledger(id="V/void", kind="void", at=90.0, ref="A"))
    keep(store, sold("A/1", epc=SHIRT))
    assert ids(store, KEY) == ["V/void", "A/1"]


def test_a_used_credit_says_by_whom(store: Store) -> None:
    keep(store, credit("A/1", quantity=2))
    assert store.write(lambda conn: bind_credit(conn, BindCredit("A/1", 0, SHIRT, 130.0))).result(10)
    found = store.read(lambda conn: records_for(conn, [ARTICLE]))
    assert [(record.id, record.kind, record.ref, record.epc) for record in found] == [
        ("A/1", "sold", None, None),
        (f"A/1#0@{SHIRT}:130.0", "bound", "A/1", SHIRT),
    ]


def test_a_unit_of_a_credit_may_be_freed_and_used_again_but_each_use_is_stored_once(store: Store) -> None:
    def bind(epc: str) -> bool:
        return store.write(lambda conn: bind_credit(conn, BindCredit("A/1", 0, epc, 130.0))).result(10)

    keep(store, credit("A/1"))
    assert bind(SHIRT)
    assert not bind(SHIRT)
    assert bind(OTHER_SHIRT)
    found = store.read(lambda conn: records_for(conn, [ARTICLE]))
    assert [record.epc for record in found if record.kind == "bound"] == [SHIRT, OTHER_SHIRT]


def test_what_is_known_of_the_items_that_used_a_credit_comes_along(store: Store) -> None:
    keep(store, credit("A/1"), sold("B/1", epc=SHIRT), Ledger(id="V/1", kind="void", at=140.0, ref="B/1"))
    store.write(lambda conn: bind_credit(conn, BindCredit("A/1", 0, SHIRT, 130.0))).result(10)
    assert ids(store, ARTICLE) == ["A/1", "B/1", f"A/1#0@{SHIRT}:130.0", "V/1"]


def test_old_credits_may_be_left_out_but_never_the_one_an_item_used(store: Store) -> None:
    keep(store, credit("old/1", at=100.0), credit("used/1", at=110.0), credit("new/1", at=5000.0))
    store.write(lambda conn: bind_credit(conn, BindCredit("used/1", 0, SHIRT, 130.0))).result(10)
    other = identify(OTHER_SHIRT).key
    assert ids(store, other, ARTICLE, since=4000.0) == ["new/1"]
    assert ids(store, KEY, ARTICLE, since=4000.0) == ["used/1", f"used/1#0@{SHIRT}:130.0", "new/1"]


def test_an_items_own_old_sale_is_never_left_out(store: Store) -> None:
    keep(store, sold("A/1", at=100.0, epc=SHIRT))
    assert ids(store, KEY, since=4000.0) == ["A/1"]


def test_more_keys_than_one_statement_takes(store: Store) -> None:
    shirts = [encode_sgtin_96("0614141", "012345", serial) for serial in range(CHUNK * 2 + 1)]
    keep(store, *(sold(f"A/{number}", epc=epc) for number, epc in enumerate(shirts)))
    assert len(ids(store, *(identify(epc).key for epc in shirts))) == len(shirts)


def test_nothing_asked_is_nothing_found(store: Store) -> None:
    assert ids(store) == []


def test_export_gives_every_record_in_order_of_time(store: Store) -> None:
    keep(store, credit("B/1", at=300.0), sold("A/1", at=200.0, epc=SHIRT), Ledger(id="V/1", kind="void", at=250.0, ref="A/1"))

    def exported(conn: Connection) -> list[str]:
        return [record.id for record in export_records(conn)]

    assert store.read(exported) == ["A/1", "V/1", "B/1"]


def test_tallies_tell_sources_apart(store: Store) -> None:
    keep(store, sold("A/1", at=100.0, epc=SHIRT, source="till-1"), sold("A/2", at=200.0, epc=OTHER_SHIRT, source="till-1"))
    keep(store, credit("B/1"))
    found = {tally.source: (tally.records, tally.first_at, tally.last_at) for tally in store.read(tallies)}
    assert found == {"till-1": (2, 100.0, 200.0), None: (1, 100.0, 100.0)}
