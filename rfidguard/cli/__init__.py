"""The one installed script. Each command lives in its own file and imports what it needs only when it runs."""

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from rfidguard import __version__
from rfidguard.errors import ConfigError, RfidguardError

COMMANDS = (
    "run", "check", "demo", "replay", "record", "simulate", "sim", "evaluate", "explain", "tune", "ledger", "alarms", "doctor",
    "site", "backup", "export_schema",
)  # fmt: skip

_HELP = "Guards the exits of a shop: rings when an unpaid item leaves, stays silent otherwise, and says why either way."

DEFAULT_CONFIG = "/etc/rfidguard/rfidguard.toml"

ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config",
        metavar="FILE",
        help=f"The configuration (TOML). Default: $RFIDGUARD_CONFIG, then {DEFAULT_CONFIG}.",
        default_factory=lambda: Path(os.environ.get("RFIDGUARD_CONFIG", DEFAULT_CONFIG)),
        show_default=False,
    ),
]


def build_app() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="rfidguard",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        epilog="Start with `rfidguard demo`: a whole store on this machine, no hardware.",
    )
    app.callback(help=_HELP)(_root)
    for name in COMMANDS:
        importlib.import_module(f"rfidguard.cli.{name}").register(app)
    return app


def main() -> None:
    """Entry point: 0 fine, 1 ran and found something wrong, 2 bad usage or configuration."""
    try:
        build_app()()
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        sys.exit(2)
    except RfidguardError as error:
        print(f"rfidguard: {error}", file=sys.stderr)
        sys.exit(1)


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=lambda on: _tell_version(on))
    ] = False,
) -> None:
    """Before every command."""


def _tell_version(asked: bool) -> None:
    if asked:
        print(f"rfidguard {__version__}")
        raise typer.Exit
