"""Log lines for systemd's journal with fields of their own: `journalctl RFIDGUARD_GATE=front`, `… RFIDGUARD_ALARM=01K…`.

The wire is that of systemd.io/JOURNAL_NATIVE_PROTOCOL: one datagram a line, KEY=value or, for text with line ends, KEY, its
length as 64 bits little-endian, and the text.
"""

import logging
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

SOCKET = Path("/run/systemd/journal/socket")
MAX_BYTES = 60_000
"""A message is cut to this: what does not fit a datagram would need a file descriptor to be passed."""


class JournalHandler(logging.Handler):
    """Sends records to the journal. Where it takes none, `fallback` writes them instead."""

    def __init__(self, fallback: logging.Handler, path: Path = SOCKET) -> None:
        super().__init__()
        self._fallback = fallback
        self._path = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._socket.sendto(datagram(self._fields(record)), self._path)
        except OSError:
            self._fallback.emit(record)

    def close(self) -> None:
        self._socket.close()
        super().close()

    def _fields(self, record: logging.LogRecord) -> dict[str, str]:
        from rfidguard.logs import fields_of, priority_of

        fields = {
            "MESSAGE": self.format(record),
            "PRIORITY": str(priority_of(record.levelno)),
            "SYSLOG_IDENTIFIER": "rfidguard",
            "LOGGER": record.name,
            "THREAD_NAME": str(record.threadName),
            "CODE_FILE": record.pathname,
            "CODE_LINE": str(record.lineno),
        }
        return fields | {f"RFIDGUARD_{name.upper()}": value for name, value in fields_of(record).items()}


def datagram(fields: Mapping[str, str]) -> bytes:
    """`fields` as the journal reads them."""
    return b"".join(_field(name.encode(), value.encode("utf-8", "replace")[:MAX_BYTES]) for name, value in fields.items())


def is_journal(stream: str | None, fd: int) -> bool:
    """Whether `fd` is the pipe to the journal that $JOURNAL_STREAM names (sd-daemon(3)): a child may have been redirected."""
    try:
        stat = os.fstat(fd)
    except OSError:
        return False
    return stream == f"{stat.st_dev}:{stat.st_ino}"


def _field(name: bytes, value: bytes) -> bytes:
    if b"\n" in value:
        return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"
    return name + b"=" + value + b"\n"
