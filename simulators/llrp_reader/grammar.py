"""The grammar of what a client may send: fields and sub-parameters of each parameter, and a strict decoder that obeys it.

A rule is: struct format of the fixed fields, their names, and the sub-parameters allowed with how many (at least, at most).
Parameters with lists or bit strings inside have their own cutter, or stay closed (`CLOSED`: kept as bytes, not looked into).
"""

import struct
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from simulators.llrp_reader.numbers import Message, Parameter, Status
from simulators.llrp_reader.refusal import ParameterRefusal, Refusal

MANY = 1 << 30
P = Parameter
Cutter = Callable[[bytes], tuple[dict[str, Any], int]]


@dataclass(frozen=True)
class Parsed:
    """One parameter, taken apart. `raw` is all of it; flags and numbers stand in `fields` by name."""

    kind: int
    fields: dict[str, Any]
    children: tuple["Parsed", ...]
    raw: bytes

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]

    def all(self, kind: Parameter) -> list["Parsed"]:
        """The sub-parameters of one type."""
        return [child for child in self.children if child.kind == kind]

    def one(self, kind: Parameter) -> "Parsed | None":
        """The sub-parameter of a type that occurs at most once."""
        return next((child for child in self.children if child.kind == kind), None)


@dataclass(frozen=True)
class Rule:
    """How one parameter (or the body of one message) is made."""

    layout: str = ""
    names: tuple[str, ...] = ()
    children: dict[int, tuple[int, int]] = field(default_factory=dict)
    cut: Cutter | None = None
    closed: bool = False


def parse_message(kind: Message, body: bytes) -> Parsed:
    """The body of a message. Raises Refusal with the status that LLRP has for what is wrong."""
    rule = MESSAGES[kind]
    try:
        fields, used = _fields(rule, body)
    except struct.error as error:
        raise Refusal(Status.M_FIELD_ERROR, f"{kind.name}: the body has {len(body)} bytes, too few for its fields") from error
    try:
        return Parsed(kind, fields, tuple(_children(rule, body[used:], kind.name)), body)
    except ParameterRefusal as fault:
        raise fault.refusal() from fault


def _fields(rule: Rule, value: bytes) -> tuple[dict[str, Any], int]:
    if rule.cut is not None:
        return rule.cut(value)
    unpacked = struct.unpack_from(">" + rule.layout, value)
    return dict(zip(rule.names, unpacked, strict=True)), struct.calcsize(">" + rule.layout)


def _children(rule: Rule, value: bytes, place: str) -> Iterator[Parsed]:
    counts: Counter[int] = Counter()
    for kind, raw, header in _split(value):
        if kind not in rule.children:
            code = Status.P_UNEXPECTED_PARAMETER if kind in PARAMETERS else Status.P_UNKNOWN_PARAMETER
            raise ParameterRefusal(kind, code, f"{place}: parameter {kind} does not belong here")
        counts[kind] += 1
        if counts[kind] > rule.children[kind][1]:
            raise ParameterRefusal(kind, Status.P_DUPLICATE_PARAMETER, f"{place}: parameter {kind} stands more than once")
        yield _parameter(kind, raw, header)
    for kind, (least, _) in rule.children.items():
        if counts[kind] < least:
            raise ParameterRefusal(kind, Status.P_MISSING_PARAMETER, f"{place}: parameter {Parameter(kind).name} is missing")


def _parameter(kind: int, raw: bytes, header: int) -> Parsed:
    rule, value = PARAMETERS[kind], raw[header:]
    name = Parameter(kind).name
    try:
        fields, used = _fields(rule, value)
    except (struct.error, IndexError) as error:
        raise ParameterRefusal(kind, Status.P_FIELD_ERROR, f"{name} is too short: {len(raw)} bytes") from error
    if rule.closed:
        return Parsed(kind, fields, (), raw)
    try:
        return Parsed(kind, fields, tuple(_children(rule, value[used:], name)), raw)
    except ParameterRefusal as fault:
        raise fault.within(kind) from fault


