"""`rfidguard tune` as installed, over journals as they are recorded, with what staff said in the database."""

import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from conftest import Broker
from recorded_site import goods, record
from storefront import ROOT, StoreFront, program, raised
from wait import wait_for
from walks import T0, config, crossing_of, leave

from rfidguard.alarm import utc_text
from rfidguard.events import Event, Ledger

LATE, STOLEN = range(12), range(12, 15)
TOML = """
[site]
id = "0001"
company_prefixes = ["0614141"]
[ledger]
unknown_epc = "strict"
[[gate]]
id = "front"
mode = "siren"
  [[gate.reader]]
  id = "front-1"
  driver = "replay"
  antennas = { 1 = "inside", 2 = "outside" }
  [[gate.output]]
  id = "front-light"
  reader = "front-1"
  pin = 1
"""


def tune(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*program(), "tune", "--config", "rfidguard.toml", *words],
        cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=100, check=False,
    )  # fmt: skip


def told(folder: Path, *words: str, status: int = 0) -> dict[str, Any]:
    """The same as JSON."""
    done = tune(folder, "--json", "-", *words)
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve customers whose sale came 2.2 s after their crossing, and three thefts that staff recovered."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "rfidguard.toml").write_text(TOML)
    events: list[Event] = [read for n in (*LATE, *STOLEN) for read in leave(goods(n), at=30.0 * n, rate_hz=20.0)]
    for n in LATE:
        at = crossing_of(30.0 * n)
        events.append(Ledger(at=at - 60, received=at + 2.2, id=f"s{n}/1", kind="sold", epc=goods(n)))
    changes = record(folder, config(), events, {goods(n): "recovered" for n in STOLEN})
    assert sum(change.event_type == "raised" for change in changes) == 15
    return folder


