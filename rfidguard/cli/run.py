"""`rfidguard run`: the daemon."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rfidguard.cli import ConfigOption

if TYPE_CHECKING:
    from rfidguard.config import Config


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("run")(_run)


def _run(
    config: ConfigOption,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Guard the gates of this configuration until told to stop (SIGTERM). SIGHUP reads the configuration again.

    Broker, tills, readers and pedestals may be absent at the start and may come and go.

    Example: rfidguard run --config /etc/rfidguard/rfidguard.toml
    """
    from rfidguard.config_file import load
    from rfidguard.daemon import EXIT_RELOAD, Guard
    from rfidguard.logs import set_up_logging

    set_up_logging(log_level)
    settings = load(config, os.environ)
    status = Guard(settings, lambda: _usable(load(config, os.environ))).run()
    if status == EXIT_RELOAD:
        _start_again()
    if status:
        raise typer.Exit(status)


def _usable(settings: "Config") -> None:
    """Raises ConfigError for what the next start would fail of: tokens and certificates are read anew at a reload."""
    from rfidguard.errors import ConfigError
    from rfidguard.web.tls import http_faults

    faults = http_faults(settings.http)
    if faults:
        raise ConfigError(faults)


def _start_again() -> None:
    """Becomes a new daemon with the new configuration, under the same process id."""
    program = Path(sys.argv[0])
    if program.name == "__main__.py":
        os.execv(sys.executable, [sys.executable, "-m", "rfidguard", *sys.argv[1:]])
    os.execv(sys.argv[0], sys.argv)
