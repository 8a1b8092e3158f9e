"""Every real EPCIS and POSLog document of tests/data comes in by file, by drop folder and over HTTP: stored, or refused and why.

What is there is counted here by other means than the readers'.
"""

import json
import shutil
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from web_box import Box

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_box import NOW, FeedBox

from rfidguard.clock import SystemClock
from rfidguard.dead_letter import buried
from rfidguard.feeds.ledger_import import ImportResult, import_file
from rfidguard.ledger_db import export_records
from rfidguard.store import Store

DATA = Path(__file__).parents[1] / "data"
EPCIS, POSLOG = DATA / "epcis", DATA / "poslog"
FILES = sorted([*EPCIS.rglob("*.json"), *EPCIS.rglob("*.xml"), *POSLOG.rglob("*.xml")])
NO_DOCUMENTS = (
    {"SimpleEventQuery.json", "input_template.json"}  # a question, and a template
    | {path.name for path in (EPCIS / "generator").glob("1?_*.json")}
)  # fmt: skip
ZONE = ZoneInfo("America/Los_Angeles")

STORED = {"sold": 285, "void": 3, "stock_in": 114, "shipped": 8}
REFUSED = {"bad_event": 19, "no_context": 1, "not_epcis": 7}
PASSED_OVER = {
    "plu": 209, "price_embedded": 58, "no_sale": 10,
    "quantity_unknown": 50, "not_retail": 19, "measured_goods": 4, "other_event": 4,
}  # fmt: skip
"""Of the till's day: goods by weight, in-store numbers, no sales. Of EPCIS: what is no matter of a shop, and has no count."""
DUPLICATES = 10
"""Documents that another one tells again: once as a query's answer, once as XML."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as opened:
        yield opened


def kinds(store: Store) -> Counter[str]:
    return Counter(record.kind for record in store.read(lambda conn: list(export_records(conn))))


def imported(store: Store, paths: list[Path]) -> ImportResult:
    result = ImportResult()
    for path in paths:
        import_file(store, path, ZONE, NOW, result, lambda done: None)
    return result


def test_everything_is_stored_or_refused_with_a_reason(store: Store) -> None:
    result = imported(store, FILES)
    assert kinds(store) == STORED
    assert result.rejected == REFUSED
    assert result.passed_over == PASSED_OVER
    assert (result.stored, result.duplicate, result.passed) == (sum(STORED.values()), DUPLICATES, 0)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DATA).as_posix())
def test_only_what_is_wrong_is_refused(store: Store, path: Path) -> None:
    result = imported(store, [path])
    wrong = path.parent.name == "invalid" or path.name in NO_DOCUMENTS
    assert bool(result.rejected) == wrong
    assert result.stored + result.duplicate + result.rejected.total() + result.passed_over.total() > 0


def test_no_line_of_a_tills_day_and_no_event_is_left_unaccounted_for(store: Store) -> None:
    day = POSLOG / "ncr_acs_v2.1_day_stripped.xml"
    lines = [line for line in ET.parse(day).iter() if line.tag.endswith("}LineItem")]
    sales = sum(any(child.tag.endswith("}Sale") for child in line) for line in lines)
    result = imported(store, [day])
    assert sales == 552
    assert sales == result.stored + result.passed_over["plu"] + result.passed_over["price_embedded"]
    generated = EPCIS / "generator" / "generated_events.json"
    events = json.loads(generated.read_text())["epcisBody"]["eventList"]
    result = imported(store, [generated])
    assert result.stored == sum(len(event.get("epcList", ())) for event in events)
    assert result.passed_over["quantity_unknown"] == sum(len(event.get("quantityList", ())) for event in events)


def test_a_drop_folder_puts_each_file_where_it_belongs(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    for number, path in enumerate(FILES):
        shutil.copy(path, folder / f"{number:02d}-{path.name}")
    box = FeedBox(store, "drop_folder", path=folder, rest_s=0)
    box.turns()
    assert (kinds(store), box.feed.refused, box.feed.passed) == (STORED, REFUSED, PASSED_OVER)
    wrong = {path.name for path in FILES if path.parent.name == "invalid"} | NO_DOCUMENTS
    refused = {path.name[3:] for path in (folder / "refused").iterdir() if not path.name.endswith(".reasons.txt")}
    assert refused == wrong
    assert len(list((folder / "done").iterdir())) == len(FILES) - len(wrong)
    assert len(list((folder / "refused").glob("*.reasons.txt"))) == len(wrong)
    assert store.read(buried) == REFUSED


def test_over_http_a_document_with_a_mistake_is_kept_out_whole_and_the_reason_told(tmp_path: Path) -> None:
    answers: Counter[tuple[int, str]] = Counter()
    reasons: Counter[str] = Counter()
    with Box(tmp_path) as box, httpx.Client(base_url=box.web.url, timeout=60) as http:
        for path in FILES:
            way = "poslog" if POSLOG in path.parents else "capture"
            reply = http.post(f"/v1/{way}", content=path.read_bytes())
            answers[reply.status_code, reply.json()["status"]] += 1
            reasons.update(reply.json()["rejected"])
        assert kinds(box.store) == STORED
    assert reasons == REFUSED
    invalid = sum(path.parent.name == "invalid" for path in FILES)
    assert answers == {(422, "rejected"): invalid + len(NO_DOCUMENTS), (200, "duplicate"): 4, (200, "stored"): len(FILES) - 26}
