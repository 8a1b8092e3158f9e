"""Reads as LLRP reports, laid out as an Impinj reader sends them."""

import struct
from collections.abc import Sequence

from rfidguard.events import Read

IMPINJ = 25882
_HEAD = struct.Struct("!HII")
_TAG = struct.Struct("!HHB12sBHBbBHBQBQBH")
_IMPINJ = struct.Struct("!HHIIhHHIIH")


def report(reads: Sequence[Read], number: int = 0) -> bytes:
    """One RO_ACCESS_REPORT. EPCs have 96 bits; a read's channel is an index or left at 1."""
    body = b"".join(map(_tag, reads))
    return _HEAD.pack(1 << 10 | 61, 10 + len(body), number) + body


def _tag(read: Read) -> bytes:
    at = round(read.at * 1e6)
    channel = read.channel if isinstance(read.channel, int) else 1
    level = round(read.rssi_dbm)
    fine = _IMPINJ.pack(
        1023, 14, IMPINJ, 57, round(read.rssi_dbm * 100), 1023, 14, IMPINJ, 56, round((read.phase_rad or 0.0) * 651.8986) & 0xFFF
    )
    return (
        _TAG.pack(
            240, _TAG.size + len(fine), 0x8D, bytes.fromhex(read.epc), 0x81, read.antenna, 0x86, level, 0x87, channel,
            0x82, at, 0x84, at, 0x88, read.count,
        )
        + fine
    )  # fmt: skip
