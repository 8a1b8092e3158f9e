"""Articles and stock counts: read from what shops have, shown on alarms, and own goods from then on."""

import gzip
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from walks import T0, alarms, config, decisions, foreign, leave, own, run

from rfidguard.alarm import alarm_message
from rfidguard.catalogue import CatalogueRow, Refused, catalogue_rows, is_catalogue, normal_price
from rfidguard.catalogue_db import (
    articles_for,
    catalogue_mark,
    imported_at,
    last_counts,
    own_gtins,
    store_articles,
)  # fmt: skip
from rfidguard.catalogue_import import CatalogueResult, import_articles, import_stock, kind_of, note_import
from rfidguard.clock import SystemClock
from rfidguard.effects import Decided, Effect
from rfidguard.epc import identify
from rfidguard.errors import RefusedInput
from rfidguard.events import Article, Event, Lookup, heard_at
from rfidguard.exit_tally import ENOUGH, ExitTally, Passed, advice, keep_counts, passed_lately
from rfidguard.feeds.ledger_import import ImportResult
from rfidguard.journal import decode_line, encode_line
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.ledger_db import records_for
from rfidguard.runner import Runner
from rfidguard.stock_count import counted, is_stock_count
from rfidguard.store import Store

ITEM = own(1)
GTIN = identify(ITEM).gtin or ""
OTHER_GTIN = identify(foreign(1)).gtin or ""
UTC = __import__("zoneinfo").ZoneInfo("UTC")
NOW = 1_800_000_000.0


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


def rows(text: str) -> list[CatalogueRow | Refused]:
    return list(catalogue_rows(text.splitlines()))


@pytest.mark.parametrize(
    ("header", "is_one"),
    [
        ("gtin,name,price,department,picture", True),
        ("EAN;Bezeichnung;Preis", True),
        ('"barcode"\t"title"', True),
        ("gtin,quantity,at", False),
        ("epc,name", False),
        ("gtin", False),
        ("gtin,name,kind", False),
        ("", False),
    ],
)
def test_a_list_of_articles_is_told_from_a_list_of_sales(header: str, is_one: bool) -> None:
    assert is_catalogue(header) == is_one


def test_articles_are_read_whatever_the_columns_are_called() -> None:
    assert rows(f"Bezeichnung;EAN;Preis;Lager\nHemd, blau;{GTIN};1.299,90 €;7\n") == [CatalogueRow(GTIN, "Hemd, blau", "1299.90")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("123,Shirt,5", "bad_gtin"),
        (f"{GTIN},Shirt,free", "bad_price"),
        (",Shirt,5", "no_gtin"),
        (f"{GTIN},{'x' * 201},5", "bad_value"),
    ],
)
def test_a_row_that_cannot_be_used_says_where_and_why(row: str, reason: str) -> None:
    (found,) = rows(f"gtin,name,price\n{row}\n")
    assert isinstance(found, Refused)
    assert (found.line, found.reason) == (2, reason)


@pytest.mark.parametrize(
    ("text", "price"),
    [("12.90", "12.90"), ("12,90 €", "12.90"), ("$1,299.00", "1299.00"), ("1.299,00", "1299.00"), ("1 299,5", "1299.5"),
     ("1'299.00", "1299.00"), ("7", "7"), ("1,299", "1299"), ("1.5", "1.5"), ("0", "0")],
)  # fmt: skip
def test_a_price_is_a_decimal_however_it_is_written(text: str, price: str) -> None:
    assert normal_price(text) == price


@given(st.decimals(0, 10**9, places=2))
def test_a_plain_price_is_taken_as_it_stands(price) -> None:
    assert normal_price(str(price)) == str(price)


@pytest.mark.parametrize("text", ["", "abc", "-5", "1e9", "9" * 20])
def test_no_price_is_no_price(text: str) -> None:
    with pytest.raises(RefusedInput):
        normal_price(text)


def test_what_a_later_list_leaves_out_stays(store: Store) -> None:
    for row in (CatalogueRow(GTIN, "Shirt", "5.00", "men"), CatalogueRow(GTIN, price="4.00")):
        store.write(lambda conn, row=row: store_articles(conn, [row], NOW)).result(10)
    assert store.read(lambda conn: articles_for(conn, [f"gtin:{GTIN}", "gtin:00000000000000", "x.y"])) == (
        Article(GTIN, "Shirt", "4.00"),
    )
    assert store.read(own_gtins) == {GTIN}
    assert store.read(catalogue_mark) == (1, NOW)


SHIRTS = (Article(GTIN, "Shirt, blue", "19.90"), Article(OTHER_GTIN, "Cup", "5.00"))


def named(keys: tuple[str, ...]) -> tuple[Article, ...]:
    return tuple(article for article in SHIRTS if f"gtin:{article.gtin}" in keys)


