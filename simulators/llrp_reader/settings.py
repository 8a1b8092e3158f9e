"""The reader's configuration: SET_READER_CONFIG into it, GET_READER_CONFIG out of it. It outlives connections, not a reset."""

from dataclasses import dataclass, field, replace

from simulators.llrp_reader.content import Content, content_of, content_parameters
from simulators.llrp_reader.grammar import Parsed
from simulators.llrp_reader.numbers import Custom, Event, Parameter, Status
from simulators.llrp_reader.profile import ReaderProfile
from simulators.llrp_reader.refusal import ParameterRefusal, Refusal, field_refusal, parameter_field_refusal
from simulators.llrp_reader.wire import flag, impinj, tlv, u8, u16, u32

P = Parameter
_NAMES = (
    "all", "identification", "antenna_properties", "antenna_configuration", "report", "events", "access_report", "state_value",
    "keepalive", "inputs", "outputs", "hold",
)  # fmt: skip
_ALL = (2, 3, 5, 4, 6, 7, 8, 9, 10, 11)
"""What "all" gives, in the order of the response. Identification comes only when asked for by itself: it may be absent, and
tshark 4.0 miscounts its length, so that with it the answer to the commonest question would look malformed."""
_LOW_HIGH = {False: 0, True: 1}


@dataclass(frozen=True)
class Report:
    """A ROReportSpec: `trigger` 0 none, 1 N tags or end of AISpec, 2 N tags or end of ROSpec; n 0 = no limit."""

    trigger: int = 2
    n: int = 0
    content: Content = field(default_factory=Content)


@dataclass
class Settings:
    """Everything that a client can configure. Factory state: no keepalive, no events, inputs off, no hold."""

    profile: ReaderProfile
    keepalive_ms: int = 0
    events: set[int] = field(default_factory=set)
    report: Report = field(default_factory=Report)
    access_trigger: int = 0
    hold: bool = False
    inputs_on: set[int] = field(default_factory=set)
    inputs: dict[int, bool] = field(default_factory=dict)
    outputs: dict[int, bool] = field(default_factory=dict)
    antennas: dict[int, tuple[int, int, int, int]] = field(default_factory=dict)
    """Antenna -> sensitivity index, hop table, channel index, power index."""
    commands: dict[int, bytes] = field(default_factory=dict)
    """Antenna -> its C1G2InventoryCommand and custom parameters, as they came."""
    connected: set[int] = field(default_factory=set)
    state_value: int = 0
    extensions: bool = False
    """Impinj's extensions were enabled on this connection."""

    def __post_init__(self) -> None:
        self.inputs = dict.fromkeys(range(1, self.profile.inputs + 1), False)
        self.outputs = dict.fromkeys(range(1, self.profile.outputs + 1), False)
        self.connected = set(range(1, self.profile.antennas + 1))
        self.reset()

    @property
    def spoken(self) -> ReaderProfile:
        """The profile with which the client's custom parameters are judged."""
        return self.profile if self.extensions else replace(self.profile, impinj=False)

    def reset(self) -> None:
        """Back to factory state; levels of pins and cables stay as they are."""
        self.keepalive_ms, self.events, self.report = 0, set(), Report()
        self.access_trigger, self.hold, self.inputs_on, self.commands = 0, False, set(), {}
        strongest = len(self.profile.powers)
        self.antennas = dict.fromkeys(range(1, self.profile.antennas + 1), (1, 1, 1, strongest))


def apply(settings: Settings, request: Parsed) -> dict[int, bool]:
    """SET_READER_CONFIG. Returns the outputs written. Raises Refusal with nothing changed at all."""
    try:
        for parameter in request.children:
            _check(settings, parameter)
    except ParameterRefusal as fault:
        raise fault.refusal() from fault
    if request["reset"] & 0x80:
        settings.reset()
    for parameter in request.children:
        _set(settings, parameter)
    settings.state_value += 1
    return {parameter["port"]: bool(parameter["data"] & 0x80) for parameter in request.all(P.GPO_WRITE_DATA)}


def report_of(spec: Parsed, profile: ReaderProfile) -> Report:
    """A ROReportSpec parameter. Raises ParameterRefusal."""
    if spec["trigger"] > 2:
        raise parameter_field_refusal(P.RO_REPORT_SPEC, 0, f"ROReportTrigger is 0, 1 or 2, not {spec['trigger']}")
    customs = spec.all(P.CUSTOM)
    for custom in customs:
        check_custom(custom, profile)
    selector = spec.one(P.TAG_REPORT_CONTENT_SELECTOR)
    assert selector is not None  # the grammar demands it
    return Report(spec["trigger"], spec["n"], content_of(selector, customs))


def check_custom(custom: Parsed, profile: ReaderProfile) -> None:
    """Raises ParameterRefusal for a vendor that this reader is not of."""
    if not profile.impinj or custom["vendor"] != profile.manufacturer:
        why = f"custom parameter {custom['vendor']}/{custom['subtype']} is not supported"
        raise ParameterRefusal(P.CUSTOM, Status.P_UNSUPPORTED_PARAMETER, why)