def _split(value: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Type, whole bytes and header size of each parameter in a row."""
    while value:
        if value[0] & 0x80:
            raise ParameterRefusal(value[0] & 0x7F, Status.P_UNEXPECTED_PARAMETER, "a client's message holds no TV parameter")
        if len(value) < 4:
            raise ParameterRefusal(0, Status.P_OVERFLOW_PARAMETER, f"{len(value)} stray bytes at the end")
        kind, length = struct.unpack_from(">HH", value)
        kind &= 0x3FF
        if not 4 <= length <= len(value):
            raise ParameterRefusal(kind, Status.P_OVERFLOW_PARAMETER, f"parameter {kind}: {length} bytes of {len(value)} left")
        yield kind, value[:length], 4
        value = value[length:]


def _aispec(value: bytes) -> tuple[dict[str, Any], int]:
    (count,) = struct.unpack_from(">H", value)
    return {"antennas": struct.unpack_from(f">{count}H", value, 2)}, 2 + 2 * count


def _mask(value: bytes) -> tuple[dict[str, Any], int]:
    """Memory bank, first bit, and the mask as text of 0 and 1."""
    bank, pointer, count = struct.unpack_from(">BHH", value)
    size = (count + 7) // 8
    if len(value) < 5 + size:
        raise IndexError(count)
    bits = f"{int.from_bytes(value[5 : 5 + size]):0{size * 8}b}"[:count] if size else ""
    return {"bank": bank >> 6, "pointer": pointer, "bits": bits}, 5 + size


def _custom(value: bytes) -> tuple[dict[str, Any], int]:
    vendor, subtype = struct.unpack_from(">II", value)
    return {"vendor": vendor, "subtype": subtype, "data": value[8:]}, len(value)


_ANY_CUSTOM: dict[int, tuple[int, int]] = {P.CUSTOM: (0, MANY)}
_CLOSED = Rule(closed=True)

PARAMETERS: dict[int, Rule] = {
    P.UTC_TIMESTAMP: Rule("Q", ("microseconds",)),
    P.ROSPEC: Rule(
        "IBB",
        ("id", "priority", "state"),
        {P.RO_BOUNDARY_SPEC: (1, 1), P.AISPEC: (0, MANY), P.RF_SURVEY_SPEC: (0, MANY), P.RO_REPORT_SPEC: (0, 1), **_ANY_CUSTOM},
    ),
    P.RO_BOUNDARY_SPEC: Rule(children={P.ROSPEC_START_TRIGGER: (1, 1), P.ROSPEC_STOP_TRIGGER: (1, 1)}),
    P.ROSPEC_START_TRIGGER: Rule("B", ("type",), {P.PERIODIC_TRIGGER_VALUE: (0, 1), P.GPI_TRIGGER_VALUE: (0, 1)}),
    P.PERIODIC_TRIGGER_VALUE: Rule("II", ("offset", "period"), {P.UTC_TIMESTAMP: (0, 1)}),
    P.GPI_TRIGGER_VALUE: Rule("HBI", ("port", "event", "timeout")),
    P.ROSPEC_STOP_TRIGGER: Rule("BI", ("type", "duration"), {P.GPI_TRIGGER_VALUE: (0, 1)}),
    P.AISPEC: Rule(children={P.AISPEC_STOP_TRIGGER: (1, 1), P.INVENTORY_PARAMETER_SPEC: (1, MANY), **_ANY_CUSTOM}, cut=_aispec),
    P.AISPEC_STOP_TRIGGER: Rule("BI", ("type", "duration"), {P.GPI_TRIGGER_VALUE: (0, 1), P.TAG_OBSERVATION_TRIGGER: (0, 1)}),
    P.TAG_OBSERVATION_TRIGGER: Rule("BBHHHI", ("type", "reserved", "tags", "attempts", "quiet", "timeout")),
    P.INVENTORY_PARAMETER_SPEC: Rule("HB", ("id", "protocol"), {P.ANTENNA_CONFIGURATION: (0, MANY), **_ANY_CUSTOM}),
    P.RF_SURVEY_SPEC: Rule("HII", ("antenna", "start", "end"), {P.RF_SURVEY_SPEC_STOP_TRIGGER: (1, 1), **_ANY_CUSTOM}),
    P.RF_SURVEY_SPEC_STOP_TRIGGER: Rule("BII", ("type", "duration", "count")),
    P.ACCESSSPEC: Rule(
        "IHBBI",
        ("id", "antenna", "protocol", "state", "rospec"),
        {P.ACCESSSPEC_STOP_TRIGGER: (1, 1), P.ACCESS_COMMAND: (1, 1), P.ACCESS_REPORT_SPEC: (0, 1), **_ANY_CUSTOM},
    ),
    P.ACCESSSPEC_STOP_TRIGGER: Rule("BH", ("type", "count")),
    P.ACCESS_COMMAND: Rule(
        children={P.C1G2_TAG_SPEC: (1, 1), **dict.fromkeys(range(P.C1G2_READ, P.C1G2_BLOCK_WRITE + 1), (0, MANY)), **_ANY_CUSTOM}
    ),
    P.C1G2_TAG_SPEC: Rule(children={P.C1G2_TARGET_TAG: (1, 2)}),
    **dict.fromkeys((P.C1G2_TARGET_TAG, *map(P, range(P.C1G2_READ, P.C1G2_BLOCK_WRITE + 1))), _CLOSED),
    P.GPO_WRITE_DATA: Rule("HB", ("port", "data")),
    P.KEEPALIVE_SPEC: Rule("BI", ("type", "period")),
    P.ANTENNA_PROPERTIES: Rule("BHh", ("connected", "antenna", "gain")),
    P.ANTENNA_CONFIGURATION: Rule(
        "H",
        ("antenna",),
        {P.RF_RECEIVER: (0, 1), P.RF_TRANSMITTER: (0, 1), P.C1G2_INVENTORY_COMMAND: (0, 1), **_ANY_CUSTOM},
    ),
    P.RF_RECEIVER: Rule("H", ("sensitivity",)),
    P.RF_TRANSMITTER: Rule("HHH", ("hop_table", "channel", "power")),
    P.C1G2_INVENTORY_COMMAND: Rule(
        "B",
        ("state_aware",),
        {P.C1G2_FILTER: (0, MANY), P.C1G2_RF_CONTROL: (0, 1), P.C1G2_SINGULATION_CONTROL: (0, 1), **_ANY_CUSTOM},
    ),
    P.C1G2_FILTER: Rule(
        "B",
        ("truncate",),
        {
            P.C1G2_TAG_INVENTORY_MASK: (1, 1),
            P.C1G2_TAG_INVENTORY_STATE_AWARE_FILTER_ACTION: (0, 1),
            P.C1G2_TAG_INVENTORY_STATE_UNAWARE_FILTER_ACTION: (0, 1),
        },
    ),
    P.C1G2_TAG_INVENTORY_MASK: Rule(cut=_mask),
    P.C1G2_TAG_INVENTORY_STATE_AWARE_FILTER_ACTION: Rule("BB", ("target", "action")),
    P.C1G2_TAG_INVENTORY_STATE_UNAWARE_FILTER_ACTION: Rule("B", ("action",)),
    P.C1G2_RF_CONTROL: Rule("HH", ("mode", "tari")),
    P.C1G2_SINGULATION_CONTROL: Rule(
        "BHI", ("session", "population", "transit"), {P.C1G2_TAG_INVENTORY_STATE_AWARE_SINGULATION_ACTION: (0, 1)}
    ),
    P.C1G2_TAG_INVENTORY_STATE_AWARE_SINGULATION_ACTION: Rule("B", ("flags",)),
    P.GPI_PORT_CURRENT_STATE: Rule("HBB", ("port", "enabled", "state")),
    P.EVENTS_AND_REPORTS: Rule("B", ("hold",)),
    P.RO_REPORT_SPEC: Rule("BH", ("trigger", "n"), {P.TAG_REPORT_CONTENT_SELECTOR: (1, 1), **_ANY_CUSTOM}),
    P.TAG_REPORT_CONTENT_SELECTOR: Rule("H", ("flags",), {P.C1G2_EPC_MEMORY_SELECTOR: (0, 1)}),
    P.C1G2_EPC_MEMORY_SELECTOR: Rule("B", ("flags",)),
    P.ACCESS_REPORT_SPEC: Rule("B", ("trigger",)),
    P.READER_EVENT_NOTIFICATION_SPEC: Rule(children={P.EVENT_NOTIFICATION_STATE: (1, MANY)}),
    P.EVENT_NOTIFICATION_STATE: Rule("HB", ("event", "on")),
    P.CUSTOM: Rule(cut=_custom),
}

_ID = Rule("I", ("id",))
_NOTHING = Rule()

MESSAGES: dict[Message, Rule] = {
    Message.GET_READER_CAPABILITIES: Rule("B", ("requested",), _ANY_CUSTOM),
    Message.GET_READER_CONFIG: Rule("HBHH", ("antenna", "requested", "gpi", "gpo"), _ANY_CUSTOM),
    Message.SET_READER_CONFIG: Rule(
        "B",
        ("reset",),
        {
            P.READER_EVENT_NOTIFICATION_SPEC: (0, 1),
            P.ANTENNA_PROPERTIES: (0, MANY),
            P.ANTENNA_CONFIGURATION: (0, MANY),
            P.RO_REPORT_SPEC: (0, 1),
            P.ACCESS_REPORT_SPEC: (0, 1),
            P.KEEPALIVE_SPEC: (0, 1),
            P.GPO_WRITE_DATA: (0, MANY),
            P.GPI_PORT_CURRENT_STATE: (0, MANY),
            P.EVENTS_AND_REPORTS: (0, 1),
            **_ANY_CUSTOM,
        },
    ),
    Message.ADD_ROSPEC: Rule(children={P.ROSPEC: (1, 1)}),
    Message.ADD_ACCESSSPEC: Rule(children={P.ACCESSSPEC: (1, 1)}),
    Message.SET_PROTOCOL_VERSION: Rule("B", ("version",)),
    **{Message(kind): _ID for kind in (21, 22, 23, 24, 25, 41, 42, 43)},
    **dict.fromkeys(
        (
            Message.CLOSE_CONNECTION,
            Message.GET_ROSPECS,
            Message.GET_ACCESSSPECS,
            Message.GET_SUPPORTED_VERSION,
            Message.GET_REPORT,
            Message.ENABLE_EVENTS_AND_REPORTS,
            Message.KEEPALIVE_ACK,
        ),
        _NOTHING,
    ),
}
