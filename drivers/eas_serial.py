"""EAS pedestals on a serial port: lines by profile (drivers/eas_profiles), or dry contacts on modem lines. I/O only; what
bytes and levels mean is decided by the pure eas_lines.py and contacts.py.

Contacts: wire each between a supply (RTS or DTR of the same port, both held high) and CTS, DSR, DCD or RI; closed = high.
Support level 1: simulated only (pty, loop://, rfc2217://); no real pedestal was ever connected.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from drivers.contacts import CONDITIONS, ContactDecoder, ContactSetting
from drivers.eas_health import EasHealth
from drivers.eas_lines import Line, LineDecoder
from drivers.eas_port import EasPort, open_port
from drivers.eas_profiles import Baud, ByteSize, Parity, Profile, StopBits, load_profile
from drivers.outputs import refuse_outputs
from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, DriverSettings, Emit, Orders, Stop
from rfidguard.errors import DeviceLost
from rfidguard.events import Count, Device, Eas

READ_S = 0.2
"""The longest wait for a byte: how late a stop or an order may be noticed."""

LOOK_S = 0.02
"""How often modem lines are looked at; a contact must hold longer than this plus the debounce time to be seen for sure."""

NODE_CHECK_S = 1.0
URL_SCHEMES = ("socket", "rfc2217", "hwgrep", "loop")

ModemLine = Literal["cts", "dsr", "dcd", "ri"]
Seconds = Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class EasSerialSettings(DriverSettings):
    """`port` and either a `profile` (default generic) or `contacts`; what a profile knows (baud …) may be set over."""

    port: str
    profile: str | None = None
    baud: Baud | None = None
    bytesize: ByteSize | None = None
    parity: Parity | None = None
    stopbits: StopBits | None = None
    heartbeat_s: Seconds = 0.0
    """A pedestal that sends something regularly is lost after so long without a byte. 0: it may be silent for ever."""
    contacts: dict[ModemLine, ContactSetting] = Field(default_factory=dict)
    debounce_s: Seconds = 0.05

    @field_validator("port")
    @classmethod
    def _is_port(cls, port: str) -> str:
        scheme, mark, rest = port.partition("://")
        if mark and scheme not in URL_SCHEMES:
            allowed = ", ".join(f"{known}://" for known in URL_SCHEMES)
            raise ValueError(f"no port is opened by {scheme}://; use a path like /dev/serial/by-id/…, or {allowed}")
        if not port.strip() or (mark and not rest and scheme != "loop"):
            raise ValueError("needs a path like /dev/serial/by-id/…, or a URL like socket://192.0.2.7:4001")
        if scheme == "hwgrep":
            try:
                re.compile(rest)
            except re.error as error:
                raise ValueError(f"hwgrep:// needs a regular expression: {error}") from error
        return port

    @field_validator("profile")
    @classmethod
    def _is_profile(cls, name: str | None) -> str | None:
        if name is not None:
            load_profile(name)
        return name

    @field_validator("contacts", mode="before")
    @classmethod
    def _any_case(cls, given: Any) -> Any:
        return {str(name).lower(): contact for name, contact in given.items()} if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.contacts and self.port.startswith("socket://"):
            raise ValueError("socket:// carries no modem lines, so `contacts` cannot be read there; use rfc2217://")
        return self

    def lines(self) -> Profile | None:
        """The profile by which lines are read; None for a pedestal that has contacts only."""
        return load_profile(self.profile or "generic") if self.profile or not self.contacts else None

    def port_options(self) -> dict[str, Any]:
        """The arguments of pyserial that these settings decide."""
        known = load_profile(self.profile or "generic")
        return {
            "baudrate": self.baud or known.baud,
            "bytesize": self.bytesize or known.bytesize,
            "parity": self.parity or known.parity,
            "stopbits": self.stopbits or known.stopbits,
        }


class EasSerialDriver:
    """One pedestal. `rejects`: the reasons of eas_lines, and no_profile (bytes where only contacts are configured)."""

    Settings = EasSerialSettings
    kinds: tuple[str, ...] = ("pedestal",)

    def __init__(
        self,
        device: str,
        gate: str,
        settings: EasSerialSettings,
        clock: Clock,
        antennas: Mapping[int, AntennaPlace],  # noqa: ARG002  (of readers)
    ) -> None:
        self.device = device
        self.rejects: Counter[str] = Counter()
        self._gate = gate
        self._settings = settings
        self._profile = settings.lines()
        self._clock = clock

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        """Reads until `stop`. Raises DeviceLost when the port cannot be opened, is pulled out, or misses its heartbeat."""
        options = {"timeout": LOOK_S if self._settings.contacts else READ_S, **self._settings.port_options()}
        port = open_port(self._settings.port, options, stop)
        if port is None:
            return
        try:
            session = _Session(self.device, self._gate, self._settings, self._clock, self.rejects, port, emit)
            while not stop.is_set():
                refuse_outputs(self.device, orders, emit, self._clock)
                session.turn()
        finally:
            port.close()


class _Session:
    """One opening of the port, from online to lost."""

    def __init__(
        self, device: str, gate: str, settings: EasSerialSettings, clock: Clock, rejects: Counter[str], port: EasPort, emit: Emit
    ) -> None:
        self._device, self._gate, self._settings, self._clock = device, gate, settings, clock
        self._rejects, self._port, self._emit = rejects, port, emit
        profile = settings.lines()
        self._lines = None if profile is None else LineDecoder(profile, rejects)
        self._contacts = ContactDecoder(settings.contacts, settings.debounce_s)
        self._health = EasHealth(device, says_ok=_says_ok(settings, profile))
        port.check()
        port.levels(settings.contacts)
        self._heard_at = self._checked_at = clock.monotonic()
        emit(Device(at=clock.now(), device=device, state="online"))

    def turn(self) -> None:
        """One wait for bytes, and a look at everything else."""
        try:
            data = self._port.read()
        except DeviceLost:
            self._forget_rest()
            raise
        if data:
            self._heard_at = self._clock.monotonic()
            self._read(data)
        if self._settings.contacts:
            self._look()
        self._check(self._clock.monotonic())

    def _read(self, data: bytes) -> None:
        if self._lines is None:
            self._rejects["no_profile"] += len(data)
            return
        for line in self._lines.feed(data):
            self._say_line(line)

    def _forget_rest(self) -> None:
        if self._lines is not None:
            self._lines.close()

    def _say_line(self, line: Line) -> None:
        at = self._clock.now()
        if line.kind is not None:
            self._say(line.kind, at, None)
        if line.direction is not None:
            self._emit(Count(at=at, gate=self._gate, counter=self._device, direction=line.direction, people=line.people))

    def _look(self) -> None:
        levels = self._port.levels(self._settings.contacts)
        now = self._clock.now()
        for said in self._contacts.sample(now, levels):
            self._say(said.kind, said.at, now if now != said.at else None)

    def _say(self, kind: str, at: float, received: float | None) -> None:
        self._emit(Eas(at=at, received=received, gate=self._gate, pedestal=self._device, kind=kind))
        change = self._health.heard(kind, self._clock.now())
        if change is not None:
            self._emit(change)

    def _check(self, now: float) -> None:
        if now - self._checked_at >= NODE_CHECK_S:
            self._checked_at = now
            self._port.check()
        heartbeat_s = self._settings.heartbeat_s
        if heartbeat_s and now - self._heard_at > heartbeat_s:
            raise DeviceLost(f"{self._port.name}: nothing heard for {heartbeat_s:g} s (heartbeat_s)")


def _says_ok(settings: EasSerialSettings, profile: Profile | None) -> bool:
    by_contact = any(contact.kind == "ok" or contact.kind in CONDITIONS for contact in settings.contacts.values())
    return by_contact or (profile is not None and any(rule.kind == "ok" for rule in profile.line))