def check_antenna(configuration: Parsed, profile: ReaderProfile) -> None:
    """Raises ParameterRefusal for an AntennaConfiguration beyond the reader's tables."""
    _ranged(configuration, 0, "antenna", 0, profile.antennas)
    receiver, transmitter = configuration.one(P.RF_RECEIVER), configuration.one(P.RF_TRANSMITTER)
    try:
        if receiver is not None:
            _ranged(receiver, 0, "sensitivity", 0, 42)
        if transmitter is not None:
            _ranged(transmitter, 0, "hop_table", 0, 1)
            _ranged(transmitter, 1, "channel", 0, len(profile.frequencies))
            _ranged(transmitter, 2, "power", 0, len(profile.powers))
    except ParameterRefusal as fault:
        raise fault.within(configuration.kind) from fault
    for command in configuration.all(P.C1G2_INVENTORY_COMMAND):
        _check_actions(command, configuration.kind)
    for custom in configuration.all(P.CUSTOM):
        check_custom(custom, profile)


def _check_actions(command: Parsed, around: int) -> None:
    """The targets and actions of state-aware filters have to exist, on readers that ignore them, too."""
    for each in command.all(P.C1G2_FILTER):
        action = each.one(P.C1G2_TAG_INVENTORY_STATE_AWARE_FILTER_ACTION)
        if action is None:
            continue
        try:
            _ranged(action, 0, "target", 0, 4)
            _ranged(action, 1, "action", 0, 7)
        except ParameterRefusal as fault:
            raise fault.within(each.kind).within(command.kind).within(around) from fault


def _check(settings: Settings, parameter: Parsed) -> None:
    profile = settings.spoken
    if parameter.kind == P.RO_REPORT_SPEC:
        report_of(parameter, profile)
    elif parameter.kind == P.KEEPALIVE_SPEC:
        _ranged(parameter, 0, "type", 0, 1)
    elif parameter.kind == P.GPO_WRITE_DATA:
        _ranged(parameter, 0, "port", 1, profile.outputs)
    elif parameter.kind == P.GPI_PORT_CURRENT_STATE:
        _ranged(parameter, 0, "port", 1, profile.inputs)
    elif parameter.kind == P.ANTENNA_CONFIGURATION:
        check_antenna(parameter, profile)
    elif parameter.kind == P.ANTENNA_PROPERTIES:
        raise ParameterRefusal(parameter.kind, Status.P_UNSUPPORTED_PARAMETER, "this reader cannot set antenna properties")
    elif parameter.kind == P.CUSTOM:
        check_custom(parameter, profile)


def _ranged(parameter: Parsed, field_number: int, name: str, least: int, most: int) -> None:
    if not least <= parameter[name] <= most:
        why = f"{Parameter(parameter.kind).name}: {name} is {least} to {most}, not {parameter[name]}"
        raise parameter_field_refusal(parameter.kind, field_number, why)


def _set(settings: Settings, parameter: Parsed) -> None:
    match parameter.kind:
        case P.READER_EVENT_NOTIFICATION_SPEC:
            for state in parameter.children:
                (settings.events.add if state["on"] & 0x80 else settings.events.discard)(state["event"])
        case P.ANTENNA_CONFIGURATION:
            _set_antenna(settings, parameter)
        case P.RO_REPORT_SPEC:
            settings.report = report_of(parameter, settings.spoken)
        case P.ACCESS_REPORT_SPEC:
            settings.access_trigger = parameter["trigger"]
        case P.KEEPALIVE_SPEC:
            settings.keepalive_ms = parameter["period"] if parameter["type"] == 1 else 0
        case P.GPO_WRITE_DATA:
            settings.outputs[parameter["port"]] = bool(parameter["data"] & 0x80)
        case P.GPI_PORT_CURRENT_STATE:
            (settings.inputs_on.add if parameter["enabled"] & 0x80 else settings.inputs_on.discard)(parameter["port"])
        case P.EVENTS_AND_REPORTS:
            settings.hold = bool(parameter["hold"] & 0x80)


def _set_antenna(settings: Settings, configuration: Parsed) -> None:
    """Antenna 0 means all; fields that are absent stay as they were."""
    receiver, transmitter = configuration.one(P.RF_RECEIVER), configuration.one(P.RF_TRANSMITTER)
    kept = b"".join(child.raw for child in configuration.children if child.kind in (P.C1G2_INVENTORY_COMMAND, P.CUSTOM))
    for antenna in settings.antennas if configuration["antenna"] == 0 else (configuration["antenna"],):
        sensitivity, *transmit = settings.antennas[antenna]
        if receiver is not None:
            sensitivity = receiver["sensitivity"]
        if transmitter is not None:
            transmit = [transmitter["hop_table"], transmitter["channel"], transmitter["power"]]
        settings.antennas[antenna] = (sensitivity, transmit[0], transmit[1], transmit[2])
        if kept:
            settings.commands[antenna] = kept


