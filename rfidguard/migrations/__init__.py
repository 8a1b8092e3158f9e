"""The database's versions. HEAD is the newest; a database that says so is opened without loading alembic."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

HEAD = "0007"

_one_at_a_time = threading.Lock()
"""alembic keeps its context in globals; two threads that make a database each must not meet there."""


def upgrade(conn: "Connection") -> None:
    """Brings the database to HEAD inside the caller's transaction."""
    from alembic import command

    with _one_at_a_time:
        command.upgrade(_config(conn), "head")


def heads() -> list[str]:
    """The newest revisions among the files of `versions`."""
    from alembic.script import ScriptDirectory

    return list(ScriptDirectory.from_config(_config(None)).get_heads())


def _config(conn: "Connection | None") -> "Config":
    from pathlib import Path

    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = conn
    return config