def through(runner: Runner, events: list[Event]) -> list[Effect]:
    effects: list[Effect] = []
    for event in sorted(events, key=heard_at):
        effects += runner.feed(event)
    return effects + runner.finish()


def test_names_and_prices_stand_on_the_alarm() -> None:
    runner = Runner(layout_from(config()), RecordSet().find)
    runner.name_from(named)
    body = alarm_message(alarms(through(runner, [*leave(own(1)), *leave(own(2), at=0.1)]), "raised")[0].alarm)
    assert {(item["name"], item["price"]) for item in body["items"]} == {("Shirt, blue", "19.90")}
    assert body["value"] == str({1: "19.90", 2: "39.80"}[len(body["items"])])


def test_an_article_of_the_catalogue_is_own_goods_and_a_replay_without_the_catalogue_says_the_same() -> None:
    item, journal = foreign(7), []
    live = Runner(
        layout_from(config(), frozenset({OTHER_GTIN})), RecordSet().find, lambda event: journal.append(encode_line(event))
    )
    live.name_from(named)
    effects = through(live, leave(item))
    replayed = through(Runner(layout_from(config()), RecordSet().find), [decode_line(line) for line in journal])
    assert [change.alarm.items[0].name for change in alarms(effects)] == ["Cup"]
    assert [msgspec.json.encode(e) for e in effects if type(e) is not Lookup] == [msgspec.json.encode(e) for e in replayed]


def test_without_the_catalogue_the_same_goods_are_foreign() -> None:
    assert decisions(run(leave(foreign(7))), foreign(7))[-1].reason == "foreign"


