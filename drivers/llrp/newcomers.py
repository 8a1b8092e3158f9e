"""An inventory that hears newcomers first, pure: most air time goes to shelf tags, which need not be asked every time.

A ROSpec of several rounds; each is a short inventory of newcomers on all antennas, then a longer one of all tags. Who is new is
told by marks, where the reader can ask for tags by Gen2's flags: at the beginning all tags in view get SL, and who comes later
has none. Other readers ask newcomers in sessions of their own, in which a tag answers once and then is silent for as long as it
has power. LLRP 1.0.1, sections 10.2 and 15.2.1.2.1.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from drivers.llrp.capabilities import Capabilities
from drivers.llrp.settings import SEARCH_MODES, LlrpSettings

Way = Literal["sessions", "marks"]

NEW_MS: Mapping[Way, int] = {"sessions": 40, "marks": 90}
ALL_MS: Mapping[Way, int] = {"sessions": 100, "marks": 200}
"""For each antenna; the best of a few that were simulated. A newcomer without a mark may answer at each antenna, and again."""

ROUNDS = 16
"""With four antennas tags are marked every 19 s: who has stood there for so long is no newcomer any more."""

UNTOLD_SPECS = 32
"""AISpecs in a ROSpec of a reader that does not say how many it takes."""

INSIDE_SESSION, OUTSIDE_SESSION = 3, 2
"""A tag is new inside, and new again outside."""

_MARKING_ROUNDS = 2
"""With one, tags would be marked in every round, and nobody be a newcomer for longer than that."""
_MARKING_FILTERS = 2
_SL, _ASSERT_MATCHING, _ASSERT_OTHERS = 0, 1, 6
_DO_NOT_TRUNCATE = 1
_EPC_BANK, _EPC_STARTS_AT = 1, 0x20

_Fields = dict[str, Any]


def wanted(settings: LlrpSettings) -> bool:
    """A session of the user's own is a plan of his own."""
    return settings.inventory == "newcomers" or (settings.inventory == "auto" and settings.session is None)


def plainly(settings: LlrpSettings) -> LlrpSettings:
    """The same settings without newcomers."""
    return settings.model_copy(update={"inventory": "plain"})


def way_for(capabilities: Capabilities) -> Way | None:
    """How a reader can be asked; None where a ROSpec of it holds one AISpec only."""
    count = rounds(capabilities)
    if capabilities.state_aware and capabilities.select_filters >= _MARKING_FILTERS and count >= _MARKING_ROUNDS:
        return "marks"
    return "sessions" if count else None


def rounds(capabilities: Capabilities) -> int:
    """How often both inventories are made in one ROSpec."""
    return min(ROUNDS, (capabilities.rospec_specs or UNTOLD_SPECS) // 2)


def newcomers_first(plain: Mapping[str, Any], way: Way, count: int, inside: Collection[int]) -> _Fields:
    """`plain` (a ROSpec with an AntennaConfiguration and a Gen2 command an antenna) in `count` rounds. `inside`: the antennas of
    the inside zone.
    """
    everywhere = plain["AISpec"][0]["InventoryParameterSpec"][0]["AntennaConfiguration"]
    specs: list[_Fields] = []
    for number in range(count):
        # Begun elsewhere each time, so that a reader short of time does not always leave out the same antenna.
        first = number % len(everywhere)
        turn = everywhere[first:] + everywhere[:first]
        specs.append(_aispec([_new(each, way, inside) for each in turn], NEW_MS[way]))
        specs.append(_aispec([_marking(each) for each in turn] if way == "marks" and not number else turn, ALL_MS[way]))
    return {**plain, "AISpec": specs}


def lasts_s(rospec: Mapping[str, Any]) -> float | None:
    """How long a run of a ROSpec takes; None for one without end."""
    triggers = [spec["AISpecStopTrigger"] for spec in rospec["AISpec"]]
    if any(trigger["AISpecStopTriggerType"] != "Duration" for trigger in triggers):
        return None
    lasts_ms: int = sum(trigger["DurationTriggerValue"] for trigger in triggers)
    return lasts_ms / 1000


def _aispec(configurations: Sequence[_Fields], each_ms: int) -> _Fields:
    return {
        "AntennaID": tuple(each["AntennaID"] for each in configurations),
        "AISpecStopTrigger": {"AISpecStopTriggerType": "Duration", "DurationTriggerValue": each_ms * len(configurations)},
        "InventoryParameterSpec": [
            {"InventoryParameterSpecID": 1, "ProtocolID": 1, "AntennaConfiguration": list(configurations)}
        ],
    }


def _new(configuration: _Fields, way: Way, inside: Collection[int]) -> _Fields:
    """Newcomers on one antenna."""
    if way == "marks":
        return _by_flag(configuration, "Not_SL")
    (plain,) = configuration["C1G2InventoryCommand"]
    session = INSIDE_SESSION if configuration["AntennaID"] in inside else OUTSIDE_SESSION
    command = {**plain, "C1G2SingulationControl": {**plain["C1G2SingulationControl"], "Session": session}}
    if "ImpinjInventorySearchMode" in plain:
        command["ImpinjInventorySearchMode"] = {"InventorySearchMode": SEARCH_MODES["single"]}
    return {**configuration, "C1G2InventoryCommand": [command]}


def _by_flag(configuration: _Fields, flag: str) -> _Fields:
    """The same antenna, for tags with (`SL`) or without the flag. Impinj's search mode is left out: it would choose tags, too."""
    (plain,) = configuration["C1G2InventoryCommand"]
    action = {"I": "State_A", "S": flag}
    control = {**plain["C1G2SingulationControl"], "C1G2TagInventoryStateAwareSingulationAction": action}
    command = {**plain, "TagInventoryStateAware": True, "C1G2SingulationControl": control}
    command.pop("ImpinjInventorySearchMode", None)
    return {**configuration, "C1G2InventoryCommand": [command]}


def _marking(configuration: _Fields) -> _Fields:
    """Sets SL on every tag, then asks for those with SL, which is all of them: a reader uses a filter's state-aware action only
    where the whole command is state-aware (15.2.1.2.1.1), and that can only ask for SL or for not SL.
    """
    marking = _by_flag(configuration, "SL")
    (command,) = marking["C1G2InventoryCommand"]
    return {**marking, "C1G2InventoryCommand": [{**command, "C1G2Filter": [_filter(_ASSERT_MATCHING), _filter(_ASSERT_OTHERS)]}]}


def _filter(action: int) -> _Fields:
    """Any mask will do where matching and other tags are both marked; what an empty one means differs from reader to reader.
    The first hex digit of the EPC, for sllurp counts masks in those.
    """
    return {
        "T": _DO_NOT_TRUNCATE,
        "C1G2TagInventoryMask": {"MB": _EPC_BANK, "Pointer": _EPC_STARTS_AT, "TagMask": "3"},
        "C1G2TagInventoryStateAwareFilterAction": {"Target": _SL, "Action": action},
    }
