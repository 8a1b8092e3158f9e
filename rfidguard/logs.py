"""Logging to standard error, or to systemd's journal with fields (rfidguard.journald). Repeats are limited (log_repeats).

A log call names what it is about in `extra`: alarm, gate, device, user. They stand behind the text, and in fields of the
journal.
"""

import logging
import os
import sys

from rfidguard.errors import ConfigError
from rfidguard.journald import SOCKET, JournalHandler, is_journal
from rfidguard.log_repeats import Repeats

FIELDS = ("alarm", "gate", "device", "user")
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_NOISY = ("sllurp", "alembic", "asyncio", "uvicorn.error")


def set_up_logging(level: str) -> None:
    """Raises ConfigError for an unknown level."""
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ConfigError([f"--log-level {level!r}: one of debug, info, warning, error"])
    handler = _handler()
    handler.addFilter(Repeats())
    logging.basicConfig(level=number, handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    """What a line is about, by name."""
    return {name: str(value) for name in FIELDS if (value := getattr(record, name, None)) is not None}


def priority_of(level: int) -> int:
    """A level as a priority of syslog."""
    return next((priority for least, priority in _PRIORITIES if level >= least), 7)


def _handler() -> logging.Handler:
    stderr = logging.StreamHandler(sys.stderr)
    stream = os.environ.get("JOURNAL_STREAM")
    if stream is None:
        stderr.setFormatter(_Line("%(asctime)s %(levelname)-8s %(name)s: %(message)s"))
        return stderr
    stderr.setFormatter(_Priority("%(name)s: %(message)s"))
    if not (SOCKET.exists() and is_journal(stream, sys.stderr.fileno())):
        return stderr
    journal = JournalHandler(stderr)
    journal.setFormatter(_Line("%(message)s"))
    return journal


class _Line(logging.Formatter):
    """The text, what it is about where the text does not say so, and how many lines like it were left out."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (the name that logging calls)
        text = super().formatMessage(record)
        text += "".join(f" {name}={value}" for name, value in fields_of(record).items() if value not in record.message)
        left_out = getattr(record, "left_out", 0)
        return f"{text} ({left_out} lines like this were left out)" if left_out else text


class _Priority(_Line):
    """Each line with the priority that sd-daemon(3) describes."""

    def format(self, record: logging.LogRecord) -> str:
        priority = priority_of(record.levelno)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).split("\n"))
