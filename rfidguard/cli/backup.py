"""`rfidguard backup`: a consistent copy of the database, with the daemon running or stopped."""

from pathlib import Path
from typing import Annotated

import typer

from rfidguard.cli import ConfigOption
from rfidguard.cli._database import loaded
from rfidguard.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("backup")(_backup)


def _backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make. A file that exists is never overwritten.")],
    config: ConfigOption,
) -> None:
    """Copy the database: sales, alarms, answers, everything that still waits to be sent.

    The daemon may run; it is not held up. The copy is checked before it gets its name, so that a file that is there is whole.
    To restore, stop the daemon and put the copy in the place of the database.

    Example: rfidguard backup /media/usb/rfidguard-$(date +%F).db
    """
    from sqlalchemy.engine import make_url

    from rfidguard.backup import back_up
    from rfidguard.store_engine import is_memory

    url = make_url(loaded(config).database.url)
    if url.get_backend_name() == "postgresql":
        raise ConfigError([f"database.url: {url.database} is on a PostgreSQL server; copy it with pg_dump {url.database}"])
    if is_memory(url):
        raise ConfigError(["database.url: sqlite:// is in memory and ends with the daemon; there is nothing to copy"])
    size = back_up(Path(str(url.database)), file)
    print(f"{file}: {size / 1e6:.1f} MB, checked")
