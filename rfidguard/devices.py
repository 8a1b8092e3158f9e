"""The configured devices, built and supervised; inputs of readers are passed on to the devices wired to them."""

import logging
from collections import Counter

from rfidguard.clock import Clock
from rfidguard.config import Config, DeviceSection, Reader
from rfidguard.driver import AntennaPlace, Driver, Emit, Order, load_driver
from rfidguard.events import Device, Event, Gpi, ReadBatch
from rfidguard.supervisor import Supervisor

log = logging.getLogger(__name__)


class Devices:
    """All devices of a configuration. `emit` hears everything but the bare inputs (Gpi), which only wired devices hear."""

    def __init__(self, config: Config, emit: Emit, clock: Clock) -> None:
        self._emit = emit
        self._clock = clock
        self._sections: dict[str, tuple[DeviceSection, str]] = {}
        self.replaced: Counter[str] = Counter()
        """How often each device got a new thread because the old one hung."""
        self._wired: dict[str, list[str]] = {}
        self.supervisors: dict[str, Supervisor] = {}
        for gate in config.gate:
            for section in (*gate.reader, *gate.pedestal, *gate.counter):
                self._sections[section.id] = (section, gate.id)
                self.supervisors[section.id] = self._supervisor(section.id)
                wire = section.settings().get("reader")
                if isinstance(wire, str):
                    self._wired.setdefault(wire, []).append(section.id)

    def start(self) -> None:
        for supervisor in self.supervisors.values():
            supervisor.start()

    def stop(self) -> None:
        """Ends every device that runs, all at once: what one waits for keeps no other gate blind."""
        for supervisor in self.supervisors.values():
            supervisor.end()
        for supervisor in self.supervisors.values():
            if supervisor.is_alive():
                supervisor.stop()

    def order(self, device: str, order: Order) -> bool:
        """Hands an order to a device; False where there is none of that name, or it takes none now."""
        return device in self.supervisors and self.supervisors[device].order(order)

    def replace(self, device: str) -> None:
        """Gives a device that hangs a new driver on a new thread. The old thread is left to itself; nobody hears it any more."""
        old = self.supervisors[device]
        self.replaced[device] += 1
        new = self.supervisors[device] = self._supervisor(device)
        old.stop(timeout_s=0.0)
        self._heard(Device(at=self._clock.now(), device=device, state="offline", reason="its driver hung and is started anew"))
        new.start()

    def _supervisor(self, device: str) -> Supervisor:
        section, gate = self._sections[device]
        generation = self.replaced[device]

        def heard(item: Event | ReadBatch) -> None:
            if self.replaced[device] == generation:
                self._heard(item)

        return Supervisor(_driver(section, gate, self._clock), section.driver, heard, self._clock)

    def _heard(self, item: Event | ReadBatch) -> None:
        if isinstance(item, Gpi | Device):
            for device in self._wired.get(item.device, ()):
                self.supervisors[device].order(item)
        if not isinstance(item, Gpi):
            self._emit(item)


def _driver(section: DeviceSection, gate: str, clock: Clock) -> Driver:
    places = section.places(gate) if isinstance(section, Reader) else {}
    antennas = {port: AntennaPlace(served, zone) for port, (served, zone) in places.items()}
    kind = load_driver(section.driver)
    return kind(section.id, gate, kind.Settings(**section.settings()), clock, antennas)
