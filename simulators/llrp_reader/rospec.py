"""A ROSpec as the client wrote it: when it starts and stops, the AISpecs it runs through, and what it reports."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.llrp_reader.flags import ByFlag, by_flag_of
from simulators.llrp_reader.grammar import Parsed
from simulators.llrp_reader.numbers import Parameter, Status
from simulators.llrp_reader.profile import ReaderProfile
from simulators.llrp_reader.refusal import ParameterRefusal, parameter_field_refusal
from simulators.llrp_reader.select import Select, selects_of
from simulators.llrp_reader.settings import Report, check_antenna, check_custom, report_of

P = Parameter
DISABLED, INACTIVE, ACTIVE = range(3)
NULL, IMMEDIATE, PERIODIC, GPI = range(4)
"""Start triggers."""
DURATION, GPI_OR_TIMEOUT, TAGS = 1, 2, 3
"""Stop triggers, after NULL; only an AISpec has TAGS."""


@dataclass(frozen=True)
class Edge:
    """A change of an input: the port, the level that fires, and a timeout in ms (0 = none)."""

    port: int
    high: bool
    timeout_ms: int


@dataclass(frozen=True)
class Start:
    """When a ROSpec starts. `utc_us`: the periodic trigger's first moment, None = when enabled."""

    kind: int
    offset_ms: int = 0
    period_ms: int = 0
    utc_us: int | None = None
    edge: Edge | None = None


@dataclass(frozen=True)
class TagTrigger:
    """End of an AISpec by its tags: kind 0 after `tags`, 1 after `quiet_ms` without a new one, 2 after `attempts`."""

    kind: int
    tags: int
    attempts: int
    quiet_ms: int
    timeout_ms: int


@dataclass(frozen=True)
class End:
    """When a ROSpec or an AISpec ends."""

    kind: int = NULL
    duration_ms: int = 0
    edge: Edge | None = None
    tags: TagTrigger | None = None


@dataclass(frozen=True)
class Inventory:
    """An AISpec: its place in the ROSpec (from 1), antennas (empty = all), id, filters and state-aware commands of its first
    inventory spec.
    """

    index: int
    antennas: frozenset[int]
    end: End
    spec_id: int
    selects: Mapping[int, tuple[Select, ...]]
    by_flag: Mapping[int, ByFlag]


@dataclass(frozen=True)
class ROSpec:
    """A ROSpec; `raw` is the parameter as received, for GET_ROSPECS. `report` None = the reader's own."""

    id: int
    priority: int
    start: Start
    end: End
    inventories: tuple[Inventory, ...]
    report: Report | None
    raw: bytes

    def parameter(self, state: int) -> bytes:
        """The ROSpec parameter with its current state in it."""
        return self.raw[:9] + bytes((state,)) + self.raw[10:]


def rospec_of(spec: Parsed, profile: ReaderProfile) -> ROSpec:
    """The ROSpec of a parsed parameter. Raises Refusal for values that this reader cannot serve."""
    try:
        return _rospec(spec, profile)
    except ParameterRefusal as fault:
        raise fault.within(P.ROSPEC).refusal() from fault


def _rospec(spec: Parsed, profile: ReaderProfile) -> ROSpec:
    if spec["id"] == 0:
        raise parameter_field_refusal(P.ROSPEC, 0, "ROSpecID 0 means all and cannot be added", Status.A_INVALID)
    if spec["state"] != DISABLED:
        raise parameter_field_refusal(P.ROSPEC, 2, "a ROSpec is added disabled (CurrentState 0)", Status.A_INVALID)
    if spec.one(P.RF_SURVEY_SPEC) is not None:
        raise ParameterRefusal(P.RF_SURVEY_SPEC, Status.P_UNSUPPORTED_PARAMETER, "this reader does no RF survey")
    if not spec.all(P.AISPEC):
        raise ParameterRefusal(P.AISPEC, Status.P_MISSING_PARAMETER, "a ROSpec needs an AISpec")
    if len(spec.all(P.AISPEC)) > profile.max_specs:
        raise ParameterRefusal(P.AISPEC, Status.P_OVERFLOW_PARAMETER, f"a ROSpec has {profile.max_specs} AISpecs at most")
    for custom in spec.all(P.CUSTOM):
        check_custom(custom, profile)
    boundary = _only(spec, P.RO_BOUNDARY_SPEC)
    report = spec.one(P.RO_REPORT_SPEC)
    return ROSpec(
        id=spec["id"],
        priority=spec["priority"],
        start=_start(_only(boundary, P.ROSPEC_START_TRIGGER), profile),
        end=_end(_only(boundary, P.ROSPEC_STOP_TRIGGER), profile, GPI_OR_TIMEOUT),
        inventories=tuple(_inventory(number, aispec, profile) for number, aispec in enumerate(spec.all(P.AISPEC), 1)),
        report=None if report is None else report_of(report, profile),
        raw=spec.raw,
    )


