"""A report layout learnt from one tag: one compiled struct reads every tag laid out like it, guarded by a signature. Pure.

The signature is every byte that says what stands where (types, lengths, vendors, bit counts); one AND of big integers
checks it over many tags at once. What comes out is columns, one a field: no object is made for a tag.
"""

from collections.abc import Sequence
from operator import itemgetter
from struct import Struct
from typing import Any

from drivers.llrp.parameters import EPC, FIELDS, MAX_EPC_BYTES, SENT_ANEW, UNKNOWN_TV, Step

Row = tuple[Any, ...]
"""One tag: a value for each field, None where it was not told."""

Columns = list[Sequence[Any] | None]
"""Many tags: for each field one value a tag, or None where no tag told it."""

TAGS_AT_ONCE = 64
"""Compiled for each number of tags up to this, some 10 kB each; larger reports are read tag by tag."""
_NOTHING = (None,)
_NO_COLUMNS: Columns = [None] * FIELDS


class Layout:
    """Reads tags that are laid out like the one it was learnt from."""

    def __init__(self, tag: bytes, found: list[Step]) -> None:
        """`tag` is the whole TagReportData parameter; `found` its parameters, none of them faulty, offsets relative to `tag`."""
        self.stride = len(tag)
        self.oddities = tuple(step.reason for step in found if step.reason is not None)
        latest = {step.field: step for step in found if step.field is not None}
        used = sorted(latest.values(), key=lambda step: step.value_at)
        self.named = EPC in latest and 0 < len(latest[EPC].value) <= MAX_EPC_BYTES
        """Whether its tags have an EPC of a sane length."""
        self.absent = tuple(field for field in range(FIELDS) if field not in latest and field not in SENT_ANEW)
        """Fields that equal their last value."""
        self._last: Row | None = None
        self._gaps: tuple[tuple[int, Any], ...] = ()
        mask = _mask(len(tag), found)
        self.signature = bytes(a & b for a, b in zip(tag, mask, strict=True)) + mask
        self._mask, self._want = mask, self.signature[: len(tag)]
        self._code = _code(len(tag), used)
        self._slices = tuple((step.field or 0, slice(place, None, len(used))) for place, step in enumerate(used))
        self._pick = itemgetter(*_places(used))
        self._plans: dict[int, tuple[Struct, int, int]] = {}

    def columns(self, body: bytes, last: Row) -> Columns | None:
        """The tags of a report by field, absent ones taken from `last`; None unless all of it is in this layout."""
        count, rest = divmod(len(body), self.stride)
        if rest or not count:
            return None
        if count > TAGS_AT_ONCE:
            return self._large(body, last, count)
        code, mask, want = self._plans.get(count) or self._planned(count)
        if int.from_bytes(body, "big") & mask != want:
            return None
        values = code.unpack(body)
        columns = self._gapped(last, count) if last is not self._last or self._gaps else _NO_COLUMNS.copy()
        for field, places in self._slices:
            columns[field] = values[places]
        return columns

    def _large(self, body: bytes, last: Row, count: int) -> Columns | None:
        if not self._fits(body):
            return None
        columns = self._gapped(last, count)
        unpacked = zip(*self._planned(1)[0].iter_unpack(body), strict=True)
        for (field, _), column in zip(self._slices, unpacked, strict=True):
            columns[field] = column
        return columns

    def _gapped(self, last: Row, count: int) -> Columns:
        """Columns of what these tags leave out, where a last value is known."""
        if last is not self._last:
            self._last, self._gaps = last, tuple((field, last[field]) for field in self.absent if last[field] is not None)
        columns = _NO_COLUMNS.copy()
        for field, value in self._gaps:
            columns[field] = (value,) * count
        return columns

    def row(self, tag: bytes, last: Row) -> Row | None:
        """One whole TagReportData parameter, absent fields taken from `last`; None if it is laid out in another way."""
        code, mask, want = self._planned(1)
        if int.from_bytes(tag, "big") & mask != want:
            return None
        picked: Row = self._pick(code.unpack(tag) + last + _NOTHING)
        return picked

    def _fits(self, body: bytes) -> bool:
        """Whether a large report is all in this layout."""
        size = self.stride * TAGS_AT_ONCE
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            _, mask, want = self._planned(len(piece) // self.stride)
            if int.from_bytes(piece, "big") & mask != want:
                return False
        return True

    def _planned(self, tags: int) -> tuple[Struct, int, int]:
        """(struct, mask, what must be under the mask) for so many tags."""
        plan = self._plans.get(tags)
        if plan is None:
            mask, want = (int.from_bytes(signed * tags, "big") for signed in (self._mask, self._want))
            plan = self._plans[tags] = Struct("!" + self._code * tags), mask, want
        return plan


def learn(tag: bytes, found: list[Step]) -> Layout | None:
    """The layout of one whole TagReportData parameter; None if any of it is cut or of a size that it does not tell."""
    if any(step.ends or step.reason in ("cut_parameter", UNKNOWN_TV) for step in found):
        return None
    return Layout(tag, found)


def _code(length: int, used: list[Step]) -> str:
    code, at = "", 0
    for step in used:
        code += f"{step.value_at - at}x{step.code}"
        at = step.value_at + Struct("!" + step.code).size
    return f"{code}{length - at}x"


def _mask(length: int, found: list[Step]) -> bytes:
    mask = bytearray(length)
    mask[0:4] = b"\xff" * 4
    for step in found:
        # Values, and the content of what is skipped, may differ from tag to tag.
        mask[step.start : step.value_at] = b"\xff" * (step.value_at - step.start)
    return bytes(mask)


def _places(used: list[Step]) -> list[int]:
    """Where each field stands in the unpacked values, followed by the last row, followed by None."""
    places = {step.field: place for place, step in enumerate(used)}
    nowhere = len(used) + FIELDS
    return [places.get(field, nowhere if field in SENT_ANEW else len(used) + field) for field in range(FIELDS)]
