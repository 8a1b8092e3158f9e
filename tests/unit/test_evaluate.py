"""Scoring: which rings are right, which alarms are false, and how it is told."""

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from rfidguard.cli import evaluate
from rfidguard.errors import ConfigError, RfidguardError
from rfidguard.evaluate import read_alarms, read_truth, score
from rfidguard.figures import figures
from rfidguard.tally import Tally

CROSS = 1_000.0
ITEM, OTHER, SHELF, PAID = "A1", "A2", "B1", "C1"


def passage(name: str = "p", cross: float | None = CROSS, **more: Any) -> dict[str, Any]:
    middle = cross or CROSS
    kind = {"passage": name, "kind": "exit_unpaid", "start": middle - 2, "end": middle + 2, "cross": cross, "direction": "out"}
    return {**kind, "unpaid": [ITEM], "tags": [ITEM], **more}


def clean(name: str = "q", **more: Any) -> dict[str, Any]:
    return passage(name, kind="exit_paid", unpaid=[], tags=[PAID], **more)


def truth(*passages: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"passages": passages, "standing": [SHELF], "seconds": 3600.0, **more}).encode()


def alarm(
    name: str, after_s: float, *epcs: str, event: str = "raised", state: str = "unpaid", kind: str = "unpaid_items"
) -> bytes:
    at = f"1970-01-01T00:{int(CROSS + after_s) // 60:02}:{(CROSS + after_s) % 60:06.3f}Z"
    items = [{"epc": epc, "state": state} for epc in epcs]
    return json.dumps({"id": name, "kind": kind, "event_type": event, "event_at": at, "items": items}).encode()


def tally(truth_text: bytes, *lines: bytes) -> Tally:
    return score(read_truth(truth_text, "truth.json"), read_alarms(lines, "alarms.jsonl"))


@pytest.mark.parametrize("after_s", [-1.0, 0.0, 4.0])
def test_a_ring_within_the_window_is_right(after_s: float) -> None:
    found = tally(truth(passage()), alarm("x", after_s, ITEM))
    assert (found.items_found, found.thefts_found, found.rings_right, found.false_alarms) == (1, 1, 1, 0)
    assert found.delays_s == (after_s,)


@pytest.mark.parametrize("after_s", [-1.1, 4.1, 60.0])
def test_a_ring_outside_the_window_is_false_and_the_theft_is_missed(after_s: float) -> None:
    found = tally(truth(passage()), alarm("x", after_s, ITEM))
    assert (found.items_found, found.thefts_found, found.rings_right, found.false_alarms) == (0, 0, 0, 1)
    assert found.false_by == {"exit_unpaid (at the wrong time)": 1}
    assert found.missed_by == {"exit_unpaid": 1}


def test_truth_made_elsewhere_may_number_its_passages_and_write_epcs_in_lower_case() -> None:
    """As the journal's reads may (CONTRACT section 3)."""
    told = passage(unpaid=[ITEM.lower()], tags=[ITEM.lower()], reads={ITEM.lower(): 4}) | {"passage": 7}
    found = tally(truth(told), alarm("x", 0.2, ITEM), alarm("x", 0.3, ITEM.lower(), event="updated"))
    assert (found.thefts_found, found.items_read, found.false_alarms) == (1, 1, 0)


def test_pending_items_do_not_ring() -> None:
    found = tally(truth(passage()), alarm("x", -3.0, ITEM, state="pending"), alarm("x", 0.2, ITEM, event="updated"))
    assert found.delays_s == (0.2,)
    assert found.false_alarms == 0


def test_a_shelf_tag_that_rings_is_a_false_incident() -> None:
    found = tally(truth(clean()), alarm("x", 0.0, SHELF))
    assert found.false_by == {"standing tag": 1}
    assert figures(found)["false_per_1000_clean"] == 1000.0
    assert figures(found)["false_per_hour"] == 1.0


def test_a_paid_item_that_rings_is_blamed_on_its_passage() -> None:
    assert tally(truth(clean()), alarm("x", 0.0, PAID)).false_by == {"exit_paid": 1}


def test_a_second_alarm_for_one_passage_is_false() -> None:
    found = tally(truth(passage(unpaid=[ITEM, OTHER], tags=[ITEM, OTHER])), alarm("x", 0.2, ITEM), alarm("y", 0.6, OTHER))
    assert (found.items_found, found.false_alarms, found.duplicates) == (2, 1, 1)


def test_one_growing_alarm_for_a_sweep_is_one_incident() -> None:
    lines = (alarm("x", 0.2, ITEM), alarm("x", 0.6, ITEM, OTHER, event="updated"))
    found = tally(truth(passage(unpaid=[ITEM, OTHER], tags=[ITEM, OTHER])), *lines)
    assert (found.items_found, found.alarms, found.false_alarms) == (2, 1, 0)


def test_one_alarm_may_serve_two_passages() -> None:
    second = passage("p2", unpaid=[OTHER], tags=[OTHER])
    found = tally(truth(passage(), second), alarm("x", 0.2, ITEM, OTHER))
    assert (found.thefts_found, found.false_alarms) == (2, 0)


