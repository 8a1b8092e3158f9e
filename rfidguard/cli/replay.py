"""`rfidguard replay`: a recorded journal through the same core, without touching anything real."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from rfidguard.cli import ConfigOption
from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.events import Event

_BIG_BYTES = 20_000_000


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("replay")(_replay)


def _replay(
    journal: Annotated[
        str,
        typer.Argument(
            metavar="JOURNAL", help="A journal (plain, .gz, .zst), a directory of rotated ones, or - for standard input."
        ),
    ],
    config: ConfigOption,
    alarms: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Where to write what would be published on event/alarm, one line a transition."),
    ] = None,
    decisions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Where to write one line for each tag passage judged, alarm or not, with its evidence."
        ),
    ] = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="A journal of ledger lines that were known before. Without it the ledger starts empty."
        ),
    ] = None,
) -> None:
    """Run a recorded journal through the same core as the daemon, as fast as this machine can.

    The clock is the journal's. Neither database nor broker nor devices are touched. The same input gives the same bytes.
    Without --alarms and --decisions the alarms go to standard output. - stands for standard input or output.

    Example: rfidguard replay /var/lib/rfidguard/journal --decisions - | grep 303425
    """
    from rfidguard.config_file import load
    from rfidguard.replay import ledger_from, replay

    settings = load(config, os.environ, needs_files=False)
    refused: Counter[str] = Counter()
    if alarms is None and decisions is None:
        alarms = "-"
    try:
        with _output(alarms) as write_alarm, _output(decisions) as write_decision:
            known = ledger_from(_events(ledger, refused), refused) if ledger is not None else None
            summary = replay(
                settings,
                _events(journal, refused),
                ledger=known,
                alarms=write_alarm,
                decisions=write_decision,
                refused=refused,
            )
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit from None
    print(
        f"{summary.events} events, {summary.decisions} decisions, {summary.transitions} alarm transitions"
        + "".join(f"\nrefused: {count} {reason}" for reason, count in sorted(refused.items())),
        file=sys.stderr,
    )


@contextmanager
def _output(name: str | None) -> Iterator[Callable[[bytes], object] | None]:
    """How to write to a file; None where nobody asked for it."""
    if name is None:
        yield None
    elif name == "-":
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
    else:
        with _opened(name) as file:
            yield file.write


def _opened(name: str) -> BinaryIO:
    try:
        return Path(name).open("wb")
    except OSError as error:
        raise ConfigError([f"{name}: cannot be written: {error.strerror}"]) from error


def _events(name: str, refused: Counter[str]) -> Iterator["Event"]:
    """The events of one journal, directory or standard input; with a progress bar where a person waits for much."""
    from rfidguard.journal_files import events_in, events_of, journal_paths

    if name == "-":
        return events_of(sys.stdin.buffer, refused)
    paths = journal_paths(Path(name))
    total = sum(path.stat().st_size for path in paths)
    return _with_progress(paths, total, refused) if sys.stderr.isatty() and total > _BIG_BYTES else events_in(paths, refused)


def _with_progress(paths: list[Path], total: int, refused: Counter[str]) -> Iterator["Event"]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    from rfidguard.journal_files import events_in

    console = Console(stderr=True)
    with Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield from events_in(paths, refused, lambda size: progress.advance(task, size))
