"""Why it rang, why it stayed silent: every reason, over hand-made journals, whole, cut by snapshots, packed, and too short."""

import gzip
import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner
from walks import T0, config, foreign, leave, own, stand, walk

from rfidguard.alarm import utc_text
from rfidguard.cli import explain
from rfidguard.config import Config
from rfidguard.errors import ConfigError, RfidguardError
from rfidguard.events import Command, Device, Event, Feed, Ledger, Read, heard_at
from rfidguard.inquiry import Story, inquire
from rfidguard.journal import HEADER, encode_line
from rfidguard.journal_dir import pack
from rfidguard.journal_files import events_in
from rfidguard.journal_span import events_until, last_mention, span_of, starts_whole
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner
from rfidguard.silence import Finding, findings

ITEM, OTHER, SHELF = own(1), own(2), own(3)
TOML = """
[site]
id = "0001"
company_prefixes = ["0614141"]
[ledger]
unknown_epc = "strict"
[database]
url = "sqlite:///nowhere/none.db"
[[gate]]
id = "front"
mode = "siren"
  [[gate.reader]]
  id = "front-1"
  driver = "replay"
  antennas = { 1 = "inside", 2 = "outside" }
"""


def ordered(*parts: Event | Sequence[Event]) -> list[Event]:
    events = [event for part in parts for event in (part if isinstance(part, list) else [part])]
    return sorted(events, key=heard_at)


def story(events: Iterable[Event], at: float, epc: str = ITEM, cfg: Config | None = None) -> Story:
    return inquire(layout_from(cfg or config()), events, [epc], T0 + at)


def why(events: Iterable[Event], at: float, epc: str = ITEM, cfg: Config | None = None) -> list[Finding]:
    return findings(story(events, at, epc, cfg), layout_from(cfg or config()), epc)


def codes(*args: Any) -> list[str]:
    return [finding.code for finding in why(*args)]


def company() -> list[Event]:
    """Somebody else's reads, so that a gate is alive."""
    return [*stand(SHELF, 40.0, rate_hz=8.0)]


def test_a_ring_names_its_alarm_rule_and_the_ledgers_answer() -> None:
    told = story(ordered(company(), leave(ITEM, 15.0)), 17.5)
    assert [finding.code for finding in findings(told, layout_from(config()), ITEM)][:2] == ["rang", "unpaid_exit"]
    judged = told.judged[-1]
    assert (judged.rule, judged.answer and judged.answer.state) == ("unpaid", "unknown")
    assert judged.made_at >= judged.decision.at
    assert list(told.rang) == [name for _, name, kind, _ in told.transitions if kind == "raised"]


def test_a_sold_item_is_explained_by_the_record_that_paid_for_it() -> None:
    sale = Ledger(at=T0 + 3.0, id="till/1", kind="sold", epc=ITEM, source="till", lane="3")
    found = why(ordered(sale, company(), leave(ITEM, 15.0)), 17.5)
    assert found[0].code == "sold"
    assert "till/1" in found[0].text


def test_who_was_never_near_was_never_heard() -> None:
    found = why(ordered(company()), 20.0)
    assert found[0].code == "never_heard"
    assert "any gate" in found[0].text


def test_few_reads_are_too_few() -> None:
    found = why(ordered(company(), leave(ITEM, 15.0)[40:43]), 18.0)
    assert (found[0].code, "3 times" in found[0].text) == ("too_few_reads", True)


def test_goods_on_a_shelf_are_explained_by_their_baseline() -> None:
    found = why(ordered(company()), 35.0, SHELF)
    assert found[0].code == "standing"
    assert "front-1/1 -" in found[0].text


def test_who_came_in_with_it_is_told_when() -> None:
    came = walk(ITEM, [(8.0, 3.0), (13.0, -3.0)])
    told = ordered(stand(SHELF, 60.0, rate_hz=8.0), came, leave(ITEM, 40.0))
    found = why(told, 42.5)
    assert found[0].code == "carried_in"
    assert "It came in at" in found[0].text


def test_a_turn_at_the_door_stayed() -> None:
    assert codes(ordered(company(), walk(ITEM, [(15.0, -3.0), (18.0, -0.8), (21.0, -3.0)])), 18.0)[0] in ("stayed", "standing")


def test_foreign_goods_are_foreign_heard_or_not() -> None:
    scarf = foreign(7)
    assert codes(ordered(company(), leave(scarf, 15.0)), 17.5, scarf)[0] == "foreign"
    assert codes(ordered(company()), 17.5, scarf)[0] == "foreign"


