"""`rfidguard ledger import` with POSLog and EPCIS files, and what files of bad will come to."""

import gzip
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, Op, Receipt, epcis_document, epcis_event, epcis_xml, poslog

from rfidguard.clock import SystemClock
from rfidguard.feeds.ledger_import import ImportResult, import_file
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
A = ARTICLES[0]
NOW = 1_795_400_000.0
SALE = epcis_event("sale", [(A, 5)], "2026-11-20T10:14:02Z", 0)
RECEIPT = Receipt(7, [Op("sale", A, (5,), 3)])


def take(store: Store, path: Path) -> ImportResult:
    result = ImportResult()
    import_file(store, path, ZoneInfo("Europe/Berlin"), NOW, result, lambda done: None)
    return result


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path):
    def made(content: bytes) -> Path:
        path = tmp_path / "a file.dat"
        path.write_bytes(content)
        return path

    return made


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("content", "records"),
    [
        (poslog([RECEIPT]), 2),
        (b"\xef\xbb\xbf" + poslog([RECEIPT], ""), 2),
        (poslog([Receipt(7, [Op("sale", A, (5,))], prefix="v")]), 1),
        (json.dumps(epcis_document([SALE])).encode(), 1),
        (json.dumps(epcis_document([SALE], query=True), indent=2).encode(), 1),
        (json.dumps(SALE).encode() + b"\n" + json.dumps({**SALE, "eventID": "urn:x:1"}).encode(), 2),
        (json.dumps([SALE]).encode(), 1),
        (epcis_xml([SALE]), 1),
        (epcis_xml([SALE], "1.2"), 1),
        (b"\xef\xbb\xbf" + json.dumps(SALE).encode(), 1),
        (poslog([RECEIPT], "").decode().replace("?>", " encoding='UTF-16'?>").encode("utf-16"), 2),
    ],
    ids=["poslog", "mark", "prefix", "epcis", "query", "lines", "list", "xml 2", "xml 1", "json with mark", "utf-16"],
)  # fmt: skip
def test_a_file_is_told_by_its_content_and_taken_once(store: Store, file, pack, content: bytes, records: int) -> None:
    path = file(pack(content))
    first, again = take(store, path), take(store, path)
    assert (first.stored, first.rejected, again.stored, again.duplicate) == (records, {}, 0, records)


def test_what_stands_before_the_damage_is_taken(store: Store, file) -> None:
    document = poslog([RECEIPT, Receipt(8, [Op("sale", A, (6,))])])
    result = take(store, file(document[:-60]))
    assert (result.stored, result.rejected) == (2, {"bad_xml": 1})
    assert take(store, file(document)).stored == 1


def test_a_record_that_no_column_holds_is_refused(store: Store, file) -> None:
    document = poslog([RECEIPT]).replace(b"<WorkstationID>3", b"<WorkstationID>" + b"x" * 300)
    assert take(store, file(document)).stored == 2
    odd = {**SALE, "bizTransactionList": [{"bizTransaction": "y" * 500}], "eventID": "z" * 999}
    assert take(store, file(json.dumps(odd).encode())).stored == 1
    assert max(len(record.id) for record in store.read(lambda conn: list(export_records(conn)))) <= 200


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<POSLog><Transaction><RetailTransaction><LineItem><Sale><EPC>" + b"A" * 100_000_000, "too_large"),
        (b'{"@context":"epcis","type":"EPCISDocument","x":"' + b"A" * 100_000_000, "too_large"),
        (b'{"type":"EPCISDocument","epcisBody":' + b"[" * 10_000_000, "too_deep"),
        (b"<POSLog>" + b"<a>" * 1_000_000, "too_deep"),
        (b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]><POSLog>&b;</POSLog>', "document_type"),
    ],
    ids=["100 MB of text", "100 MB of JSON", "deep JSON", "deep XML", "entities"],
)
def test_a_file_of_bad_will_is_refused_in_bounded_memory(store: Store, file, content: bytes, reason: str) -> None:
    path = file(gzip.compress(content, 1))
    size = len(content)
    del content
    tracemalloc.start()
    result = take(store, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (result.stored, result.rejected) == (0, {reason: 1})
    assert peak < 200_000_000
    assert size > 50


def test_the_command_counts_what_it_stored_passed_over_and_refused(tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text(
        '[site]\nid = "0001"\ntimezone = "America/Los_Angeles"\ncompany_prefixes = ["0614141"]\n'
        f'[database]\nurl = "sqlite:///{tmp_path / "shop.db"}"\n'
    )
    files = [
        DATA / "poslog" / "ncr_acs_v2.1_day_stripped.xml",
        DATA / "epcis" / "generator" / "generated_events.json",
        DATA / "epcis" / "openepcis" / "invalid" / "ObjectEvent_with_invalid_action.json",
    ]
    program = [sys.executable, "-m", "rfidguard", "ledger", "import", "--config", str(config), *map(str, files)]
    done = subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == (
        "386 stored, 0 duplicate, 1 rejected (1 bad_event), "
        "325 passed over (208 plu, 58 price_embedded, 50 quantity_unknown, 9 no_sale)\n"
    )
    assert "ObjectEvent_with_invalid_action.json: epcisBody.eventList[0].action: must be one of" in done.stderr