def _only(parent: Parsed, kind: Parameter) -> Parsed:
    found = parent.one(kind)
    assert found is not None  # the grammar demands it
    return found


def _start(trigger: Parsed, profile: ReaderProfile) -> Start:
    kind = trigger["type"]
    if kind > GPI:
        raise parameter_field_refusal(trigger.kind, 0, f"ROSpecStartTriggerType is 0 to 3, not {kind}")
    if kind == PERIODIC:
        value = _needed(trigger, P.PERIODIC_TRIGGER_VALUE)
        utc = value.one(P.UTC_TIMESTAMP)
        return Start(kind, value["offset"], value["period"], None if utc is None else utc["microseconds"])
    return Start(kind, edge=_edge(_needed(trigger, P.GPI_TRIGGER_VALUE), profile) if kind == GPI else None)


def _end(trigger: Parsed, profile: ReaderProfile, most: int) -> End:
    kind = trigger["type"]
    if kind > most:
        raise parameter_field_refusal(trigger.kind, 0, f"the type of a stop trigger is 0 to {most} here, not {kind}")
    if kind == DURATION and trigger["duration"] == 0:
        raise parameter_field_refusal(trigger.kind, 1, "a duration of 0 ms ends nothing")
    edge = _edge(_needed(trigger, P.GPI_TRIGGER_VALUE), profile) if kind == GPI_OR_TIMEOUT else None
    tags = _tags(_needed(trigger, P.TAG_OBSERVATION_TRIGGER)) if kind == TAGS else None
    return End(kind, trigger["duration"], edge, tags)


def _needed(trigger: Parsed, kind: Parameter) -> Parsed:
    found = trigger.one(kind)
    if found is None:
        raise ParameterRefusal(kind, Status.P_MISSING_PARAMETER, f"{kind.name} is missing from its trigger")
    return found


def _edge(value: Parsed, profile: ReaderProfile) -> Edge:
    if not 1 <= value["port"] <= profile.inputs:
        raise parameter_field_refusal(value.kind, 0, f"GPIPortNum is 1 to {profile.inputs}, not {value['port']}")
    return Edge(value["port"], bool(value["event"] & 0x80), value["timeout"])


def _tags(value: Parsed) -> TagTrigger:
    if value["type"] > 2:
        raise parameter_field_refusal(value.kind, 0, f"TriggerType is 0, 1 or 2, not {value['type']}")
    return TagTrigger(value["type"], value["tags"], value["attempts"], value["quiet"], value["timeout"])


def _inventory(index: int, aispec: Parsed, profile: ReaderProfile) -> Inventory:
    antennas = aispec["antennas"]
    wrong = [antenna for antenna in antennas if antenna > profile.antennas]
    if wrong or not antennas:
        why = f"this reader has antennas 1 to {profile.antennas} (0 = all), not {list(antennas)}"
        raise parameter_field_refusal(P.AISPEC, 1, why)
    specs = aispec.all(P.INVENTORY_PARAMETER_SPEC)
    for spec in specs:
        if spec["protocol"] != 1:
            raise parameter_field_refusal(spec.kind, 1, f"ProtocolID is 1 (EPC Gen2), not {spec['protocol']}")
        for configuration in spec.all(P.ANTENNA_CONFIGURATION):
            check_antenna(configuration, profile)
    end = _end(_only(aispec, P.AISPEC_STOP_TRIGGER), profile, TAGS)
    return Inventory(
        index,
        frozenset() if 0 in antennas else frozenset(antennas),
        end,
        specs[0]["id"],
        selects_of(specs[0], profile),
        by_flag_of(specs[0], profile),
    )
