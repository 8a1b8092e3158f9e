"""The figures of a report, made of a tally: shares and rates with their 95 % intervals, times, directions. Pure."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rfidguard.intervals import count_interval, share_interval
from rfidguard.tally import Tally

SELDOM_BEFORE_S = -0.5
"""A ring earlier than this before the crossing is right, but should be seldom."""


def figures(tally: Tally) -> dict[str, Any]:
    """The figures, ready for JSON. Shares and rates have a 95 % interval beside them; None where nothing was to count."""
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
        "item_recall": share(tally.items_found, tally.items),
        "item_recall_read": share(tally.items_read_found, tally.items_read),
        "passage_recall": share(tally.thefts_found, tally.thefts),
        "passage_recall_read": share(tally.thefts_read_found, tally.thefts_read),
        "precision": share(tally.rings_right, tally.rings),
        "alarms": tally.alarms,
        "alarm_precision": share(tally.alarms - tally.false_alarms, tally.alarms),
        "false_incidents": tally.false_alarms,
        "false_incidents_duplicate": tally.duplicates,
        "false_per_1000_clean": _rate(tally.false_alarms, tally.clean / 1000.0),
        "false_per_hour": _rate(tally.false_alarms, hours),
        "false_per_100": rate(tally.false_alarms, tally.clean / 100.0),
        "false_per_1000": rate(tally.false_alarms, tally.clean / 1000.0),
        "false_an_hour": rate(tally.false_alarms, hours),
        "false_per_100_not_inbound": rate(tally.false_alarms - tally.false_in, (tally.clean - tally.clean_in) / 100.0),
        "false_per_100_inbound": rate(tally.false_in, tally.clean_in / 100.0),
        "false_by": dict(sorted(tally.false_by.items())),
        "missed_by": dict(sorted(tally.missed_by.items())),
        "by_kind": by_kind(tally),
        "decision_s": {name: _quantile(waits, part) for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))},
        "early_rings": {"before_0_5_s": len(early), "of": len(waits), "earliest_s": round(min(tally.delays_s, default=0.0), 3)},
        "direction": _directions(tally.directions),
        "stray_load": _stray_load(tally),
        "other_alarms": {
            kind: {"expected": tally.expected[kind], "found": tally.expected_found[kind], "raised": tally.other_alarms[kind]}
            for kind in sorted({*tally.expected, *tally.other_alarms})
        },
    }


def by_kind(tally: Tally) -> dict[str, dict[str, int]]:
    """The counts of each kind of passage."""
    return {
        kind: {
            "passages": count,
            "thefts": tally.thefts_by[kind],
            "thefts_found": tally.thefts_found_by[kind],
            "items": tally.items_by[kind],
            "items_found": tally.items_found_by[kind],
            "items_read": tally.items_read_by[kind],
            "items_read_found": tally.items_read_found_by[kind],
            "false": tally.false_by[kind],
        }
        for kind, count in sorted(tally.kinds.items())
    }


def share(count: int, total: int) -> dict[str, Any]:
    """A share with its interval."""
    if not total:
        return {"value": None, "count": 0, "of": 0, "low": None, "high": None}
    low, high = share_interval(count, total)
    return {"value": round(count / total, 5), "count": count, "of": total, "low": round(low, 5), "high": round(high, 5)}


def rate(count: int, units: float) -> dict[str, Any]:
    """`count` rare events for each of `units`, with its interval."""
    if units <= 0:
        return {"value": None, "count": count, "low": None, "high": None}
    low, high = count_interval(count)
    return {"value": round(count / units, 4), "count": count, "low": round(low / units, 4), "high": round(high / units, 4)}


def _rate(count: int, units: float) -> float | None:
    return round(count / units, 4) if units > 0 else None


def _directions(pairs: Counter[str]) -> dict[str, Any]:
    """Of tags that crossed: was a direction told, was it right, and what was said of each."""
    told = right = total = 0
    for pair, count in pairs.items():
        truth, _, decided = pair.partition(">")
        total += count
        told += count * (decided in ("in", "out", "both"))
        right += count * (decided == truth)
    return {"told": share(told, total), "right_of_told": share(right, told), "pairs": dict(sorted(pairs.items()))}


def _stray_load(tally: Tally) -> dict[str, Any]:
    """How much of the readers' time shelf goods took."""
    scenes, seconds = max(tally.scenes, 1), max(tally.seconds, 1e-9)
    return {
        "standing_tags_a_scene": round(tally.standing / scenes, 1),
        "reads_a_second": round(tally.reads / seconds, 1),
        "share_of_standing": share(tally.reads_standing, tally.reads)["value"],
    }


def _quantile(ordered: Sequence[float], part: float) -> float | None:
    """The smallest value that `part` of all do not exceed."""
    return round(ordered[min(math.ceil(part * len(ordered)), len(ordered)) - 1], 3) if ordered else None
