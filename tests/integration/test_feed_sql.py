"""The SQL poller on real databases of another program: a SQLite file and a PostgreSQL server."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text

sys.path.insert(0, str(Path(__file__).parents[1]))
import postgres_server
from feed_box import NOW, FeedBox
from feed_documents import ARTICLES, gtin
from wait import wait_for

from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.dead_letter import letters_of
from rfidguard.errors import DeviceLost
from rfidguard.feeds.feed_desk import Feeds
from rfidguard.feeds.feed_store import feed_cursors_of
from rfidguard.intake import last_heard
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

EPC = "3074257BF7194E4000001A85"
GTIN = gtin(ARTICLES[0])
COLUMNS = {"gtin": "ean", "quantity": "qty", "at": "sold_at", "epc": "tag", "transaction": "bon"}
TIME = "2026-11-22 10:14:02"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as opened:
        yield opened


@pytest.fixture
def till_db(tmp_path: Path) -> Path:
    path = tmp_path / "till.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("CREATE TABLE lines (no INTEGER PRIMARY KEY, ean TEXT, qty NUMERIC, sold_at TEXT, tag TEXT, bon TEXT)")
    return path


def sell(path: Path, *rows: tuple[Any, ...]) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany("INSERT INTO lines (no, ean, qty, sold_at, tag, bon) VALUES (?, ?, ?, ?, ?, ?)", rows)


def sql_box(store: Store, path: Path, **more: object) -> FeedBox:
    return FeedBox(store, "sql", **{"url": f"sqlite:///{path}", "table": "lines", "cursor": "no", "columns": COLUMNS, **more})


def test_rows_are_taken_once_in_order_and_a_new_feed_goes_on_from_the_cursor(store: Store, till_db: Path) -> None:
    sell(till_db, (1, None, 1, TIME, EPC, "4711"), (2, GTIN, 3, TIME, None, "4711"), (3, "123", 1, TIME, None, "4712"))
    box = sql_box(store, till_db)
    assert box.turns() == (2, 0, 1)
    assert [(r.id, r.epc, r.gtin, r.quantity, r.transaction, r.source) for r in box.stored()] == [
        ("erp:1", EPC, None, 1, "4711", "erp"),
        ("erp:2", None, GTIN, 3, "4711", "erp"),
    ]
    assert store.read(lambda conn: letters_of(conn, "erp"))[0][0] == "bad_gtin"
    sell(till_db, (4, GTIN, -1, TIME, None, "4713"))
    again = sql_box(store, till_db)
    assert again.turns() == (1, 0, 0)
    assert again.stored()[-1].kind == "returned"


def test_a_row_committed_late_is_found_within_the_overlap(store: Store, till_db: Path) -> None:
    box = sql_box(store, till_db, overlap=5)
    sell(till_db, (10, GTIN, 1, TIME, None, "1"))
    assert box.turns() == (1, 0, 0)
    sell(till_db, (8, GTIN, 1, TIME, None, "2"))
    assert box.turns() == (2, 1, 0)


def test_many_rows_come_in_pages_and_old_ones_are_no_news_one_by_one(store: Store, till_db: Path) -> None:
    sell(till_db, *((n, GTIN, 1, "2025-11-22 10:14:02", None, "1") for n in range(1, 2_501)))
    box = sql_box(store, till_db)
    assert box.turns() == (2_500, 0, 0)
    assert (box.feed.counts["polls"], box.told) == (3, [])


def test_a_query_of_the_shops_own_and_a_time_as_cursor(store: Store, till_db: Path) -> None:
    sell(till_db, (1, GTIN, 1, TIME, None, "1"), (2, GTIN, 1, "2026-11-22 10:15:02", None, "2"))
    query = "SELECT ean, sold_at, 'till-' || no AS name FROM lines WHERE qty > 0;"
    columns = {"gtin": "ean", "at": "sold_at", "id": "name"}
    box = sql_box(store, till_db, table=None, query=query, cursor="sold_at", columns=columns)
    assert box.turns() == (2, 0, 0)
    assert [record.id for record in box.stored()] == ["till-1", "till-2"]


def test_rows_that_share_a_time_are_all_taken_however_the_pages_fall(store: Store, till_db: Path) -> None:
    sell(till_db, *((n, GTIN, 1, TIME, None, str(n)) for n in range(1, 2_504)))
    box = sql_box(store, till_db, cursor="sold_at", columns={**COLUMNS, "id": "no"})
    assert box.turns() == (2_503, 0, 0)
    sell(till_db, (3_000, GTIN, 1, TIME, None, "late"))
    assert box.turns()[0] == 2_504, "a row that was committed later with the time of the last one"


def test_a_cursor_that_several_rows_may_share_needs_an_id_beside_it(store: Store, till_db: Path) -> None:
    sell(till_db, (1, GTIN, 1, TIME, None, "7"), (2, GTIN, 1, TIME, None, "7"))
    for cursor in ("sold_at", "qty"):
        with pytest.raises(DeviceLost, match="map id"):
            sql_box(store, till_db, cursor=cursor).turns()
    assert sql_box(store, till_db, cursor="sold_at", columns={**COLUMNS, "id": "no"}).turns() == (2, 0, 0)


def test_rows_without_a_place_are_left_until_they_have_one(store: Store, till_db: Path) -> None:
    columns = {**COLUMNS, "id": "no"}
    sell(till_db, (1, GTIN, 1, None, None, "1"))
    box = sql_box(store, till_db, cursor="sold_at", columns=columns)
    assert box.turns() == (0, 0, 0)
    sell(till_db, (2, GTIN, 1, TIME, None, "1"))
    assert box.turns()[0] == 1


def test_an_overlap_of_a_text_is_refused_in_words(store: Store, till_db: Path) -> None:
    sell(till_db, (1, GTIN, 1, TIME, None, "1"))
    box = sql_box(store, till_db, cursor="sold_at", columns={**COLUMNS, "id": "no"}, overlap=30)
    box.feed.turn()
    with pytest.raises(DeviceLost, match="overlap"):
        box.feed.turn()


def test_nothing_is_ever_written_at_the_source(store: Store, till_db: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.db"
    with pytest.raises(DeviceLost, match="cannot be asked"):
        sql_box(store, missing).turns()
    assert not missing.exists()
    before = till_db.read_bytes()
    sell_nothing = "SELECT no, ean, qty, sold_at, tag, bon FROM lines); DELETE FROM lines; SELECT (1"
    with pytest.raises(DeviceLost):
        sql_box(store, till_db, table=None, query=sell_nothing).turns()
    assert till_db.read_bytes() == before


def test_a_source_that_is_away_is_lost_in_words_and_without_its_password(store: Store, tmp_path: Path) -> None:
    missing = sql_box(store, tmp_path / "no" / "such.db")
    with pytest.raises(DeviceLost, match="cannot be asked"):
        missing.turns()
    (tmp_path / "address").write_text("oracle+nothing://u:secret@h/x\n")
    nonsense = sql_box(store, tmp_path, url=None, url_file=tmp_path / "address")
    with pytest.raises(DeviceLost) as lost:
        nonsense.turns()
    assert "secret" not in str(lost.value)


def test_a_poll_without_news_is_a_sign_of_life(store: Store, till_db: Path) -> None:
    box = sql_box(store, till_db)
    box.turns()
    assert store.read(last_heard) == {"": NOW}


@pytest.fixture(scope="module")
def server() -> Iterator[postgres_server.Server]:
    with postgres_server.postgres() as running:
        yield running


@pytest.fixture
def shop_db(server: postgres_server.Server) -> Iterator[Engine]:
    """A schema of its own, as another program would have."""
    engine = create_engine(server.url())
    with engine.begin() as conn:
        conn.execute(text("DROP SCHEMA IF EXISTS till CASCADE"))
        conn.execute(text("CREATE SCHEMA till"))
        conn.execute(text("CREATE TABLE till.lines (changed timestamptz, ean text, qty numeric(8,3), line_id text)"))
    yield engine
    engine.dispose()


def pg_sell(engine: Engine, *rows: tuple[str | None, float, str]) -> None:
    """Rows of when, how many and which line."""
    with engine.begin() as conn:
        for changed, qty, line in rows:
            values = {"c": changed, "g": GTIN, "q": qty, "l": line}
            conn.execute(text("INSERT INTO till.lines VALUES (:c, :g, :q, :l)"), values)


PG_COLUMNS = {"gtin": "ean", "quantity": "qty", "at": "changed", "id": "line_id"}


def pg_box(store: Store, server: postgres_server.Server, **more: object) -> FeedBox:
    settings = {"url": server.url(), "table": "till.lines", "cursor": "changed", "columns": PG_COLUMNS, **more}
    return FeedBox(store, "sql", **settings)


def test_postgresql_is_asked_by_times_with_zones(store: Store, server: postgres_server.Server, shop_db: Engine) -> None:
    pg_sell(shop_db, ("2026-11-22 10:14:02+01", 2.0, "a"), ("2026-11-22 10:15:02+01", 1, "b"))
    box = pg_box(store, server, overlap=30)
    assert box.turns() == (2, 0, 0)
    assert [(record.id, record.quantity, record.at) for record in box.stored()] == [
        ("a", 2, 1_795_338_842.0),
        ("b", 1, 1_795_338_902.0),
    ]
    pg_sell(shop_db, ("2026-11-22 10:14:50+01", 1, "late"))
    assert box.turns() == (3, 1, 0)


def test_postgresql_rows_without_a_time_do_not_stop_the_feed(
    store: Store, server: postgres_server.Server, shop_db: Engine
) -> None:
    pg_sell(shop_db, ("2026-11-22 10:14:02+01", 1, "a"), (None, 1, "b"))
    box = pg_box(store, server)
    assert box.turns()[0] == 1
    pg_sell(shop_db, ("2026-11-22 10:15:02+01", 1, "c"))
    assert box.turns()[0] == 2


def test_postgresql_is_only_read_and_only_for_so_long(store: Store, server: postgres_server.Server, shop_db: Engine) -> None:
    pg_sell(shop_db, ("2026-11-22 10:14:02+01", 1, "a"))
    with shop_db.begin() as conn:
        conn.execute(text("CREATE FUNCTION till.gone() RETURNS int LANGUAGE sql AS 'DELETE FROM till.lines; SELECT 1'"))
    box = pg_box(store, server, table=None, query="SELECT *, till.gone() FROM till.lines")
    with pytest.raises(DeviceLost, match="read-only"):
        box.turns()
    slow = pg_box(store, server, timeout_s=0.2)
    with shop_db.begin() as conn:
        conn.execute(text("LOCK TABLE till.lines IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DeviceLost, match="timeout"):
            slow.turns()


def test_a_postgresql_that_stops_and_comes_back_is_asked_again_from_the_cursor(
    store: Store, server: postgres_server.Server, shop_db: Engine
) -> None:
    pg_sell(shop_db, ("2026-11-22 10:14:02+01", 1, "a"))
    box = pg_box(store, server)
    box.turns()
    server.stop()
    with pytest.raises(DeviceLost, match="cannot be asked"):
        box.turns()
    server.start()
    shop_db.dispose()
    pg_sell(shop_db, ("2026-11-22 10:15:02+01", 1, "b"))
    assert box.turns()[0] == 2


def test_a_page_that_cannot_be_stored_is_stored_once_the_database_is_back(tmp_path: Path, till_db: Path) -> None:
    sell(till_db, (1, GTIN, 1, TIME, None, "1"))
    path = tmp_path / "shop.db"
    told: list[tuple[str, str, str | None]] = []
    with Store(f"sqlite:///{path}", SystemClock()) as store:
        section = {
            "id": "erp",
            "driver": "sql",
            "url": f"sqlite:///{till_db}",
            "table": "lines",
            "cursor": "no",
            "columns": COLUMNS,
            "every_s": 0.2,
        }
        config = Config.model_validate({"site": {"id": "0001"}, "feed": [section]})
        feeds = Feeds(config, store, lambda _: None, SystemClock(), lambda *what: told.append(what))
        feeds.start()
        wait_for(lambda: feeds.states()["erp"][0] == "online")
        till_db.rename(tmp_path / "away.db")
        till_db.mkdir()
        wait_for(lambda: feeds.states()["erp"][0] == "offline")
        assert feeds.reasons().keys() == {"feed erp"}
        till_db.rmdir()
        (tmp_path / "away.db").rename(till_db)
        sell(till_db, (2, GTIN, 1, TIME, None, "1"))
        wait_for(lambda: len(store.read(lambda conn: list(export_records(conn)))) == 2)
        cursor = store.read(feed_cursors_of)["erp"]
        assert (cursor.cursor, cursor.lag_s is not None) == ('["number", "2"]', True)
        feeds.stop()
    assert told[0] == ("erp", "offline", "not heard yet")
