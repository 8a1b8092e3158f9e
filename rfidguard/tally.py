"""The outcome of scored scenes: raw counts that add up, and the figures of a report made of them. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SELDOM_BEFORE_S = -0.5
"""A ring earlier than this before the crossing is right, but should be seldom."""
_Z_95 = 1.96


@dataclass(frozen=True)
class Tally:
    """The raw outcome of one scene, or of several added up."""

    scenes: int = 0
    seconds: float = 0.0
    passages: int = 0
    clean: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    items: int = 0
    items_found: int = 0
    items_read: int = 0
    items_read_found: int = 0
    thefts: int = 0
    thefts_found: int = 0
    thefts_read: int = 0
    thefts_read_found: int = 0
    rings: int = 0
    rings_right: int = 0
    alarms: int = 0
    false_alarms: int = 0
    duplicates: int = 0
    false_by: Counter[str] = field(default_factory=Counter)
    missed_by: Counter[str] = field(default_factory=Counter)
    delays_s: tuple[float, ...] = ()
    expected: Counter[str] = field(default_factory=Counter)
    expected_found: Counter[str] = field(default_factory=Counter)
    other_alarms: Counter[str] = field(default_factory=Counter)
    mixes: tuple[str, ...] = ()
    simulated: bool = True

    def __add__(self, other: "Tally") -> "Tally":
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__ if name != "simulated"}
        return Tally(**sums, simulated=self.simulated and other.simulated)


def figures(tally: Tally) -> dict[str, Any]:
    """The figures of a report, ready for JSON. Shares have a 95 % interval beside them; None where nothing was to count."""
    hours = tally.seconds / 3600.0
    early = [delay for delay in tally.delays_s if delay < SELDOM_BEFORE_S]
    waits = sorted(max(delay, 0.0) for delay in tally.delays_s)
    return {
        "simulated": tally.simulated,
        "mix": list(tally.mixes),
        "scenes": tally.scenes,
        "seconds": round(tally.seconds, 3),
        "passages": tally.passages,
        "clean_passages": tally.clean,
        "kinds": dict(sorted(tally.kinds.items())),
        "item_recall": _share(tally.items_found, tally.items),
        "item_recall_read": _share(tally.items_read_found, tally.items_read),
        "passage_recall": _share(tally.thefts_found, tally.thefts),
        "passage_recall_read": _share(tally.thefts_read_found, tally.thefts_read),
        "precision": _share(tally.rings_right, tally.rings),
        "alarms": tally.alarms,
        "false_incidents": tally.false_alarms,
        "false_incidents_duplicate": tally.duplicates,
        "false_per_1000_clean": _rate(tally.false_alarms, tally.clean / 1000.0),
        "false_per_hour": _rate(tally.false_alarms, hours),
        "false_by": dict(sorted(tally.false_by.items())),
        "missed_by": dict(sorted(tally.missed_by.items())),
        "decision_s": {name: _quantile(waits, part) for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
        "early_rings": {"before_0_5_s": len(early), "of": len(waits), "earliest_s": round(min(tally.delays_s, default=0.0), 3)},
        "other_alarms": {
            kind: {"expected": tally.expected[kind], "found": tally.expected_found[kind], "raised": tally.other_alarms[kind]}
            for kind in sorted({*tally.expected, *tally.other_alarms})
        },
    }


def _share(count: int, total: int) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson)."""
    if not total:
        return {"value": None, "count": 0, "of": 0, "low": None, "high": None}
    value, square = count / total, _Z_95 * _Z_95
    middle = (value + square / (2 * total)) / (1 + square / total)
    reach = _Z_95 * math.sqrt(value * (1 - value) / total + square / (4 * total * total)) / (1 + square / total)
    return {
        "value": round(value, 5),
        "count": count,
        "of": total,
        "low": round(max(middle - reach, 0.0), 5),
        "high": round(min(middle + reach, 1.0), 5),
    }


def _rate(count: int, units: float) -> float | None:
    return round(count / units, 4) if units > 0 else None


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    """The smallest value that `part` of all do not exceed."""
    return round(ordered[min(math.ceil(part * len(ordered)), len(ordered)) - 1], 3) if ordered else None