def test_a_catalogue_that_is_imported_while_tags_are_in_view_makes_them_own_goods() -> None:
    runner = Runner(layout_from(config()), RecordSet().find)
    runner.name_from(named)
    path = leave(foreign(7))
    for event in path[: len(path) // 3]:
        runner.feed(event)
    runner.relaid(layout_from(config(), frozenset({OTHER_GTIN})))
    assert len(alarms(through(runner, path[len(path) // 3 :]))) == 1


@pytest.mark.parametrize(
    ("first", "is_one"),
    [
        (ITEM, True),
        (ITEM.lower(), True),
        ("epc,location", True),
        ("EPC;counted_at;rssi", True),
        ('{"epc":"30AA","zone":"A"}', True),
        ('{"type":"ledger","epc":"30AA"}', False),
        ('{"type":"journal","version":1}', False),
        ("epc", False),
        ("epc,kind,location", False),
        ("gtin,location", False),
        ("20261123", False),
    ],
)
def test_a_stock_count_is_told_from_a_list_of_sales(first: str, is_one: bool) -> None:
    assert is_stock_count(first) == is_one


@pytest.mark.parametrize(
    "text",
    [f"{own(1)}\n{own(2)}\n", f"epc,location\n{own(1)},A\n{own(2)},B\n", f'{{"epc":"{own(1)}"}}\n{{"epc":"{own(2)}"}}\n'],
)
def test_every_item_counted_is_armed_from_the_count_on(text: str) -> None:
    taken = list(counted(text.splitlines(), UTC, NOW))
    assert [(t.record.epc, t.record.kind, t.record.at) for t in taken if t.record] == [(own(n), "stock_in", NOW) for n in (1, 2)]


def test_a_row_may_say_when_it_was_counted() -> None:
    text = f"epc,counted_at\n{ITEM},2026-11-23T10:00:00Z\n{ITEM},2026-11-23 11:00\n{ITEM},soon\n"
    taken = list(counted(text.splitlines(), UTC, NOW))
    assert [t.record.at if t.record else t.reason for t in taken] == [1_795_428_000.0, 1_795_431_600.0, "bad_time"]


def test_a_count_of_articles_arms_nothing_and_says_so() -> None:
    with pytest.raises(RefusedInput, match="EPC"):
        list(counted(["gtin,on_hand", f"{GTIN},3"], UTC, NOW))


def take(store: Store, path: Path, scope: str = "cyclic", at: float | None = NOW - 100) -> tuple[ImportResult, CatalogueResult]:
    result, taken = ImportResult(), CatalogueResult()
    if kind_of(path) == "articles":
        import_articles(store, path, NOW, result, taken, lambda _done: None)
    else:
        import_stock(store, path, scope, at, UTC, NOW, result, taken, lambda _done: None)
    return result, taken


def test_a_stock_count_is_stored_once_and_remembered(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "count.txt.gz"
    path.write_bytes(gzip.compress(f"{own(1)}\n{own(2)}\nNONSENSE\n".encode()))
    assert kind_of(path) == "stock"
    result, taken = take(store, path, "full")
    assert (taken.counted, taken.armed, result.rejected) == (2, 2, Counter({"bad_epc": 1}))
    assert take(store, path, "full")[1].armed == 0
    assert {scope: (c.items, c.at, c.source) for scope, c in store.read(last_counts).items()} == {
        "full": (2, NOW - 100, "count.txt.gz")
    }
    stocked = store.read(lambda conn: records_for(conn, [identify(own(1)).key]))
    assert [(record.kind, record.at) for record in stocked] == [("stock_in", NOW - 100)]


def test_a_count_in_the_future_was_made_now(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "count.txt"
    path.write_text(f"{ITEM}\n")
    take(store, path, at=NOW + 9000)
    assert store.read(last_counts)["cyclic"].at == NOW


def test_articles_are_imported_with_their_rejects(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "articles.csv"
    path.write_bytes(f"gtin;name;preis\n{GTIN};Blåskjorte;5,00\n1;x;1\n".encode("latin-1"))
    result, taken = take(store, path)
    assert (taken.articles, taken.new, result.rejected) == (1, 1, Counter({"bad_gtin": 1}))
    assert store.read(lambda conn: articles_for(conn, [f"gtin:{GTIN}"])) == (Article(GTIN, "Blåskjorte", "5.00"),)


def test_a_file_that_is_not_there_is_told(store: Store, tmp_path: Path) -> None:
    assert kind_of(tmp_path / "no") is None
    assert take(store, tmp_path / "no")[0].rejected == Counter({"unreadable": 1})


def test_an_import_leaves_word_for_the_running_daemon(store: Store) -> None:
    assert store.read(imported_at) == 0.0
    note_import(store, NOW)
    note_import(store, NOW + 1)
    assert store.read(imported_at) == NOW + 1


def decided(reason: str, at: float = T0) -> Decided:
    return Decided(ITEM, "front", at, "sold", reason, "out", 1.0, {})


def test_what_left_is_counted_by_day_and_reason(store: Store) -> None:
    tally = ExitTally(UTC)
    tally.take(
        [decided("sold"), decided("sold_credit"), decided("unknown_item"), decided("stayed"), decided("sold", T0 - 86_400 * 30)]
    )
    for _ in range(2):
        counts = tally.due()
        store.write(lambda conn, counts=counts: keep_counts(conn, counts)).result(10)
    tally.take([decided("unpaid_exit")])
    tally.again(tally.due())
    store.write(lambda conn: keep_counts(conn, tally.due())).result(10)
    assert store.read(lambda conn: passed_lately(conn, "2027-01-15")) == Passed(sold=2, unsold=1, unknown=1)


def test_foreign_goods_that_leave_are_counted_apart_and_those_that_come_in_or_stay_are_not(store: Store) -> None:
    tally = ExitTally(UTC)
    ways = ("out", "unknown", "in", "none")
    tally.take([decided("sold"), *(msgspec.structs.replace(decided("foreign"), direction=way) for way in ways)])
    store.write(lambda conn: keep_counts(conn, tally.due())).result(10)
    passed = store.read(lambda conn: passed_lately(conn, "2027-01-15"))
    assert (passed, passed.total) == (Passed(sold=1, foreign=2), 1)


@pytest.mark.parametrize("policy", ["observe", "stock_only", "strict"])
def test_a_shop_where_only_foreign_goods_leave_is_asked_what_its_own_goods_are(policy: str) -> None:
    ready, text = advice(Passed(foreign=ENOUGH), policy, True)
    assert not ready
    assert "company_prefixes" in text
    assert "company_prefixes" not in advice(Passed(foreign=ENOUGH, sold=1), policy, True)[1]
    assert "company_prefixes" not in advice(Passed(foreign=ENOUGH - 1), policy, True)[1]


@pytest.mark.parametrize(
    ("passed", "counted_whole", "ready", "word"),
    [
        (Passed(), False, False, "full stock count"),
        (Passed(sold=10), True, False, "keep observing"),
        (Passed(sold=ENOUGH, unknown=50), True, False, "does not know"),
        (Passed(sold=ENOUGH, unsold=50), True, False, "every till"),
        (Passed(sold=ENOUGH, unsold=2, unknown=1), True, True, "stock_only"),
    ],
)
def test_the_time_to_go_live_is_told(passed: Passed, counted_whole: bool, ready: bool, word: str) -> None:
    found, text = advice(passed, "observe", counted_whole)
    assert (found, word in text) == (ready, True)


def test_a_live_site_whose_goods_leave_unsold_in_numbers_is_warned() -> None:
    assert not advice(Passed(sold=ENOUGH, unsold=100), "stock_only", True)[0]
    assert advice(Passed(sold=ENOUGH, unsold=2, unknown=500), "stock_only", True)[0]
