"""An inventory that hears newcomers first, pure. Most air time goes to shelf tags; Gen2's flags tell them from who just came.

A ROSpec of several cycles. In each, an AISpec asks for newcomers and one for all, on all antennas: the reader goes round them by
itself and leaves one early where nobody answers. After the last cycle the ROSpec ends and, being immediate, starts again. Two
forms:

- "marks", for readers that can ask by flags: newcomers are the tags without SL. In the first cycle the AISpec for all begins with
  Selects that set SL on every tag in view, so that who comes later has none (LLRP 1.0.1, section 15.2.1.2.1).
- "sessions", for all others: newcomers are asked for in sessions whose flag a tag keeps as long as it has power (Gen2, 6.3.2.2).
  Each answers there once; the zone inside has a session of its own, so that who goes out is new once more.
"""

from collections.abc import Mapping
from typing import Any, Literal

from drivers.llrp.capabilities import Capabilities
from drivers.llrp.settings import SEARCH_MODES, LlrpSettings

Form = Literal["sessions", "marks"]

NEW_MS: Mapping[Form, int] = {"sessions": 40, "marks": 90}
"""Time for newcomers on each antenna: marked ones answer again and again, the others once."""

ALL_MS: Mapping[Form, int] = {"sessions": 100, "marks": 200}
"""Time for all on each antenna."""

CYCLES = 16
"""Marks are set once a ROSpec: in more cycles than these, somebody comes and goes."""

UNTOLD_SPECS = 32
"""AISpecs in a ROSpec of a reader that does not say how many it takes."""

MAX_CONFIGURATIONS = 1024
"""AntennaConfigurations in a ROSpec, of up to 60 bytes each: its length is told in 16 bits."""

_MARKING_CYCLES = 2
"""With one, tags would be marked in every cycle, and nobody be a newcomer for longer than that."""

INSIDE_SESSION, OUTSIDE_SESSION = 3, 2
_MARKING_FILTERS = 2
_MARKED_SESSION = 0
_SL, _ASSERT_MATCHING, _ASSERT_OTHERS = 0, 1, 6
_DO_NOT_TRUNCATE = 1
_EPC_BANK, _EPC_STARTS_AT = 1, 0x20

_Configuration = dict[str, Any]


def wanted(settings: LlrpSettings) -> bool:
    """A session of the user's own is a plan of his own."""
    return settings.inventory == "newcomers" or (settings.inventory == "auto" and settings.session is None)


def cycles(capabilities: Capabilities, antennas: int) -> int:
    """How many cycles over so many antennas a ROSpec has on this reader; 0 where it holds none."""
    return min(CYCLES, (capabilities.rospec_specs or UNTOLD_SPECS) // 2, MAX_CONFIGURATIONS // (2 * antennas))


def forms(capabilities: Capabilities, antennas: int) -> tuple[Form, ...]:
    """The forms in which a reader can be asked on so many antennas, the better one first."""
    count = cycles(capabilities, antennas)
    if not count:
        return ()
    by_flags = capabilities.state_aware and capabilities.select_filters >= _MARKING_FILTERS
    return ("marks", "sessions") if by_flags and count >= _MARKING_CYCLES else ("sessions",)


def newcomers_first(plain: Mapping[str, Any], form: Form, count: int, inside: frozenset[int]) -> dict[str, Any]:
    """`plain` (a ROSpec with an AntennaConfiguration and a Gen2 command an antenna) in `count` cycles. `inside`: ports there."""
    configurations = plain["AISpec"][0]["InventoryParameterSpec"][0]["AntennaConfiguration"]
    aispecs = []
    for cycle in range(count):
        # No antenna is to be the last always, which time is up for.
        first = cycle % len(configurations)
        rotated = configurations[first:] + configurations[:first]
        new = [_by_flag(each, "Not_SL") if form == "marks" else _once(each, inside) for each in rotated]
        marked = [_marking(each) for each in rotated] if form == "marks" and cycle == 0 else rotated
        aispecs += [_aispec(new, NEW_MS[form]), _aispec(marked, ALL_MS[form])]
    return {**plain, "AISpec": aispecs}


def run_s(rospec: Mapping[str, Any]) -> float | None:
    """How long a ROSpec takes until it ends by itself, in seconds; None for one that runs on."""
    triggers = [aispec["AISpecStopTrigger"] for aispec in rospec["AISpec"]]
    if any(trigger["AISpecStopTriggerType"] != "Duration" for trigger in triggers):
        return None
    return float(sum(trigger["DurationTriggerValue"] for trigger in triggers)) / 1000


def _aispec(configurations: list[_Configuration], each_ms: int) -> dict[str, Any]:
    duration_ms = each_ms * len(configurations)
    return {
        "AntennaID": tuple(each["AntennaID"] for each in configurations),
        "AISpecStopTrigger": {"AISpecStopTriggerType": "Duration", "DurationTriggerValue": duration_ms},
        "InventoryParameterSpec": [{"InventoryParameterSpecID": 1, "ProtocolID": 1, "AntennaConfiguration": configurations}],
    }


def _once(configuration: _Configuration, inside: frozenset[int]) -> _Configuration:
    """For each tag once. Impinj readers turn a tag's flag back unless their search mode says otherwise, others do not."""
    (plain,) = configuration["C1G2InventoryCommand"]
    session = INSIDE_SESSION if configuration["AntennaID"] in inside else OUTSIDE_SESSION
    command = {**plain, "C1G2SingulationControl": {**plain["C1G2SingulationControl"], "Session": session}}
    if "ImpinjInventorySearchMode" in plain:
        command["ImpinjInventorySearchMode"] = {"InventorySearchMode": SEARCH_MODES["single"]}
    return {**configuration, "C1G2InventoryCommand": [command]}


def _by_flag(configuration: _Configuration, flag: str) -> _Configuration:
    """For tags with (`SL`) or without the flag. Impinj's search mode is left out: it would choose tags, too."""
    (plain,) = configuration["C1G2InventoryCommand"]
    action = {"I": "State_A", "S": flag}
    control = {
        **plain["C1G2SingulationControl"],
        "Session": _MARKED_SESSION,
        "C1G2TagInventoryStateAwareSingulationAction": action,
    }
    command = {**plain, "TagInventoryStateAware": True, "C1G2SingulationControl": control}
    command.pop("ImpinjInventorySearchMode", None)
    return {**configuration, "C1G2InventoryCommand": [command]}


def _marking(configuration: _Configuration) -> _Configuration:
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
