"""The serial port of a pedestal: a tty or a pyserial URL (socket, rfc2217, hwgrep, loop). Only DeviceLost leaves it."""

import contextlib
import os
import re
import termios
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from typing import Any, Protocol, TypeVar

from rfidguard.driver import Stop
from rfidguard.errors import DeviceLost

CHUNK_BYTES = 4096

L = TypeVar("L", bound=str)

LINES: Mapping[str, str] = {"cts": "cts", "dsr": "dsr", "dcd": "cd", "ri": "ri"}
"""Name in a configuration -> attribute of a pyserial port."""

_STOP_LOOK_S = 0.1
_FAILURES = (OSError, ValueError, re.error, termios.error)
"""Everything that pyserial lets out of a port that is away, busy, forbidden or misnamed; its SerialException is an OSError."""


class _Serial(Protocol):
    """What is used of a pyserial port."""

    name: str | None

    @property
    def in_waiting(self) -> int: ...
    def read(self, size: int = 1) -> bytes: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


class EasPort:
    """An open port. Every failure becomes DeviceLost, with a hint for the person who reads it."""

    def __init__(self, name: str, serial: _Serial) -> None:
        self.name = name
        self._serial = serial

    def read(self) -> bytes:
        """What has arrived, or the first byte that does within the read timeout, or nothing."""
        with _losing(self.name):
            return bytes(self._serial.read(min(max(self._serial.in_waiting, 1), CHUNK_BYTES)))

    def check(self) -> None:
        """Passes where the port can be read, and where the device node is still that of the open port. URLs have no node."""
        with _losing(self.name):
            _ = self._serial.in_waiting
            node = self._serial.name
            if node is None or "://" in node:
                return
            moved = os.stat(node).st_rdev != os.fstat(self._serial.fileno()).st_rdev
        if moved:
            raise DeviceLost(f"{self.name}: the name stands for another device now; that one is opened next")

    def levels(self, names: Iterable[L]) -> dict[L, bool]:
        """The level of each modem line of `names` (cts, dsr, dcd, ri) now."""
        try:
            return {name: bool(getattr(self._serial, LINES[name])) for name in names}
        except OSError as error:
            raise DeviceLost(
                f"{self.name}: no modem lines can be read ({error}); `contacts` need a real serial port, a USB adapter that"
                " wires CTS, DSR, DCD or RI, or an rfc2217:// server that reports them"
            ) from error

    def close(self) -> None:
        with contextlib.suppress(OSError):  # a port that was pulled out may fail to close; there is nothing left to lose
            self._serial.close()


def open_port(name: str, options: Mapping[str, Any], stop: Stop) -> EasPort | None:
    """Opens `name` with pyserial's `options`; None when `stop` was set first. Raises DeviceLost.

    It works in a thread of its own: a network address that does not answer blocks for seconds, and `stop` must not wait for it.
    """
    opening: Future[EasPort] = Future()
    threading.Thread(target=_try_open, args=(opening, name, options), name=f"open {name}", daemon=True).start()
    while not stop.is_set():
        if wait([opening], _STOP_LOOK_S).done:
            with _losing(name):
                return opening.result()
    opening.add_done_callback(_close_unwanted)
    return None


def _try_open(opening: "Future[EasPort]", name: str, options: Mapping[str, Any]) -> None:
    import serial  # here, not above: a configuration is checked without it

    try:
        opening.set_result(EasPort(name, serial.serial_for_url(name, exclusive=True, **options)))
    except Exception as error:  # noqa: BLE001  (thread root: the waiting thread raises it)
        opening.set_exception(error)


def _close_unwanted(opening: "Future[EasPort]") -> None:
    if opening.exception() is None:
        opening.result().close()


@contextlib.contextmanager
def _losing(name: str) -> Iterator[None]:
    try:
        yield
    except _FAILURES as error:
        raise DeviceLost(f"{name}: {error}{_hint(str(error))}") from error


def _hint(text: str) -> str:
    if "returned no data" in text or "reader thread died" in text or "disconnected" in text or "[Errno 5]" in text:
        return "; unplugged, or the other end is off"
    if "ermission denied" in text:
        return "; the user of rfidguard must be in the group that owns the port (dialout)"
    if "No such file" in text:
        return "; is it plugged in? `ls -l /dev/serial/by-id` shows what is"
    if "exclusively lock" in text:
        return "; another program has it open"
    return ""
