"""A drop folder on a real disk: each complete file once, with whatever header, moved where people look for it."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, Op, Receipt, gtin, poslog

from rfidguard.clock import SystemClock
from rfidguard.dead_letter import buried
from rfidguard.events import Event, ReadBatch
from rfidguard.feeds.drop_folder import REST_S, DropFolder
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

EPC = "3074257BF7194E4000001A85"
ROW = f"epc,at\n{EPC},2026-11-22T10:14:02Z\n"


class HandClock(SystemClock):
    """Runs when it is told to."""

    at = 1_795_400_000.0

    def now(self) -> float:
        return self.at


class Shop:
    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.clock = HandClock()
        self.told: list[Event | ReadBatch] = []
        columns = {"tag": "epc", "artikel": "gtin", "menge": "quantity", "zeit": "at"}
        self.drop = DropFolder(
            folder, store, self.told.append, self.clock, source="erp", zone=ZoneInfo("Europe/Berlin"), columns=columns
        )

    def write(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def sweep(self) -> list[tuple[str, int, int, int]]:
        """After files have rested: name, stored, duplicate, refused."""
        self.drop.sweep()
        self.clock.at += REST_S
        return [(one.name, one.stored, one.duplicate, one.refused.total()) for one in self.drop.sweep()]

    def names(self) -> list[str]:
        return sorted(path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with Store("sqlite://", SystemClock()) as store:
        yield Shop(tmp_path, store)


def test_a_file_is_taken_once_told_to_the_core_and_moved(shop: Shop) -> None:
    shop.write("a.csv", ROW)
    assert shop.sweep() == [("a.csv", 1, 0, 0)]
    assert shop.names() == ["done/a.csv"]
    assert [event.source for event in shop.told] == ["erp"]  # type: ignore[union-attr]
    assert shop.sweep() == []


def test_the_same_file_dropped_again_changes_nothing_and_both_are_kept(shop: Shop) -> None:
    for expected in ((1, 0), (0, 1), (0, 1)):
        shop.write("a.csv", ROW)
        assert shop.sweep() == [("a.csv", *expected, 0)]
    assert shop.names() == ["done/a.csv", "done/a~2.csv", "done/a~3.csv"]
    assert len(shop.told) == 1


def test_a_file_that_still_grows_is_left_alone(shop: Shop) -> None:
    shop.write("a.csv", ROW[:20])
    shop.drop.sweep()
    shop.clock.at += REST_S
    shop.write("a.csv", ROW)
    assert shop.drop.sweep() == []
    shop.clock.at += REST_S
    assert [one.stored for one in shop.drop.sweep()] == [1]


def test_hidden_and_unfinished_files_links_and_folders_are_left_alone(shop: Shop, tmp_path: Path) -> None:
    for name in (".hidden.csv", "a.csv.part", "b.tmp"):
        shop.write(name, ROW)
    (shop.folder / "folder.csv").mkdir()
    os.symlink("/etc/passwd", shop.folder / "link.csv")
    assert shop.sweep() == []


def test_a_header_of_the_shops_own_is_read_by_the_mapping(shop: Shop) -> None:
    shop.write("a.csv", f'\ufeffTag;Artikel;Menge;Zeit\n{EPC};;1;2026-11-22 10:14\n;"{gtin(ARTICLES[0])}";3;2026-11-22 10:14\n')
    assert shop.sweep() == [("a.csv", 2, 0, 0)]
    found = shop.store.read(lambda conn: list(export_records(conn)))
    assert {(record.epc, record.gtin, record.quantity, record.at) for record in found} == {
        (EPC, None, 1, 1_795_338_840.0),
        (None, gtin(ARTICLES[0]), 3, 1_795_338_840.0),
    }


def test_what_is_refused_is_named_beside_the_file_and_the_rest_is_taken(shop: Shop) -> None:
    shop.write("a.csv", ROW + "303,\n")
    shop.write("b.bin", b"\x00\x01")
    assert shop.sweep() == [("a.csv", 1, 0, 1), ("b.bin", 0, 0, 1)]
    assert shop.names() == ["refused/a.csv", "refused/a.csv.reasons.txt", "refused/b.bin", "refused/b.bin.reasons.txt"]
    assert (shop.folder / "refused" / "a.csv.reasons.txt").read_text().startswith("line 3: an EPC is an even number")
    assert shop.store.read(buried) == {"bad_epc": 1, "unknown_format": 1}


def test_poslog_files_come_by_folder_too(shop: Shop) -> None:
    shop.write("day.xml", poslog([Receipt(7, [Op("sale", ARTICLES[0], (5,), 3)])]))
    assert shop.sweep() == [("day.xml", 2, 0, 0)]


def test_a_folder_that_is_gone_is_an_error_for_whoever_calls(shop: Shop) -> None:
    shop.folder.rmdir()
    with pytest.raises(OSError, match="No such file"):
        shop.drop.sweep()
    shop.folder.mkdir()
    assert shop.drop.sweep() == []
