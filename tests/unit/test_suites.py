"""Suites of simulated scenes: their seeds, their runs, and that a run is the production path and nothing else."""

import json
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from rfidguard.cli import evaluate
from rfidguard.errors import ConfigError
from rfidguard.figures import figures
from rfidguard.journal import decode_lines, encode_line
from rfidguard.suite_report import BEGIN, END
from rfidguard.tally import Tally
from simulators.scenario import build_scene
from simulators.scene_cache import Played, cached
from simulators.suites import HELD_BACK_FROM, SUITES, is_held_back, seeds_of, suite
from simulators.trial import PROGRAM, judged, played_seed, run_trial

EVERY = ("any", "level", "moved")


@pytest.fixture(scope="module")
def smoke() -> Played:
    return played_seed(suite("smoke"), 2, None)


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    evaluate.register(app)
    return app


def test_tuning_and_held_back_seeds_never_meet() -> None:
    tuning, held = set(seeds_of("tuning", 5000)), set(seeds_of("held-back", 5000))
    assert tuning.isdisjoint(held)
    assert not any(map(is_held_back, tuning))
    assert all(map(is_held_back, held))


def test_a_range_of_seeds_is_taken_whole() -> None:
    assert seeds_of("7-9", 1) == (7, 8, 9)


@pytest.mark.parametrize("text", ["", "9-7", "some", "1-", "-5"])
def test_odd_seeds_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="tuning, held-back, or a range"):
        seeds_of(text, 4)


@pytest.mark.parametrize("name", [name for name, entry in SUITES.items() if entry.scene is not None])
@pytest.mark.parametrize("seed", [1, 2, HELD_BACK_FROM, HELD_BACK_FROM + 3])
def test_every_suite_of_stores_makes_a_sound_scenario_of_any_seed(name: str, seed: int) -> None:
    make = suite(name).scene
    assert make is not None
    scenario = make(seed)
    assert sum(shelf.tags for shelf in scenario.shelf) > 0
    assert scenario == make(seed)


@pytest.mark.parametrize("zoned", [True, False])
def test_in_the_world_that_nothing_was_learnt_from_most_thefts_ring(zoned: bool) -> None:
    """A wide margin: new tables may be better or worse there by chance, but must not only know the stores."""
    entry = suite("rough-zoned" if zoned else "rough-plane")
    found = figures(sum((judged(played_seed(entry, seed, None), ())[PROGRAM] for seed in range(1, 9)), Tally()))
    assert found["passage_recall_read"]["of"] > 40
    assert found["passage_recall_read"]["value"] > 0.6
    assert found["false_per_100"]["value"] < 12.0


def test_a_scene_straight_from_the_simulator_gives_what_its_journal_gives(smoke: Played) -> None:
    refused: Counter[str] = Counter()
    again = list(decode_lines(map(encode_line, smoke.events), refused))
    assert again == smoke.events
    assert judged(smoke, EVERY) == judged(Played(again, json.loads(json.dumps(smoke.truth)), smoke.config_text), EVERY)
    assert not refused


def test_a_cached_scene_gives_the_same_figures_and_is_not_made_twice(smoke: Played, tmp_path: Path) -> None:
    made = []
    scenario = suite("smoke").scene
    assert scenario is not None

    def make() -> object:
        made.append(1)
        return build_scene(scenario(2), 2)

    first = cached(tmp_path, "smoke-2", make)  # type: ignore[arg-type]
    second = cached(tmp_path, "smoke-2", make)  # type: ignore[arg-type]
    assert len(made) == 1
    assert judged(first, EVERY) == judged(second, EVERY) == judged(smoke, EVERY)
    assert [path.name.startswith("smoke-2-") for path in tmp_path.iterdir()] == [True]


def test_the_program_and_each_baseline_are_scored_on_the_same_passages() -> None:
    outcome = run_trial("smoke", 3, EVERY, None)
    assert list(outcome) == [PROGRAM, *EVERY]
    assert len({(tally.passages, tally.thefts, tally.items) for tally in outcome.values()}) == 1
    assert outcome[PROGRAM].reads > outcome[PROGRAM].reads_standing > 0


def test_the_figures_do_not_depend_on_the_number_of_processes(app: typer.Typer, tmp_path: Path) -> None:
    results = []
    for jobs in ("1", "2"):
        file = tmp_path / f"{jobs}.json"
        args = ["--suite", "smoke", "--seeds", "1-3", "--jobs", jobs, "--json", "--save", str(file)]
        assert CliRunner().invoke(app, args).exit_code == 0
        results.append(msgspec.json.decode(file.read_bytes())["suites"])
    assert results[0] == results[1]
    assert results[0]["smoke"]["seeds"] == [1, 2, 3]


def test_markdown_stands_between_its_marks_and_says_where_it_comes_from(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--suite", "smoke", "--scenes", "1", "--jobs", "1", "--markdown"])
    lines = result.stdout.strip().splitlines()
    assert (lines[0], lines[-1]) == (BEGIN, END)
    assert "used for tuning" in lines[1]
    assert sum(line.startswith("| smoke |") for line in lines) == 5


def test_a_picture_of_suites_is_drawn(app: typer.Typer, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="the extra `plots` is not installed")
    result = CliRunner().invoke(app, ["--suite", "smoke", "--scenes", "1", "--jobs", "1", "--plot", str(tmp_path / "s.png")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "s.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["--suite", "no-such"], "awkward-zoned"),
        (["--suite", "smoke", "--baseline", "best"], "any, level, moved"),
        (["--suite", "smoke", "--truth", "t.json"], "simulates its own scenes"),
        (["--markdown"], "belong to --suite"),
        ([], "give --truth"),
    ],
)
def test_odd_usage_is_told(app: typer.Typer, args: list[str], says: str) -> None:
    result = CliRunner().invoke(app, args)
    assert isinstance(result.exception, ConfigError)
    assert says in str(result.exception)
