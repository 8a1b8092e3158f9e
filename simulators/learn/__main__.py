"""`python -m simulators.learn`: simulates, watches, fits, and writes the score tables."""

import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table as Grid

from rfidguard import __version__
from rfidguard.alarm import utc_text
from rfidguard.clock import SystemClock
from rfidguard.errors import ConfigError, RfidguardError
from simulators.learn.boosting import require_lightgbm
from simulators.learn.fit import Learnt, learnt
from simulators.learn.picked_rows import picked_rows_of
from simulators.learn.rows import Rows, rows_of
from simulators.learn.scenes import PLAIN_EACH, PLAIN_WEIGHS, Counting, Play, countings, played_scene, plays
from simulators.learn.tables import Wanted, cheap_signs, checked, encoded, known_signs, wanted
from simulators.scene_cache import fingerprint

Heard = list[tuple[str, Counting, Rows]]
"""A scene's rows, of what they are (`Wanted.of`), for each kind of counters that it was heard with."""

_EPILOG = "Example: python -m simulators.learn --scenes 80 --jobs 2 --cache /tmp/scenes --out rfidguard/weights"


def learn(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the tables go; rfidguard/weights is where the program reads them.")
    ],
    scenes: Annotated[
        int, typer.Option(min=1, help="So many stores, and four times as many plain worlds, for each kind of gates.")
    ] = 80,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Processes that simulate, and threads that fit.")] = 2,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep simulated stores here, and take them from here.")
    ] = None,
    table: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this table; may be repeated.")] = None,
) -> None:
    """Make the tables by which rfidguard tells that a tag has gone out, or come in.

    Simulates scenes (a store: some 10 s each; seeds below 1000, the others are held back for figures), watches each as the
    program would, labels what it sees by the truth, and fits one table a question: zones-out, zones-in (gates with inside and
    outside zones), plane-out, plane-in (all antennas in one plane), zones-picked, plane-picked (at each, after a count: did
    goods that stood go along?), plane-through (in one plane without counters: has it gone through, whichever way?). Ends with
    what each table says of scenes that it was not made from.

    The same scenes, versions and --jobs give the same trees. Afterwards run the suites: rfidguard evaluate --suite all.
    """
    chosen = wanted(table or ())
    versions = require_lightgbm()
    made: dict[Play, Heard] = _watched([play for zoned in (True, False) if any(w.zoned == zoned for w in chosen)
                                        for play in plays(scenes, zoned)], jobs, cache)  # fmt: skip
    told = Grid("table", "rows", "yes", "log loss, scenes left out", "knowing only how often", "kB")
    for entry in chosen:
        found = learnt(entry, _rows_for(entry, made), jobs)
        made_table = msgspec.structs.replace(found.table, about=_about(found, scenes, versions))
        text = encoded(checked(entry.name, made_table, known_signs(entry), cheap_signs(entry)))
        _write(out, entry.name, text)
        told.add_row(entry.name, f"{found.rows}", f"{found.yes_share:.2%}", _loss(found.held_loss), _loss(found.blind_loss),
                     f"{len(text) / 1000:.0f}")  # fmt: skip
    Console().print(told)


def _watched(work: Sequence[Play], jobs: int, cache: Path | None) -> dict[Play, Heard]:
    """The rows of every scene, in the order of `work`, whatever process was done first."""
    columns = (
        TextColumn("scenes"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
    )
    done: dict[Play, Heard] = {}
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=len(work))
        # Fresh processes: a fork would copy the threads of the progress bar half-way through.
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
            pending: dict[Future[Heard], Play] = {pool.submit(heard, play, cache): play for play in work}
            try:
                for future in as_completed(pending):
                    done[pending[future]] = future.result()
                    bar.advance(task)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return {play: done[play] for play in work}


def heard(play: Play, cache: Path | None) -> Heard:
    """One scene, simulated and watched with each kind of counters."""
    scene = played_scene(play, cache)
    weighs = PLAIN_WEIGHS if play.world == "plain" else 1.0
    found: Heard = [("look", counting, rows_of(scene, counting, weighs)) for counting in countings(play)]
    return [*found, ("count", "directed", picked_rows_of(scene))] if play.world == "store" else found


def _rows_for(entry: Wanted, made: dict[Play, Heard]) -> list[tuple[int, Rows]]:
    return [
        (play.seed, rows)
        for play, found in made.items()
        if play.zoned == entry.zoned
        for of, counting, rows in found
        if of == entry.of and counting in entry.countings
    ]


def _about(found: Learnt, scenes: int, versions: dict[str, str]) -> str:
    loss = "no scene left out" if found.held_loss is None else f"log loss {found.held_loss:.4f} on scenes left out"
    made_with = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"Learnt {utc_text(SystemClock().now())[:10]} from simulated passages: {scenes} stores (simulator {fingerprint()}) and "
        f"{PLAIN_EACH * scenes} plain worlds, seeds from 1, {found.rows} rows; {loss}. rfidguard {__version__}, {made_with}."
    )


def _write(folder: Path, name: str, text: bytes) -> None:
    path = folder / f"{name}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    except OSError as error:
        raise ConfigError([f"--out {folder}: {path.name} cannot be written: {error.strerror}"]) from error


def _loss(loss: float | None) -> str:
    return "-" if loss is None else f"{loss:.4f}"


def main() -> None:
    """Entry point: 0 fine, 1 it ran and found something wrong, 2 bad usage."""
    app = typer.Typer(add_completion=False)
    app.command(epilog=_EPILOG)(learn)
    try:
        app()
    except ConfigError as error:
        print(*error.problems, sep="\n", file=sys.stderr)
        sys.exit(2)
    except RfidguardError as error:
        print(f"learn: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
