"""Messages by number, requests and answers, pure; and the few messages that sllurp has no codec for. LLRP 1.1, section 17.1."""

from dataclasses import dataclass
from struct import Struct

from drivers.llrp.frames import HEADER, Frame
from drivers.llrp.parameters import IMPINJ, tlvs

GET_READER_CAPABILITIES = 1
GET_READER_CONFIG = 2
SET_READER_CONFIG = 3
CLOSE_CONNECTION_RESPONSE = 4
CLOSE_CONNECTION = 14
ADD_ROSPEC = 20
DELETE_ROSPEC = 21
START_ROSPEC = 22
STOP_ROSPEC = 23
ENABLE_ROSPEC = 24
GET_ROSPECS = 26
DELETE_ACCESSSPEC = 41
GET_SUPPORTED_VERSION = 46
SET_PROTOCOL_VERSION = 47
RO_ACCESS_REPORT = 61
KEEPALIVE = 62
READER_EVENT_NOTIFICATION = 63
ENABLE_EVENTS_AND_REPORTS = 64
KEEPALIVE_ACK = 72
ERROR_MESSAGE = 100
CUSTOM_MESSAGE = 1023

ANSWER_OF = {
    GET_READER_CAPABILITIES: 11,
    GET_READER_CONFIG: 12,
    SET_READER_CONFIG: 13,
    CLOSE_CONNECTION: CLOSE_CONNECTION_RESPONSE,
    ADD_ROSPEC: 30,
    DELETE_ROSPEC: 31,
    START_ROSPEC: 32,
    STOP_ROSPEC: 33,
    ENABLE_ROSPEC: 34,
    GET_ROSPECS: 36,
    DELETE_ACCESSSPEC: 51,
    GET_SUPPORTED_VERSION: 56,
    SET_PROTOCOL_VERSION: 57,
    CUSTOM_MESSAGE: CUSTOM_MESSAGE,
}

CONFIG_ANTENNAS = 2
CONFIG_STATE_VALUE = 7
CONFIG_INPUTS = 9
CONFIG_OUTPUTS = 10
"""What GET_READER_CONFIG may ask for."""

ROSPEC_ACTIVE = 2

STATUS_NAMES = {
    0: "M_Success",
    100: "M_ParameterError",
    101: "M_FieldError",
    102: "M_UnexpectedParameter",
    103: "M_MissingParameter",
    104: "M_DuplicateParameter",
    105: "M_OverflowParameter",
    106: "M_OverflowField",
    107: "M_UnknownParameter",
    108: "M_UnknownField",
    109: "M_UnsupportedMessage",
    110: "M_UnsupportedVersion",
    111: "M_UnsupportedParameter",
    112: "M_UnexpectedMessage",
    200: "P_ParameterError",
    201: "P_FieldError",
    202: "P_UnexpectedParameter",
    203: "P_MissingParameter",
    204: "P_DuplicateParameter",
    205: "P_OverflowParameter",
    206: "P_OverflowField",
    207: "P_UnknownParameter",
    208: "P_UnknownField",
    209: "P_UnsupportedParameter",
    300: "A_Invalid",
    301: "A_OutOfRange",
    401: "R_DeviceError",
}

_STATUS, _FIELD_ERROR, _PARAMETER_ERROR = 287, 288, 289
_ROSPEC, _GPO_WRITE_DATA, _EVENTS_AND_REPORTS = 177, 219, 226
_TLV = Struct("!HH")
_TWO = Struct("!HH")
_PIN = Struct("!HB")
_ROSPEC_HEAD = Struct("!IBB")
_CONFIG_REQUEST = Struct("!HBHH")
_VENDOR = Struct("!IB")
_U32 = Struct("!I")


@dataclass(frozen=True)
class Request:
    """One question to the reader. `what` says in a technician's words what is being tried."""

    kind: int
    body: bytes
    what: str
    timeout_s: float = 2.0
    version: int | None = None
    """Protocol version of this message's header, where it is not the session's."""


@dataclass(frozen=True)
class Status:
    """An LLRPStatus: code 0 is success."""

    code: int
    text: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    def __str__(self) -> str:
        name = STATUS_NAMES.get(self.code, f"status {self.code}")
        return f"{name}: {self.text}" if self.text else name


