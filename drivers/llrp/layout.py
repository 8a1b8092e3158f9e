"""A report layout learnt from one tag: one compiled struct reads every tag laid out like it, guarded by a signature. Pure.

The signature is every byte that says what stands where (types, lengths, vendors, bit counts); one AND of big integers
checks it over many tags at once. What comes out is columns, one a field: no object is made for a tag.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from struct import Struct
from typing import Any, NamedTuple

from drivers.llrp.parameters import EPC, FIELDS, MAX_EPC_BYTES, SENT_ANEW, UNKNOWN_TV, Step

Row = tuple[Any, ...]
"""One tag: a value for each field, None where it was not told."""

Columns = Sequence[Sequence[Any]]
"""Many tags: for each field one value a tag, or nothing where no tag told it."""

TAGS_AT_ONCE = 64
"""Compiled for each number of tags up to this, some 10 kB each; larger reports are read tag by tag."""
_NOTHING = (None,)
_NO_COLUMN = slice(0, 0)
_number = int.from_bytes


class _Plan(NamedTuple):
    """How to read a report of one length: what must stand under the mask, and the struct."""

    mask: int
    want: int
    unpack: Callable[[bytes], Row]


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
        self._one = Struct("!" + self._code)
        self._fields = tuple(step.field or 0 for step in used)
        places = {field: slice(place, None, len(used)) for place, field in enumerate(self._fields)}
        self._by_field = itemgetter(*(places.get(field, _NO_COLUMN) for field in range(FIELDS)))
        self._pick = itemgetter(*_places(used))
        self._plans: dict[int, _Plan] = {}
        """By the length of a report."""

    def columns(self, body: bytes, last: Row) -> Columns | None:
        """The tags of a report by field, absent ones taken from `last`; None unless all of it is in this layout."""
        plan = self._plans.get(len(body))
        if plan is None:
            count, rest = divmod(len(body), self.stride)
            if rest or not count:
                return None
            if count > TAGS_AT_ONCE:
                return self._large(body, last, count)
            plan = self._planned(count)
        mask, want, unpack = plan
        if _number(body, "big") & mask != want:
            return None
        columns: Columns = self._by_field(unpack(body))
        return self._filled(columns, last, len(body) // self.stride) if last is not self._last or self._gaps else columns

    def _large(self, body: bytes, last: Row, count: int) -> Columns | None:
        if not self._fits(body):
            return None
        columns: list[Sequence[Any]] = [()] * FIELDS
        unpacked = zip(*self._one.iter_unpack(body), strict=True)
        for field, column in zip(self._fields, unpacked, strict=True):
            columns[field] = column
        return self._filled(columns, last, count)

    def _filled(self, columns: Columns, last: Row, count: int) -> Columns:
        """With what these tags leave out, where a last value is known."""
        if last is not self._last:
            self._last, self._gaps = last, tuple((field, last[field]) for field in self.absent if last[field] is not None)
        if not self._gaps:
            return columns
        filled = list(columns)
        for field, value in self._gaps:
            filled[field] = (value,) * count
        return filled

    def row(self, tag: bytes, last: Row) -> Row | None:
        """One whole TagReportData parameter, absent fields taken from `last`; None if it is laid out in another way."""
        mask, want, unpack = self._planned(1)
        if _number(tag, "big") & mask != want:
            return None
        picked: Row = self._pick(unpack(tag) + last + _NOTHING)
        return picked

    def _fits(self, body: bytes) -> bool:
        """Whether a large report is all in this layout."""
        size = self.stride * TAGS_AT_ONCE
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            mask, want, _ = self._planned(len(piece) // self.stride)
            if _number(piece, "big") & mask != want:
                return False
        return True

    def _planned(self, tags: int) -> _Plan:
        plan = self._plans.get(tags * self.stride)
        if plan is None:
            mask, want = (_number(signed * tags, "big") for signed in (self._mask, self._want))
            plan = self._plans[tags * self.stride] = _Plan(mask, want, Struct("!" + self._code * tags).unpack)
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
