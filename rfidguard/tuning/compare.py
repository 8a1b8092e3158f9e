"""Two replays of one journal, alarm by alarm: what is gone, what is new, what became louder, quieter, earlier, later. Pure."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from rfidguard.tuning.rung import SILENT, Rung
from rfidguard.tuning.staff import RIGHT, Said, Words

GONE, QUIETER, NEW, LOUDER, CHANGED, KEPT = "gone", "quieter", "new", "louder", "changed", "kept"
DIFFERENCES = (GONE, QUIETER, NEW, LOUDER, CHANGED, KEPT)
SHIFT_S = 0.05
"""Half a look of the gate: a smaller shift is none."""
SAME_S = 60.0
"""Alarms of one gate that share an item and lie closer than this are about one incident, whatever its first item was."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one alarm. `kind`: one of DIFFERENCES. `what`: the fields that differ. `shift_s`: how much later it rings
    (earlier: negative). `said`: what staff said of it, if it ever rang.
    """

    kind: str
    before: Rung | None = None
    after: Rung | None = None
    what: tuple[str, ...] = ()
    shift_s: float = 0.0
    said: Said = Said()

    @property
    def alarm(self) -> Rung:
        """The alarm, as it was before where it was."""
        found = self.before or self.after
        assert found is not None
        return found

    def hides(self) -> bool:
        """True where somebody found unpaid goods, and now nothing would have rung for them."""
        if self.before is None or self.said.meaning != RIGHT:
            return False
        named = self.said.right_items() or self.before.unpaid
        left = self.after.unpaid if self.after is not None else frozenset()
        return self.kind in (GONE, QUIETER) or not (named & self.before.unpaid) <= left


def compare(before: Iterable[Rung], after: Iterable[Rung], words: Words) -> list[Difference]:
    """One difference for each alarm that anybody was told of in either replay, in order of time."""
    found = [_difference(old, new, words) for old, new in _pairs(_told(before), _told(after))]
    return sorted(found, key=lambda difference: (difference.alarm.raised_at, difference.alarm.id))


def counts(differences: Iterable[Difference]) -> dict[str, Counter[str]]:
    """Kind of difference -> class of what staff said -> how many."""
    table: dict[str, Counter[str]] = {kind: Counter() for kind in DIFFERENCES}
    for difference in differences:
        table[difference.kind][difference.said.meaning] += 1
    return table


def hidden(differences: Iterable[Difference]) -> list[Difference]:
    """What no setting may do: alarms that staff called right and that would not have rung."""
    return [difference for difference in differences if difference.hides()]


def _told(rung: Iterable[Rung]) -> list[Rung]:
    return sorted((one for one in rung if one.sound > SILENT), key=_raised_at)


def _raised_at(rung: Rung) -> float:
    return rung.raised_at


def _pairs(before: Sequence[Rung], after: Sequence[Rung]) -> list[tuple[Rung | None, Rung | None]]:
    """Those of one passage first; of the rest, those of one incident that are nearest in time."""
    rest = list(after)
    pairs: list[tuple[Rung | None, Rung | None]] = []
    alone = [rung for rung in before if not _paired(rung, rest, pairs, _one_passage)]
    alone = [rung for rung in alone if not _paired(rung, rest, pairs, _one_incident)]
    return [*pairs, *((rung, None) for rung in alone), *((None, rung) for rung in rest)]


def _paired(
    rung: Rung, rest: list[Rung], pairs: list[tuple[Rung | None, Rung | None]], alike: Callable[[Rung, Rung], bool]
) -> bool:
    """Takes the nearest of `rest` that is like `rung` out of it, as its pair."""
    place = bisect_left(rest, rung.raised_at - SAME_S, key=_raised_at)
    near: list[Rung] = []
    while place < len(rest) and rest[place].raised_at <= rung.raised_at + SAME_S:
        near += [rest[place]] if alike(rung, rest[place]) else []
        place += 1
    if not near:
        return False
    found = min(near, key=lambda other: _apart_s(rung, other))
    rest.remove(found)
    pairs.append((rung, found))
    return True


def _one_passage(one: Rung, other: Rung) -> bool:
    return one.passage == other.passage


def _one_incident(one: Rung, other: Rung) -> bool:
    shared = {item.epc for item in one.items} & {item.epc for item in other.items}
    return one.gate == other.gate and bool(shared)


def _apart_s(one: Rung, other: Rung) -> float:
    return abs(one.raised_at - other.raised_at)


def _difference(old: Rung | None, new: Rung | None, words: Words) -> Difference:
    known = old or new
    assert known is not None
    said = words.of(known)
    if old is None or new is None:
        return Difference(kind=NEW if old is None else GONE, before=old, after=new, said=said)
    what = _what(old, new)
    shift_s = 0.0 if old.rang_at is None or new.rang_at is None else round(new.rang_at - old.rang_at, 3)
    shift_s = shift_s if abs(shift_s) >= SHIFT_S else 0.0
    return Difference(kind=_kind(old, new, bool(what or shift_s)), before=old, after=new, what=what, shift_s=shift_s, said=said)


def _kind(old: Rung, new: Rung, differs: bool) -> str:
    if new.sound != old.sound:
        return LOUDER if new.sound > old.sound else QUIETER
    return CHANGED if differs else KEPT


def _what(old: Rung, new: Rung) -> tuple[str, ...]:
    fields = (
        ("kind", old.kind, new.kind),
        ("severity", old.severity, new.severity),
        ("escalation", old.escalated, new.escalated),
        ("items", old.unpaid, new.unpaid),
        ("outputs", frozenset(old.outputs), frozenset(new.outputs)),
    )
    return tuple(name for name, one, other in fields if one != other)
