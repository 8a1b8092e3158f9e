"""Logging to standard error: under systemd with its priorities and no time (the journal has it), else with time and level."""

import logging
import os
import sys

from rfidguard.errors import ConfigError

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_NOISY = ("sllurp", "alembic", "asyncio", "uvicorn.error")


def set_up_logging(level: str) -> None:
    """Raises ConfigError for an unknown level."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ConfigError([f"--log-level {level!r}: one of debug, info, warning, error"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Priority("%(name)s: %(message)s") if "JOURNAL_STREAM" in os.environ else _plain())
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def _plain() -> logging.Formatter:
    return logging.Formatter("%(asctime)s %(levelname)-8s %(name)s: %(message)s")


class _Priority(logging.Formatter):
    """Each line with the priority that sd-daemon(3) describes."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((p for level, p in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))
