"""`rfidguard alarms`: the staff side from a shell."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rfidguard.cli import ConfigOption
from rfidguard.cli._database import loaded, local_text, opened
from rfidguard.errors import ConfigError, RfidguardError

if TYPE_CHECKING:
    from datetime import tzinfo

    from rfidguard.alarm import Alarm
    from rfidguard.store import Store

_PIPE_WIDTH = 200

JsonOption = Annotated[bool, typer.Option("--json", help="For programs: the same objects as on MQTT.")]
ByOption = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who answers. Default: your login.")]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The alarm's id, or its beginning as far as it is unique.")]


def register(app: typer.Typer) -> None:
    """Adds the group."""
    group = typer.Typer(no_args_is_help=True, help="See alarms and answer them. Works with the daemon running or stopped.")
    for name, command in (("list", _list), ("show", _show), ("ack", _ack), ("resolve", _resolve)):
        group.command(name)(command)
    app.add_typer(group, name="alarms")


def _list(
    config: ConfigOption,
    all_: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many, the newest.")] = 1000,
    as_json: JsonOption = False,
) -> None:
    """The alarms that are open or acknowledged, the newest first.

    Example: rfidguard alarms list --all --json
    """
    from rfidguard.alarm import alarm_message
    from rfidguard.alarm_db import list_alarms

    settings = loaded(config)
    with opened(settings) as (store, _):
        found = store.read(lambda conn: list_alarms(conn, all_, limit))
    if as_json:
        print(json.dumps([alarm_message(alarm) for alarm in found], ensure_ascii=False, indent=2))
    elif found:
        _print_table(found, settings.site.zone())
    else:
        print("no alarms" if all_ else "no open alarms")


def _show(config: ConfigOption, alarm: IdArgument, as_json: JsonOption = False) -> None:
    """One alarm with its items and what happened to it.

    Example: rfidguard alarms show 01KAN7
    """
    from rfidguard.alarm import alarm_message
    from rfidguard.alarm_db import transitions

    settings = loaded(config)
    with opened(settings) as (store, _):
        found = _alarm_called(store, alarm)
        story = store.read(lambda conn: transitions(conn, found.id))
    if as_json:
        print(json.dumps(alarm_message(found), ensure_ascii=False, indent=2))
    else:
        print("\n".join(_portrait(found, story, settings.site.zone())))


def _ack(config: ConfigOption, alarm: IdArgument, by: ByOption = None) -> None:
    """Say that you are on it. The first one wins; who comes second is told who was first.

    Example: rfidguard alarms ack 01KAN7 --by anna
    """
    _answer(config, alarm, {"action": "acknowledge"}, by)


def _resolve(
    config: ConfigOption,
    alarm: IdArgument,
    outcome: Annotated[
        str, typer.Option("--outcome", metavar="OUTCOME", help="How it ended, for instance recovered or paid_late.")
    ],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Up to 500 characters.")] = None,
    by: ByOption = None,
) -> None:
    """Close an alarm and say how it ended.

    Example: rfidguard alarms resolve 01KAN7 --outcome wrong_item_scanned --note "pad read the neighbour"
    """
    body = {"action": "resolve", "outcome": outcome}
    _answer(config, alarm, body if note is None else {**body, "note": note}, by)


def _answer(config: Path, alarm: str, body: dict[str, Any], by: str | None) -> None:
    from rfidguard.shell_answer import give_answer

    with opened(loaded(config)) as (store, clock):
        found = _alarm_called(store, alarm)
        judged = give_answer(store, clock, found.id, body, by or _login())
    if judged.status != "accepted":
        print(f"{found.id}: {judged.status}: {judged.reason}", file=sys.stderr)
        raise typer.Exit(1)
    print(f"{found.id}: {judged.status}")


def _alarm_called(store: "Store", prefix: str) -> "Alarm":
    from rfidguard.alarm_db import find_alarms

    found = store.read(lambda conn: find_alarms(conn, prefix, 6)) if prefix.isalnum() else []
    exact = [alarm for alarm in found if alarm.id == prefix.upper()]
    if len(found) == 1 or exact:
        return (exact or found)[0]
    if found:
        raise ConfigError([f"{prefix}: several alarms begin so: {', '.join(alarm.id for alarm in found)}"])
    raise RfidguardError(f"{prefix}: no alarm has an id that begins so; `rfidguard alarms list --all` shows them")


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise ConfigError(["--by: this login has no name; say who answers with --by NAME"]) from None


def _print_table(alarms: "list[Alarm]", zone: "tzinfo") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("alarm", "raised", "gate", "kind", "state", "items", "by", "outcome", box=None)
    for column in table.columns[:2]:
        column.no_wrap = True
    for alarm in alarms:
        table.add_row(
            alarm.id,
            local_text(alarm.raised_at, zone),
            alarm.gate,
            alarm.kind,
            alarm.state,
            str(len(alarm.items)),
            alarm.resolved_by or alarm.acknowledged_by or "",
            alarm.outcome or "",
        )
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def _portrait(alarm: "Alarm", story: list[tuple[str, float]], zone: "tzinfo") -> list[str]:
    head = f"{alarm.id}  {alarm.kind} at {alarm.gate}: {alarm.state}, {alarm.severity}" + (", a drill" if alarm.drill else "")
    people = [
        f"  {what} {name}"
        for what, name in (
            ("acknowledged by", alarm.acknowledged_by),
            ("resolved by", alarm.resolved_by),
            ("outcome", alarm.outcome),
        )
        if name
    ]
    items = [
        f"  item {item.name or item.gtin or item.epc}"
        + (f" serial {item.serial}" if item.serial else "")
        + f": {item.state}, {item.reason}, certainty {item.certainty:.2f}, EPC {item.epc}"
        + (f", {item.outcome}" if item.outcome else "")
        for item in alarm.items
    ]
    return [head, *people, *items, *(f"  {local_text(at, zone)}  {event_type}" for event_type, at in story)]
