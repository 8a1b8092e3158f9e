"""A driver to copy: a people counter on TCP that sends one line a crossing. It runs, and the contract suite holds it to its word.

IN\\n   OUT 2\\n        direction, blank, people (default 1); upper or lower case; at most 64 bytes
Device: invented for this file. A driver of yours names manual, page and firmware here, and its support level.
"""

import socket
from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import msgspec
from pydantic import Field

from drivers.outputs import refuse_outputs
from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, DriverSettings, Emit, Orders, Stop
from rfidguard.errors import DeviceLost
from rfidguard.events import Count, Device

READ_S = 0.2
"""The longest wait for bytes: how late a stop or an order may be noticed."""

LINE_BYTES = 64
PEOPLE_MAX = 100


class TemplateSettings(DriverSettings):
    """What a configuration may say beside `id` and `driver`. Use the shared words: host, port, baud, journal, speed."""

    host: str
    port: Annotated[int, Field(ge=1, le=65_535)]
    connect_s: Annotated[float, Field(gt=0, le=0.8)] = 0.8
    """Below the second within which a driver obeys a stop."""


class Passed(msgspec.Struct, frozen=True):
    """What one line says."""

    direction: str
    people: int


def decode(line: bytes) -> Passed | str:
    """One line, without its end -> what it says, or the reason why it is refused. Pure: no clock, no I/O, never raises."""
    if len(line) > LINE_BYTES:
        return "too_long"
    if not line.isascii():
        return "not_text"
    word, _, number = line.decode("ascii").strip().lower().partition(" ")
    if word not in ("in", "out"):
        return "unknown_line"
    if number and not (number.isdigit() and 1 <= int(number) <= PEOPLE_MAX):
        return "bad_number"
    return Passed(word, int(number or 1))


class TemplateDriver:
    """One counter. `rejects`: too_long, not_text, unknown_line, bad_number."""

    Settings = TemplateSettings
    kinds: tuple[str, ...] = ("counter",)

    def __init__(
        self,
        device: str,
        gate: str,
        settings: TemplateSettings,
        clock: Clock,
        antennas: Mapping[int, AntennaPlace],  # noqa: ARG002  (of readers)
    ) -> None:
        self.device = device
        self.rejects: Counter[str] = Counter()
        self._gate = gate
        self._settings = settings
        self._clock = clock

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        """Reads until `stop`. Raises DeviceLost when the link cannot be made or ends; trying again is the supervisor's part."""
        with self._connected() as link:
            emit(Device(at=self._clock.now(), device=self.device, state="online"))
            rest = b""
            while not stop.is_set():
                refuse_outputs(self.device, orders, emit, self._clock)
                *lines, rest = (rest + self._received(link)).split(b"\n")
                for line in lines:
                    self._tell(line, emit)
                rest = rest[: LINE_BYTES + 1]  # one byte too many is enough to know a line that is too long

    def _connected(self) -> socket.socket:
        settings = self._settings
        try:
            link = socket.create_connection((settings.host, settings.port), settings.connect_s)
        except OSError as error:
            raise DeviceLost(f"no connection to {settings.host}:{settings.port}: {error}") from error
        link.settimeout(READ_S)
        return link

    def _received(self, link: socket.socket) -> bytes:
        """Some bytes, or none within READ_S."""
        try:
            data = link.recv(4096)
        except TimeoutError:
            return b""
        except OSError as error:
            raise DeviceLost(f"connection to {self._settings.host} broke: {error}") from error
        if not data:
            raise DeviceLost(f"{self._settings.host} closed the connection")
        return data

    def _tell(self, line: bytes, emit: Emit) -> None:
        passed = decode(line)
        if isinstance(passed, str):
            self.rejects[passed] += 1
            return
        at = self._clock.now()
        emit(Count(at=at, gate=self._gate, counter=self.device, direction=passed.direction, people=passed.people))
