"""`rfidguard simulate`: a scenario becomes a journal, its truth and a configuration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from simulators.scenario import Scene


def register(app: typer.Typer) -> None:
    app.command("simulate")(simulate)


def simulate(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A built-in's name, or the path of a TOML file.")] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to write; made if missing.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
    start: Annotated[
        str | None, typer.Option("--start", metavar="TIME", help="When it happens, like 2026-11-22T10:15:00Z (the default).")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--layout", metavar="NAME", help="The same people at another gate: pedestals, four, random-zones-17, …"),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Print the built-in scenarios and exit.")] = False,
) -> None:
    """Simulate a store: writes journal.jsonl, truth.json and rfidguard.toml to DIR.

    Try it: `rfidguard simulate plain --out /tmp/plain`, then
    `rfidguard replay /tmp/plain/journal.jsonl --config /tmp/plain/rfidguard.toml --alarms /tmp/plain/alarms.jsonl` and
    `rfidguard evaluate --truth /tmp/plain/truth.json --alarms /tmp/plain/alarms.jsonl`.
    """
    if list_all:
        _print_builtins()
        return
    if not scenario or out is None:
        raise ConfigError(["simulate needs a SCENARIO and --out DIR; `rfidguard simulate --list` names the built-in ones"])
    scene = _built(scenario, seed, start, layout)
    try:
        _write(scene, out)
    except OSError as error:
        raise ConfigError([f"--out {out}: cannot write there: {error.strerror}"]) from error
    _print_summary(scene, out)


def _print_builtins() -> None:
    from simulators.scenario_file import builtin_names, read_scenario

    for name in builtin_names():
        typer.echo(f"{name:14} {read_scenario(name).about}")


def _built(scenario: str, seed: int, start: str | None, layout: str | None) -> "Scene":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from simulators.scenario import EPOCH, build

    epoch = EPOCH if start is None else _epoch(start)
    done = TextColumn("{task.completed:.0f} s of store time")
    columns = (TextColumn("simulating {task.fields[scene]}"), BarColumn(), done, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("simulate", total=None, scene=scenario)
        return build(
            scenario, seed, epoch=epoch, layout=layout, progress=lambda done, all_s: bar.update(task, completed=done, total=all_s)
        )


def _epoch(text: str) -> float:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError([f"--start {text!r} is no time; write 2026-11-22T10:15:00Z"]) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _write(scene: "Scene", out: Path) -> None:
    import json

    from rfidguard.journal import HEADER, encode_line

    out.mkdir(parents=True, exist_ok=True)
    with (out / "journal.jsonl").open("wb") as journal:
        journal.write(HEADER)
        journal.writelines(encode_line(event) for event in scene.events)
    (out / "truth.json").write_text(json.dumps(scene.truth, indent=1) + "\n", "utf-8")
    (out / "rfidguard.toml").write_text(scene.config_text, "utf-8")


def _print_summary(scene: "Scene", out: Path) -> None:
    passages = scene.truth["passages"]
    unpaid = sum(len(passage["unpaid"]) for passage in passages)
    typer.echo(
        f"{scene.name}: {scene.seconds:.0f} s of store time, {len(scene.events):,} journal lines, {len(passages)} passages, "
        f"{unpaid} unpaid items, {len(scene.truth['standing'])} standing tags -> {out}"
    )
