"""`rfidguard evaluate`: detection, false alarms and time to alarm, of one run or of suites of simulated scenes."""

import json
import os
import sys
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.errors import ConfigError, RfidguardError

if TYPE_CHECKING:
    from rfidguard.tally import Tally

_MOST_JOBS = 64


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)


def evaluate(
    truth: Annotated[
        list[Path] | None, typer.Option("--truth", metavar="T", help="truth.json of a scene; may be repeated.")
    ] = None,
    alarms: Annotated[
        list[Path] | None,
        typer.Option("--alarms", metavar="A", help="Lines of `replay --alarms`, one file for each --truth, in order."),
    ] = None,
    decisions: Annotated[
        list[Path] | None,
        typer.Option(
            "--decisions", metavar="D", help="Lines of `replay --decisions`, one file for each --truth: scores directions."
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", metavar="NAME", help="Simulate, replay and score a suite; may be repeated; `all` for all."),
    ] = None,
    seeds: Annotated[str, typer.Option(metavar="WHICH", help="Scenes of a suite: tuning, held-back, or a range A-B.")] = "tuning",
    scenes: Annotated[int, typer.Option(min=1, max=900, help="How many scenes of a suite, of some 40 passages each.")] = 4,
    jobs: Annotated[int, typer.Option(min=0, max=_MOST_JOBS, help="Processes; 0: one for each core.")] = 0,
    baseline: Annotated[str, typer.Option(metavar="NAME", help="What to compare with: any, level, moved, all or none.")] = "all",
    journal_cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep simulated scenes here, and take them from here.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all figures of suites, and where they come from.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the README's table of suites.")] = False,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the figures (PNG, SVG or PDF).")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score alarms against the truth: recall, precision, false incidents, time from crossing to ring, directions.

    An item that turns `unpaid` from 1.0 s before its crossing to 4 s after it is right; at any other time, or for anything
    else, it is false. The truth is known of simulated scenes only: for a shop's own journal see `rfidguard tune`.

    One run: `rfidguard simulate plain --out plain`, `rfidguard replay plain/journal.jsonl --config plain/rfidguard.toml --alarms
    plain/alarms.jsonl`, then `rfidguard evaluate --truth plain/truth.json --alarms plain/alarms.jsonl --plot plain.png`.

    Suites are simulated and replayed here: `rfidguard evaluate --suite awkward-zoned --seeds held-back --scenes 8`. Seeds from
    1000 on are held back: layouts never seen, nothing was tuned to them. The suites: awkward-zoned (-marks: readers that all tell
    newcomers by marks; -any-link: readers that go their own way), awkward-facing-counter, awkward-facing, awkward-plane-counter,
    realistic-zoned, realistic-facing-counter, realistic-facing, night, walkers, rough-zoned and rough-plane (a made-up
    world that no table was learnt from); smoke is a quick try.
    """
    if suite:
        if truth or alarms or decisions:
            raise ConfigError(["--suite simulates its own scenes: leave out --truth, --alarms and --decisions"])
        _suites(suite, seeds, scenes, jobs or os.cpu_count() or 1, baseline, journal_cache, save, markdown, plot, json_)
    elif save is not None or markdown:
        raise ConfigError(["--save and --markdown belong to --suite"])
    else:
        _one_run(truth or [], alarms or [], decisions or [], plot, json_)


def _one_run(truth: list[Path], alarms: list[Path], decisions: list[Path], plot: Path | None, as_json: bool) -> None:
    from rfidguard.cli._figures import draw, print_table
    from rfidguard.figures import figures

    if not truth:
        raise ConfigError(["give --truth T and --alarms A, or --suite NAME"])
    if len(truth) != len(alarms) or len(decisions) not in (0, len(truth)):
        given = f"{len(truth)} truth, {len(alarms)} alarms, {len(decisions)} decisions"
        raise ConfigError([f"give one --alarms (and one --decisions, if any) for each --truth, in the same order: {given}"])
    tally = _tally(truth, alarms, decisions)
    if plot is not None:
        draw(tally, plot)
    if as_json:
        typer.echo(json.dumps(figures(tally), indent=1))
    else:
        print_table(figures(tally))


def _suites(
    names: list[str], seeds: str, scenes: int, jobs: int, baseline: str, cache: Path | None, save_to: Path | None,
    as_markdown: bool, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    from rfidguard.baselines import BASELINE_WORDS
    from rfidguard.cli._figures import draw_suites, print_suites
    from rfidguard.cli._suite import chosen_baselines, made_by, run_suites, save
    from rfidguard.suite_report import document, markdown
    from simulators.suites import SUITES

    names = [name for name in SUITES if name != "smoke"] if "all" in names else names
    results = run_suites(names, seeds, scenes, jobs, chosen_baselines(baseline), cache)
    made = made_by(seeds, _command(sys.argv), results)
    if save_to is not None:
        save(document(results, made), save_to)
    if plot is not None:
        draw_suites(results, plot)
    if as_json:
        typer.echo(json.dumps(document(results, made), indent=1))
    elif as_markdown:
        typer.echo(markdown(results, made, BASELINE_WORDS))
    else:
        print_suites(results, BASELINE_WORDS)


def _command(argv: list[str]) -> str:
    """The command line as somebody else would type it."""
    import shlex

    return f"rfidguard {shlex.join(argv[1:])}"


def _tally(truths: list[Path], alarms: list[Path], decisions: list[Path]) -> "Tally":
    from rich.console import Console
    from rich.progress import track

    from rfidguard.direction_score import read_decisions, score_directions
    from rfidguard.evaluate import read_alarms, read_truth, score
    from rfidguard.tally import Tally

    runs = list(zip_longest(truths, alarms, decisions))
    total = Tally()
    for path, rang, decided in track(runs, "scoring", console=Console(stderr=True), transient=True, disable=len(runs) < 2):
        truth = read_truth(_bytes(path), str(path))
        total += score(truth, read_alarms(_bytes(rang).splitlines(), str(rang)))
        if decided is not None:
            total += score_directions(truth, read_decisions(_bytes(decided).splitlines(), str(decided)))
    return total


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RfidguardError(f"{path}: cannot be read: {error.strerror}") from error
