"""A drop folder on a real disk: each complete file once, with whatever header, moved where people look for it."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, Op, Receipt, gtin, poslog
from hand_clock import HandClock
from wait import wait_for

from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.dead_letter import buried
from rfidguard.events import Event, ReadBatch
from rfidguard.feeds.contract import Context
from rfidguard.feeds.drop_folder import DropFolder, FolderSettings
from rfidguard.feeds.feed_desk import Feeds
from rfidguard.feeds.feed_store import cursor_of
from rfidguard.feeds.feed_thread import FeedThread
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

REST_S = 2.0
EPC = "3074257BF7194E4000001A85"
ROW = f"epc,at\n{EPC},2026-11-22T10:14:02Z\n"


class Shop:
    """A feed on its thread's work, turn by turn."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.clock = HandClock(1_795_400_000.0)
        self.told: list[Event | ReadBatch] = []
        self.start()

    def start(self) -> None:
        """A feed of its own, as after a restart."""
        self.drop.close() if hasattr(self, "drop") else None
        columns = {"Tag": "epc", "Artikel": "gtin", "Menge": "quantity", "Zeit": "at"}
        settings = FolderSettings(path=self.folder, columns=columns, rest_s=REST_S)
        context = Context("erp", ZoneInfo("Europe/Berlin"), self.clock, lambda codes: {})
        self.drop = DropFolder(settings, context)
        self.feed = FeedThread("erp", lambda: self.drop, 1.0, self.store, self.told.append, self.clock, lambda *_: None)

    def write(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def sweep(self) -> tuple[int, int, int]:
        """After files have rested: stored, duplicate, refused."""
        before = self.counts()
        self.feed.turn()
        self.clock.at += REST_S
        self.turns()
        now = self.counts()
        return now[0] - before[0], now[1] - before[1], now[2] - before[2]

    def turns(self) -> None:
        while self.feed.turn():
            pass

    def counts(self) -> tuple[int, int, int]:
        return self.feed.counts["stored"], self.feed.counts["duplicate"], self.feed.refused.total()

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Store("sqlite://", SystemClock()) as store:
        yield Shop(tmp_path, store)


def test_a_file_is_taken_once_told_to_the_core_and_moved(shop: Shop) -> None:
    shop.write("a.csv", ROW)
    assert shop.sweep() == (1, 0, 0)
    assert shop.names() == ["done/a.csv"]
    assert [event.source for event in shop.told] == ["erp"]  # type: ignore[union-attr]
    assert shop.sweep() == (0, 0, 0)


def test_the_same_file_dropped_again_changes_nothing_and_both_are_kept(shop: Shop) -> None:
    for expected in ((1, 0), (0, 1), (0, 1)):
        shop.write("a.csv", ROW)
        assert shop.sweep() == (*expected, 0)
    assert shop.names() == ["done/a.csv", "done/a~2.csv", "done/a~3.csv"]
    assert len(shop.told) == 1


def test_a_file_that_still_grows_is_left_alone(shop: Shop) -> None:
    shop.write("a.csv", ROW[:20])
    shop.feed.turn()
    shop.clock.at += REST_S
    shop.write("a.csv", ROW)
    shop.turns()
    assert shop.counts() == (0, 0, 0)
    shop.clock.at += REST_S
    shop.turns()
    assert shop.counts() == (1, 0, 0)


def test_hidden_and_unfinished_files_links_and_folders_are_left_alone(shop: Shop, tmp_path: Path) -> None:
    for name in (".hidden.csv", "a.csv.part", "b.tmp"):
        shop.write(name, ROW)
    (shop.folder / "folder.csv").mkdir()
    os.symlink("/etc/passwd", shop.folder / "link.csv")
    assert shop.sweep() == (0, 0, 0)


def test_a_header_of_the_shops_own_is_read_by_the_mapping(shop: Shop) -> None:
    shop.write("a.csv", f'\ufeffTag;Artikel;Menge;Zeit\n{EPC};;1;2026-11-22 10:14\n;"{gtin(ARTICLES[0])}";3;2026-11-22 10:14\n')
    assert shop.sweep() == (2, 0, 0)
    found = shop.store.read(lambda conn: list(export_records(conn)))
    assert {(record.epc, record.gtin, record.quantity, record.at) for record in found} == {
        (EPC, None, 1, 1_795_338_840.0),
        (None, gtin(ARTICLES[0]), 3, 1_795_338_840.0),
    }


def test_what_is_refused_is_named_beside_the_file_and_the_rest_is_taken(shop: Shop) -> None:
    shop.write("a.csv", ROW + "303,\n")
    shop.write("b.bin", b"\x00\x01")
    assert shop.sweep() == (1, 0, 2)
    assert shop.names() == ["refused/a.csv", "refused/a.csv.reasons.txt", "refused/b.bin", "refused/b.bin.reasons.txt"]
    assert (shop.folder / "refused" / "a.csv.reasons.txt").read_text().startswith("line 3: an EPC is an even number")
    assert shop.store.read(buried) == {"bad_epc": 1, "unknown_format": 1}


def test_poslog_files_come_by_folder_too(shop: Shop) -> None:
    shop.write("day.xml", poslog([Receipt(7, [Op("sale", ARTICLES[0], (5,), 3)])]))
    assert shop.sweep() == (2, 0, 0)


def test_a_folder_that_is_gone_is_an_error_for_whoever_calls(shop: Shop) -> None:
    shop.folder.rmdir()
    with pytest.raises(OSError, match="No such file"):
        shop.feed.turn()
    shop.folder.mkdir()
    assert shop.sweep() == (0, 0, 0)


def test_a_restart_in_the_middle_of_a_file_goes_on_there_and_nothing_is_twice_or_lost(shop: Shop) -> None:
    rows = [f"{EPC[:-4]}{number:04X},2026-11-22T10:14:02Z" for number in range(2_500)]
    shop.write("a.csv", "\n".join(["epc,at", *rows, "303,"]) + "\n")
    shop.feed.turn()
    shop.clock.at += REST_S
    assert shop.feed.turn()
    assert shop.counts() == (1_000, 0, 0)
    assert json.loads(shop.store.read(lambda conn: cursor_of(conn, "erp")) or "")[3] == 1_000
    shop.start()
    shop.feed.turn()
    shop.clock.at += REST_S
    shop.turns()
    assert shop.counts() == (1_500, 0, 1), "the first thousand is not even read into the database again"
    assert len(shop.told) == 2_500
    assert shop.names() == ["refused/a.csv", "refused/a.csv.reasons.txt"]


def test_another_file_of_the_same_name_is_read_from_its_start(shop: Shop) -> None:
    shop.write("a.csv", ROW)
    assert shop.sweep() == (1, 0, 0)
    shop.write("a.csv", ROW.replace("1A85", "1A86"))
    assert shop.sweep() == (1, 0, 0)


def test_the_thread_survives_a_folder_that_goes_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    told: list[tuple[str, str, str | None]] = []
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as store:
        section = {"id": "erp", "driver": "drop_folder", "path": str(folder), "rest_s": 0, "every_s": 0.2}
        config = Config.model_validate({"site": {"id": "0001"}, "feed": [section]})
        feeds = Feeds(config, store, lambda _: None, SystemClock(), lambda *what: told.append(what))
        feeds.start()
        wait_for(lambda: any(state == "offline" and "No such file" in (reason or "") for _, state, reason in told))
        folder.mkdir()
        (folder / "a.csv").write_text(ROW)
        wait_for(lambda: (folder / "done" / "a.csv").exists())
        assert told[-1] == ("erp", "online", None)
        assert [record.source for record in store.read(lambda conn: list(export_records(conn)))] == ["erp"]
        feeds.stop()
    assert not feeds.threads["erp"]._thread.is_alive()
