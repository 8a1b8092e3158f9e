"""`rfidguard explain`: why it rang, or why it stayed silent."""

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.cli import ConfigOption
from rfidguard.errors import ConfigError, RfidguardError

if TYPE_CHECKING:
    from rfidguard.alarm import Alarm
    from rfidguard.config import Config
    from rfidguard.explain import Story

REACH_S = 120.0


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("explain")(_explain)


def _explain(
    config: ConfigOption,
    alarm_id: Annotated[str | None, typer.Argument(metavar="[ALARM_ID]", help="An alarm; the start of its id will do.")] = None,
    epc: Annotated[str | None, typer.Option(metavar="EPC", help="An item, in hex: every passage of it, alarm or not.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Only near this time (RFC 3339, with zone).")] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A journal or its directory. Default: the configured one.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the passage (PNG or SVG).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Tell why an alarm rang, or why an item passed in silence: evidence, score terms, ledger records, rule.

    Runs the recorded journal through the core again, so it reaches back as far as the journal is kept.

    Example: rfidguard explain --epc 3034257BF7194E4000001A85 --at 2026-11-22T10:15:00Z
    """
    from rfidguard.config_file import load
    from rfidguard.epc import normal_epc
    from rfidguard.explain import near, story_message, tell
    from rfidguard.journal_files import events_in, journal_paths
    from rfidguard.rfc3339 import unix_seconds

    if (alarm_id is None) == (epc is None):
        raise ConfigError(["give an alarm's id or --epc EPC, one of the two"])
    settings = load(config, os.environ, needs_files=False)
    alarm = _alarm(settings, alarm_id) if alarm_id is not None else None
    epcs = [normal_epc(epc)] if epc is not None else [item.epc for item in alarm.items] if alarm else []
    moment = unix_seconds(at) if at is not None else alarm.raised_at if alarm else None
    refused: Counter[str] = Counter()
    events = events_in(journal_paths(journal or settings.journal.dir), refused)
    story = tell(settings, events, epcs, keep_reads=plot is not None)
    if moment is not None:
        story = near(story, moment, REACH_S)
    if plot is not None:
        _draw(settings, story, plot)
    print(json.dumps(story_message(story)) if as_json else _text(story, alarm))
    if refused:
        print(f"lines of the journal refused: {dict(refused)}", file=sys.stderr)
    if not story.decisions and alarm is None:
        raise typer.Exit(1)


def _alarm(config: "Config", start: str) -> "Alarm":
    from rfidguard.alarm_db import find_alarms
    from rfidguard.clock import SystemClock
    from rfidguard.store import Store

    with Store(config.database.url, SystemClock()) as store:
        found = store.read(lambda conn: find_alarms(conn, start))
    if len(found) != 1:
        raise RfidguardError(f"{len(found)} alarms start with {start!r}; `rfidguard alarms list --all` shows their ids")
    return found[0]


def _text(story: "Story", alarm: "Alarm | None") -> str:
    from rfidguard.alarm import utc_text
    from rfidguard.epc import identify
    from rfidguard.explain import TERM_WORDS
    from rfidguard.reasons import reason_text

    lines = (
        [] if alarm is None else [f"Alarm {alarm.id}: {alarm.kind} at {alarm.gate}, {alarm.state}, {utc_text(alarm.raised_at)}"]
    )
    for epc in story.epcs:
        who = identify(epc)
        lines.append(f"Item {epc}" + (f" = GTIN {who.gtin}, serial {who.serial}" if who.gtin else " (no SGTIN)"))
    if not story.decisions:
        lines.append("No passage of it was judged in the journal that is kept: it was not heard, or it is still in view.")
    for entry in story.decisions:
        lines.append(f"\n{utc_text(entry.at)}  {entry.gate}: {entry.verdict} ({entry.reason}), direction {entry.direction}")
        lines.append(f"  {reason_text(entry.reason)} Certainty that it was carried so: {entry.certainty:.1%}.")
        lines += [f"  {value:+8.2f}  {TERM_WORDS.get(name, name)}" for name, value in entry.terms.items()]
    lines += [f"\n{utc_text(when)}  alarm {name}: {kind}, {state}" for when, name, kind, state in story.transitions]
    lines.append("\nLedger:" if story.records else "\nLedger: nothing is recorded of it.")
    for record in story.records:
        what = record.ref or record.epc or record.gtin
        lines.append(f"  {utc_text(record.at)}  {record.kind}  {what} x{record.quantity}  ({record.id})")
    return "\n".join(lines)


def _draw(config: "Config", story: "Story", file: Path) -> None:
    try:
        import matplotlib as mpl
    except ImportError as error:
        raise RfidguardError("--plot needs matplotlib: pip install 'rfidguard[plots]'") from error
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    from rfidguard.layout import layout_from

    words = {-1: "inside", 0: "threshold", 1: "outside"}
    zones = {slot: words[zone] for gate in layout_from(config).gates.values() for slot, zone in gate.zones.items()}
    start = min((read[1] for read in story.reads), default=0.0)
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for slot in sorted({read[2] for read in story.reads}):
        points = [(read[1] - start, read[3]) for read in story.reads if read[2] == slot]
        axes.plot(*zip(*points, strict=True), ".", markersize=4, label=f"{slot} ({zones.get(slot, '?')})")
    for entry in story.decisions:
        axes.axvline(entry.at - start, color="grey", linestyle="--")
        axes.annotate(f"{entry.direction}: {entry.verdict}", (entry.at - start, axes.get_ylim()[1]), fontsize=8, va="top")
    axes.set(xlabel="seconds", ylabel="RSSI (dBm)", title=" ".join(story.epcs)[:80])
    axes.legend(fontsize=8)
    figure.savefig(file, dpi=120)
    plt.close(figure)
