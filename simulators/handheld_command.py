"""`rfidguard sim handheld`: one simulated handheld on a real broker."""

import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from rfidguard.errors import ConfigError, RfidguardError

_EPILOG = "Example: rfidguard sim handheld --user staff-1 --answer resolve:recovered --after 8"


def register(sim_app: typer.Typer) -> None:
    """Adds `handheld` to the `sim` commands."""
    sim_app.command("handheld", epilog=_EPILOG)(handheld)


def handheld(
    user: Annotated[str, typer.Option(metavar="NAME", help="The topic level (and login) that it answers as.")] = "staff-1",
    url: Annotated[str, typer.Option(metavar="URL", help="mqtt://HOST[:PORT] or mqtts://…")] = "mqtt://127.0.0.1:1883",
    prefix: Annotated[str, typer.Option(help="mqtt.prefix of the daemon's configuration.")] = "rfidguard",
    site: Annotated[str, typer.Option(help="site.id of the daemon's configuration.")] = "0001",
    answer: Annotated[
        str | None, typer.Option(metavar="WHAT", help="acknowledge, resolve or resolve:OUTCOME; without it only `received`.")
    ] = None,
    after: Annotated[float, typer.Option(metavar="S", min=0.0, help="Seconds from the alarm to that answer.")] = 5.0,
    seconds: Annotated[float | None, typer.Option(metavar="S", min=0.0, help="Ends after so long; else with Ctrl-C.")] = None,
    alarms: Annotated[int | None, typer.Option(metavar="N", min=1, help="Ends once N alarms are closed.")] = None,
    password_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Log in as NAME with this password.")] = None,
    ca_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Who signed the broker's certificate.")] = None,
    protocol: Annotated[str, typer.Option(metavar="5|3.1.1")] = "5",
) -> None:
    """A handheld that hears alarms, says `received` at once and answers as told. Prints what it hears, one line each.

    Exit 1 where the broker does not let it in, or where fewer alarms than --alarms were closed within --seconds.
    """
    from rfidguard.alarm import OPEN_STATES
    from rfidguard.topics import level
    from simulators.handheld import SimHandheld, script_of
    from simulators.mqtt_client import Login

    try:
        level(user, "--user")
        script = script_of(answer, after)
        password = None if password_file is None else password_file.read_text("utf-8").rstrip("\r\n")
    except (RfidguardError, OSError, ValueError) as error:
        raise ConfigError([str(error)]) from error
    if protocol not in ("5", "3.1.1"):
        raise ConfigError([f"--protocol: 5 or 3.1.1, not {protocol!r}"])
    login = Login(url, prefix, site, None if password is None else user, password, ca_file, protocol)
    closed: set[str] = set()

    def tell(what: str, body: dict[str, Any]) -> None:
        typer.echo(_line(what, body))
        if what == "event" and body["state"] not in OPEN_STATES:
            closed.add(body["id"])

    sim = SimHandheld(login, user, script, tell=tell)
    try:
        sim.start()
    except RfidguardError as error:
        raise ConfigError([str(error)]) from error
    try:
        patience_s = threading.TIMEOUT_MAX if seconds is None else seconds
        enough = sim.wait_for(lambda _sim: alarms is not None and len(closed) >= alarms, patience_s)
    except KeyboardInterrupt:
        enough = alarms is None
        typer.echo("stopped", err=True)
    finally:
        sim.stop()
    if sim.refusal:
        raise RfidguardError(f"{url}: {sim.refusal}")
    if alarms is not None and not enough:
        raise RfidguardError(f"{len(closed)} of {alarms} alarms were closed")


def _line(what: str, body: dict[str, Any]) -> str:
    match what:
        case "event" | "state":
            items = ", ".join(f"{item['epc']} {item['state']}" for item in body["items"])
            return (
                f"{body.get('event_type', 'standing'):12} {body['id']} r{body['revision']} {body['gate']} {body['kind']}: {items}"
            )
        case "answer":
            return f"{'> ' + body['action']:12} {body['alarm']} {body.get('outcome', '')}".rstrip()
        case _:
            return f"{'< ' + str(body.get('status')):12} {body.get('id')} {body.get('reason') or ''}".rstrip()
