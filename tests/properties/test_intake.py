"""Sales in: stored before they are confirmed, the same again changes nothing, and nothing that is refused disappears."""

import json
import random
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from rfidguard import schema
from rfidguard.clock import SystemClock
from rfidguard.dead_letter import KEEP, MAX_PAYLOAD_BYTES, bury
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Event, Ledger
from rfidguard.intake import MAX_SALE_BYTES, SaleReply, last_heard, last_sales, take_heartbeat, take_sale
from rfidguard.ledger_db import export_records, store_records
from rfidguard.rfc3339 import unix_seconds
from rfidguard.store import Store

AT = "2026-11-22T10:14:02Z"
NOW = unix_seconds(AT) + 3.0
EPC = encode_sgtin_96("0614141", "012345", 6789)
OTHER = encode_sgtin_96("0614141", "012345", 6790)


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


def sale(**fields: Any) -> bytes:
    return json.dumps({"id": "D1", "at": AT, "kind": "sale", "lines": [{"epc": EPC}], **fields}).encode()


def take(store: Store, payload: bytes, heard: list[Event] | None = None, **how: Any) -> SaleReply:
    emit = (heard if heard is not None else []).append
    return take_sale(store, payload, **{"source": "pos/3", "lane": "3", "now": NOW, "emit": emit, **how})


def ledger(store: Store) -> list[Ledger]:
    return store.read(lambda conn: list(export_records(conn)))


def letters(store: Store) -> list[tuple[str, str, bytes]]:
    table = schema.dead_letters.c
    return [tuple(row) for row in store.read(lambda conn: conn.execute(select(table.source, table.reason, table.payload)).all())]


def test_a_sale_is_in_the_ledger_when_the_core_hears_of_it(store: Store) -> None:
    seen: list[tuple[Event, list[Ledger]]] = []
    reply = take_sale(store, sale(), source="pos/3", lane="3", now=NOW, emit=lambda event: seen.append((event, ledger(store))))
    assert (reply.id, reply.status, reply.errors) == ("D1", "stored", ())
    assert seen == [(Ledger(at=NOW - 3, received=NOW, id="D1/1", kind="sold", epc=EPC, source="pos/3", lane="3"), [seen[0][0]])]


def test_the_same_document_again_is_a_duplicate_and_changes_nothing(store: Store) -> None:
    heard: list[Event] = []
    take(store, sale(), heard)
    before = ledger(store)
    again = take(store, sale(), heard, now=NOW + 60)
    other_way = take(store, sale(), heard, source="till-3", lane=None, now=NOW + 90)
    assert [again.status, other_way.status] == ["duplicate", "duplicate"]
    assert ledger(store) == before
    assert len(heard) == 1


def test_an_id_that_stands_for_something_else_is_refused_and_says_so(store: Store) -> None:
    take(store, sale())
    reply = take(store, sale(lines=[{"epc": OTHER}]), source="pos/4", lane="4")
    assert (reply.id, reply.status, reply.reason) == ("D1", "rejected", "id_reused")
    assert "pos/3" in reply.errors[0]
    assert [record.epc for record in ledger(store)] == [EPC]
    assert [(source, reason) for source, reason, _ in letters(store)] == [("pos/4", "id_reused")]


def test_a_document_whose_lines_are_known_from_an_import_is_a_duplicate(store: Store) -> None:
    store.write(lambda conn: store_records(conn, [Ledger(at=NOW - 3, id="D1/1", kind="sold", epc=EPC)], NOW)).result(10)
    assert take(store, sale()).status == "duplicate"
    assert take(store, sale()).status == "duplicate"


def test_a_line_that_stands_for_something_else_refuses_the_whole_document(store: Store) -> None:
    store.write(lambda conn: store_records(conn, [Ledger(at=NOW - 3, id="D1/2", kind="sold", epc=EPC)], NOW)).result(10)
    reply = take(store, sale(lines=[{"epc": OTHER}, {"epc": OTHER}]))
    assert reply.reason == "id_reused"
    assert [record.id for record in ledger(store)] == ["D1/2"]


def test_the_lane_of_the_topic_stands_over_the_documents(store: Store) -> None:
    assert take(store, sale(lane="3")).status == "stored"
    reply = take(store, sale(id="D2", lane="4"))
    assert reply.reason == "wrong_lane"
    assert reply.errors == ("lane: the document says '4', but it came from lane '3'",)


@pytest.mark.parametrize("lane", ["", "x" * 65, "a\0b"])
def test_a_lane_that_is_none_is_refused(store: Store, lane: str) -> None:
    assert take(store, sale(), lane=lane).reason == "bad_lane"
    assert take_heartbeat(store, b"", "pos", lane, NOW).reason == "bad_lane"


def test_a_document_that_comes_without_a_lane_tells_its_own(store: Store) -> None:
    heard: list[Event] = []
    take(store, sale(lane="4"), heard, lane=None)
    assert isinstance(heard[0], Ledger)
    assert heard[0].lane == "4"


def test_a_till_whose_clock_is_fast_has_sold_by_now_all_the_same(store: Store) -> None:
    heard: list[Event] = []
    take(store, sale(), heard, now=NOW - 600)
    assert isinstance(heard[0], Ledger)
    assert (heard[0].at, heard[0].received) == (NOW - 600, None)


def test_an_old_sale_keeps_its_time(store: Store) -> None:
    heard: list[Event] = []
    take(store, sale(), heard, now=NOW + 86_400)
    assert heard[0].at == unix_seconds(AT)
    assert heard[0].received == NOW + 86_400