def test_a_muted_gate_says_until_when() -> None:
    mute = Command(at=T0 + 10.0, id="c1", name="mute", seconds=60.0)
    found = why(ordered(mute, company(), leave(ITEM, 15.0)), 17.5)
    assert [finding.code for finding in found][:1] == ["muted"]
    assert "muted" in found[0].text
    assert "Until " in found[0].text


def test_a_gate_that_observes_and_a_site_that_observes_say_so() -> None:
    body = config().model_dump(exclude_defaults=True)
    gate = {**body["gate"][0], "mode": "observe"}
    assert "gate_observes" in codes(ordered(company(), leave(ITEM, 15.0)), 17.5, ITEM, config(gate=[gate]))
    found = why(ordered(company(), leave(ITEM, 15.0)), 17.5, ITEM, config(ledger={"unknown_epc": "observe"}))
    assert (found[0].code, "observe" in found[0].text) == ("unknown_item", True)


def test_a_silent_till_is_named() -> None:
    stale = Feed(at=T0 + 5.0, source="mqtt:3", lane="3", state="stale", reason="no heartbeat for 120 s")
    found = why(ordered(stale, company(), leave(ITEM, 15.0)), 17.5)
    assert "ledger_stale" in [finding.code for finding in found]
    assert any("no heartbeat for 120 s" in finding.text for finding in found)


def test_a_readers_backlog_never_rings() -> None:
    late = [Read(**{**_fields(read), "received": read.at + 60.0}) for read in leave(ITEM, 15.0)]
    assert codes(ordered(stand(SHELF, 100.0, rate_hz=4.0), late), 17.5)[0] == "backlog"


def _fields(read: Read) -> dict[str, Any]:
    return {name: getattr(read, name) for name in Read.__struct_fields__}


def test_a_device_that_was_away_is_named() -> None:
    away = Device(at=T0 + 12.0, device="front-1", state="offline", reason="link lost")
    assert "device_away" in codes(ordered(company(), away), 20.0)


def test_a_time_in_which_nothing_was_recorded_is_told_as_such() -> None:
    events = ordered(stand(SHELF, 5.0), stand(SHELF, 5.0, at=4000.0))
    assert codes(events, 2000.0)[0] == "nothing_recorded"


def test_every_finding_is_told_once_and_never_none() -> None:
    for at in (1.0, 17.0, 39.0, 500.0):
        found = codes(ordered(company(), leave(ITEM, 15.0)), at)
        assert found
        assert len(set(found)) == len(found)


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    explain.register(app)
    return app


def rotated(folder: Path, events: Sequence[Event], cuts: Sequence[float]) -> list[Path]:
    """The files that a daemon would have written, a new one with a snapshot at each cut (seconds after T0)."""
    folder.mkdir(exist_ok=True)
    known = RecordSet()
    runner = Runner(layout_from(config()), known.find)
    edges = [*(T0 + cut for cut in sorted(set(cuts))), float("inf")]
    path, paths = folder / _name(T0 - 5), [folder / _name(T0 - 5)]
    path.write_bytes(HEADER + encode_line(runner.snapshot(T0 - 5)))
    for event in events:
        while heard_at(event) >= edges[0]:
            path = folder / _name(edges[0])
            path.write_bytes(HEADER + encode_line(runner.snapshot(edges.pop(0))))
            paths.append(path)
        with path.open("ab") as file:
            file.write(encode_line(event))
        if isinstance(event, Ledger):
            known.add(event)
        runner.feed(event)
    return paths


