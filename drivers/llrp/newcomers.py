"""An inventory that hears newcomers first, pure. Most air time goes to shelf tags; Gen2's SL flag tells them from who just came.

A ROSpec of several cycles, started again and again by its period. In each cycle every antenna is visited twice in a row: shortly
for the tags without SL, then for all. In the first cycle the second visit begins with Selects that set SL on every tag in view:
who comes into view later has none until the next period. LLRP 1.0.1, sections 10.2 and 15.2.1.2.1.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from drivers.llrp.capabilities import Capabilities
from drivers.llrp.settings import LlrpSettings

NEW_MS = 50
"""Time for a handful of newcomers, several times over, in a fast RF mode."""

ALL_MS = 150
"""With NEW_MS the 0.2 s of a visit that most readers take by themselves."""

RESERVE_MS = 10
"""For changing antenna and channel before each visit. A reader that is not at the end when its period is over leaves out a whole
one, so that too much (9 % of the time at most) costs less than too little."""

UNTOLD_SPECS = 32
"""AISpecs in a ROSpec of a reader that does not say how many it takes."""

MAX_SPECS = 64
"""Newcomers are marked once a period: 64 visits are 6.4 s, in which somebody comes and goes."""

MIN_CYCLES = 2
"""With one, tags would be marked at every visit, and nobody be a newcomer for longer than that."""

_MARKING_FILTERS = 2
_SESSION = 0
_SL, _ASSERT_MATCHING, _ASSERT_OTHERS = 0, 1, 6
_DO_NOT_TRUNCATE = 1
_EPC_BANK, _EPC_STARTS_AT = 1, 0x20


def wanted(settings: LlrpSettings) -> bool:
    """A session of the user's own is a plan of his own."""
    return settings.inventory == "newcomers" or (settings.inventory == "auto" and settings.session is None)


def plainly(settings: LlrpSettings) -> LlrpSettings:
    """The same settings without newcomers."""
    return settings.model_copy(update={"inventory": "plain"})


def obstacle(capabilities: Capabilities, antennas: int) -> str | None:
    """Why a reader cannot be asked for this on so many antennas, in words; None if it can."""
    if not capabilities.state_aware:
        return "it cannot ask for tags by their flags (CanDoTagInventoryStateAwareSingulation)"
    if capabilities.select_filters < _MARKING_FILTERS:
        return f"it takes {capabilities.select_filters} Select filters, not {_MARKING_FILTERS} (MaxNumSelectFiltersPerQuery)"
    if cycles(capabilities, antennas) < MIN_CYCLES:
        return (
            f"{antennas} antennas need a ROSpec of {2 * MIN_CYCLES * antennas} AISpecs, more than it takes (MaxNumSpecsPerROSpec)"
        )
    return None


def cycles(capabilities: Capabilities, antennas: int) -> int:
    """How often the antennas are gone round in one ROSpec."""
    return min(capabilities.rospec_specs or UNTOLD_SPECS, MAX_SPECS) // (2 * antennas)


def newcomers_first(plain: Mapping[str, Any], count: int) -> dict[str, Any]:
    """`plain` (a ROSpec with an AntennaConfiguration and a Gen2 command an antenna) in `count` cycles."""
    configurations = plain["AISpec"][0]["InventoryParameterSpec"][0]["AntennaConfiguration"]
    visits = [visit for cycle in range(count) for each in configurations for visit in _visits(each, marking=cycle == 0)]
    return {**plain, "ROBoundarySpec": _boundary(_period_ms(visits)), "AISpec": visits}


def period_s(rospec: Mapping[str, Any]) -> float | None:
    """After how long the reader is to start a ROSpec again by itself; None for one that is to run on."""
    trigger = rospec["ROBoundarySpec"]["ROSpecStartTrigger"]
    return trigger["PeriodicTriggerValue"]["Period"] / 1000 if "PeriodicTriggerValue" in trigger else None


def _boundary(period_ms: int) -> dict[str, Any]:
    """A ROSpec does not loop in LLRP 1.0.1: once its AISpecs are done, only a start trigger begins it again."""
    return {
        "ROSpecStartTrigger": {"ROSpecStartTriggerType": "Periodic", "PeriodicTriggerValue": {"Offset": 0, "Period": period_ms}},
        "ROSpecStopTrigger": {"ROSpecStopTriggerType": "Null", "DurationTriggerValue": 0},
    }


def _period_ms(visits: Iterable[Mapping[str, Any]]) -> int:
    return sum(visit["AISpecStopTrigger"]["DurationTriggerValue"] + RESERVE_MS for visit in visits)


def _visits(configuration: dict[str, Any], marking: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Newcomers, then all, on one antenna."""
    return _aispec(_by_flag(configuration, "Not_SL"), NEW_MS), _aispec(
        _marking(configuration) if marking else configuration, ALL_MS
    )


def _aispec(configuration: dict[str, Any], duration_ms: int) -> dict[str, Any]:
    return {
        "AntennaID": (configuration["AntennaID"],),
        "AISpecStopTrigger": {"AISpecStopTriggerType": "Duration", "DurationTriggerValue": duration_ms},
        "InventoryParameterSpec": [{"InventoryParameterSpecID": 1, "ProtocolID": 1, "AntennaConfiguration": [configuration]}],
    }


def _by_flag(configuration: dict[str, Any], flag: str) -> dict[str, Any]:
    """The same visit, for tags with (`SL`) or without the flag. Impinj's search mode is left out: it would choose tags, too."""
    (plain,) = configuration["C1G2InventoryCommand"]
    action = {"I": "State_A", "S": flag}
    control = {**plain["C1G2SingulationControl"], "Session": _SESSION, "C1G2TagInventoryStateAwareSingulationAction": action}
    command = {**plain, "TagInventoryStateAware": True, "C1G2SingulationControl": control}
    command.pop("ImpinjInventorySearchMode", None)
    return {**configuration, "C1G2InventoryCommand": [command]}


def _marking(configuration: dict[str, Any]) -> dict[str, Any]:
    """Sets SL on every tag, then asks for those with SL, which is all of them: a reader uses a filter's state-aware action only
    where the whole command is state-aware (15.2.1.2.1.1), and that can only ask for SL or for not SL.
    """
    marking = _by_flag(configuration, "SL")
    (command,) = marking["C1G2InventoryCommand"]
    return {**marking, "C1G2InventoryCommand": [{**command, "C1G2Filter": [_filter(_ASSERT_MATCHING), _filter(_ASSERT_OTHERS)]}]}


def _filter(action: int) -> dict[str, Any]:
    """Any mask will do where matching and other tags are both marked; what an empty one means differs from reader to reader.
    The first hex digit of the EPC, for sllurp counts masks in those.
    """
    return {
        "T": _DO_NOT_TRUNCATE,
        "C1G2TagInventoryMask": {"MB": _EPC_BANK, "Pointer": _EPC_STARTS_AT, "TagMask": "3"},
        "C1G2TagInventoryStateAwareFilterAction": {"Target": _SL, "Action": action},
    }
