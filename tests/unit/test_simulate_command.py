"""`rfidguard simulate` as a person uses it."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rfidguard.cli import simulate
from rfidguard.errors import ConfigError


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    simulate.register(app)
    return app


def test_it_writes_journal_truth_and_configuration(app: typer.Typer, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["unpaid", "--out", str(tmp_path / "deep" / "here"), "--seed", "7"])
    assert result.exit_code == 0
    assert "1 unpaid items" in result.stdout
    written = tmp_path / "deep" / "here"
    lines = (written / "journal.jsonl").read_bytes().splitlines()
    assert json.loads(lines[0]) == {"type": "journal", "version": 1}
    assert json.loads((written / "truth.json").read_bytes())["passages"][0]["direction"] == "out"
    assert (written / "rfidguard.toml").read_text().startswith("#")


def test_the_same_seed_writes_the_same_bytes(app: typer.Typer, tmp_path: Path) -> None:
    for name in ("a", "b"):
        CliRunner().invoke(app, ["turn_back", "--out", str(tmp_path / name)], catch_exceptions=False)
    for file in ("journal.jsonl", "truth.json", "rfidguard.toml"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_start_moves_the_whole_scene(app: typer.Typer, tmp_path: Path) -> None:
    CliRunner().invoke(app, ["unpaid", "--out", str(tmp_path), "--start", "2027-01-02T03:04:05Z"], catch_exceptions=False)
    crossing = json.loads((tmp_path / "truth.json").read_bytes())["passages"][0]["cross"]
    assert crossing == pytest.approx(1_798_859_045 + 10, abs=0.01)


def test_list_names_every_built_in(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--list"])
    assert "demo" in result.stdout
    assert "turn_back" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs a SCENARIO"),
        (["nowhere", "--out", "x"], "no scenario is called 'nowhere'"),
        (["unpaid", "--out", "x", "--start", "noon"], "is no time"),
        (["unpaid", "--out", "x", "--layout", "moon"], "'moon' is none of"),
        (["unpaid", "--out", "/proc/nothing"], "cannot write there"),
    ],
)
def test_bad_usage_is_told_how_to_mend_it(app: typer.Typer, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, ConfigError)
    assert said in str(result.exception)
