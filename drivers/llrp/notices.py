"""READER_EVENT_NOTIFICATION -> what happened at the reader, pure. Formats: LLRP 1.1, section 17.2.7.6."""

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

from drivers.llrp.parameters import tlvs

CONNECTION_STATUS = {
    1: "it dialled another host itself and keeps that connection",
    2: "another program is connected to it",
    3: "it gives no reason",
    4: "another program tries to connect to it",
}


@dataclass(frozen=True)
class InputChanged:
    """Input `pin` went high or low."""

    pin: int
    high: bool


@dataclass(frozen=True)
class RospecChanged:
    """An inventory started, ended, or was pushed aside by another one (`what` = start, end or preempted)."""

    what: str
    rospec: int


@dataclass(frozen=True)
class BufferFilling:
    percent: int


@dataclass(frozen=True)
class BufferOverflow:
    """The reader threw reports away."""


@dataclass(frozen=True)
class ReaderComplaint:
    """A reader exception, in the reader's own words."""

    text: str


@dataclass(frozen=True)
class AntennaChanged:
    antenna: int
    connected: bool


@dataclass(frozen=True)
class ConnectionAttempt:
    """0 = this connection stands; anything else is explained by CONNECTION_STATUS."""

    status: int


@dataclass(frozen=True)
class ConnectionClosed:
    """The reader ends the session of its own accord."""


Happening = (
    InputChanged
    | RospecChanged
    | BufferFilling
    | BufferOverflow
    | ReaderComplaint
    | AntennaChanged
    | ConnectionAttempt
    | ConnectionClosed
)


@dataclass(frozen=True)
class Notices:
    """One notification. `stamp_us` is UTC, or the time since the reader's start if `uptime`; None if it told no time."""

    happenings: tuple[Happening, ...] = ()
    stamp_us: int | None = None
    uptime: bool = False


@dataclass
class _Reading:
    happenings: list[Happening] = field(default_factory=list)
    stamp_us: int | None = None
    uptime: bool = False


_DATA = 246
_UTC, _UPTIME = 128, 129
_OF_NO_USE = frozenset((247, 253, 254, 356, 1023))
"""Hopping, RF survey, end of AISpec, loop count, vendor events."""

_U8 = Struct("!B")
_U16 = Struct("!H")
_U64 = Struct("!Q")
_PIN = Struct("!HB")
_ROSPEC = Struct("!BII")
_ANTENNA = Struct("!BH")
_ROSPEC_WHAT = {0: "start", 1: "end", 2: "preempted"}


def decode_notices(body: bytes, rejects: Counter[str]) -> Notices:
    """What one notification says. Anything that cannot be read is counted in `rejects`; the rest still comes."""
    reading = _Reading()
    for kind, start, end, fault in tlvs(body, 0, len(body)):
        if fault is not None:
            rejects[fault] += 1
        elif kind == _DATA:
            _read_data(body[start:end], reading, rejects)
        elif kind != 1023:
            rejects["unknown_tlv"] += 1
    return Notices(tuple(reading.happenings), reading.stamp_us, reading.uptime)


def _read_data(data: bytes, reading: _Reading, rejects: Counter[str]) -> None:
    for kind, start, end, fault in tlvs(data, 0, len(data)):
        if fault is not None:
            rejects[fault] += 1
            continue
        try:
            _read_one(kind, data[start:end], reading, rejects)
        except (struct.error, KeyError):
            rejects["bad_notice"] += 1


def _read_one(kind: int, value: bytes, reading: _Reading, rejects: Counter[str]) -> None:
    """Raises struct.error or KeyError where the value is not what its type promises."""
    if kind in (_UTC, _UPTIME):
        reading.stamp_us = _U64.unpack_from(value)[0] or None
        reading.uptime = kind == _UPTIME
    elif kind in _DECODERS:
        reading.happenings.append(_DECODERS[kind](value))
    elif kind not in _OF_NO_USE:
        rejects["unknown_notice"] += 1


def _input(value: bytes) -> Happening:
    pin, state = _PIN.unpack_from(value)
    return InputChanged(pin, bool(state & 0x80))


def _rospec(value: bytes) -> Happening:
    what, rospec, _ = _ROSPEC.unpack_from(value)
    return RospecChanged(_ROSPEC_WHAT[what], rospec)


def _complaint(value: bytes) -> Happening:
    (size,) = _U16.unpack_from(value)
    return ReaderComplaint(value[2 : 2 + size].decode("utf-8", "replace"))


def _antenna(value: bytes) -> Happening:
    state, antenna = _ANTENNA.unpack_from(value)
    return AntennaChanged(antenna, bool(state))


def _filling(value: bytes) -> Happening:
    return BufferFilling(_U8.unpack_from(value)[0])


def _attempt(value: bytes) -> Happening:
    return ConnectionAttempt(_U16.unpack_from(value)[0])


_DECODERS: dict[int, Callable[[bytes], Happening]] = {
    248: _input,
    249: _rospec,
    250: _filling,
    251: lambda _: BufferOverflow(),
    252: _complaint,
    255: _antenna,
    256: _attempt,
    257: lambda _: ConnectionClosed(),
}
