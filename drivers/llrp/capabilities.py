"""What a reader can do and how it is set, from sllurp's dictionaries, pure. Anything absent or odd leaves its default."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drivers.llrp.parameters import IMPINJ


@dataclass(frozen=True)
class RfMode:
    """How tags answer in an RF mode: `miller` periods a bit (1: FM0), `bit_rate` bits a second."""

    miller: int
    bit_rate: float


@dataclass(frozen=True)
class Capabilities:
    """`powers`: index of the transmit power table -> dBm. `hop_table` is None where the region's channels are fixed. `modes`: by
    the reader's identifier. `state_aware`: it can ask for tags by Gen2's flags. `rospec_specs`: how many AISpecs a ROSpec may
    have, `select_filters`: how many Select filters an inventory; 0 where it does not say.
    """

    manufacturer: int = 0
    model: int = 0
    firmware: str = ""
    antennas: int | None = None
    inputs: int = 0
    outputs: int = 0
    powers: Mapping[int, float] = field(default_factory=dict)
    hop_table: int | None = None
    can_hold: bool = False
    modes: Mapping[int, RfMode] = field(default_factory=dict)
    state_aware: bool = False
    rospec_specs: int = 0
    select_filters: int = 0

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

    @property
    def fast_mode(self) -> int | None:
        """The RF mode in which most tags are read a second, FM0 left out where there is another: it is the first to suffer from
        other readers and from noise. None where the reader does not list its modes.
        """
        robust = {number: mode for number, mode in self.modes.items() if mode.miller > 1} or self.modes
        return max(robust, key=lambda number: (robust[number].bit_rate, -number), default=None)


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
    able = _dict(decoded, "LLRPCapabilities")
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
        modes=_modes(_dict(band, "UHFC1G2RFModeTable")),
        can_hold=bool(able.get("SupportsEventAndReportHolding")),
        state_aware=bool(able.get("CanDoTagInventoryStateAwareSingulation")),
        rospec_specs=_int(able, "MaxNumSpecsPerROSpec"),
        select_filters=_int(_dict(decoded, "C1G2LLRPCapabilities"), "MaxNumSelectFiltersPerQuery"),
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


def _modes(table: Mapping[str, Any]) -> dict[int, RfMode]:
    """The table tells the link frequency (Hz), and how many of its periods a bit takes: FM0 one, Miller 2, 4 or 8 (LLRP 1.1,
    17.3.1.1.3: its M value, which sllurp calls Mod).
    """
    entries = [entry for entry in _list(table, "UHFC1G2RFModeTableEntry") if _int(entry, "Mod") in range(4)]
    return {_int(entry, "ModeIdentifier"): _rf_mode(2 ** _int(entry, "Mod"), _int(entry, "BDR")) for entry in entries}


def _rf_mode(miller: int, link_hz: int) -> RfMode:
    return RfMode(miller, link_hz / miller)


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
