"""The inventory we ask for, pure: from the richest ROSpec to the barest, for readers that refuse parameters. LLRP 1.1, 11.2."""

from collections.abc import Iterator
from typing import Any

from drivers.llrp import newcomers
from drivers.llrp.capabilities import Capabilities
from drivers.llrp.settings import SEARCH_MODES, LlrpSettings

_GEN2 = 1
_CONTENT = {
    "EnableAntennaID": True,
    "EnableChannelIndex": True,
    "EnablePeakRSSI": True,
    "EnableFirstSeenTimestamp": True,
    "EnableLastSeenTimestamp": True,
    "EnableTagSeenCount": True,
}


def rospecs(
    settings: LlrpSettings,
    capabilities: Capabilities,
    antennas: tuple[int, ...],
    number: int,
    impinj: bool,
    inside: frozenset[int] = frozenset(),
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(what it is, ROSpec in sllurp's words), the next one to be tried when a reader refuses the one before. `inside`: ports of
    that zone.
    """
    power = capabilities.power_index(settings.tx_power_dbm)
    hop = capabilities.hop_table or 0
    # Session 1 keeps reads coming only with dual target, which is Impinj's own: without, a tag rests 0.5 to 5 s after each read.
    session = settings.session if settings.session is not None else 0
    mode = _mode(settings, capabilities)
    modes = (mode, None) if mode is not None and settings.mode == "fast" else (mode,)

    def rich(asked: int | None, impinj: bool, session: int = session) -> dict[str, Any]:
        made = _configurations(settings, antennas, power, hop, session, asked, impinj)
        return _rospec(settings, number, antennas, made, impinj)

    for form in newcomers.forms(capabilities, len(antennas)) if newcomers.wanted(settings) else ():
        cycles = newcomers.cycles(capabilities, len(antennas))
        for asked in modes:
            plan = newcomers.newcomers_first(rich(asked, impinj), form, cycles, inside)
            yield f"with newcomers first by {form}{_in(asked)}", plan
    if impinj:
        for asked in modes:
            yield f"with Impinj extensions{_in(asked)}", rich(asked, True, 1 if settings.session is None else session)
    for asked in modes:
        yield f"complete{_in(asked)}", rich(asked, False)
    if power is not None:
        power_only = _configurations(settings, antennas, power, hop, None, None, impinj=False)
        yield "without a Gen2 command", _rospec(settings, number, antennas, power_only)
        without_power = _configurations(settings, antennas, None, hop, session, modes[-1], impinj=False)
        yield "at the reader's own transmit power", _rospec(settings, number, antennas, without_power)
    yield "with the reader's own radio settings", _rospec(settings, number, antennas, [])
    yield "on all antennas", _rospec(settings, number, (0,), [])


def _mode(settings: LlrpSettings, capabilities: Capabilities) -> int | None:
    """The RF mode to ask for; None leaves it to the reader."""
    if settings.mode == "fast":
        return capabilities.fast_mode
    return None if settings.mode == "reader" else settings.mode


def _in(mode: int | None) -> str:
    return "" if mode is None else f", in RF mode {mode}"


def _rospec(
    settings: LlrpSettings, number: int, antennas: tuple[int, ...], configurations: list[dict[str, Any]], impinj: bool = False
) -> dict[str, Any]:
    return {
        "ROSpecID": number,
        "Priority": 0,
        "CurrentState": "Disabled",
        "ROBoundarySpec": {
            "ROSpecStartTrigger": {"ROSpecStartTriggerType": "Immediate"},
            "ROSpecStopTrigger": {"ROSpecStopTriggerType": "Null", "DurationTriggerValue": 0},
        },
        "AISpec": [
            {
                "AntennaID": antennas,
                "AISpecStopTrigger": {"AISpecStopTriggerType": "Null", "DurationTriggerValue": 0},
                "InventoryParameterSpec": [
                    {"InventoryParameterSpecID": 1, "ProtocolID": _GEN2, "AntennaConfiguration": configurations}
                ],
            }
        ],
        "ROReportSpec": _report_spec(settings, impinj),
    }


def _report_spec(settings: LlrpSettings, impinj: bool) -> dict[str, Any]:
    """A report after every N tags: with N = 0 a reader would wait for the end of an inventory that never ends."""
    spec: dict[str, Any] = {
        "ROReportTrigger": "Upon_N_Tags_Or_End_Of_AISpec",
        "N": settings.report_every,
        "TagReportContentSelector": dict(_CONTENT),
    }
    if impinj:
        spec["ImpinjTagReportContentSelector"] = {
            **({"ImpinjEnableSerializedTID": {"SerializedTIDMode": 1}} if settings.tid else {}),
            "ImpinjEnableRFPhaseAngle": {"RFPhaseAngleMode": 1},
            "ImpinjEnablePeakRSSI": {"PeakRSSIMode": 1},
            "ImpinjEnableRFDopplerFrequency": {"RFDopplerFrequencyMode": 1},
        }
    return spec


def _configurations(
    settings: LlrpSettings,
    antennas: tuple[int, ...],
    power: int | None,
    hop: int,
    session: int | None,
    mode: int | None,
    impinj: bool,
) -> list[dict[str, Any]]:
    """One AntennaConfiguration a port; `power` None leaves the transmitter alone, `session` None the Gen2 command."""
    made = []
    for antenna in antennas:
        configuration: dict[str, Any] = {"AntennaID": antenna}
        if power is not None:
            configuration["RFTransmitter"] = {"HopTableId": hop, "ChannelIndex": 1, "TransmitPower": power}
        if session is not None:
            configuration["C1G2InventoryCommand"] = [_gen2_command(settings, session, mode, impinj)]
        made.append(configuration)
    return made


def _gen2_command(settings: LlrpSettings, session: int, mode: int | None, impinj: bool) -> dict[str, Any]:
    command: dict[str, Any] = {
        "TagInventoryStateAware": False,
        "C1G2SingulationControl": {"Session": session, "TagPopulation": settings.tag_population, "TagTransitTime": 0},
    }
    if mode is not None:
        command["C1G2RFControl"] = {"ModeIndex": mode, "Tari": 0}
    if impinj:
        command["ImpinjInventorySearchMode"] = {"InventorySearchMode": SEARCH_MODES[settings.search_mode]}
    return command
