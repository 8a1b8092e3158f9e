"""The configured devices, built and supervised; inputs of readers are passed on to the devices wired to them."""

from rfidguard.clock import Clock
from rfidguard.config import Config, DeviceSection, Reader
from rfidguard.driver import AntennaPlace, Driver, Emit, Order, load_driver
from rfidguard.events import Device, Event, Gpi, ReadBatch
from rfidguard.supervisor import Supervisor


class Devices:
    """All devices of a configuration. `emit` hears everything but the bare inputs (Gpi), which only wired devices hear."""

    def __init__(self, config: Config, emit: Emit, clock: Clock) -> None:
        self._emit = emit
        self._wired: dict[str, list[str]] = {}
        self.supervisors: dict[str, Supervisor] = {}
        for gate in config.gate:
            for section in (*gate.reader, *gate.pedestal, *gate.counter):
                driver = _driver(section, gate.id, clock)
                self.supervisors[section.id] = Supervisor(driver, section.driver, self._heard, clock)
                wire = section.settings().get("reader")
                if isinstance(wire, str):
                    self._wired.setdefault(wire, []).append(section.id)

    def start(self) -> None:
        for supervisor in self.supervisors.values():
            supervisor.start()

    def stop(self) -> None:
        """Ends every device that runs."""
        for supervisor in self.supervisors.values():
            if supervisor.is_alive():
                supervisor.stop()

    def order(self, device: str, order: Order) -> bool:
        """Hands an order to a device; False where there is none of that name, or it takes none now."""
        return device in self.supervisors and self.supervisors[device].order(order)

    def hung(self, now: float, patience_s: float) -> str | None:
        """The first device whose thread is gone or has not beaten for `patience_s`."""
        for name, supervisor in self.supervisors.items():
            if not supervisor.is_alive() or now - supervisor.beat_at > patience_s:
                return name
        return None

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
