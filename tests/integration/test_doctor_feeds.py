"""`rfidguard doctor` on sources of sales: what can be reached, what is silent, late, or was refused."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from epcis_repository import Repository
from hand_clock import HandClock
from shop_systems import SquareApi

from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.doctor import Finding, examine
from rfidguard.doctor_box import Who
from rfidguard.doctor_feeds import feed_checks, feed_findings, feed_secrets
from rfidguard.events import Ledger
from rfidguard.feed_standing import standings
from rfidguard.feeds.feed_store import take_page
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.intake import take_heartbeat
from rfidguard.service_db import DAEMON, beat
from rfidguard.store import Store

ROOT = Path(__file__).parents[2]
NOW = 1_795_342_442.0
ME = Who("me", os.geteuid(), frozenset((os.getegid(), *os.getgroups())))
FOLDER = {"id": "erp", "driver": "drop_folder", "path": "/nowhere"}
COLUMNS = {"epc": "tag"}


def config(*feeds: dict[str, Any]) -> Config:
    return Config.model_validate({"site": {"id": "0001"}, "feed": list(feeds)})


def reached(feed: dict[str, Any]) -> Finding:
    (finding,) = examine(feed_checks(config({"id": "erp", **feed}), ME, HandClock(NOW)))
    return finding


@pytest.fixture
def repository() -> Iterator[Repository]:
    made = Repository()
    yield made
    made.close()


def test_a_folder_that_is_there_is_told_from_one_that_is_not(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("epc\n")
    there, gone = ({"driver": "drop_folder", "path": str(path)} for path in (tmp_path, tmp_path / "gone"))
    assert (reached(there).level, reached(there).text) == ("ok", f"{tmp_path} is there, 1 files wait")
    assert (reached(gone).level, "docs/feeds.md" in reached(gone).todo) == ("fail", True)


def test_a_database_is_asked_and_its_rows_are_tried(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "till.db")) as db, db:
        db.execute("CREATE TABLE lines (no INTEGER PRIMARY KEY, tag TEXT)")
        db.execute("INSERT INTO lines (tag) VALUES ('3074257BF7194E4000001A85')")
    feed = {"driver": "sql", "url": f"sqlite:///{tmp_path / 'till.db'}", "table": "lines", "cursor": "no", "columns": COLUMNS}
    assert (reached(feed).level, reached(feed).text) == ("ok", "answers with 1 rows")
    wrong = reached({**feed, "columns": {"gtin": "tag"}})
    assert (wrong.level, wrong.text.startswith("no row can be used: row no = 1: ")) == ("fail", True)
    with closing(sqlite3.connect(tmp_path / "till.db")) as db, db:
        db.execute("INSERT INTO lines (tag) VALUES ('odd')")
    assert reached(feed).level == "ok"
    assert reached(feed).text.startswith("answers with 2 rows, 1 of them cannot be used: row no = 2: ")
    assert "no such column" in reached({**feed, "columns": {"epc": "label"}}).text


def test_a_repository_that_answers_is_told_from_one_that_does_not(repository: Repository) -> None:
    feed = {"driver": "epcis", "url": repository.url}
    repository.record(1, "2026-11-22T10:15:00Z")
    assert (reached(feed).level, reached(feed).text) == ("ok", f"{repository.url} answers with 1 entries")
    repository.failing = [401]
    assert "401" in reached(feed).text
    repository.garbage = [b"<html>"]
    assert reached(feed).level == "fail"


def test_a_webhook_needs_its_secret_and_square_its_api(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    feed = {"driver": "shopify", "secret_file": str(secret)}
    assert reached(feed).level == "fail"
    secret.write_text("a-long-secret")
    assert reached(feed).text == "the secret is there; Shopify is to call /v1/hooks/erp"
    api = SquareApi()
    square = {**feed, "driver": "square", "called_at": "https://shop.example/x", "token_file": str(secret), "api": api.url}
    assert reached(square).level == "ok"
    api.status = 401
    assert "401" in reached(square).text
    api.close()
    assert feed_secrets(config({"id": "erp", **square})) == [secret, secret]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as opened:
        opened.write(lambda conn: beat(conn, DAEMON, "s", 1, NOW)).result()
        yield opened


def found(store: Store, *feeds: dict[str, Any], now: float = NOW) -> list[tuple[str, str, str]]:
    known = store.read(lambda conn: standings(conn, config(*feeds), now))
    return [(one.level, one.name, one.text) for one in feed_findings(known, now)]


def brought(store: Store, at: float, now: float, *refused: str) -> None:
    """The feed erp brings a sale made at `at`, and what is refused."""
    taken = [Taken(0, Ledger(at=at, id=f"s{at}/1", kind="sold", epc="3074257BF7194E4000001A85"))]
    taken += [Taken(0, reason=reason, text=f"{reason} it is") for reason in refused]
    take_page(store, taken, feed="erp", cursor="1", now=now, emit=lambda _record: None, alive=True)


def test_a_shop_without_any_source_of_sales_is_told(store: Store) -> None:
    assert found(store) == [("warn", "sales", "no till and no feed was ever heard")]


def test_a_feed_is_not_heard_yet_fresh_silent_late_or_sends_what_is_refused(store: Store) -> None:
    assert found(store, FOLDER) == [("warn", "sales from erp", "not heard yet")]
    brought(store, NOW - 8, NOW - 5)
    assert found(store, FOLDER) == [("ok", "sales from erp", "heard 5 s ago, the last sale 5 s ago")]
    brought(store, NOW - 44, NOW - 4)
    assert found(store, FOLDER) == [("warn", "sales from erp", "heard 4 s ago, the last sale 4 s ago, 40 s late")]
    brought(store, NOW - 3, NOW - 2, "bad_gtin", "bad_epc")
    ((level, _, text),) = found(store, FOLDER)
    assert (level, text) == ("warn", "heard 2 s ago, the last sale 2 s ago; 2 refused are kept, the last 2 s ago: bad_epc it is")
    store.write(lambda conn: beat(conn, DAEMON, "s", 1, NOW + 600)).result()
    ((level, _, text),) = found(store, FOLDER, now=NOW + 600)
    assert (level, text.endswith("no sign of life for more than 120 s")) == ("fail", True)
    ((level, _, _),) = found(store, {**FOLDER, "vital": False}, now=NOW + 600)
    assert level == "warn"


def test_tills_that_send_by_themselves_are_looked_at_too(store: Store) -> None:
    take_heartbeat(store, b"", "mqtt:3", "3", NOW - 1)
    take_heartbeat(store, b"", "mqtt:4", "4", NOW - 7_300)
    assert found(store) == [
        ("ok", "sales from mqtt:3 3", "heard 1 s ago"),
        ("fail", "sales from mqtt:4 4", "heard 2 h ago; no sign of life for more than 120 s"),
    ]


def test_the_command_tells_of_feeds(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text(
        f'[site]\nid = "0001"\n[database]\nurl = "sqlite:///{tmp_path / "shop.db"}"\n'
        f'[[feed]]\nid = "erp"\ndriver = "drop_folder"\npath = "{tmp_path}"\n'
    )
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()):
        pass
    command = [sys.executable, "-m", "rfidguard", "doctor", "--json", "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=200, check=False)
    told = {one["name"]: one["level"] for one in json.loads(done.stdout)["findings"]}
    assert (told["feed erp"], told["sales from erp"]) == ("ok", "warn")
