"""What a reader can do and how it is set, from sllurp's dictionaries, pure. Anything absent or odd leaves its default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.llrp.parameters import IMPINJ


@dataclass(frozen=True)
class Capabilities:
    """`powers`: index of the transmit power table -> dBm. `hop_table` is None where the region's channels are fixed."""

    manufacturer: int = 0
    model: int = 0
    firmware: str = ""
    antennas: int | None = None
    inputs: int = 0
    outputs: int = 0
    powers: Mapping[int, float] = field(default_factory=dict)
    hop_table: int | None = None
    can_hold: bool = False

    @property
    def impinj(self) -> bool:
        return self.manufacturer == IMPINJ

    def power_index(self, dbm: float | None) -> int | None:
        """The table's entry for `dbm`: the strongest that does not exceed it (None: the strongest). None without a table."""
        if not self.powers:
            return None
        allowed = {index: power for index, power in self.powers.items() if dbm is None or power <= dbm + 1e-6}
        if not allowed:
            return min(self.powers, key=lambda index: self.powers[index])
        return max(allowed, key=lambda index: allowed[index])


@dataclass(frozen=True)
class ReaderState:
    """`inputs`: pin -> high, where the reader knows. `unplugged`: antennas that the reader says are not connected."""

    inputs: Mapping[int, bool] = field(default_factory=dict)
    unplugged: tuple[int, ...] = ()


def capabilities_from(decoded: Mapping[str, Any]) -> Capabilities:
    """Capabilities from a decoded GET_READER_CAPABILITIES_RESPONSE."""
    device = _dict(decoded, "GeneralDeviceCapabilities")
    pins = _dict(device, "GPIOCapabilities")
    band = _dict(_dict(decoded, "RegulatoryCapabilities"), "UHFBandCapabilities")
    firmware = device.get("ReaderFirmwareVersion", b"")
    return Capabilities(
        manufacturer=_int(device, "DeviceManufacturerName"),
        model=_int(device, "ModelName"),
        firmware=firmware.decode("utf-8", "replace") if isinstance(firmware, bytes) else "",
        antennas=_int(device, "MaxNumberOfAntennaSupported") or None,
        inputs=_int(pins, "NumGPIs"),
        outputs=_int(pins, "NumGPOs"),
        powers=_powers(band),
        hop_table=_hop_table(_dict(band, "FrequencyInformation")),
        can_hold=bool(_dict(decoded, "LLRPCapabilities").get("SupportsEventAndReportHolding")),
    )


def state_from(decoded: Mapping[str, Any]) -> ReaderState:
    """Inputs and antennas from a decoded GET_READER_CONFIG_RESPONSE."""
    pins = _list(decoded, "GPIPortCurrentState")
    antennas = _list(decoded, "AntennaProperties")
    return ReaderState(
        inputs={_int(pin, "GPIPortNum"): _int(pin, "GPIState") == 1 for pin in pins if _int(pin, "GPIState") in (0, 1)},
        unplugged=tuple(sorted(_int(antenna, "AntennaID") for antenna in antennas if antenna.get("AntennaConnected") is False)),
    )


def _powers(band: Mapping[str, Any]) -> dict[int, float]:
    """The table tells 1/100 dBm."""
    entries = _list(band, "TransmitPowerLevelTableEntry")
    return {_int(entry, "Index"): _int(entry, "TransmitPowerValue") / 100 for entry in entries}


def _hop_table(frequencies: Mapping[str, Any]) -> int | None:
    tables = _list(frequencies, "FrequencyHopTable")
    return _int(tables[0], "HopTableId") if frequencies.get("Hopping") and tables else None


def _dict(of: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = of.get(key)
    return value if isinstance(value, Mapping) else {}


def _list(of: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """sllurp gives a list, or the bare value where it did not expect several."""
    value = of.get(key)
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, Mapping)]


def _int(of: Mapping[str, Any], key: str) -> int:
    value = of.get(key)
    return value if isinstance(value, int) else 0
