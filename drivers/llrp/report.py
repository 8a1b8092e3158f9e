"""RO_ACCESS_REPORT -> tags, pure. One compiled struct over the whole report where all tags are laid out alike, else a walker.

Formats: LLRP 1.1, sections 14.2 and 17.2.7; Impinj Octane LLRP (vendor 25882): phase in 1/4096 turn, peak RSSI in
1/100 dBm, Doppler in 1/16 Hz. An enabled parameter that is absent equals its last value (14.2.3); Impinj's are always sent.
"""

from collections import Counter
from collections.abc import Iterator
from math import pi
from typing import Any, NamedTuple

from drivers.llrp.layout import Layout, learn
from drivers.llrp.parameters import (
    ANTENNA,
    CHANNEL,
    COUNT,
    DOPPLER,
    EPC,
    FIELDS,
    FINE_RSSI,
    FIRST_UP,
    FIRST_UTC,
    LAST_UP,
    LAST_UTC,
    PHASE,
    RSSI,
    TID,
    Step,
    steps,
    tlvs,
)

TAG_REPORT_DATA = 240
QUIET_PARAMETERS = (242, 1023)
"""Besides tags a report may hold RF survey results and vendor parameters: nothing for us, and nothing odd."""

MAX_EPC_BYTES = 64
_SENT_ANEW = (EPC, PHASE, FINE_RSSI, DOPPLER, TID)
_KNOWN_LAYOUTS = 16
_NOTHING: tuple[Any, ...] = (None,) * FIELDS


class Tag(NamedTuple):
    """One tag of a report. `stamp_us` is the latest time told: UTC microseconds, or since the reader's start if `uptime`."""

    epc: str
    antenna: int | None
    rssi_dbm: float | None
    channel: int | None
    stamp_us: int | None
    uptime: bool
    seen: int
    phase_rad: float | None
    doppler_hz: float | None
    tid: str | None


class ReportDecoder:
    """Decodes the reports of one session: it learns their layout, and keeps the last value of every parameter."""

    def __init__(self, rejects: Counter[str], learning: bool = True) -> None:
        self._rejects = rejects
        self._learning = learning
        self._layout: Layout | None = None
        self._layouts: dict[bytes, Layout] = {}
        self._last: list[Any] = list(_NOTHING)

    def decode(self, body: bytes) -> list[Tag]:
        """The tags of one report's body, in order. Whatever cannot be decoded is counted in `rejects`."""
        if self._layout is not None and (rows := self._layout.rows(body, tuple(self._last))):
            self._remember(rows[-1])
            for reason in self._layout.oddities:
                self._rejects[reason] += len(rows)
        else:
            rows = self._walk(body)
        return [_tag(row) for row in rows if self._has_epc(row)]

    def _walk(self, body: bytes) -> list[tuple[Any, ...]]:
        """Rows of a report of any layout. The first tag's layout is learnt for the reports to come."""
        rows: list[tuple[Any, ...]] = []
        for kind, start, end, fault in tlvs(body, 0, len(body)):
            if fault is not None:
                self._rejects[fault] += 1
            elif kind == TAG_REPORT_DATA:
                if not rows and self._learning:
                    self._learn(body[start - 4 : end])
                rows.append(self._row(steps(body, start, end)))
            elif kind not in QUIET_PARAMETERS:
                self._rejects["unknown_tlv"] += 1
        return rows

    def _learn(self, tag: bytes) -> None:
        learnt = learn(tag)
        if learnt is not None:
            if len(self._layouts) >= _KNOWN_LAYOUTS:
                self._layouts.clear()
            self._layout = self._layouts.setdefault(learnt.signature, learnt)

    def _row(self, found: Iterator[Step]) -> tuple[Any, ...]:
        """One tag's values by field. Absent ones are filled only if the tag was read whole: else they may have stood there."""
        row: list[Any] = list(_NOTHING)
        whole = True
        for step in found:
            if step.reason is not None:
                self._rejects[step.reason] += 1
                whole = whole and not step.ends
            elif step.field is not None:
                row[step.field] = step.value
        if whole:
            row = [new if new is not None else last for new, last in zip(row, self._last, strict=True)]
        self._remember(tuple(row))
        return tuple(row)

    def _remember(self, row: tuple[Any, ...]) -> None:
        last = [new if new is not None else old for new, old in zip(row, self._last, strict=True)]
        for field in _SENT_ANEW:
            last[field] = None
        self._last = last

    def _has_epc(self, row: tuple[Any, ...]) -> bool:
        epc = row[EPC]
        if epc and len(epc) <= MAX_EPC_BYTES:
            return True
        self._rejects["tag_without_epc" if not epc else "epc_too_long"] += 1
        return False


def _tag(row: tuple[Any, ...]) -> Tag:
    stamp = _later(row[FIRST_UTC], row[LAST_UTC])
    uptime = stamp is None
    if stamp is None:
        stamp = _later(row[FIRST_UP], row[LAST_UP])
    fine, phase, doppler, tid = row[FINE_RSSI], row[PHASE], row[DOPPLER], row[TID]
    return Tag(
        row[EPC].hex().upper(),
        row[ANTENNA],
        fine / 100 if fine is not None else row[RSSI],
        row[CHANNEL],
        stamp,
        uptime and stamp is not None,
        row[COUNT] or 1,
        None if phase is None else (phase & 0xFFF) * (2 * pi / 4096),
        None if doppler is None else doppler / 16,
        tid.hex().upper() if tid else None,
    )


def _later(first: int | None, last: int | None) -> int | None:
    """A reader may accumulate: the last time seen counts. Zero is a clock that was never set."""
    return max(first or 0, last or 0) or None
