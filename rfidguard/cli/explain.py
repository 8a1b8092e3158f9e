"""`rfidguard explain`: why it rang, or why it stayed silent."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.cli import ConfigOption
from rfidguard.errors import ConfigError, RfidguardError

if TYPE_CHECKING:
    from rfidguard.alarm import Alarm
    from rfidguard.config import Config
    from rfidguard.events import Event, Ledger
    from rfidguard.inquiry import Story
    from rfidguard.layout import Layout

BEFORE_S = 120.0
AFTER_S = 30.0
"""How much of the journal around a moment is looked at."""
_MANY_FILES = 8


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain")(_explain)


def _explain(
    config: ConfigOption,
    alarm_id: Annotated[str | None, typer.Argument(metavar="[ALARM_ID]", help="An alarm; the start of its id will do.")] = None,
    epc: Annotated[str | None, typer.Option(metavar="EPC", help="An item, in hex: its passages, alarm or not.")] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="When (RFC 3339, with zone). Without it: when the item was last heard.")
    ] = None,
    gate: Annotated[str | None, typer.Option(metavar="GATE", help="Only at this gate.")] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A journal or its directory. Default: the configured one.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the passage (PNG, SVG or PDF).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Tell why an alarm rang, or why an item passed in silence: evidence, score terms, ledger records, rule.

    Runs the recorded journal through the core again, from the last snapshot before that time: as far back as it is kept.
    `rfidguard alarms list --all` shows the ids of alarms. A --plot needs the extra `plots` (matplotlib).
    Exits 1 where nothing is known of the item at that time.

    Example: rfidguard explain --epc 3034257BF7194E4000001A85 --at 2026-11-22T10:15:00Z --plot passage.png
    """
    from rfidguard.config_file import load
    from rfidguard.explain import story_message, story_text
    from rfidguard.layout import layout_from
    from rfidguard.silence import clock_of, findings

    if (alarm_id is None) == (epc is None):
        raise ConfigError(["give an alarm's id or --epc EPC, one of the two"])
    settings = load(config, os.environ, needs_files=False)
    layout = layout_from(settings)
    if gate is not None and gate not in layout.gates:
        raise ConfigError([f"--gate {gate!r}: the gates are {', '.join(layout.gates)}"])
    alarm = _alarm(settings, alarm_id) if alarm_id is not None else None
    refused: Counter[str] = Counter()
    folder = journal or settings.journal.dir
    story, names = _story(settings, layout, folder, alarm, epc, _moment(at, alarm), refused)
    why = {item: findings(story, layout, item, gate) for item in story.epcs}
    if plot is not None:
        from rfidguard.cli._passage_plot import draw_passage

        draw_passage(story, layout, why, plot)
    print(json.dumps(story_message(story, why, names)) if as_json else story_text(story, why, clock_of(layout.timezone), alarm))
    if refused:
        print(f"lines of the journal refused: {dict(refused)}", file=sys.stderr)
    if not story.judged and not story.reads and alarm is None:
        raise typer.Exit(1)


def _moment(at: str | None, alarm: "Alarm | None") -> float | None:
    from rfidguard.rfc3339 import unix_seconds

    return unix_seconds(at) if at is not None else alarm.raised_at if alarm else None


def _story(
    settings: "Config", layout: "Layout", folder: Path, alarm: "Alarm | None", epc: str | None, at: float | None,
    refused: Counter[str],
) -> "tuple[Story, dict[str, str]]":  # fmt: skip
    """The story, and names of the EPCs that the journal keeps under another one."""
    from rfidguard.epc import normal_epc
    from rfidguard.inquiry import inquire
    from rfidguard.journal_files import journal_paths
    from rfidguard.journal_span import last_mention

    epcs = [normal_epc(epc)] if epc is not None else [item.epc for item in alarm.items] if alarm else []
    paths = journal_paths(folder)
    names = {_kept_name(settings, layout, folder, item, at): item for item in epcs}
    asked = at
    if at is None:
        with _looking(len(paths)) as told:
            mention = last_mention(paths, next(iter(names)), told)
        if mention is None:
            raise RfidguardError(
                f"{epcs[0]} was never read in the journal that is kept ({folder}); give --at TIME to ask about a time"
            )
        at = mention.at
    story = inquire(layout, _events(paths, at, asked is None, refused), list(names), at)
    story.records = _with_database(settings, story, epcs)
    return story, {kept: item for kept, item in names.items() if kept != item}


def _events(paths: list[Path], at: float, whole: bool, refused: Counter[str]) -> "Iterator[Event]":
    """The journal from the last snapshot before `at`; of a journal of one file the whole, where no time was asked for."""
    from rfidguard.journal_files import events_in
    from rfidguard.journal_span import events_until, span_of

    if whole and len(paths) == 1:
        return events_in(paths, refused)
    return events_until(events_in(span_of(paths, at - BEFORE_S, at + AFTER_S), refused), at + AFTER_S)


@contextmanager
def _looking(files: int) -> Iterator[Callable[[int], None] | None]:
    """A progress bar where many files are looked through."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    if files < _MANY_FILES:
        yield None
        return
    columns = (TextColumn("looking through journals"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=files)
        yield lambda done: bar.advance(task, done)


def _kept_name(settings: "Config", layout: "Layout", folder: Path, epc: str, at: float | None) -> str:
    """The EPC as the journal has it: goods that are not ours stand there under a key of the day, while that is known."""
    from rfidguard.clock import SystemClock
    from rfidguard.day_key import day_of, key_of
    from rfidguard.epc import identify
    from rfidguard.privacy import masked

    if settings.privacy.foreign_epc != "hash" or layout.owns(identify(epc)) or not folder.is_dir():
        return epc
    key = key_of(folder, day_of(at if at is not None else SystemClock().now()))
    return epc if key is None else masked(epc, key, lambda other: layout.owns(identify(other)))


def _with_database(settings: "Config", story: "Story", epcs: list[str]) -> "list[Ledger]":
    """The ledger's records, those of the database too where there is one that can be asked."""
    from sqlalchemy.engine import make_url

    from rfidguard.clock import SystemClock
    from rfidguard.forget import ledger_keys
    from rfidguard.ledger_db import records_for
    from rfidguard.store import Store

    url = make_url(settings.database.url)
    if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).is_file()):
        return story.records
    keys = [key for epc in epcs for key in ledger_keys(epc)]
    try:
        with Store(settings.database.url, SystemClock()) as store:
            stored = store.read(lambda conn: records_for(conn, keys))
    except RfidguardError as error:
        print(f"the database cannot be asked, the ledger's records are those of the journal: {error}", file=sys.stderr)
        return story.records
    merged = {record.id: record for record in (*stored, *story.records)}
    return sorted(merged.values(), key=lambda record: (record.at, record.id))


def _alarm(config: "Config", start: str) -> "Alarm":
    from rfidguard.alarm_db import find_alarms
    from rfidguard.clock import SystemClock
    from rfidguard.store import Store

    with Store(config.database.url, SystemClock()) as store:
        found = store.read(lambda conn: find_alarms(conn, start))
    if len(found) != 1:
        raise RfidguardError(f"{len(found)} alarms start with {start!r}; `rfidguard alarms list --all` shows their ids")
    return found[0]
