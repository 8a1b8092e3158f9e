"""`rfidguard ledger` as a person and as a program call it."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rfidguard.alarm import Alarm, Item
from rfidguard.alarm_db import store_change
from rfidguard.clock import SystemClock
from rfidguard.config_file import load
from rfidguard.effects import AlarmChanged
from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.exit_tally import ENOUGH, keep_counts
from rfidguard.feed_standing import standings
from rfidguard.feeds.feed_store import take_page
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.intake import take_heartbeat, take_sale
from rfidguard.journal import encode_line
from rfidguard.layout import layout_from
from rfidguard.ledger_db import store_records
from rfidguard.ledger_gate import at_the_gate
from rfidguard.ledger_status import ledger_status, status_lines
from rfidguard.ledger_story import story_of
from rfidguard.service_db import DAEMON, beat
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

    def doctor(self) -> str:
        program = [sys.executable, "-m", "rfidguard", "doctor", "--config", str(self.config)]
        return subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False).stdout

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


def test_status_and_doctor_count_foreign_goods_and_ask_what_is_own_where_nothing_else_leaves(shop: Shop) -> None:
    with Store(shop.url, SystemClock()) as store:
        today = datetime.fromtimestamp(SystemClock().now(), ZoneInfo("Europe/Berlin")).date().isoformat()
        store.write(lambda conn: keep_counts(conn, {(today, "foreign"): ENOUGH})).result(10)
    said = shop.ledger("status").stdout
    assert f"0 items sold, 0 unsold, 0 that the ledger does not know; {ENOUGH} foreign goods" in said
    assert "do site.company_prefixes" in said
    assert json.loads(shop.ledger("status", "--json").stdout)["passed"]["foreign"] == ENOUGH
    doctor = [line for line in shop.doctor().splitlines() if line.startswith("warn gates")]
    assert len(doctor) == 1
    assert f"0 items of ours and {ENOUGH} foreign goods left" in doctor[0]


def test_a_configuration_that_is_missing_is_bad_usage(shop: Shop) -> None:
    shop.config.unlink()
    done = shop.ledger("status")
    assert done.returncode == 2
    assert "there is no such file" in done.stderr


GATE = '[[gate]]\nid = "front"\n[[gate.reader]]\nid = "front-1"\ndriver = "replay"\n'


def alarm_of(epc: str, at: float) -> Alarm:
    who = identify(epc)
    item = Item(epc=epc, gtin=who.gtin, serial=who.serial, state="cleared", reason="late_sale", certainty=0.98, decided_at=at)
    return Alarm(
        id="01M89FWG4WNBS5C3WSANES87RY", revision=2, site="0001", gate="front", kind="unpaid_items", state="cleared",
        severity="warning", raised_at=at, updated_at=at + 20, items=(item,), currency="EUR", outcome="paid_late",
    )  # fmt: skip


def test_lookup_tells_sales_and_alarms_in_order_and_what_the_gate_would_answer(shop: Shop) -> None:
    shop.config.write_text(shop.config.read_text() + GATE)
    shop.ledger("import", shop.file("articles.csv", "gtin,name,price\n80614141123458,Shirt,19.90\n"))
    with Store(shop.url, SystemClock()) as store:
        sold = Ledger(at=1_795_342_442.0, id="D1/1", kind="sold", epc=EPC, source="till-3", lane="3")
        store.write(lambda conn: store_records(conn, [sold], 1_795_342_454.0)).result()
        change = AlarmChanged(alarm_of(EPC, 1_795_342_440.0), "cleared", 1_795_342_454.0)
        store.write(lambda conn: store_change(conn, change, ())).result()
    assert shop.ledger("lookup", EPC).stdout.splitlines() == [
        f"GTIN 80614141123458 serial 6789, EPC {EPC} (Shirt): sold (by D1/1)",
        "  2026-11-22 11:14:00  alarm     01M89FWG4WNBS5C3WSANES87RY  at front: cleared (late_sale), cleared, paid_late",
        "  2026-11-22 11:14:02  sold      D1/1  lane 3, from till-3, heard 12 s late",
        "  carried out now: sold (sold). The item is sold.",
    ]
    told = json.loads(shop.ledger("lookup", "80614141123458.6789", "--json").stdout)
    assert (told["name"], told["price"], told["gate"]["verdict"]) == ("Shirt", "19.90", "sold")
    assert [alarm["outcome"] for alarm in told["alarms"]] == ["paid_late"]
    article = json.loads(shop.ledger("lookup", "80614141123458", "--json").stdout)
    assert (len(article["alarms"]), article["gate"]) == (1, None)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("stock_only", "carried out now: silent (not_in_stock)"),
        ("strict", "carried out now: unpaid; raises unpaid_items (unpaid_exit)"),
        ("observe", "carried out now: observed (unknown_item)"),
    ],
)
def test_lookup_says_what_happens_to_an_item_that_nobody_sold(shop: Shop, policy: str, said: str) -> None:
    shop.config.write_text(shop.config.read_text().replace("stock_only", policy) + GATE)
    assert said in shop.ledger("lookup", EPC).stdout


def test_a_till_that_is_silent_makes_the_gates_answer_doubtful_while_the_daemon_listens(shop: Shop) -> None:
    now = 1_795_342_442.0
    shop.config.write_text(shop.config.read_text().replace("stock_only", "strict") + GATE)
    config = load(shop.config, {})
    with Store(shop.url, SystemClock()) as store:
        take_heartbeat(store, b"", "mqtt:3", "3", now - 600.0)
        assert [one.stale for one in store.read(lambda conn: standings(conn, config, now))] == [None], "nobody listens"
        store.write(lambda conn: beat(conn, DAEMON, "s", 1, now)).result()
        status = store.read(lambda conn: ledger_status(conn, config, now))
        story = store.read(lambda conn: story_of(conn, EPC, layout_from(config), now))
    stale = {one.name: one.stale or "" for one in status.feeds}
    assert stale == {"mqtt:3 3": "no sign of life for more than 120 s"}
    said = at_the_gate(layout_from(config), story, stale)
    assert said is not None
    assert (said.state, said.reason) == ("unverified", "ledger_stale")
    told = status_lines(status, config.site.zone(), config.ledger)
    assert "  mqtt:3 3 is silent: no sign of life for more than 120 s" in told


def test_status_and_refused_tell_how_a_feed_stands_and_what_could_not_be_used(shop: Shop, tmp_path: Path) -> None:
    feed = f'[[feed]]\nid = "erp"\ndriver = "drop_folder"\npath = "{tmp_path}"\n'
    shop.config.write_text(shop.config.read_text() + feed)
    assert "  feed erp (drop_folder): not heard yet" in shop.ledger("status").stdout
    assert shop.ledger("refused").stdout == "nothing was refused\n"
    with Store(shop.url, SystemClock()) as store:
        taken = [
            Taken(0, Ledger(at=1_795_342_442.0, id="e/1", kind="sold", epc=EPC)),
            Taken(3, reason="bad_gtin", text="a GTIN has 8, 12, 13 or 14 digits"),
        ]
        take_page(store, taken, feed="erp", cursor="1", now=1_795_342_445.0, emit=lambda event: None, alive=True)
    assert (
        "  feed erp (drop_folder): last answer 2026-11-22 11:14:05, last sale 2026-11-22 11:14:05, heard 3 s late,"
        " 1 refused (1 bad_gtin)"
    ) in shop.ledger("status").stdout.splitlines()
    (told,) = json.loads(shop.ledger("status", "--json").stdout)["feeds"]
    assert (told["driver"], told["lag_s"], told["refused"]["reasons"]) == ("drop_folder", 3.0, {"bad_gtin": 1})
    assert shop.ledger("refused", "--source", "erp").stdout == (
        "2026-11-22 11:14:05  erp  bad_gtin: line 3: a GTIN has 8, 12, 13 or 14 digits\n"
    )
    assert json.loads(shop.ledger("refused", "--json").stdout)[0]["reason"] == "bad_gtin"
