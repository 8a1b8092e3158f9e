"""A comparison in words and as one JSON object. Pure."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rfidguard.alarm import utc_text
from rfidguard.tuning.compare import CHANGED, DIFFERENCES, GONE, KEPT, LOUDER, NEW, QUIETER, Difference, counts, hidden
from rfidguard.tuning.rung import Rung
from rfidguard.tuning.staff import FALSE, OPEN, RIGHT, TILL

KIND_WORDS = {
    GONE: "gone",
    QUIETER: "no longer ring, but are told",
    NEW: "new",
    LOUDER: "were told only, and would ring",
    CHANGED: "otherwise different",
    KEPT: "as before",
}
CLASS_WORDS = {RIGHT: "right", FALSE: "false", TILL: "paid late", OPEN: "unanswered"}
_TOLD_APART = (GONE, QUIETER)


def sentences(differences: Sequence[Difference]) -> list[str]:
    """What the change would have meant, the worst first."""
    found = counts(differences)
    if not differences:
        return ["Nobody was told of anything in this time, with either setting."]
    if found[KEPT].total() == len(differences):
        return [f"Nothing would have been different: {_alarms(len(differences))} as before."]
    return [*_hidden(differences), _summary(found, _changes(differences)), *_timing(differences)]


def message(differences: Sequence[Difference]) -> dict[str, Any]:
    """The comparison as one JSON object; alarms that stay as they were are counted only."""
    found = counts(differences)
    return {
        "counts": {kind: {"total": found[kind].total(), **found[kind]} for kind in DIFFERENCES},
        "hides": [difference.alarm.id for difference in hidden(differences)],
        "text": sentences(differences),
        "alarms": [_difference(difference) for difference in differences if difference.kind != KEPT],
    }


def change_words(difference: Difference) -> str:
    """What is different about one alarm."""
    old, new = difference.before, difference.after
    if old is None or new is None:
        return "would ring" if old is None and new is not None and new.rang_at is not None else KIND_WORDS[difference.kind]
    if difference.kind in (QUIETER, LOUDER):
        return "told, but would not ring" if difference.kind == QUIETER else "was told only, and would ring"
    parts = [_what(name, old, new) for name in difference.what]
    if difference.shift_s:
        parts.append(f"{abs(difference.shift_s):.1f} s {'later' if difference.shift_s > 0 else 'earlier'}")
    return ", ".join(parts)


def _hidden(differences: Sequence[Difference]) -> list[str]:
    lost = hidden(differences)
    if not lost:
        return []
    names = ", ".join(difference.alarm.id for difference in lost[:5]) + (", …" if len(lost) > 5 else "")
    return [f"It would have hidden {_alarms(len(lost))} that staff called right ({names})."]


def _changes(differences: Sequence[Difference]) -> str:
    """In what those differ that ring as before: "3 later, 2 in severity"."""
    changed = [difference for difference in differences if difference.kind == CHANGED]
    times = Counter("later" if difference.shift_s > 0 else "earlier" for difference in changed if difference.shift_s)
    fields = Counter(name for difference in changed for name in difference.what)
    return ", ".join([*(f"{n} {word}" for word, n in times.items()), *(f"{n} in {name}" for name, n in fields.items())])


def _summary(found: dict[str, Counter[str]], changes: str) -> str:
    parts = []
    for kind in DIFFERENCES:
        total = found[kind].total()
        if kind in _TOLD_APART and total:
            parts.append(f"{_alarms(total)} {KIND_WORDS[kind]}, of which {_classes(found[kind])}")
        elif total:
            parts.append(f"{total} {KIND_WORDS[kind]}" + (f" ({changes})" if kind == CHANGED else ""))
    return "; ".join(parts) + "."


def _classes(found: Counter[str]) -> str:
    """ "staff called 9 false and 0 right, 3 were unanswered"."""
    told = f"staff called {found[FALSE]} false and {found[RIGHT]} right"
    late = [f"{found[TILL]} {'was' if found[TILL] == 1 else 'were'} paid late"] if found[TILL] else []
    unknown = [f"{found[OPEN]} unanswered"] if found[OPEN] else []
    return ", ".join([told, *late, *unknown])


def _timing(differences: Sequence[Difference]) -> list[str]:
    late = sorted(d.shift_s for d in differences if d.shift_s > 0 and d.said.meaning == RIGHT)
    if not late:
        return []
    return [f"{_alarms(len(late))} that staff called right would ring later, by up to {late[-1]:.1f} s."]


def _alarms(number: int) -> str:
    return f"{number} alarm{'' if number == 1 else 's'}"


def _what(name: str, old: Rung, new: Rung) -> str:
    if name == "items":
        gone, more = len(old.unpaid - new.unpaid), len(new.unpaid - old.unpaid)
        return " ".join([*([f"{gone} fewer items"] if gone else []), *([f"{more} more items"] if more else [])])
    if name == "escalation":
        return "escalated" if new.escalated else "not escalated"
    if name == "outputs":
        return f"switches {', '.join(new.outputs) or 'nothing'}"
    return f"{getattr(old, name)} → {getattr(new, name)}"


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "difference": difference.kind,
        "what": list(difference.what),
        "shift_s": difference.shift_s,
        "outcome": difference.said.outcome,
        "meaning": difference.said.meaning,
        "before": None if difference.before is None else rung_message(difference.before),
        "after": None if difference.after is None else rung_message(difference.after),
    }


def rung_message(rung: Rung) -> dict[str, Any]:
    """One replay's alarm as a JSON object."""
    return {
        "id": rung.id,
        "gate": rung.gate,
        "kind": rung.kind,
        "severity": rung.severity,
        "raised_at": utc_text(rung.raised_at),
        "rang_at": None if rung.rang_at is None else utc_text(rung.rang_at),
        "escalated": rung.escalated,
        "unpaid": sorted(rung.unpaid),
        "outputs": list(rung.outputs),
    }
