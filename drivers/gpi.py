"""People counters and pedestals wired to a reader's inputs. It has no link of its own: the reader's Gpi and Device events come
as orders, and its state follows the reader's, so that a dead counter is never taken for an empty doorway.

Pure parts: beams.py (which way), contacts.py (debounce, polarity). Support level 1: simulated only.
"""

import queue
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Protocol, Self

from pydantic import Discriminator, Field, Tag, model_validator

from drivers.beams import BeamPins, Crossing
from drivers.contacts import ContactDecoder, ContactSetting, Normally, Said
from drivers.outputs import refusal
from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, DriverSettings, Emit, Order, Orders, SetOutput, Stop
from rfidguard.events import Count, Device, Eas

WAIT_S = 0.2
"""The longest wait for an order: how late a stop may be noticed."""

Pin = Annotated[int, Field(ge=1, le=64)]
Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
_Beams = Annotated[tuple[Pin, ...], Tag("beams"), Field(min_length=1, max_length=2)]
_Contacts = Annotated[dict[Pin, ContactSetting], Tag("contacts"), Field(min_length=1)]


class GpiSettings(DriverSettings):
    """`pins = [inner, outer]` (or one beam) counts people, `pins = { 1 = "alarm" }` is a pedestal. High is a closed contact."""

    reader: str
    pins: Annotated[_Beams | _Contacts, Discriminator(lambda given: "contacts" if isinstance(given, dict) else "beams")]
    normally: Normally = "open"
    """Of the beams: open = the pin is high while the beam is broken."""
    debounce_s: Seconds = 0.03
    timeout_s: Annotated[Seconds, Field(gt=0)] = 2.0
    """How long somebody may take from one beam to the other."""
    blocked_s: Annotated[Seconds, Field(gt=0)] = 30.0
    """A beam broken for longer is blocked: the counter is degraded until it is clear."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if isinstance(self.pins, dict):
            beams_only = sorted({"normally", "timeout_s", "blocked_s"} & self.model_fields_set)
            if beams_only:
                text = "only for beams; a pedestal's pin is written { kind = …, normally = … }"
                raise ValueError(f"{', '.join(beams_only)}: {text}")
        elif len(set(self.pins)) < len(self.pins):
            raise ValueError("pins: the inner and the outer beam need a pin each; one beam is written [1]")
        return self


class _Inputs(Protocol):
    """Pins with a meaning: BeamPins or ContactDecoder."""

    def edge(self, at: float, pin: int, high: bool, /) -> Sequence[Said | Crossing]: ...
    def settle(self, now: float, /) -> Sequence[Said | Crossing]: ...
    def trouble(self, now: float, /) -> str | None: ...
    def deadline(self) -> float | None: ...


class GpiDriver:
    """One counter or pedestal. `rejects`: other_device, other_pin. It runs on when its reader is lost, and says so."""

    Settings = GpiSettings
    kinds: tuple[str, ...] = ("counter", "pedestal")

    def __init__(
        self,
        device: str,
        gate: str,
        settings: GpiSettings,
        clock: Clock,
        antennas: Mapping[int, AntennaPlace],  # noqa: ARG002  (of readers)
    ) -> None:
        self.device = device
        self.rejects: Counter[str] = Counter()
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._inputs = _inputs(settings)
        self._reader: Device | None = None
        self._told: tuple[str, str | None] | None = None
        self._lag_s = 0.0

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        """Follows the reader until `stop`. Never raises DeviceLost: the link is the reader's."""
        self._inputs, self._told = _inputs(self._settings), None
        self._tell_state(emit)
        while not stop.is_set():
            with suppress(queue.Empty):
                self._take(orders.get(timeout=self._wait_s()), emit)
            self._tell(self._inputs.settle(self._now()), emit)
            self._tell_state(emit)

    def _take(self, order: Order, emit: Emit) -> None:
        if isinstance(order, SetOutput):
            emit(refusal(self.device, order, self._clock.now()))
        elif order.device != self._settings.reader:
            self.rejects["other_device"] += 1
        elif isinstance(order, Device):
            self._follow(order)
        elif order.pin not in self._settings.pins:
            self.rejects["other_pin"] += 1
        else:
            # Deadlines run in the reader's time: what is delivered late must not look as if it had lasted longer.
            self._lag_s = self._clock.now() - order.at
            self._tell(self._inputs.edge(order.at, order.pin, order.high), emit)

    def _follow(self, reader: Device) -> None:
        """What the inputs do while the reader is away is not known: they start afresh."""
        if reader.state == "offline":
            self._inputs, self._lag_s = _inputs(self._settings), 0.0
        self._reader = reader

    def _tell(self, found: Sequence[Said | Crossing], emit: Emit) -> None:
        for one in found:
            now = self._clock.now()
            received = None if one.at == now else now
            if isinstance(one, Said):
                emit(Eas(at=one.at, received=received, gate=self._gate, pedestal=self.device, kind=one.kind))
            else:
                emit(Count(at=one.at, received=received, gate=self._gate, counter=self.device, direction=one.direction))

    def _tell_state(self, emit: Emit) -> None:
        if self._reader is None:
            return
        state = _state(self._reader, self._inputs.trouble(self._now()))
        if state != self._told:
            self._told = state
            emit(Device(at=self._clock.now(), device=self.device, state=state[0], reason=state[1]))

    def _now(self) -> float:
        return self._clock.now() - self._lag_s

    def _wait_s(self) -> float:
        due = self._inputs.deadline()
        return WAIT_S if due is None else min(WAIT_S, max(0.001, due - self._now()))


def _inputs(settings: GpiSettings) -> _Inputs:
    if isinstance(settings.pins, dict):
        return ContactDecoder(settings.pins, settings.debounce_s)
    return BeamPins(
        settings.pins,
        broken_high=settings.normally == "open",
        debounce_s=settings.debounce_s,
        timeout_s=settings.timeout_s,
        blocked_s=settings.blocked_s,
    )


def _state(reader: Device, trouble: str | None) -> tuple[str, str | None]:
    """This device's state and reason, from its reader's and its own trouble."""
    if reader.state != "online":
        return reader.state, f"reader {reader.device} is {reader.state}" + (f": {reader.reason}" if reader.reason else "")
    return ("degraded", trouble) if trouble else ("online", None)