def test_a_void_before_its_sale_is_stored(store: Store) -> None:
    void = json.dumps({"kind": "void", "ref": "D1"}).encode()
    assert [take(store, void).status, take(store, void, now=NOW + 9).status, take(store, sale()).status] == [
        "stored",
        "duplicate",
        "stored",
    ]
    assert sorted((record.id, record.kind, record.ref) for record in ledger(store)) == [
        ("D1/1", "sold", None),
        ("void:D1/void", "void", "D1"),
    ]


@pytest.mark.parametrize(
    ("payload", "reason", "name"),
    [
        (b"", "not_json", None),
        (b"\xff\xfe", "not_json", None),
        (b"{", "not_json", None),
        (b'{"id":' + b"[" * 100_000, "not_json", None),
        (b'{"id": "\\ud800"}', "not_json", None),
        (b"[]", "not_an_object", None),
        (b'"D1"', "not_an_object", None),
        (b"{}", "invalid", None),
        (b'{"id": 5}', "invalid", None),
        (b'{"id": "D9", "at": "x", "lines": []}', "invalid", "D9"),
        (b'{"id": "D9", "at": NaN}', "not_json", None),
        (b" " * (MAX_SALE_BYTES + 1), "too_large", None),
    ],
)
def test_what_is_no_document_is_refused_counted_and_kept(store: Store, payload: bytes, reason: str, name: str | None) -> None:
    reply = take(store, payload)
    assert (reply.status, reply.reason, reply.id) == ("rejected", reason, name)
    assert reply.errors
    assert letters(store) == [("pos/3", reason, payload[:MAX_PAYLOAD_BYTES])]
    assert ledger(store) == []


def test_refused_input_is_kept_within_bounds(store: Store) -> None:
    def many(conn: Connection) -> None:
        for number in range(KEEP + 20):
            bury(conn, "s" * 100, "r" * 100, "d" * 10_000, b"p" * 10_000, float(number))

    store.write(many).result(30)
    count, oldest = store.read(lambda conn: tuple(conn.execute(select(func.count(), func.min(schema.dead_letters.c.at))).one()))
    assert (count, oldest) == (KEEP, 20.0)


def test_a_heartbeat_tells_that_a_lane_is_alive(store: Store) -> None:
    take_heartbeat(store, b'{"at":"2026-11-22T10:14:02Z"}', "pos/3", "3", NOW)
    take_heartbeat(store, b"", "pos/4", "4", NOW + 5)
    take_heartbeat(store, b'{"at":"2026-11-22T10:14:02Z","battery":7}', "pos/3", "3", NOW + 9)
    assert store.read(last_heard) == {"3": NOW + 9, "4": NOW + 5}
    assert store.read(last_sales) == {}


def test_a_heartbeat_may_come_where_sales_come(store: Store) -> None:
    reply = take(store, b'{"at":"2026-11-22T10:14:02Z"}')
    assert (reply.status, reply.id) == ("stored", None)
    assert store.read(last_heard) == {"3": NOW}


@pytest.mark.parametrize("payload", [b"{", b'{"at":"soon"}', b'{"at":5}', b"[]", b"x" * 5000])
def test_a_heartbeat_that_is_none_is_refused(store: Store, payload: bytes) -> None:
    assert take_heartbeat(store, payload, "pos/3", "3", NOW).status == "rejected"
    assert store.read(last_heard) == {}


def test_a_sale_tells_when_its_lane_sold_last(store: Store) -> None:
    take(store, sale())
    take(store, sale(), now=NOW + 50)
    take(store, sale(id="D2"), now=NOW + 60)
    assert store.read(last_sales) == {"3": NOW + 60}


def test_two_threads_with_the_same_document_store_it_once(store: Store) -> None:
    heard: list[Event] = []
    replies: list[str] = []
    threads = [threading.Thread(target=lambda: replies.append(take(store, sale(), heard).status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(replies) == ["duplicate"] * 7 + ["stored"]
    assert len(heard) == 1


goods = [encode_sgtin_96("0614141", "012345", serial) for serial in range(3)]
till_lines = st.one_of(
    st.builds(lambda epc, kind: {"epc": epc, "kind": kind}, st.sampled_from(goods), st.sampled_from(["sold", "returned"])),
    st.builds(lambda quantity: {"gtin": identify(goods[0]).gtin, "kind": "sold", "quantity": quantity}, st.integers(1, 3)),
)
till_documents = st.one_of(
    st.builds(
        lambda number, body: {"id": f"D{number}", "at": AT, "lines": body},
        st.integers(0, 4),
        st.lists(till_lines, min_size=1, max_size=3),
    ),
    st.builds(lambda number: {"kind": "void", "ref": f"D{number}"}, st.integers(0, 4)),
    st.just({"id": "broken"}),
)


@settings(max_examples=settings().max_examples // 4)  # each one makes a database
@given(st.lists(till_documents, max_size=8), st.randoms(use_true_random=False))
def test_any_history_of_resends_leaves_the_ledger_of_its_first_sending(history: list[dict[str, Any]], rng: random.Random) -> None:
    """At-least-once delivery: whatever comes again, and in whatever order the repeats lie, nothing changes any more."""
    payloads = [json.dumps(body).encode() for body in history]
    with Store("sqlite://", SystemClock()) as store:
        heard: list[Event] = []
        first = [take(store, payload, heard) for payload in payloads]
        before = ledger(store)
        again = payloads * 2
        rng.shuffle(again)
        replies = [take(store, payload, heard, now=NOW + 100) for payload in again]
        assert ledger(store) == before
        assert sorted(event.id for event in heard if isinstance(event, Ledger)) == sorted(record.id for record in before)
        stored = {payload for payload, reply in zip(payloads, first, strict=True) if reply.status == "stored"}
        assert all(
            reply.status == ("duplicate" if payload in stored else "rejected")
            for payload, reply in zip(again, replies, strict=True)
        )
