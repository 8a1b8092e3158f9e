"""`rfidguard sim pos`: one simulated till, over MQTT or HTTP."""

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rfidguard.errors import ConfigError, RfidguardError

if TYPE_CHECKING:
    from simulators.pos import SimTill

_EPILOG = (
    "Example: rfidguard sim pos --lane 3 --sell 3034257BF7194E4000001A85 --gtin 00614141123452:2"
    "   or: rfidguard sim pos --lane 3 --http http://127.0.0.1:8080 --token-file till-3.token --sell 3034…"
)


def register(sim_app: typer.Typer) -> None:
    """Adds `pos` to the `sim` commands."""
    sim_app.command("pos", epilog=_EPILOG)(pos)


def pos(
    lane: Annotated[str, typer.Option(metavar="NAME", help="The lane: a topic level, and the login.")] = "1",
    sell: Annotated[list[str] | None, typer.Option(metavar="EPC[,EPC…]", help="Items sold; may stand several times.")] = None,
    gtin: Annotated[list[str] | None, typer.Option(metavar="GTIN[:QTY]", help="Articles sold; may stand several times.")] = None,
    returned: Annotated[list[str] | None, typer.Option("--return", metavar="EPC[,EPC…]", help="Items brought back.")] = None,
    void: Annotated[str | None, typer.Option(metavar="ID", help="Undoes the document with this id.")] = None,
    document: Annotated[Path | None, typer.Option(metavar="FILE", help="Sends this JSON document as it is.")] = None,
    heartbeat: Annotated[float | None, typer.Option(metavar="S", min=0.1, help="Stays and sends a heartbeat this often.")] = None,
    seconds: Annotated[float | None, typer.Option(metavar="S", min=0.0, help="With --heartbeat: ends after so long.")] = None,
    url: Annotated[str, typer.Option(metavar="URL", help="mqtt://HOST[:PORT] or mqtts://…")] = "mqtt://127.0.0.1:1883",
    http: Annotated[str | None, typer.Option(metavar="URL", help="Over HTTP instead, like http://127.0.0.1:8080")] = None,
    token_file: Annotated[Path | None, typer.Option(metavar="FILE", help="The bearer token for --http.")] = None,
    username: Annotated[str | None, typer.Option(help="The login at the broker; with --password-file.")] = None,
    password_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    ca_file: Annotated[Path | None, typer.Option(metavar="FILE", help="Who signed the broker's certificate.")] = None,
    prefix: Annotated[str, typer.Option(help="mqtt.prefix of the daemon's configuration.")] = "rfidguard",
    site: Annotated[str, typer.Option(help="site.id of the daemon's configuration.")] = "0001",
    protocol: Annotated[str, typer.Option(metavar="5|3.1.1")] = "5",
    timeout: Annotated[float, typer.Option(metavar="S", min=0.1, help="Gives up after so long without a reply.")] = 20.0,
) -> None:
    """A till that sends sales until they are confirmed. Prints each reply as a line of JSON.

    Exit 1 where a document is rejected or not confirmed in time.
    """
    from rfidguard.topics import level
    from simulators.mqtt_client import Login
    from simulators.pos import HttpLogin, SimTill

    try:
        level(lane, "--lane")
        secret = None if (file := token_file if http else password_file) is None else file.read_text("utf-8").strip()
        lines = _lines(sell or [], gtin or [], returned or [])
        given: dict[str, Any] | None = None if document is None else json.loads(document.read_text("utf-8"))
    except (RfidguardError, OSError, ValueError) as error:
        raise ConfigError([str(error)]) from error
    if protocol not in ("5", "3.1.1"):
        raise ConfigError([f"--protocol: 5 or 3.1.1, not {protocol!r}"])
    if not (lines or void or given or heartbeat):
        raise ConfigError(["nothing to send: give --sell, --gtin, --return, --void, --document or --heartbeat"])
    login = HttpLogin(http, secret) if http else Login(url, prefix, site, username, secret, ca_file, protocol)
    till = SimTill(lane, login, site)
    try:
        till.start(heartbeat)
        _send(till, lines, void, given, timeout)
        if heartbeat is not None:
            threading.Event().wait(seconds)
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
    finally:
        till.stop()


def _send(till: "SimTill", lines: list[dict[str, Any]], void: str | None, given: dict[str, Any] | None, timeout_s: float) -> None:
    replies = []
    if lines:
        replies.append(till.post(till.document(lines), timeout_s))
    if void is not None:
        replies.append(till.void(void, timeout_s))
    if given is not None:
        replies.append(till.post(given, timeout_s))
    for reply in replies:
        typer.echo(json.dumps(reply))
    if any(reply.get("status") == "rejected" for reply in replies):
        raise typer.Exit(1)


def _lines(sell: list[str], gtin: list[str], returned: list[str]) -> list[dict[str, Any]]:
    """The lines of the document, as given. What they say is not checked: the daemon's answer to nonsense is worth seeing."""
    lines: list[dict[str, Any]] = [{"kind": "sold", "epc": epc} for entry in sell for epc in entry.split(",") if epc]
    for entry in gtin:
        article, _, quantity = entry.partition(":")
        if quantity and not quantity.isdigit():
            raise ValueError(f"--gtin {entry!r}: the quantity is a whole number, like {article}:2")
        lines.append({"kind": "sold", "gtin": article, "quantity": int(quantity or 1)})
    return lines + [{"kind": "returned", "epc": epc} for entry in returned for epc in entry.split(",") if epc]