@dataclass(frozen=True)
class Answer:
    """What came of a request: an answer with its status, or nothing (`frame` None) before its time was up."""

    frame: Frame | None = None
    status: Status | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and self.status.ok

    @property
    def silent(self) -> bool:
        return self.frame is None

    def __str__(self) -> str:
        return "no answer" if self.status is None else str(self.status)


def message(kind: int, number: int, body: bytes = b"", version: int = 1) -> bytes:
    """The bytes of one message."""
    return HEADER.pack(version << 10 | kind, HEADER.size + len(body), number) + body


def status_of(frame: Frame) -> Status:
    """The LLRPStatus in an answer. An answer without a readable one has code -1."""
    skip = {56: 2, CUSTOM_MESSAGE: _VENDOR.size}.get(frame.kind, 0)
    for kind, start, end, fault in tlvs(frame.body, min(skip, len(frame.body)), len(frame.body)):
        if fault is None and kind == _STATUS and end - start >= _TWO.size:
            code, size = _TWO.unpack_from(frame.body, start)
            text_end = min(start + _TWO.size + size, end)
            text = frame.body[start + _TWO.size : text_end].decode("utf-8", "replace").strip("\0 ")
            return Status(code, " ".join(filter(None, (text, _culprit(frame.body[text_end:end])))))
    return Status(-1, "an answer without a status")


def supported_version(frame: Frame) -> int:
    """The highest protocol version in a GET_SUPPORTED_VERSION_RESPONSE; 1 if it cannot be read."""
    return frame.body[1] if len(frame.body) >= 2 else 1


def rospecs_in(frame: Frame) -> dict[int, int]:
    """ROSpec id -> state (0 disabled, 1 inactive, 2 active) in a GET_ROSPECS_RESPONSE."""
    found = {}
    for kind, start, end, fault in tlvs(frame.body, 0, len(frame.body)):
        if fault is None and kind == _ROSPEC and end - start >= _ROSPEC_HEAD.size:
            number, _, state = _ROSPEC_HEAD.unpack_from(frame.body, start)
            found[number] = state
    return found


def outputs_in(frame: Frame) -> dict[int, bool]:
    """Output pin -> on, in a GET_READER_CONFIG_RESPONSE."""
    found = {}
    for kind, start, end, fault in tlvs(frame.body, 0, len(frame.body)):
        if fault is None and kind == _GPO_WRITE_DATA and end - start >= _PIN.size:
            pin, state = _PIN.unpack_from(frame.body, start)
            found[pin] = bool(state & 0x80)
    return found


def config_request(wanted: int, pin: int = 0) -> bytes:
    """Body of GET_READER_CONFIG: `wanted` of all antennas, inputs and outputs, or of output `pin`. sllurp mixes up the fields."""
    return _CONFIG_REQUEST.pack(0, wanted, 0, pin)


def set_outputs(levels: dict[int, bool]) -> bytes:
    """Body of SET_READER_CONFIG that switches outputs."""
    parameters = (_TLV.pack(_GPO_WRITE_DATA, 7) + _PIN.pack(pin, on << 7) for pin, on in levels.items())
    return b"\0" + b"".join(parameters)


def hold_on_reconnect(hold: bool) -> bytes:
    """The EventsAndReports parameter: whether a reader keeps reports back after a reconnect until it is asked for them."""
    return _TLV.pack(_EVENTS_AND_REPORTS, 5) + bytes((hold << 7,))


def rospec_number(number: int) -> bytes:
    """Body of every message that only names a ROSpec or AccessSpec; 0 = all."""
    return _U32.pack(number)


def enable_impinj_extensions() -> bytes:
    """Body of IMPINJ_ENABLE_EXTENSIONS (subtype 21): without it an Impinj reader refuses its own parameters."""
    return _VENDOR.pack(IMPINJ, 21) + _U32.pack(0)


def _culprit(data: bytes) -> str:
    """Which parameter or field the reader complains about, as far as it says."""
    words = []
    for kind, start, end, fault in tlvs(data, 0, len(data)):
        if fault is not None or end - start < _TWO.size:
            break
        number, code = _TWO.unpack_from(data, start)
        noun = {_FIELD_ERROR: "field", _PARAMETER_ERROR: "parameter"}.get(kind)
        if noun:
            words.append(f"({noun} {number}: {STATUS_NAMES.get(code, code)})")
            words.append(_culprit(data[start + _TWO.size : end]))
    return " ".join(filter(None, words))