def _name(at: float) -> str:
    return f"journal-{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}-0.jsonl"


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(cuts=st.lists(st.integers(2, 90), min_size=1, max_size=3, unique=True))
def test_from_a_snapshot_the_story_is_the_same_as_from_the_start(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    events = ordered(stand(SHELF, 95.0, rate_hz=5.0), leave(OTHER, 15.0), leave(ITEM, 60.0))
    folder = tmp_path_factory.mktemp("journal")
    paths = rotated(folder, events, [float(cut) for cut in cuts])
    used = span_of(paths, T0 + 50.0, T0 + 80.0)
    assert starts_whole(used[0])
    part = story(events_until(events_in(used, Counter()), T0 + 80.0), 62.5)
    whole = story(events_until(events, T0 + 80.0), 62.5)
    assert [judged.decision for judged in part.judged] == [judged.decision for judged in whole.judged]
    assert part.rang == whole.rang


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A journal directory of three files, the first two packed, and its configuration."""
    sale = Ledger(at=T0 + 2.0, id="till/1", kind="sold", epc=OTHER, source="till")
    events = ordered(sale, stand(SHELF, 300.0, rate_hz=5.0), leave(OTHER, 15.0), leave(ITEM, 160.0))
    paths = rotated(tmp_path / "journal", events, [100.0, 200.0])
    pack(paths[0], threading.Event())
    packed = paths[1].with_name(f"{paths[1].name}.gz")
    packed.write_bytes(gzip.compress(paths[1].read_bytes()))
    paths[1].unlink()
    (tmp_path / "rfidguard.toml").write_text(TOML + f'[journal]\ndir = "{tmp_path / "journal"}"\n')
    return tmp_path


def asked(app: typer.Typer, shop: Path, *args: str) -> Any:
    return CliRunner().invoke(app, ["--config", str(shop / "rfidguard.toml"), *args])


def test_without_a_time_the_last_passage_is_told(app: typer.Typer, shop: Path) -> None:
    result = asked(app, shop, "--epc", ITEM.lower(), "--json")
    body = json.loads(result.stdout)
    assert result.exit_code == 0
    assert body["why"][ITEM][0]["code"] == "rang"
    assert [entry["rule"] for entry in body["decisions"]] == ["unpaid"]
    assert body["decisions"][0]["words"].keys() == body["decisions"][0]["terms"].keys()


def test_packed_files_far_back_are_reached_by_time(app: typer.Typer, shop: Path) -> None:
    result = asked(app, shop, "--epc", OTHER, "--at", utc_text(T0 + 17.5))
    assert result.exit_code == 0, result.output
    assert "Record till/1" in result.stdout


def test_only_files_of_that_time_are_read(shop: Path) -> None:
    paths = sorted((shop / "journal").iterdir())
    assert len(span_of(paths, T0 + 250.0, T0 + 280.0)) == 1
    assert last_mention(paths, OTHER) == last_mention(paths[:1], OTHER)


def test_a_time_before_the_journal_is_an_error_that_says_where_it_begins(app: typer.Typer, shop: Path) -> None:
    result = asked(app, shop, "--epc", ITEM, "--at", utc_text(T0 - 9000.0))
    assert isinstance(result.exception, RfidguardError)
    assert utc_text(T0 - 5) in str(result.exception)
    assert "keep_days" in str(result.exception)


def test_an_item_that_was_never_read_is_told_so(app: typer.Typer, shop: Path) -> None:
    result = asked(app, shop, "--epc", own(99))
    assert isinstance(result.exception, RfidguardError)
    result = asked(app, shop, "--epc", own(99), "--at", utc_text(T0 + 150.0))
    assert (result.exit_code, "No antenna heard it" in result.stdout) == (1, True)


def test_a_picture_of_the_passage_is_drawn(app: typer.Typer, shop: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    for epc, at in ((ITEM, 162.5), (own(99), 150.0)):
        file = shop / f"{epc}.png"
        asked(app, shop, "--epc", epc, "--at", utc_text(T0 + at), "--plot", str(file))
        assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("args", [[], ["01ABC", "--epc", ITEM], ["--epc", ITEM, "--gate", "side"]])
def test_odd_usage_is_told(app: typer.Typer, shop: Path, args: list[str]) -> None:
    assert isinstance(asked(app, shop, *args).exception, ConfigError)


LOGS = Path(__file__).parents[1] / "logs"


@pytest.mark.parametrize("name", ["unpaid-leaves", "paid-leaves", "sale-comes-late", "shelf-and-pedestal", "few-items"])
def test_every_item_of_a_golden_journal_is_explained(app: typer.Typer, name: str) -> None:
    journal = LOGS / f"{name}.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    for epc in sorted({line["epc"] for line in lines if line["type"] == "read"})[:6]:
        args = ["--config", str(LOGS / "default.toml"), "--journal", str(journal), "--epc", epc, "--json"]
        body = json.loads(CliRunner().invoke(app, args).stdout)
        rang = epc.upper() in (LOGS / f"{name}.alarms").read_text()
        told = [finding["code"] for finding in body["why"][epc.upper()]]
        assert told
        assert rang == bool(body["alarms"])
