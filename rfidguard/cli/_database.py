"""What the commands share that use the database themselves, with the daemon running or stopped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rfidguard.clock import Clock
    from rfidguard.config import Config
    from rfidguard.store import Store


def loaded(config: Path) -> "Config":
    """The configuration. Raises ConfigError."""
    from rfidguard.config_file import load

    return load(config, os.environ)


@contextmanager
def opened(config: "Config") -> "Iterator[tuple[Store, Clock]]":
    """The configured database, made or migrated where that is due."""
    from rfidguard.clock import SystemClock
    from rfidguard.store import Store

    clock = SystemClock()
    with Store(config.database.url, clock) as store:
        yield store, clock


def local_text(at: float, zone: tzinfo) -> str:
    """Unix seconds -> "2026-11-22 11:15:30" in the shop's time."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
