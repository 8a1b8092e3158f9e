"""The driver contract. A device family is one class that keeps it; simulators and replays are drivers too.

What every driver promises (tests/contract/test_drivers.py holds each one to it):
- `run` reads until `stop` is set and then returns within 1 s, or raises `DeviceLost` when the link fails. Nothing else
  ever leaves it. It never retries and never waits before the first try: pauses belong to the supervisor.
- It emits only events of `rfidguard.events`, with times from the injected clock, and says "online" only once it truly reads.
- Every order gets one answer: an `OutputDone` event.
- Bad bytes are counted in `rejects` under a short reason; they are never raised and never guessed at.
- Unknown settings are refused by its settings model, before `run`.
"""

import importlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from pydantic import BaseModel, ConfigDict

from rfidguard.clock import Clock
from rfidguard.errors import RfidguardError
from rfidguard.events import Device, Event, Gpi, ReadBatch
from rfidguard.registry import registry

Emit = Callable[[Event | ReadBatch], None]


class SetOutput(msgspec.Struct, frozen=True):
    """Order: switch output `pin` on for `seconds` (0 = switch it off now). Answered by OutputDone with the same `id`."""

    id: str
    pin: int
    seconds: float


Order = SetOutput | Gpi | Device
"""What a driver may be handed while it runs. Gpi and Device come only to devices wired to a reader's inputs."""


class Stop(Protocol):
    """Set once, when the driver must end. A threading.Event keeps it."""

    def is_set(self) -> bool: ...
    def wait(self, timeout: float | None = None) -> bool: ...


class Orders(Protocol):
    """Orders for one device, oldest first. A queue.Queue keeps it; `get` raises queue.Empty after `timeout` seconds."""

    def get(self, block: bool = True, timeout: float | None = None) -> Order: ...
    def get_nowait(self) -> Order: ...


class AntennaPlace(msgspec.Struct, frozen=True):
    """Where one antenna port looks: its gate and zone (inside, threshold or outside)."""

    gate: str
    zone: str


class DriverSettings(BaseModel):
    """Base of every driver's settings: frozen, unknown keys refused. Shared words: host, port, baud, journal, speed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Driver(Protocol):
    """One device. Built once per device, run many times."""

    device: str
    rejects: Counter[str]

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None: ...


class DriverClass(Protocol):
    """What a registry entry ("module:Class") must name."""

    Settings: type[DriverSettings]
    kinds: tuple[str, ...]
    """The config sections it may stand in: any of reader, pedestal, counter."""

    def __call__(self, device: str, gate: str, settings: Any, clock: Clock, antennas: Mapping[int, AntennaPlace]) -> Driver: ...


def driver_names() -> dict[str, str]:
    """Every driver that a configuration may name."""
    return registry("drivers", "rfidguard.drivers")


def load_driver(name: str) -> DriverClass:
    """The driver class called `name`. Raises RfidguardError with the known names when there is none."""
    known = driver_names()
    if name not in known:
        raise RfidguardError(f"no driver is called {name!r}; known: {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    loaded: DriverClass = getattr(importlib.import_module(module), attribute)
    return loaded
