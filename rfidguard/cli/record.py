"""`rfidguard record`: writes the journal of a running configuration without alarming."""

import os
from pathlib import Path
from typing import Annotated

import typer

from rfidguard.cli import ConfigOption


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("record")(_record)


def _record(
    config: ConfigOption,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where to write. Default: the configured journal.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after so long. Default: until Ctrl-C.")] = None,
) -> None:
    """Write down everything the configured devices say, without judging, alarming, or touching broker and database.

    What is recorded can be replayed, explained, and made a test.

    Example: rfidguard record --config rfidguard.toml --out field-1 --seconds 600
    """
    from rfidguard.config_file import load
    from rfidguard.logs import set_up_logging
    from rfidguard.recording import Recording

    set_up_logging("info")
    recording = Recording(load(config, os.environ, needs_files=False), out)
    written = recording.run(seconds)
    print(f"{written['lines']} lines, {written['bytes']} bytes in {recording.folder}")
    if recording.problem:
        raise typer.Exit(1)
