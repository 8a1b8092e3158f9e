"""RO_ACCESS_REPORT -> tags, pure. One compiled struct over the whole report where all tags are laid out alike, one a tag where
layouts are mixed, a walker for what was never met.

Formats: LLRP 1.1, sections 14.2 and 17.2.7; Impinj Octane LLRP (vendor 25882): phase in 1/4096 turn, peak RSSI in
1/100 dBm, Doppler in 1/16 Hz. An enabled parameter that is absent equals its last value (14.2.3); Impinj's are always sent.
"""

from collections import Counter
from collections.abc import Iterator
from math import pi
from typing import Any, NamedTuple

from drivers.llrp.layout import Columns, Layout, Row, learn
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
    MAX_EPC_BYTES,
    PHASE,
    RSSI,
    SENT_ANEW,
    TID,
    Step,
    steps,
    tlvs,
)

TAG_REPORT_DATA = 240
QUIET_PARAMETERS = (242, 1023)
"""Besides tags a report may hold RF survey results and vendor parameters: nothing for us, and nothing odd."""

RAD_PER_UNIT = 2 * pi / 4096
_KNOWN_LAYOUTS = 16
_NOTHING: Row = (None,) * FIELDS


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
    """Decodes the reports of one session: it learns their layouts, and keeps the last value of every parameter."""

    def __init__(self, rejects: Counter[str], learning: bool = True) -> None:
        self._rejects = rejects
        self._learning = learning
        self._layouts: list[Layout] = []
        """The one met last stands first."""
        self._last: Row = _NOTHING
        self._newest: Columns | None = None
        """Of the report decoded last, which was all in the first layout; `_last` does not know it yet, and need not while that
        layout lasts: it never tells what it leaves out."""

    def columns(self, body: bytes) -> Columns | None:
        """The tags of a report by field, if all are laid out in one way that was met before; else None, and `decode` it."""
        for layout in self._layouts:
            if not layout.named or (columns := layout.columns(body, self._last)) is None:
                self._settle()  # the next layout may leave out what this one tells
                continue
            if layout is not self._layouts[0]:
                self._layouts.remove(layout)
                self._layouts.insert(0, layout)
            if layout.oddities:
                self._count(layout, len(body) // layout.stride)
            self._newest = columns
            return columns
        return None

    def groups(self, body: bytes) -> list[Columns] | None:
        """The same for a report of several layouts that were met before: the tags of each by field, in no order among the groups.

        Not where one layout tells what another leaves out: then the order of the tags says what equals what.
        """
        columns = self.columns(body)
        if columns is not None:
            return [columns]
        self._settle()
        sorted_ = self._sorted(body)
        if not sorted_ or len({layout.absent for layout in sorted_}) > 1:
            return None
        found = [layout.columns(b"".join(tags), self._last) for layout, tags in sorted_.items()]
        groups = [columns for columns in found if columns is not None]
        if len(groups) < len(found):
            return None
        for layout, tags in sorted_.items():
            self._count(layout, len(tags))
        self._newest = groups[-1]
        self._settle()
        return groups

    def _sorted(self, body: bytes) -> dict[Layout, list[bytes]] | None:
        """The tags of a report by the only layout of their length; None where there is none, or another parameter."""
        layouts: dict[int, Layout | None] = {}
        for layout in self._layouts:
            layouts[layout.stride] = None if layout.stride in layouts or not layout.named else layout
        found: dict[Layout, list[bytes]] = {}
        at, end = 0, len(body)
        while at < end:
            tag = body[at : at + int.from_bytes(body[at + 2 : at + 4], "big")]
            known = layouts.get(len(tag))
            if known is None:
                return None
            found.setdefault(known, []).append(tag)
            at += len(tag)
        return found

    def decode(self, body: bytes) -> list[Tag]:
        """The tags of a report of any layout, in order. Whatever cannot be decoded is counted in `rejects`."""
        columns = self.columns(body)
        if columns is not None:
            return tags_of(columns)
        self._settle()
        rows = [self._row(body, start, end) for start, end in self._tags(body)]
        return [_tag(row) for row in rows if self._has_epc(row)]

    def _tags(self, body: bytes) -> Iterator[tuple[int, int]]:
        """Where the value of each TagReportData starts and ends."""
        for kind, start, end, fault in tlvs(body, 0, len(body)):
            if fault is not None:
                self._rejects[fault] += 1
            elif kind == TAG_REPORT_DATA:
                yield start, end
            elif kind not in QUIET_PARAMETERS:
                self._rejects["unknown_tlv"] += 1

    def _row(self, body: bytes, start: int, end: int) -> Row:
        tag = body[start - 4 : end]
        for layout in self._layouts:
            if layout.stride == len(tag) and (row := layout.row(tag, self._last)) is not None:
                self._count(layout, 1)
                self._last = row
                return row
        found = list(steps(tag, 4, len(tag)))
        learnt = learn(tag, found) if self._learning else None
        if learnt is not None:
            self._layouts = [learnt, *self._layouts[: _KNOWN_LAYOUTS - 1]]
        return self._walked(found)

    def _walked(self, found: list[Step]) -> Row:
        """One tag's values by field. Absent ones are filled only if the tag was read whole: else they may have stood there."""
        told: list[Any] = list(_NOTHING)
        whole = True
        for step in found:
            if step.reason is not None:
                self._rejects[step.reason] += 1
                whole = whole and not step.ends
            elif step.field is not None:
                told[step.field] = step.value
        filled = _filled(tuple(told), self._last)
        self._last = filled
        return filled if whole else tuple(told)

    def _settle(self) -> None:
        """Takes the last tag of the report before into what is known."""
        if self._newest is not None:
            newest = tuple(column[-1] if column else None for column in self._newest)
            self._last, self._newest = _filled(newest, self._last), None

    def _count(self, layout: Layout, tags: int) -> None:
        for reason in layout.oddities:
            self._rejects[reason] += tags

    def _has_epc(self, row: Row) -> bool:
        epc = row[EPC]
        if epc and len(epc) <= MAX_EPC_BYTES:
            return True
        self._rejects["tag_without_epc" if not epc else "epc_too_long"] += 1
        return False


def tags_of(columns: Columns) -> list[Tag]:
    """Columns as tags, one by one."""
    count = len(columns[EPC])
    return [_tag(row) for row in zip(*(column or (None,) * count for column in columns), strict=True)]


def _filled(told: Row, last: Row) -> Row:
    """A row with what it did not tell from the last one, save what is sent anew each time."""
    filled = [new if new is not None else old for new, old in zip(told, last, strict=True)]
    for field in SENT_ANEW:
        filled[field] = told[field]
    return tuple(filled)


def _tag(row: Row) -> Tag:
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
        None if phase is None else (phase & 0xFFF) * RAD_PER_UNIT,
        None if doppler is None else doppler / 16,
        tid.hex().upper() if tid else None,
    )


def _later(first: int | None, last: int | None) -> int | None:
    """A reader may accumulate: the last time seen counts. Zero is a clock that was never set."""
    return max(first or 0, last or 0) or None