def test_a_hold_is_proposed_proved_and_written_down(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "proposed.toml"
    found = told(site, "--out", str(out))
    assert (found["live"], found["repeated"], found["alarms"]) == (15, 15, 15)
    assert found["said"] == {"right": 3, "false": 0, "late_sale": 12, "unanswered": 0}
    (proposal,) = found["proposals"]
    assert proposal["settings"] == found["accepted"]
    key, _, value = found["accepted"][0].partition("=")
    assert key == "ledger.late_sale_hold_s"
    assert proposal["counts"]["quieter"] == {"total": 12, "late_sale": 12}
    assert proposal["counts"]["changed"] == {"total": 3, "right": 3}
    assert proposal["hides"] == []
    assert tomllib.loads(out.read_text()) == {"ledger": {"late_sale_hold_s": float(value)}}
    assert all(advice["why"].startswith("no proposal: ") for advice in found["not_proposed"])


def test_people_are_told_in_words_what_would_have_changed(site: Path) -> None:
    done = tune(site, "--set", "ledger.late_sale_hold_s=4")
    assert done.returncode == 0, done.stderr
    assert "12 alarms no longer ring, but are told, of which staff called 0 false and 0 right, 12 were paid late" in done.stdout
    assert "3 alarms that staff called right would ring later, by up to 4.0 s." in done.stdout
    proposed = tune(site)
    assert "ledger.late_sale_hold_s=" in proposed.stdout
    assert "gate[front].mode: no proposal" in proposed.stdout


def test_what_would_hide_a_recovered_item_is_said_and_fails(site: Path) -> None:
    found = told(site, "--set", "ledger.unknown_epc=observe", status=1)["what_if"]
    assert found["counts"]["gone"] == {"total": 15, "right": 3, "late_sale": 12}
    assert len(found["hides"]) == 3
    assert found["text"][0].startswith("It would have hidden 3 alarms that staff called right")


def test_processes_share_the_work_and_change_no_result(site: Path) -> None:
    words = ("--set", "ledger.late_sale_hold_s=2", "--set", "alarms.critical_items=1")
    assert told(site, "--jobs", "2", *words) == told(site, "--jobs", "1", *words)


def test_settings_of_today_change_nothing(site: Path) -> None:
    found = told(site, "--set", "ledger.unknown_epc=strict")["what_if"]
    assert found["counts"]["kept"]["total"] == 15
    assert found["text"] == ["Nothing would have been different: 15 alarms as before."]


def test_a_part_of_the_journal_is_compared_as_the_whole_would_be(site: Path) -> None:
    since = utc_text(T0 + 30.0 * 10 - 5)
    part = told(site, "--since", since, "--set", "ledger.late_sale_hold_s=4")
    assert part["alarms"] == part["repeated"] == 5
    assert part["what_if"]["counts"]["quieter"]["total"] == 2
    ago = told(site, "--since", "2m", "--set", "ledger.late_sale_hold_s=4")
    assert ago["alarms"] == 4
    before = told(site, "--until", since, "--set", "ledger.late_sale_hold_s=4")
    assert before["alarms"] == 10


def test_nothing_of_the_site_is_changed(site: Path) -> None:
    def state() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in site.rglob("*") if p.is_file() and "-wal" not in p.name and "-shm" not in p.name}

    before = state()
    told(site)
    assert state() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "ledger.late_sale_hold=4"), "did you mean late_sale_hold_s?"),
        (("--set", "ledger.late_sale_hold_s=-1"), "--set ledger.late_sale_hold_s=-1: ledger.late_sale_hold_s: bad value"),
        (("--set", "ledger"), "write KEY=VALUE"),
        (("--set", "gate[side].mode=light"), "no entry is called 'side'; there are: front"),
        (("--set", "journal.keep_days=3"), "it changes no alarm"),
        (("--since", "yesterday"), "--since: must be an RFC 3339 time"),
        (("--journal", "nowhere"), "there is no such journal"),
    ],
)
def test_mistakes_are_told_with_how_to_mend_them(site: Path, words: tuple[str, ...], said: str) -> None:
    done = tune(site, *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_site_that_only_observes_is_rehearsed(site: Path, tmp_path: Path) -> None:
    (tmp_path / "rfidguard.toml").write_text(TOML.replace('"strict"', '"observe"'))
    found = told(tmp_path, "--journal", str(site / "journal"))
    assert found["rehearsed"] == ["ledger.unknown_epc=stock_only"]
    assert found["alarms"] == 0
    assert found["proposals"] == []


def test_the_journal_and_the_answers_of_a_live_shop_are_enough(tmp_path: Path, mosquitto: Broker) -> None:
    stolen, late = goods(1), goods(2)
    with StoreFront(tmp_path, mosquitto) as front:
        front.start()
        handheld = front.handheld()
        front.ready()
        front.play([*leave(stolen), *leave(late, at=6.0)])
        wait_for(lambda: len(raised(handheld)) == 2, 40, "both alarms")
        names = {alarm["items"][0]["epc"]: alarm["id"] for alarm in raised(handheld)}
        sale = {"id": "s1", "at": "2026-11-22T10:14:02Z", "kind": "sale", "lines": [{"epc": late}]}
        assert front.http("/v1/sales", sale)[1]["status"] == "stored"
        handheld.answer(names[stolen], "resolve", "recovered")
        wait_for(lambda: {h.body["outcome"] for h in handheld.events if h.body} >= {"recovered", "paid_late"}, 20, "both ends")
        running = told(tmp_path, "--set", "alarms.critical_items=1")
        assert front.terminate() == 0
        found = told(tmp_path, "--set", "alarms.critical_items=1")
        assert running["said"] == found["said"] == {"right": 1, "false": 0, "late_sale": 1, "unanswered": 0}
        assert (found["live"], found["repeated"]) == (2, 2)
        assert [alarm["what"] for alarm in found["what_if"]["alarms"]] == [["severity"], ["severity"]]
        hidden = told(tmp_path, "--set", "ledger.late_sale_hold_s=60", status=1)["what_if"]
        assert hidden["counts"]["quieter"] == {"total": 2, "late_sale": 1, "right": 1}
        assert hidden["hides"] == [names[stolen]]
