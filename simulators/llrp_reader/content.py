"""Which fields a tag report carries, and one report as bytes (LLRP 1.0.1, sections 13.2.1 and 13.2.3)."""

import binascii
import math
import struct
from dataclasses import dataclass

from simulators.llrp_reader.grammar import Parsed
from simulators.llrp_reader.numbers import IMPINJ, Custom, Parameter
from simulators.llrp_reader.wire import impinj, s16, tlv, u16

P = Parameter


@dataclass(frozen=True)
class Content:
    """A content selector: the standard's flags, EPC memory fields, and Impinj's custom fields (subtypes of what enables them)."""

    flags: int = 0
    memory: int = 0
    custom: frozenset[int] = frozenset()

    def has(self, bit: int) -> bool:
        """Whether one of the standard's fields is enabled."""
        return bool(self.flags & bit)


ROSPEC_ID, SPEC_INDEX, INVENTORY_SPEC_ID, ANTENNA_ID, CHANNEL = 0x8000, 0x4000, 0x2000, 0x1000, 0x0800
PEAK_RSSI, FIRST_SEEN, LAST_SEEN, SEEN_COUNT, ACCESSSPEC_ID = 0x0400, 0x0200, 0x0100, 0x0080, 0x0040
CRC, PC = 0x80, 0x40


@dataclass(frozen=True)
class TagSeen:
    """What one report tells: one read, or several of the same tag put together. Times are microseconds of the reader's clock."""

    epc: bytes
    rospec: int
    spec_index: int
    inventory_spec: int
    antenna: int
    channel: int
    rssi_dbm: float
    first_us: int
    last_us: int
    count: int
    phase_rad: float | None = None
    doppler_hz: float | None = None
    tid: bytes | None = None


class TagEncoder:
    """Writes tag reports. `uptime`: the reader has no UTC clock. `omit_unchanged`: fields that did not change are left out."""

    def __init__(self, uptime: bool = False, omit_unchanged: bool = False) -> None:
        self.uptime, self.omit = uptime, omit_unchanged
        self._first = P.FIRST_SEEN_UPTIME if uptime else P.FIRST_SEEN_UTC
        self._last = P.LAST_SEEN_UPTIME if uptime else P.LAST_SEEN_UTC
        self._told: dict[int, bytes] = {}

    def encode(self, tag: TagSeen, content: Content) -> bytes:
        """The TagReportData parameter."""
        fields = self._standard(tag, content)
        if self.omit:
            fields = [field for field in fields if self._is_news(field)]
        return tlv(P.TAG_REPORT_DATA, _epc(tag.epc), *fields, _memory(tag, content), _impinj(tag, content))

    def _standard(self, tag: TagSeen, content: Content) -> list[bytes]:
        wanted = (
            (ROSPEC_ID, P.ROSPEC_ID, ">BI", tag.rospec),
            (SPEC_INDEX, P.SPEC_INDEX, ">BH", tag.spec_index),
            (INVENTORY_SPEC_ID, P.INVENTORY_PARAMETER_SPEC_ID, ">BH", tag.inventory_spec),
            (ANTENNA_ID, P.ANTENNA_ID, ">BH", tag.antenna),
            (PEAK_RSSI, P.PEAK_RSSI, ">Bb", max(-128, min(127, round(tag.rssi_dbm)))),
            (CHANNEL, P.CHANNEL_INDEX, ">BH", tag.channel),
            (FIRST_SEEN, self._first, ">BQ", tag.first_us),
            (LAST_SEEN, self._last, ">BQ", tag.last_us),
            (SEEN_COUNT, P.TAG_SEEN_COUNT, ">BH", min(tag.count, 0xFFFF)),
            (ACCESSSPEC_ID, P.ACCESSSPEC_ID, ">BI", 0),
        )
        return [struct.pack(layout, 0x80 | kind, value) for bit, kind, layout, value in wanted if content.flags & bit]

    def _is_news(self, field: bytes) -> bool:
        if self._told.get(field[0]) == field:
            return False
        self._told[field[0]] = field
        return True


def content_of(selector: Parsed, customs: list[Parsed]) -> Content:
    """The content of a TagReportContentSelector and of the custom parameters beside it in the ROReportSpec."""
    memory = selector.one(P.C1G2_EPC_MEMORY_SELECTOR)
    enabled: set[int] = set()
    for custom in customs:
        if (custom["vendor"], custom["subtype"]) == (IMPINJ, Custom.TAG_REPORT_CONTENT_SELECTOR):
            enabled |= _enabled(custom["data"])
    return Content(selector["flags"], memory["flags"] if memory else 0, frozenset(enabled))


def _enabled(data: bytes) -> set[int]:
    """Impinj's selector holds custom parameters, each with one 16-bit mode: 0 off, 1 on."""
    found = set()
    while len(data) >= 14:
        _, length, vendor, subtype, mode = struct.unpack_from(">HHIIH", data)
        if vendor == IMPINJ and mode:
            found.add(subtype)
        data = data[max(length, 14) :]
    return found


def content_parameters(content: Content) -> bytes:
    """The content selector as GET_READER_CONFIG gives it back."""
    memory = tlv(P.C1G2_EPC_MEMORY_SELECTOR, bytes((content.memory,))) if content.memory else b""
    selector = tlv(P.TAG_REPORT_CONTENT_SELECTOR, u16(content.flags), memory)
    if not content.custom:
        return selector
    enabled = (impinj(subtype, u16(1)) for subtype in sorted(content.custom))
    return selector + impinj(Custom.TAG_REPORT_CONTENT_SELECTOR, *enabled)


def _epc(epc: bytes) -> bytes:
    if len(epc) == 12:
        return bytes((0x80 | P.EPC_96,)) + epc
    return tlv(P.EPC_DATA, u16(len(epc) * 8), epc)


def _memory(tag: TagSeen, content: Content) -> bytes:
    protocol_control = (len(tag.epc) + 1) // 2 << 11
    out = b""
    if content.memory & CRC:
        stored = binascii.crc_hqx(u16(protocol_control) + tag.epc, 0xFFFF) ^ 0xFFFF
        out += struct.pack(">BH", 0x80 | P.C1G2_CRC, stored)
    if content.memory & PC:
        out += struct.pack(">BH", 0x80 | P.C1G2_PC, protocol_control)
    return out


def _impinj(tag: TagSeen, content: Content) -> bytes:
    if not content.custom:
        return b""
    out = b""
    if Custom.ENABLE_SERIALIZED_TID in content.custom and tag.tid:
        out += impinj(Custom.SERIALIZED_TID, u16(len(tag.tid) // 2), tag.tid)
    if Custom.ENABLE_RF_PHASE_ANGLE in content.custom and tag.phase_rad is not None:
        out += impinj(Custom.RF_PHASE_ANGLE, u16(round(tag.phase_rad / (2 * math.pi) * 4096) % 4096))
    if Custom.ENABLE_PEAK_RSSI in content.custom:
        out += impinj(Custom.PEAK_RSSI, s16(_short(tag.rssi_dbm * 100)))
    if Custom.ENABLE_RF_DOPPLER in content.custom and tag.doppler_hz is not None:
        out += impinj(Custom.RF_DOPPLER, s16(_short(tag.doppler_hz * 16)))
    return out


def _short(value: float) -> int:
    return max(-32768, min(32767, round(value)))
