"""A report layout learnt from one tag: one compiled struct reads every tag laid out like it, guarded by a signature. Pure.

The signature is every byte that says what stands where (types, lengths, vendors, bit counts); one AND of big integers
checks it over many tags at once. It is some ten times faster than walking parameter by parameter.
"""

from operator import itemgetter
from struct import Struct
from typing import Any

from drivers.llrp.parameters import FIELDS, UNKNOWN_TV, Step, steps

_TAGS_AT_ONCE = 256


class Layout:
    """Reads reports made only of tags that are laid out like the one it was learnt from."""

    def __init__(self, tag: bytes, found: list[Step]) -> None:
        """`tag` is the whole TagReportData parameter; `found` its parameters, none of them faulty, offsets relative to `tag`."""
        self.stride = len(tag)
        self.oddities = tuple(step.reason for step in found if step.reason is not None)
        code, order, mask = _compile(len(tag), found)
        self.signature = bytes(a & b for a, b in zip(tag, mask, strict=True)) + mask
        self._struct = Struct("!" + code)
        self._pick = itemgetter(*order)
        self._mask = mask
        self._want = self.signature[: len(tag)]
        self._checks: dict[int, tuple[int, int]] = {}

    def rows(self, body: bytes, last: tuple[Any, ...]) -> list[tuple[Any, ...]] | None:
        """One row of FIELDS values a tag, absent ones taken from `last`; None if the report is not all in this layout."""
        if not body or len(body) % self.stride:
            return None
        rows: list[tuple[Any, ...]] = []
        for at in range(0, len(body), self.stride * _TAGS_AT_ONCE):
            piece = body[at : at + self.stride * _TAGS_AT_ONCE]
            mask, want = self._check(len(piece) // self.stride)
            if int.from_bytes(piece, "big") & mask != want:
                return None
            rows += [self._pick(values + last) for values in self._struct.iter_unpack(piece)]
        return rows

    def _check(self, tags: int) -> tuple[int, int]:
        if tags not in self._checks:
            self._checks[tags] = int.from_bytes(self._mask * tags, "big"), int.from_bytes(self._want * tags, "big")
        return self._checks[tags]


def learn(tag: bytes) -> Layout | None:
    """The layout of one whole TagReportData parameter; None if any of it is cut or of a size that it does not tell."""
    found = list(steps(tag, 4, len(tag)))
    if any(step.ends or step.reason in ("cut_parameter", UNKNOWN_TV) for step in found):
        return None
    return Layout(tag, found)


def _compile(length: int, found: list[Step]) -> tuple[str, list[int], bytes]:
    """(struct format, place of each field in the unpacked values followed by the last ones, signature mask)."""
    latest = {step.field: step for step in found if step.field is not None}
    used = sorted(latest.values(), key=lambda step: step.value_at)
    code, at = "", 0
    mask = bytearray(length)
    mask[0:4] = b"\xff" * 4
    for step in found:
        # Values, and the content of what is skipped, may differ from tag to tag.
        mask[step.start : step.value_at] = b"\xff" * (step.value_at - step.start)
    for step in used:
        code += f"{step.value_at - at}x{step.code}"
        at = step.value_at + Struct("!" + step.code).size
    code += f"{length - at}x"
    places = {step.field: place for place, step in enumerate(used)}
    return code, [places.get(field, len(used) + field) for field in range(FIELDS)], bytes(mask)
