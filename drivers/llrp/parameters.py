"""Walking LLRP parameters, pure: TLV (16-bit type and length) and TV (8-bit type, known size). LLRP 1.1, section 17.2.7.3."""

from collections.abc import Iterator
from struct import Struct
from typing import Any, NamedTuple

IMPINJ = 25882

# Fields of a tag that are used, by their place in a row (rows are built in report.py).
EPC, ANTENNA, RSSI, CHANNEL, FIRST_UTC, LAST_UTC, FIRST_UP, LAST_UP, COUNT, PHASE, FINE_RSSI, DOPPLER, TID = range(13)
FIELDS = 13
SENT_ANEW = (EPC, PHASE, FINE_RSSI, DOPPLER, TID)
"""Where one of these is absent nothing was measured; any other that is absent equals its last value (LLRP 1.1, 14.2.3)."""

MAX_EPC_BYTES = 64

_TLV = Struct("!HH")
_VENDOR = Struct("!II")
_U16 = Struct("!H")

TV: dict[int, tuple[int | None, str]] = {
    1: (ANTENNA, "H"),
    2: (FIRST_UTC, "Q"),
    3: (FIRST_UP, "Q"),
    4: (LAST_UTC, "Q"),
    5: (LAST_UP, "Q"),
    6: (RSSI, "b"),
    7: (CHANNEL, "H"),
    8: (COUNT, "H"),
    9: (None, "4x"),
    10: (None, "2x"),
    11: (None, "2x"),
    12: (None, "2x"),
    13: (EPC, "12s"),
    14: (None, "2x"),
    15: (None, "2x"),
    16: (None, "4x"),
    17: (None, "2x"),
    18: (None, "4x"),
    19: (None, "2x"),
    20: (None, "2x"),
}
"""TV parameter -> (field or None if of no use here, struct format)."""

UNKNOWN_TV = "unknown_tv"
_COMPLETE = frozenset((EPC, ANTENNA, RSSI, CHANNEL, COUNT))
_LARGEST_TV = 16

CUSTOM = 1023
EPC_DATA = 241
_IMPINJ_VALUES = {56: (PHASE, "H"), 57: (FINE_RSSI, "h"), 68: (DOPPLER, "h")}
_IMPINJ_TID = 55
_OP_SPEC_RESULTS = frozenset((349, 350, 351, 352, 353, 354, 355, 360, 361, 362))

_VALUES = {code: Struct("!" + code) for _, code in (*TV.values(), *_IMPINJ_VALUES.values())}


class Step(NamedTuple):
    """One parameter of a tag: where it and its value stand, and what it says. With `ends` the rest of the tag is lost."""

    start: int
    end: int
    value_at: int = 0
    field: int | None = None
    value: Any = None
    code: str = ""
    reason: str | None = None
    ends: bool = False


def tlvs(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int, str | None]]:
    """(type, start of the value, its end, reason or None) of TLV parameters side by side. A reason ends the walk."""
    while at < end:
        if end - at < _TLV.size:
            yield 0, at, end, "cut_parameter"
            return
        word, length = _TLV.unpack_from(data, at)
        if word & 0x8000:
            yield 0, at, end, "misplaced_tv"
            return
        if length < _TLV.size:
            yield 0, at, end, "bad_length"
            return
        if at + length > end:
            yield 0, at, end, "cut_parameter"
            return
        yield word & 0x3FF, at + _TLV.size, at + length, None
        at += length


def steps(data: bytes, at: int, end: int) -> Iterator[Step]:
    """The parameters inside one TagReportData, in order."""
    met: list[int | None] = []
    while at < end:
        step = _step(data, at, end)
        if step.reason == UNKNOWN_TV:
            step = _resumed(data, step, end, met)
        yield step
        if step.ends:
            return
        met.append(step.field)
        at = step.end


def _step(data: bytes, at: int, end: int) -> Step:
    return _tv(data, at, end) if data[at] & 0x80 else _tlv(data, at, end)


def _resumed(data: bytes, unknown: Step, end: int, met: list[int | None]) -> Step:
    """A TV parameter does not tell its size; if just one size makes the rest of the tag flawless and complete, it is that."""
    sizes = [size for size in range(_LARGEST_TV + 1) if _flawless(data, unknown.start + 1 + size, end, met)]
    if len(sizes) != 1:
        return unknown
    return Step(unknown.start, unknown.start + 1 + sizes[0], unknown.start + 1, reason=UNKNOWN_TV)


def _flawless(data: bytes, at: int, end: int, met: list[int | None]) -> bool:
    """True if only known parameters follow, none of them twice, and all that is asked of a reader is there in the end."""
    fields = list(met)
    while at < end:
        step = _step(data, at, end)
        if step.reason is not None or (step.field is not None and step.field in fields):
            return False
        fields.append(step.field)
        at = step.end
    return set(fields) >= _COMPLETE and (LAST_UTC in fields or LAST_UP in fields)


def _tv(data: bytes, at: int, end: int) -> Step:
    known = TV.get(data[at] & 0x7F)
    if known is None:
        return Step(at, end, reason=UNKNOWN_TV, ends=True)
    field, code = known
    size = _VALUES[code].size
    if at + 1 + size > end:
        return Step(at, end, reason="cut_parameter", ends=True)
    value = None if field is None else _VALUES[code].unpack_from(data, at + 1)[0]
    return Step(at, at + 1 + size, at + 1, field, value, code)


def _tlv(data: bytes, at: int, end: int) -> Step:
    kind, start, stop, fault = next(tlvs(data, at, end))
    if fault is not None:
        return Step(at, end, reason=fault, ends=True)
    if kind == EPC_DATA:
        return _counted(data, at, start, stop, EPC, bits=1)
    if kind == CUSTOM:
        return _custom(data, at, start, stop)
    if kind in _OP_SPEC_RESULTS:
        return Step(at, stop, start)
    return Step(at, stop, start, reason="unknown_tlv")


def _custom(data: bytes, at: int, start: int, stop: int) -> Step:
    if stop - start < _VENDOR.size:
        return Step(at, stop, reason="cut_parameter")
    vendor, subtype = _VENDOR.unpack_from(data, start)
    start += _VENDOR.size
    if vendor != IMPINJ:
        return Step(at, stop, start)
    if subtype == _IMPINJ_TID:
        return _counted(data, at, start, stop, TID, bits=16)
    if subtype not in _IMPINJ_VALUES:
        return Step(at, stop, start)
    field, code = _IMPINJ_VALUES[subtype]
    if stop - start < _VALUES[code].size:
        return Step(at, stop, reason="cut_parameter")
    return Step(at, stop, start, field, _VALUES[code].unpack_from(data, start)[0], code)


def _counted(data: bytes, at: int, start: int, stop: int, field: int, bits: int) -> Step:
    """A 16-bit count of units of `bits` bits, then the bytes. The parameter's own length holds, so a lie costs only itself."""
    if stop - start < _U16.size:
        return Step(at, stop, reason="cut_parameter")
    size = (_U16.unpack_from(data, start)[0] * bits + 7) // 8
    start += _U16.size
    if stop - start < size:
        return Step(at, stop, reason="cut_parameter")
    return Step(at, stop, start, field, bytes(data[start : start + size]), f"{size}s")
