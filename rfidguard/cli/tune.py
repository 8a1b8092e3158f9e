"""`rfidguard tune`: other settings on the site's own journal, with what staff said: what would they have changed?"""

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rfidguard.cli import ConfigOption
from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.cli._tune_run import Site

_AGO = re.compile(r"(\d+(?:\.\d+)?)([dhm])")
_UNIT_S = {"d": 86_400.0, "h": 3600.0, "m": 60.0}
_MOST_JOBS = 64
_GENTLE = 5
"""A daemon on the same box goes first."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("tune")(_tune)


def _tune(
    config: ConfigOption,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Try this setting; may be repeated. gate.front.mode=light names a gate."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="From then on: RFC 3339 with zone, or 3d, 12h, 30m before the journal's end."),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Up to then (RFC 3339 with zone).")] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A journal or its directory. Default: the configured one.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, max=_MOST_JOBS, help="Processes; 0: all cores but one.")] = 0,
    json_to: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON; - instead of text.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the settings as TOML, to be merged into the configuration by hand.")
    ] = None,
) -> None:
    """Find out what other settings would have done, on the journal that is kept and with what staff said of each alarm.

    With --set: replays the journal with today's settings and with the changed ones, and compares alarm by alarm: gone, new,
    louder, quieter, earlier, later. Without: proposes settings, each with its evidence in numbers and proved by such a replay.
    What would have hidden an alarm that staff called recovered or walked_out is never proposed.

    Nothing is changed: neither the configuration nor the daemon nor the database. Runs beside the daemon, at low priority.
    Exits 1 where the settings of --set would have hidden such an alarm.

    Example: rfidguard tune --set ledger.late_sale_hold_s=4 --since 7d

    Example: rfidguard tune --out proposed.toml
    """
    from rfidguard.cli._tune_history import end_of, history_of
    from rfidguard.cli._tune_run import Site
    from rfidguard.config_file import read, validated
    from rfidguard.journal_files import journal_paths

    source = replace(read(config, os.environ), needs_files=False)
    today = validated(source)
    paths = journal_paths(journal or today.journal.dir)
    end = end_of(paths)
    upto = min(_moment("--until", until) or end, end)
    site = Site(source, today, history_of(paths, _since(since, end), upto, jobs or _spare_cores()), {})
    os.nice(_GENTLE)
    report = _what_if(site, tuple(set_)) if set_ else _proposals(site)
    if json_to is not None:
        _write("--json", json_to, json.dumps(report.message, ensure_ascii=False, indent=1) + "\n")
    if out is not None:
        _write("--out", out, report.fragment)
    if json_to is None or str(json_to) != "-":
        report.show()
    if report.wrong:
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Report:
    """What there is to tell, in each of its forms. `wrong`: staff's word speaks against what was asked for."""

    message: dict[str, Any]
    fragment: str
    show: Callable[[], None]
    wrong: bool = False


def _what_if(site: "Site", texts: tuple[str, ...]) -> _Report:
    from rfidguard.cli._tune_run import what_if
    from rfidguard.cli._tune_tables import Screen, show_head, show_what_if
    from rfidguard.tuning.trial import trial_message
    from rfidguard.tuning.words import message, sentences

    trial = what_if(site, texts)
    zone = site.today.site.zone()

    def show() -> None:
        screen = Screen()
        show_head(screen, site.about, zone)
        show_what_if(screen, trial, zone)

    return _Report(
        message={**_about(site), "what_if": trial_message(trial, message(trial.differences))},
        fragment=_fragment(site, texts, [f"Tried, not proposed. {text}" for text in sentences(trial.differences)]),
        show=show,
        wrong=not trial.stands(),
    )


def _proposals(site: "Site") -> _Report:
    from rfidguard.cli._tune_run import proposals
    from rfidguard.cli._tune_tables import Screen, show_head, show_proposals
    from rfidguard.tuning.trial import trial_message
    from rfidguard.tuning.words import message, sentences

    outcome, rehearsed = proposals(site)

    def show() -> None:
        screen = Screen()
        show_head(screen, site.about, site.today.site.zone())
        show_proposals(screen, outcome, rehearsed)

    accepted = outcome.accepted()
    notes = [
        f"{', '.join(trial.settings)}: {trial.why}. {' '.join(sentences(trial.differences))}"
        for trial in outcome.standing()
        if accepted
    ]
    return _Report(
        message={
            **_about(site),
            "rehearsed": list(rehearsed),
            "proposals": [trial_message(trial, message(trial.differences)) for trial in outcome.trials],
            "not_proposed": [{"about": advice.about, "why": advice.why} for advice in outcome.silent],
            "together": None
            if outcome.together is None
            else trial_message(outcome.together, message(outcome.together.differences)),
            "accepted": list(accepted),
        },
        fragment=_fragment(site, accepted, notes or ["Nothing is proposed."]),
        show=show,
    )


def _about(site: "Site") -> dict[str, Any]:
    from rfidguard.alarm import utc_text

    about = site.about
    span = {"from": utc_text(about["from"]), "to": utc_text(about["to"])}
    return {"site": site.today.site.id, "journal": {**span, **{name: about[name] for name in ("files", "events", "refused")}}} | {
        name: about[name] for name in ("alarms", "said", "live", "repeated")
    }


def _fragment(site: "Site", texts: Sequence[str], notes: Sequence[str]) -> str:
    """The settings as TOML, with where they come from."""
    from rfidguard.alarm import utc_text
    from rfidguard.tuning.settings import fragment, setting

    data = site.source.data
    head = [
        f"rfidguard tune, site {site.today.site.id}, journal {utc_text(site.about['from'])} to {utc_text(site.about['to'])}.",
        "Merge into the configuration by hand, then run: rfidguard check",
        *notes,
    ]
    body = fragment([setting(text, data) for text in texts], data)
    return "".join(f"# {line}\n" for line in head) + ("\n" + body if body else "")


def _spare_cores() -> int:
    """One is left to the daemon."""
    return min(max((os.cpu_count() or 1) - 1, 1), _MOST_JOBS)


def _since(text: str | None, end: float) -> float | None:
    """A moment, or so long before the journal's end."""
    ago = _AGO.fullmatch(text or "")
    return _moment("--since", text) if ago is None else end - float(ago[1]) * _UNIT_S[ago[2]]


def _moment(option: str, text: str | None) -> float | None:
    from rfidguard.rfc3339 import unix_seconds

    try:
        return None if text is None else unix_seconds(text)
    except ValueError as error:
        also = " or 3d, 12h, 30m before the journal's end" if option == "--since" else ""
        raise ConfigError([f"{option}: {error}{also}"]) from None


def _write(option: str, path: Path, text: str) -> None:
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise ConfigError([f"{option} {path}: cannot be written: {error.strerror}"]) from error
