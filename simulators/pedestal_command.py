"""`rfidguard sim pedestal`: one simulated pedestal on a pty, driven by a script, by hand, or left silent."""

import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from simulators.pedestal import SimPedestal

DEEDS = ("unplug", "replug")

_EPILOG = (
    "Example: rfidguard sim pedestal --link /tmp/front-eas --script 2:alarm,5:metal,8:unplug,10:replug"
    '  with  driver = "eas_serial"  and  port = "/tmp/front-eas"  in the configuration.'
)


def register(sim_app: typer.Typer) -> None:
    """Adds `pedestal` to the `sim` commands."""
    sim_app.command("pedestal", epilog=_EPILOG)(pedestal)


def pedestal(
    link: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A symbolic link to the port, kept over unplug and replug.")
    ] = None,
    profile: Annotated[
        str, typer.Option(metavar="P", help="How it speaks: generic, another known profile, or the path of a .toml file.")
    ] = "generic",
    script: Annotated[
        str, typer.Option(metavar="S:WORD,…", help="What it says how many seconds after the start; also unplug and replug.")
    ] = "",
    interactive: Annotated[bool, typer.Option("--interactive", help="Reads words from standard input, one a line.")] = False,
) -> None:
    """A pedestal on a pseudo-terminal, for the eas_serial driver. Prints the port's path; ends with Ctrl-C (or `quit`)."""
    from simulators.pedestal import SimPedestal

    try:
        sim = SimPedestal(profile, link)
        steps = parse_script(script, [*sim.words(), *DEEDS])
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    stop = threading.Event()
    if not interactive:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    try:
        with sim:
            typer.echo(sim.port)
            _play(sim, steps, stop)
            _by_hand(sim) if interactive else stop.wait()
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
    except OSError as error:
        raise ConfigError([f"--link {link}: {error}"]) from error


def parse_script(script: str, words: list[str]) -> list[tuple[float, str]]:
    """`"2:alarm,5:metal"` -> [(2.0, "alarm"), (5.0, "metal")], by time. Raises ValueError that names the wrong part."""
    steps = []
    for part in filter(None, (part.strip() for part in script.split(","))):
        seconds, _, word = part.partition(":")
        if word not in words:
            raise ValueError(f"--script: {part!r} is not SECONDS:WORD with one of {', '.join(words)}")
        try:
            at = float(seconds)
        except ValueError:
            at = -1.0
        if not 0 <= at < 86_400:
            raise ValueError(f"--script: {part!r} does not begin with a number of seconds from 0 on")
        steps.append((at, word))
    return sorted(steps, key=lambda step: step[0])


def _play(sim: "SimPedestal", steps: list[tuple[float, str]], stop: threading.Event) -> None:
    passed = 0.0
    for at, word in steps:
        if stop.wait(at - passed):
            return
        passed = at
        _do(sim, word)


def _by_hand(sim: "SimPedestal") -> None:
    """One word a line until `quit` or the end of standard input."""
    typer.echo(f"words: {', '.join([*sim.words(), *DEEDS, 'quit'])}", err=True)
    for line in sys.stdin:
        word = line.strip().lower()
        if word == "quit":
            return
        if word:
            try:
                _do(sim, word)
            except ValueError as error:
                typer.echo(str(error), err=True)


def _do(sim: "SimPedestal", word: str) -> None:
    if word == "unplug":
        sim.unplug()
    elif word == "replug":
        sim.replug()
        typer.echo(sim.port)
    else:
        sim.say(word)
    typer.echo(f"{word}", err=True)
