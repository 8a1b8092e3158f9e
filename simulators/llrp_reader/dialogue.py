"""A client's messages, each answered as LLRP 1.0.1 (sections 9 to 14) wants; version negotiation as in 1.1."""

import struct
from collections.abc import Callable

from simulators.llrp_reader.capabilities import capabilities, impinj_capabilities
from simulators.llrp_reader.device import AccessSpec, Device, all_named
from simulators.llrp_reader.grammar import Parsed, parse_message
from simulators.llrp_reader.numbers import (
    IMPINJ,
    IMPINJ_ENABLE_EXTENSIONS,
    IMPINJ_ENABLE_EXTENSIONS_RESPONSE,
    IMPINJ_SAVE_SETTINGS,
    IMPINJ_SAVE_SETTINGS_RESPONSE,
    RESPONSES,
    Custom,
    Message,
    Parameter,
    Status,
)
from simulators.llrp_reader.refusal import SUCCESS, ParameterRefusal, Refusal, field_refusal, status
from simulators.llrp_reader.rospec import rospec_of
from simulators.llrp_reader.settings import answer, apply, check_custom
from simulators.llrp_reader.wire import Frame, custom_message, message, u8

_VERSION_MESSAGES = (Message.GET_SUPPORTED_VERSION, Message.SET_PROTOCOL_VERSION)
Handler = Callable[[Device, Parsed], bytes]


def handle(device: Device, frame: Frame) -> None:
    """Does what one message asks and sends the answer, if it has one, before the events and reports that the message set off."""
    link = device.outlet.link
    if link is None:
        return
    if frame.kind in device.faults.unanswered:
        device.counts["ignored_by_fault"] += 1
        return
    device.counts["messages"] += 1
    mark = link.queued
    try:
        answered = _judge_fault(device, frame) or _judge_version(device, frame) or _answer(device, frame)
    except Refusal as refusal:
        device.counts["refused_messages"] += 1
        answered = _refused(device, frame, refusal)
    link.insert(mark, answered)
    if frame.kind == Message.CLOSE_CONNECTION and frame.kind not in device.faults.errors:
        link.closing = True


def _judge_fault(device: Device, frame: Frame) -> bytes | None:
    code = device.faults.errors.get(frame.kind)
    if code is None:
        return None
    return _refused(device, frame, Refusal(Status(code), "this error was ordered"))


def _judge_version(device: Device, frame: Frame) -> bytes | None:
    """A version that is not spoken gets ERROR_MESSAGE 110 in version 1 (LLRP 1.1, section 10.1)."""
    negotiating = frame.kind in _VERSION_MESSAGES and frame.version == 2 <= device.max_version
    if frame.version == device.outlet.version or negotiating:
        return None
    device.counts["unsupported_version"] += 1
    why = f"this connection speaks version {device.outlet.version}, not {frame.version}"
    return message(Message.ERROR_MESSAGE, frame.number, status(Refusal(Status.M_UNSUPPORTED_VERSION, why)))


def _answer(device: Device, frame: Frame) -> bytes:
    if frame.kind == Message.CUSTOM_MESSAGE:
        return _custom(device, frame)
    handler = _HANDLERS.get(frame.kind)
    if handler is None or (frame.kind in _VERSION_MESSAGES and device.max_version < 2):
        raise Refusal(Status.M_UNSUPPORTED_MESSAGE, f"message type {frame.kind} is not supported")
    kind = Message(frame.kind)
    body = handler(device, parse_message(kind, frame.body))
    if kind == Message.GET_SUPPORTED_VERSION:
        return message(RESPONSES[kind], frame.number, u8(device.outlet.version, device.max_version) + SUCCESS, 2)
    version = frame.version if kind in _VERSION_MESSAGES else device.outlet.version
    return message(RESPONSES[kind], frame.number, SUCCESS + body, version) if kind in RESPONSES else b""


def _refused(device: Device, frame: Frame, refusal: Refusal) -> bytes:
    """The message's own response with the error in it; ERROR_MESSAGE where it has none."""
    body = status(refusal)
    if frame.kind == Message.GET_SUPPORTED_VERSION and device.max_version > 1:
        body = u8(device.outlet.version, device.max_version) + body
    kind = RESPONSES[Message(frame.kind)] if frame.kind in _HANDLERS and frame.kind in RESPONSES else Message.ERROR_MESSAGE
    if refusal.code == Status.M_UNSUPPORTED_MESSAGE:
        kind = Message.ERROR_MESSAGE
    return message(kind, frame.number, body, device.outlet.version)


def _custom(device: Device, frame: Frame) -> bytes:
    if len(frame.body) < 5:
        raise Refusal(Status.M_FIELD_ERROR, "a custom message needs a vendor and a subtype")
    vendor, subtype = struct.unpack_from(">IB", frame.body)
    if device.profile.impinj and vendor == IMPINJ and subtype == IMPINJ_ENABLE_EXTENSIONS:
        device.settings.extensions = True
        return custom_message(frame.number, IMPINJ_ENABLE_EXTENSIONS_RESPONSE, SUCCESS, device.outlet.version)
    if device.profile.impinj and vendor == IMPINJ and subtype == IMPINJ_SAVE_SETTINGS:
        return custom_message(frame.number, IMPINJ_SAVE_SETTINGS_RESPONSE, SUCCESS, device.outlet.version)
    raise Refusal(Status.M_UNSUPPORTED_MESSAGE, f"custom message {vendor}/{subtype} is not supported")