def answer(settings: Settings, request: Parsed) -> bytes:
    """GET_READER_CONFIG: the parameters asked for, in the standard's order. Raises Refusal."""
    requested = request["requested"]
    if requested >= len(_NAMES):
        raise field_refusal(1, f"RequestedData is 0 to {len(_NAMES) - 1}, not {requested}", Status.A_OUT_OF_RANGE)
    for number, name, most in (
        (0, "antenna", settings.profile.antennas),
        (2, "gpi", settings.profile.inputs),
        (3, "gpo", settings.profile.outputs),
    ):
        if request[name] > most:
            raise field_refusal(number, f"this reader has {most} ports of {name}, not {request[name]}", Status.A_OUT_OF_RANGE)
    wanted = _ALL if requested == 0 else (requested,)
    out = b"".join(_part(settings, _NAMES[which], request) for which in wanted)
    return out + b"".join(_impinj_part(settings, custom) for custom in request.all(P.CUSTOM))


def _part(settings: Settings, name: str, request: Parsed) -> bytes:
    antennas = [port for port in settings.antennas if request["antenna"] in (0, port)]
    match name:
        case "identification":
            mac = bytes.fromhex(settings.profile.mac)
            return tlv(P.IDENTIFICATION, u8(0), u16(len(mac)), mac)
        case "antenna_properties":
            return b"".join(tlv(P.ANTENNA_PROPERTIES, flag(port in settings.connected), u16(port, 600)) for port in antennas)
        case "antenna_configuration":
            return b"".join(_antenna(settings, port) for port in antennas)
        case "report":
            report = settings.report
            return tlv(P.RO_REPORT_SPEC, u8(report.trigger), u16(report.n), content_parameters(report.content))
        case "events":
            states = (tlv(P.EVENT_NOTIFICATION_STATE, u16(event), flag(event in settings.events)) for event in Event)
            return tlv(P.READER_EVENT_NOTIFICATION_SPEC, *states)
        case "access_report":
            return tlv(P.ACCESS_REPORT_SPEC, u8(settings.access_trigger))
        case "state_value":
            return tlv(P.LLRP_CONFIGURATION_STATE_VALUE, u32(settings.state_value & 0xFFFFFFFF))
        case "keepalive":
            return tlv(P.KEEPALIVE_SPEC, u8(1 if settings.keepalive_ms else 0), u32(settings.keepalive_ms))
        case "inputs" | "outputs":
            return _pins(settings, name, request)
        case _:
            return tlv(P.EVENTS_AND_REPORTS, flag(settings.hold))


def _antenna(settings: Settings, port: int) -> bytes:
    sensitivity, *transmit = settings.antennas[port]
    return tlv(
        P.ANTENNA_CONFIGURATION,
        u16(port),
        tlv(P.RF_RECEIVER, u16(sensitivity)),
        tlv(P.RF_TRANSMITTER, u16(*transmit)),
        settings.commands.get(port, b""),
    )


def _pins(settings: Settings, name: str, request: Parsed) -> bytes:
    if name == "outputs":
        ports = [port for port in settings.outputs if request["gpo"] in (0, port)]
        return b"".join(tlv(P.GPO_WRITE_DATA, u16(port), flag(settings.outputs[port])) for port in ports)
    return b"".join(
        tlv(P.GPI_PORT_CURRENT_STATE, u16(port), flag(port in settings.inputs_on), u8(_LOW_HIGH[settings.inputs[port]]))
        for port in settings.inputs
        if request["gpi"] in (0, port)
    )


def _impinj_part(settings: Settings, custom: Parsed) -> bytes:
    """Impinj's own configuration, for an ImpinjRequestedData parameter."""
    try:
        check_custom(custom, settings.spoken)
    except ParameterRefusal as fault:
        raise fault.refusal() from fault
    requested = int.from_bytes(custom["data"][:4])
    if custom["subtype"] != Custom.REQUESTED_DATA:
        raise Refusal(Status.M_UNEXPECTED_PARAMETER, "only ImpinjRequestedData belongs into GET_READER_CONFIG")
    parts = {
        2001: impinj(Custom.SUB_REGULATORY_REGION, u16(0 if settings.profile.standard == 1 else 7)),
        2003: b"".join(impinj(Custom.GPI_DEBOUNCE, u16(port), u32(20)) for port in settings.inputs),
        2004: impinj(Custom.READER_TEMPERATURE, u16(38)),
        2005: impinj(Custom.LINK_MONITOR, u16(0, 0)),
        2006: impinj(Custom.REPORT_BUFFER_CONFIGURATION, u16(0)),
    }
    return b"".join(parts.values()) if requested == 2000 else parts.get(requested, b"")
