"""Ledger files in: told apart by content, taken once, every line that is not taken named with the reason."""

import gzip
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import zstandard

from rfidguard.clock import SystemClock
from rfidguard.events import Ledger
from rfidguard.feeds.ledger_import import ImportResult, import_file, rejects
from rfidguard.journal import encode_line
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

EPC = "3074257BF7194E4000001A85"
LINE = encode_line(Ledger(at=1_795_000_000.0, id="D1/1", kind="sold", epc=EPC))
NOW = 1_795_400_000.0


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


@pytest.fixture
def take(store: Store, tmp_path: Path):
    """Imports a file with this content; gives what became of it."""

    def taken(content: bytes | str, name: str = "file") -> ImportResult:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        result = ImportResult()
        import_file(store, path, ZoneInfo("Europe/Berlin"), NOW, result, lambda done: None)
        return result

    return taken


def counts(result: ImportResult) -> tuple[int, int, int]:
    return result.stored, result.duplicate, result.rejected.total()


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.ZstdCompressor().compress])
def test_journals_are_read_plain_and_packed(take, pack) -> None:
    assert counts(take(pack(b'{"type":"journal","version":1}\n' + LINE))) == (1, 0, 0)


def test_a_packed_file_that_is_broken_off_gives_what_it_has_and_says_so(take) -> None:
    lines = b"".join(LINE.replace(b"D1/1", f"D1/{number}".encode()) for number in range(20_000))
    result = take(gzip.compress(lines)[:-2000])
    assert result.stored > 1000
    assert list(rejects(result))
    assert result.rejected["torn_archive"] == 1


def test_csv_is_told_by_its_content_and_taken_once(store: Store, take) -> None:
    rows = f"\ufeffEPC;GTIN;Quantity;At;transaction\r\n{EPC};;;2026-11-22 10:14:02;4711\r\n"
    rows += ";614141123452;2;2026-11-22T10:14:02Z;4711\r\n\r\n"
    assert counts(take(rows)) == (2, 0, 0)
    assert counts(take(rows)) == (0, 2, 0)
    assert counts(take(rows + f"{EPC};;-1;2026-11-22 18:00;4800\r\n")) == (1, 2, 0)
    records = store.read(lambda conn: list(export_records(conn)))
    assert [(r.kind, r.epc, r.gtin, r.quantity, r.at) for r in records] == [
        ("sold", EPC, None, 1, 1795338842.0),
        ("sold", None, "00614141123452", 2, 1795342442.0),
        ("returned", EPC, None, 1, 1795366800.0),
    ]


def test_csv_rows_that_cannot_be_read_are_named_one_by_one(take) -> None:
    rows = [
        "epc,gtin,serial,quantity,kind,at",
        "303,,,,,",
        ",8.06E+13,,,,",
        ",,,,,",
        f"{EPC},,,2,,",
        ",614141123452,,1.5,,",
        ",614141123452,,0,,",
        ",614141123452,,1,gone,",
        ",614141123452,,-1,stock_in,",
        ",614141123452,,1,,tomorrow",
        ",,77,,,",
        f"{EPC},,,,,,extra",
        f"{EPC},,,,stock_in,1795000000",
    ]
    result = take("\n".join(rows), "bad.csv")
    assert counts(result) == (1, 0, 10)
    said = [line.removeprefix("bad.csv line ") for line in result.first_rejects]
    assert [line.split(":")[0] for line in said] == ["2", "3", "5", "6", "7", "8", "9", "10", "11", "12"]
    assert "8.06E+13" in said[1]
    assert "spreadsheet" in said[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "nothing in this file"),
        ('<?xml version="1.0"?>\n<POSLog xmlns="urn:poslog"><Transaction>', "this is not XML: no element found: line 2"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><POSLog/>', "send it without"),
        ('{"@context": ["urn:x"], "type": "EPCISDocument"}', "epcisBody.eventList: must be a list"),
        ('{\n  "type": "EPCISDocument"\n}', "@context: is missing"),
        ("<html/>", "neither POSLog nor EPCIS"),
        ("[1, 2]", "no journal line"),
        ("name,price\nshirt,5\n", "neither a journal nor CSV"),
        ("epc,epc\nA,B\n", "is there twice"),
        (b"\x00\x01\x02\x03" * 100, "neither a journal nor CSV"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_taken_is_refused_with_a_clear_word(take, content: str | bytes, said: str) -> None:
    result = take(content)
    assert counts(result) == (0, 0, 1)
    assert said in result.first_rejects[0]


@pytest.mark.parametrize("row", [",614141123452,,10001", ",614141123452," + "9" * 129 + ",1"])
def test_what_no_column_holds_is_refused(take, row: str) -> None:
    assert counts(take(f"epc,gtin,serial,quantity\n{row}\n")) == (0, 0, 1)


@pytest.mark.parametrize(
    "change", [(b"D1/1", b"x" * 201), (b'"epc"', b'"source":"a\\u0000b","epc"'), (b'"epc"', b'"quantity":99999,"epc"')]
)
def test_journal_lines_that_no_column_holds_are_refused(take, change: tuple[bytes, bytes]) -> None:
    assert take(LINE.replace(*change)).rejected == {"bad_value": 1}


def test_rows_that_are_equal_are_two_sales_and_the_same_two_next_time(take) -> None:
    rows = "gtin,at\n" + "614141123452,2026-11-22T10:14:02Z\n" * 2
    assert counts(take(rows)) == (2, 0, 0)
    assert counts(take(rows)) == (0, 2, 0)