def _get_capabilities(device: Device, request: Parsed) -> bytes:
    out = capabilities(device.profile, request["requested"], not device.faults.no_utc, device.outlet.version)
    for custom in request.all(Parameter.CUSTOM):
        try:
            check_custom(custom, device.settings.spoken)
        except ParameterRefusal as fault:
            raise fault.refusal() from fault
        if custom["subtype"] == Custom.REQUESTED_DATA:
            out += impinj_capabilities(device.profile, int.from_bytes(custom["data"][:4]))
    return out


def _get_config(device: Device, request: Parsed) -> bytes:
    return answer(device.settings, request)


def _set_config(device: Device, request: Parsed) -> bytes:
    before = device.settings.keepalive_ms
    for port, on in apply(device.settings, request).items():
        device.output_written(port, on)
    if device.settings.keepalive_ms != before:
        device.plan_keepalive()
    return b""


def _add_rospec(device: Device, request: Parsed) -> bytes:
    device.operation.add(rospec_of(request.children[0], device.settings.spoken))
    device.settings.state_value += 1
    return b""


def _get_rospecs(device: Device, _: Parsed) -> bytes:
    return b"".join(entry.rospec.parameter(entry.state) for entry in device.operation.entries.values())


def _add_accessspec(device: Device, request: Parsed) -> bytes:
    spec = request.children[0]
    if spec["id"] == 0 or spec["id"] in device.accessspecs:
        raise field_refusal(0, f"AccessSpec id {spec['id']} is 0 or in use")
    if len(device.accessspecs) >= device.profile.max_accessspecs:
        raise Refusal(Status.M_OVERFLOW_PARAMETER, f"this reader holds {device.profile.max_accessspecs} AccessSpecs at most")
    device.accessspecs[spec["id"]] = AccessSpec(spec.raw)
    device.settings.state_value += 1
    return b""


def _get_accessspecs(device: Device, _: Parsed) -> bytes:
    return b"".join(spec.parameter() for spec in device.accessspecs.values())


def _delete_accessspec(device: Device, request: Parsed) -> bytes:
    for spec_id in _known_accessspecs(device, request["id"]):
        del device.accessspecs[spec_id]
    device.settings.state_value += 1
    return b""


def _enable_accessspec(device: Device, request: Parsed) -> bytes:
    for spec_id in _known_accessspecs(device, request["id"]):
        device.accessspecs[spec_id].enabled = True
    return b""


def _disable_accessspec(device: Device, request: Parsed) -> bytes:
    for spec_id in _known_accessspecs(device, request["id"]):
        device.accessspecs[spec_id].enabled = False
    return b""


def _known_accessspecs(device: Device, spec_id: int) -> list[int]:
    if spec_id and spec_id not in device.accessspecs:
        raise field_refusal(0, f"there is no AccessSpec with id {spec_id}")
    return all_named(device.accessspecs, spec_id)


def _enable_events(device: Device, _: Parsed) -> bytes:
    device.outlet.release()
    device.reporter.take()
    return b""


def _get_report(device: Device, _: Parsed) -> bytes:
    device.outlet.release()
    device.reporter.take(even_empty=True)
    return b""


def _keepalive_ack(device: Device, _: Parsed) -> bytes:
    device.counts["keepalive_acks"] += 1
    return b""


def _set_version(device: Device, request: Parsed) -> bytes:
    if not 1 <= request["version"] <= device.max_version:
        raise Refusal(Status.M_UNSUPPORTED_VERSION, f"version {request['version']} is not supported")
    device.outlet.version = request["version"]
    return b""


def _nothing(_: Device, __: Parsed) -> bytes:
    return b""


def _on_rospec(verb: str) -> Handler:
    def handler(device: Device, request: Parsed) -> bytes:
        getattr(device.operation, verb)(request["id"])
        device.settings.state_value += 1
        return b""

    return handler


_HANDLERS: dict[int, Handler] = {
    Message.GET_READER_CAPABILITIES: _get_capabilities,
    Message.GET_READER_CONFIG: _get_config,
    Message.SET_READER_CONFIG: _set_config,
    Message.ADD_ROSPEC: _add_rospec,
    Message.DELETE_ROSPEC: _on_rospec("delete"),
    Message.START_ROSPEC: _on_rospec("start"),
    Message.STOP_ROSPEC: _on_rospec("stop"),
    Message.ENABLE_ROSPEC: _on_rospec("enable"),
    Message.DISABLE_ROSPEC: _on_rospec("disable"),
    Message.GET_ROSPECS: _get_rospecs,
    Message.ADD_ACCESSSPEC: _add_accessspec,
    Message.DELETE_ACCESSSPEC: _delete_accessspec,
    Message.ENABLE_ACCESSSPEC: _enable_accessspec,
    Message.DISABLE_ACCESSSPEC: _disable_accessspec,
    Message.GET_ACCESSSPECS: _get_accessspecs,
    Message.GET_REPORT: _get_report,
    Message.ENABLE_EVENTS_AND_REPORTS: _enable_events,
    Message.KEEPALIVE_ACK: _keepalive_ack,
    Message.GET_SUPPORTED_VERSION: _nothing,
    Message.SET_PROTOCOL_VERSION: _set_version,
    Message.CLOSE_CONNECTION: _nothing,
}
