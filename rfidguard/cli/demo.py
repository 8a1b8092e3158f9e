"""`rfidguard demo`: a whole store on one machine, live."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("demo")(_demo)


def _demo(
    seconds: Annotated[float | None, typer.Option("--seconds", min=5, metavar="N", help="Close after N seconds.")] = None,
    speed: Annotated[float, typer.Option("--speed", min=0.25, max=3, metavar="X", help="Everybody moves X times as fast.")] = 1.0,
    scenario: Annotated[str, typer.Option(help="A built-in scenario or a file.")] = "demo",
    seed: Annotated[int, typer.Option(help="Another seed is another day in the same store.")] = 1,
    folder: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Keep configuration, database, journal and logs here.")
    ] = None,
) -> None:
    """A whole store on this machine, live: simulated readers, pedestals, tills and handhelds on real wires (TCP, pty, MQTT,
    HTTP), and the real daemon. Ends with a table of what happened against what rang; exit status 0 only if they agree.

    Example: rfidguard demo --seconds 30
    """
    from simulators.demo import Demo

    raise typer.Exit(Demo(scenario, seed, seconds, speed, folder).run())