def test_a_wrong_item_in_a_right_alarm_costs_precision_but_is_no_false_incident() -> None:
    found = tally(truth(passage(), clean()), alarm("x", 0.2, ITEM, PAID))
    assert (found.rings, found.rings_right, found.false_alarms) == (2, 1, 0)


def test_an_item_whose_sale_nobody_had_heard_of_is_neither_right_nor_false() -> None:
    late = clean(late={PAID: CROSS + 0.8})
    assert tally(truth(late), alarm("x", 0.3, PAID)).rings == 0
    assert tally(truth(late), alarm("x", 1.5, PAID)).false_alarms == 1


def test_recall_is_also_told_for_items_read_at_least_four_times() -> None:
    found = tally(
        truth(passage(reads={ITEM: 3}), passage("p2", unpaid=[OTHER], tags=[OTHER], reads={OTHER: 4})), alarm("x", 0.2, OTHER)
    )
    assert (found.items, found.items_found, found.items_read, found.items_read_found) == (2, 1, 1, 1)


def test_other_alarms_are_held_against_those_expected() -> None:
    wanted = [{"kind": "tag_not_deactivated", "at": CROSS, "items": [PAID]}]
    rang = alarm("e", 0.4, PAID, state="sold", kind="tag_not_deactivated")
    shown = figures(tally(truth(clean(), expected=wanted), rang))
    assert shown["other_alarms"] == {"tag_not_deactivated": {"expected": 1, "found": 1, "raised": 1}}
    assert shown["false_incidents"] == 0


def test_an_early_ring_counts_as_no_wait_and_is_counted_apart() -> None:
    second = passage("p2", CROSS + 50, unpaid=[OTHER], tags=[OTHER])
    shown = figures(tally(truth(passage(), second), alarm("x", -0.8, ITEM), alarm("y", 51.0, OTHER)))
    assert shown["decision_s"] == {"p50": 0.0, "p95": 1.0, "p99": 1.0}
    assert shown["early_rings"] == {"before_0_5_s": 1, "of": 2, "earliest_s": -0.8}


def test_nothing_to_count_gives_no_share_instead_of_a_lie() -> None:
    shown = figures(tally(truth()))
    assert shown["item_recall"]["value"] is None
    assert shown["false_per_1000_clean"] is None


def test_scenes_add_up() -> None:
    one = tally(truth(passage()), alarm("x", 0.2, ITEM))
    both = figures(one + tally(truth(passage())))
    assert both["scenes"] == 2
    assert both["passage_recall"]["value"] == 0.5
    assert both["passage_recall"]["low"] < 0.5 < both["passage_recall"]["high"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b"{}",
        b'{"id":"x","kind":"k","event_type":"raised","event_at":"noon","items":[]}',
        b'{"id":1,"kind":"k","event_type":"raised","event_at":5,"items":[]}',
        b'{"id":"x","kind":"k","event_type":"raised","event_at":5,"items":[{"epc":"A1"}]}',
    ],
)
def test_a_line_that_is_no_alarm_is_named(line: bytes) -> None:
    with pytest.raises(RfidguardError, match=r"a\.jsonl, line 2: not an event/alarm message"):
        read_alarms([b"", line], "a.jsonl")


def test_a_truth_without_passages_is_refused_by_field() -> None:
    with pytest.raises(RfidguardError, match=r"t.json: not a truth file.*passages"):
        read_truth(b'{"standing":[],"seconds":1}', "t.json")


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    evaluate.register(app)
    return app


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    (tmp_path / "t.json").write_bytes(truth(passage(), clean(), simulated=True, mix="a scene"))
    (tmp_path / "a.jsonl").write_bytes(alarm("x", 0.2, ITEM) + b"\n")
    return ["--truth", str(tmp_path / "t.json"), "--alarms", str(tmp_path / "a.jsonl")]


def test_the_table_tells_figures_mix_and_that_the_data_are_simulated(app: typer.Typer, files: list[str]) -> None:
    result = CliRunner().invoke(app, files)
    assert result.exit_code == 0
    assert "100.00%" in result.stdout
    assert "Simulated data" in result.stdout
    assert "1 exit_paid, 1 exit_unpaid" in result.stdout


def test_json_is_one_object(app: typer.Typer, files: list[str]) -> None:
    result = CliRunner().invoke(app, [*files, "--json"])
    assert json.loads(result.stdout)["passage_recall"]["count"] == 1


def test_several_scenes_are_scored_together(app: typer.Typer, files: list[str]) -> None:
    result = CliRunner().invoke(app, [*files, *files, "--json"])
    assert json.loads(result.stdout)["scenes"] == 2


def test_a_picture_is_drawn(app: typer.Typer, files: list[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    assert CliRunner().invoke(app, [*files, "--plot", str(tmp_path / "figures.png")]).exit_code == 0
    assert (tmp_path / "figures.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_file_is_named(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--truth", str(tmp_path / "no"), "--alarms", str(tmp_path / "no")])
    assert isinstance(result.exception, RfidguardError)
    assert "cannot be read" in str(result.exception)


def test_unequal_numbers_of_files_are_bad_usage(app: typer.Typer, files: list[str]) -> None:
    result = CliRunner().invoke(app, [*files, "--truth", files[1]])
    assert isinstance(result.exception, ConfigError)
