"""`rfidguard ledger` as a person and as a program call it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rfidguard.clock import SystemClock
from rfidguard.events import Ledger
from rfidguard.intake import take_heartbeat, take_sale
from rfidguard.journal import encode_line
from rfidguard.store import Store

ROOT = Path(__file__).parents[2]
EPC = "3074257BF7194E4000001A85"  # GTIN 80614141123458, serial 6789
LINE = encode_line(Ledger(at=1_795_000_000.0, id="D1/1", kind="sold", epc=EPC, source="till-3", lane="3", transaction="4711"))
HEADER = b'{"type":"journal","version":1}\n'


class Shop:
    """A configured shop in a folder of its own, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'shop.db'}"
        self.config = folder / "shop.toml"
        self.config.write_text(
            '[site]\nid = "0001"\ntimezone = "Europe/Berlin"\ncompany_prefixes = ["0614141"]\n'
            f'[database]\nurl = "{self.url}"\n[ledger]\nunknown_epc = "stock_only"\n'
        )

    def ledger(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "rfidguard", "ledger", command, "--config", str(self.config), *arguments]
        return subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)

    def file(self, name: str, content: bytes | str) -> str:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_what_was_exported_can_be_imported_elsewhere(shop: Shop, tmp_path: Path) -> None:
    shop.ledger("import", shop.file("a.jsonl", HEADER + LINE))
    exported = shop.ledger("export").stdout
    assert json.loads(exported)["id"] == "D1/1"
    (tmp_path / "other").mkdir()
    other = Shop(tmp_path / "other")
    assert other.ledger("import", other.file("b.jsonl", exported)).stdout.startswith("1 stored, 0 duplicate, 0 rejected")
    again = json.loads(other.ledger("export").stdout)
    before = json.loads(exported)
    assert {**again, "received": 0} == {**before, "received": 0}


def test_import_counts_stored_duplicate_and_rejected_with_reasons(shop: Shop) -> None:
    lines = [
        HEADER,
        LINE,
        LINE,
        LINE.replace(b"D1/1", b"D1/2").replace(b'"sold"', b'"gone"'),
        b"{oops\n",
        b'{"type":"tick","at":1}\n',
    ]
    done = shop.ledger("import", shop.file("a.jsonl", b"".join(lines)))
    assert done.returncode == 1
    assert (
        done.stdout
        == "1 stored, 1 duplicate, 2 rejected (1 bad_value, 1 not_json), 2 lines passed over that are no ledger lines\n"
    )
    assert "a.jsonl line 4: kind is one of sold" in done.stderr
    assert "a.jsonl line 5: not JSON" in done.stderr


def test_one_bad_file_does_not_keep_the_others_out(shop: Shop) -> None:
    done = shop.ledger("import", str(shop.folder / "missing.csv"), shop.file("a.jsonl", LINE))
    assert done.returncode == 1
    assert done.stdout == "1 stored, 0 duplicate, 1 rejected (1 unreadable)\n"
    assert "missing.csv: cannot be read" in done.stderr


def test_lookup_tells_the_story_and_the_state_at_any_time(shop: Shop) -> None:
    story = "epc,kind,at,id\n" + "".join(
        f"{EPC},{kind},2026-11-2{day}T10:00:00Z,{kind}\n" for day, kind in enumerate(("stock_in", "sold", "returned"))
    )
    shop.ledger("import", shop.file("story.csv", story))
    told = json.loads(shop.ledger("lookup", "80614141123458.6789", "--at", "2026-11-21T12:00:00Z", "--json").stdout)
    assert (told["state"], [entry["id"] for entry in told["story"]]) == ("sold", ["stock_in", "sold"])
    text = shop.ledger("lookup", EPC.lower()).stdout.splitlines()
    assert text[0] == f"GTIN 80614141123458 serial 6789, EPC {EPC}: armed (by returned)"
    assert text[2].split() == ["2026-11-21", "11:00:00", "sold", "sold", "from", "csv"]


def test_lookup_of_nonsense_is_bad_usage(shop: Shop) -> None:
    key, time = shop.ledger("lookup", "xyz"), shop.ledger("lookup", EPC, "--at", "yesterday")
    assert (key.returncode, time.returncode) == (2, 2)
    assert key.stderr.startswith("xyz: an EPC (hex), a GTIN or GTIN.SERIAL is needed")
    assert time.stderr.startswith("--at must be an RFC 3339 time")


CREDIT_TIME = (
    "  a sale without EPC pays for an item that leaves within 900 s"
    " (ledger.credit_ttl_s; 0 of 300 walks from till to door seen so far, then it is learned)"
)


def test_status_tells_what_is_there_and_who_was_heard(shop: Shop) -> None:
    assert shop.ledger("status").stdout == "the ledger is empty\n"
    with Store(shop.url, SystemClock()) as store:
        sale = json.dumps({"id": "D1", "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": [{"epc": EPC}]}).encode()
        take_sale(store, sale, source="mqtt:3", lane="3", now=1_795_342_445.0, emit=lambda event: None)
        take_sale(store, b"{}", source="mqtt:3", lane="3", now=1_795_342_445.0, emit=lambda event: None)
        take_heartbeat(store, b"", "mqtt:4", "4", 1_795_342_450.0)
        said = shop.ledger("status").stdout  # with the daemon's store open
    assert said.splitlines() == [
        "1 records, from 2026-11-22 11:14:02 to 2026-11-22 11:14:02",
        "  mqtt:3: 1 sold, last 2026-11-22 11:14:02",
        "  lane 3: last sale 2026-11-22 11:14:05",
        "  lane 4: last heartbeat 2026-11-22 11:14:10",
        "  1 refused inputs kept: invalid",
        CREDIT_TIME,
    ]
    assert json.loads(shop.ledger("status", "--json").stdout)["lanes"]["4"]["heartbeat_at"] == "2026-11-22T10:14:10.000Z"


def test_a_configuration_that_is_missing_is_bad_usage(shop: Shop) -> None:
    shop.config.unlink()
    done = shop.ledger("status")
    assert done.returncode == 2
    assert "there is no such file" in done.stderr
