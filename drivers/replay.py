"""A device fed from a journal: only its own lines, times rebased to now. Without a journal it is online and silent.

`speed` 1.0 keeps the journal's pace, 2.0 is twice as fast (times are compressed as well); 0 sends everything at once with the
spacing kept and the last line at now. At the journal's end it stays online and silent.
"""

import queue
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from pydantic import Field

from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, DriverSettings, Emit, Orders, SetOutput, Stop
from rfidguard.errors import ConfigError, DeviceLost
from rfidguard.events import Count, Device, Eas, Event, Gpi, OutputDone, Read, heard_at

WAIT_S = 0.2
"""The longest wait for an order: how late a stop may be noticed."""

Own = Read | Eas | Count | Gpi | Device


class ReplaySettings(DriverSettings):
    """`journal`: a file in the journal's format, plain, .gz or .zst, or the directory that a daemon records into."""

    journal: Path | None = None
    speed: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)] = 1.0


class ReplayDriver:
    """One replayed device of any kind. `rejects`: the reasons of journal.decode_line, torn_archive, and other_gate."""

    Settings = ReplaySettings
    kinds: tuple[str, ...] = ("reader", "pedestal", "counter")

    def __init__(
        self, device: str, gate: str, settings: ReplaySettings, clock: Clock, antennas: Mapping[int, AntennaPlace]
    ) -> None:
        self.device = device
        self.rejects: Counter[str] = Counter()
        self._gates = {gate} | {place.gate for place in antennas.values()}
        self._settings = settings
        self._clock = clock

    def run(self, emit: Emit, stop: Stop, orders: Orders) -> None:
        """Plays the journal once, then stays. Raises DeviceLost when the journal cannot be read."""
        journal = self._settings.journal
        span = None if journal is None else self._span(journal, stop)
        emit(Device(at=self._clock.now(), device=self.device, state="online"))
        if journal is not None and span is not None:
            self._play(journal, _Tempo(self._settings.speed, span, self._clock.now()), emit, stop, orders)
        while not stop.is_set():
            self._answer(WAIT_S, emit, orders)

    def _play(self, journal: Path, tempo: "_Tempo", emit: Emit, stop: Stop, orders: Orders) -> None:
        for event in self._events(journal, self.rejects):
            if stop.is_set():
                return
            if not isinstance(event, Own) or not self._is_own(event):
                continue
            due = tempo.due(event)
            while (wait_s := due - self._clock.now()) > 0 and not stop.is_set():
                self._answer(min(wait_s, WAIT_S), emit, orders)
            self._answer(0.0, emit, orders)
            emit(tempo.rebased(event))

    def _answer(self, wait_s: float, emit: Emit, orders: Orders) -> None:
        """Waits for one order. Outputs succeed, as those of a simulated reader do, and the answer says what they were."""
        try:
            order = orders.get(timeout=wait_s) if wait_s else orders.get_nowait()
        except queue.Empty:
            return
        if isinstance(order, SetOutput):
            emit(self._done(order))

    def _done(self, order: SetOutput) -> OutputDone:
        at, on = self._clock.now(), order.seconds > 0
        reason = "replayed device: nothing real was switched"
        return OutputDone(at=at, device=self.device, id=order.id, pin=order.pin, on=on, ok=True, reason=reason)

    def _is_own(self, event: Own) -> bool:
        """True for a line of this device at one of its gates; its lines at other gates are counted."""
        match event:
            case Read():
                name, gate = event.reader, event.gate
            case Eas():
                name, gate = event.pedestal, event.gate
            case Count():
                name, gate = event.counter, event.gate
            case _:
                return event.device == self.device
        if name == self.device and gate not in self._gates:
            self.rejects["other_gate"] += 1
        return name == self.device and gate in self._gates

    def _span(self, journal: Path, stop: Stop) -> tuple[float, float] | None:
        """When the journal's first line and its last were heard, whichever device's: so replayed devices stay in step."""
        first = last = None
        refused: Counter[str] = Counter()
        for event in self._events(journal, refused):
            heard = heard_at(event)
            first = heard if first is None else first
            last = heard if last is None else max(last, heard)
            if self._settings.speed or stop.is_set():
                break
        if first is None or last is None:
            self.rejects.update(refused)
            return None
        return first, last

    def _events(self, journal: Path, refused: Counter[str]) -> Iterator[Event]:
        from rfidguard.journal_files import events_in, journal_paths  # here: a device without a journal needs none of it

        if journal.exists() and not (journal.is_file() or journal.is_dir()):
            raise DeviceLost(f"the journal {journal} is neither a file nor a directory of journals")
        try:
            yield from events_in(journal_paths(journal), refused)
        except (OSError, ConfigError) as error:
            raise DeviceLost(f"the journal {journal} cannot be read: {error}") from error


class _Tempo:
    """From journal time to now."""

    def __init__(self, speed: float, span: tuple[float, float], now: float) -> None:
        first, last = span
        self._speed = speed or 1.0
        self._hurry = speed == 0
        self._from, self._to = (last, now) if self._hurry else (first, now)

    def due(self, event: Event) -> float:
        """When to emit it."""
        return 0.0 if self._hurry else self._shifted(heard_at(event))

    def rebased(self, event: Own) -> Own:
        """The event with its times moved."""
        received = None if event.received is None else self._shifted(event.received)
        return msgspec.structs.replace(event, at=self._shifted(event.at), received=received)

    def _shifted(self, at: float) -> float:
        return self._to + (at - self._from) / self._speed
