"""Step 3e: what `passage.look` may find of one tag, with the numbers that told so. Pure."""

from collections.abc import Mapping

import msgspec

from rfidguard.track import Track
from rfidguard.trees import Table, grouped, probability, shares

GROUPS: Mapping[str, tuple[str, ...]] = {
    "place": ("p_out", "p_entered", "p_inside", "was_inner", "was_outer", "crossed_s"),
    "handover": (
        "split", "split_in", "split_s", "split_count_s", "visit_ears", "visit_far", "visit_since",
        "near_lift", "far_lift", "lift",
        "side", "swing", "centroid", "peak_diff", "now_diff", "near_fall", "far_fall", "far_vs_peak", "near_vs_peak",
        "far_loud", "near_loud", "diff_0", "diff_1", "diff_2", "turned", "peaks_apart", "firsts_apart", "least_peak",
        "near_age", "near_peak_age", "near_n0", "near_n1", "near_n2", "far_age", "far_peak_age", "far_n0", "far_n1", "far_n2",
        "after_told", "gone_told", "before_told", "before_near", "before_far", "passing_near", "passing_far", "after_near",
        "after_far", "before_strange", "after_strange", "slots_near", "early_strange", "coming_strange", "passing_strange",
        "going_strange", "gone_strange",
    ),
    "rise_fall": (
        "span", "spans", "fall", "peak_age", "early_peak", "coming_peak", "passing_peak", "going_peak", "gone_peak",
    ),
    "phase": ("step1", "steps", "stepmean1", "liveliest", "turn"),
    "doppler": ("doppler",),
    "ripple": ("ripple", "p_still", "calm"),
    "shelf": (
        "off1", "off3", "offmean1", "offmean3", "offn1", "has_base", "stir", "home", "still_s",
        "ears1", "ears", "far_rise", "near_drop", "any_rise", "any_drop", "most_rise",
        "owed", "owed_home", "near_owed", "far_owed", "pace3", "off_since", "offn_since", "settled_s", "moved_s",
        "share", "shelf_reads", "shelf_far", "shelf_near", "before_dev", "before_devmean", "after_dev", "after_devmean",
        "after_far_rise", "after_near_rise", "before_near_rise", "after_far_lift", "before_near_lift", "before_far_lift",
        "pace", "quiet_owed", "near_quiet", "after_owed", "before_owed", "shelf_slots", "shelf_loud", "stood_s",
        "early_owed", "coming_owed", "passing_owed", "going_owed", "gone_owed",
        "early_dev", "coming_dev", "passing_dev", "going_dev", "gone_dev",
        "early_rise", "coming_rise", "passing_rise", "going_rise", "gone_rise",
        "early_lift", "coming_lift", "passing_lift", "going_lift", "gone_lift",
    ),
    "new": ("new", "seen_s", "known_s", "age_s"),
    "people": (
        "count_out_s", "count_in_s", "count_unknown_s", "counts_out", "counts_in", "counts_unknown", "counter",
        "peak_out_s", "peak_in_s", "peak_unknown_s", "cross_out_s", "cross_in_s", "cross_unknown_s",
        "first_out_s", "first_in_s", "first_unknown_s", "n_since", "near_since", "far_since", "near_step", "far_step",
        "age", "passed_in", "passed_out",
    ),
    "loud": ("loud", "after_far_loud", "passing_loud", "after_loud"),
    "hearing": ("n1", "n3", "n", "slots", "bins", "quiet_s", "missed", "visit_n", "visit_owed", "quiet"),
    "company": (
        "company", "movers", "missing", "flips", "rank", "rivals", "ahead", "shelf_tags", "given_before",
        "given_passing", "given_after",
    ),
}  # fmt: skip
"""The terms that people see: each is the sum of what its signs add to the score. explain.py tells what they mean."""

MOVED = 0.0
"""The `motion` from which a tag was surely carried by somebody, wherever to."""
_MOTION = ("handover", "rise_fall", "phase", "doppler", "ripple", "shelf", "new", "company")
_RAW = {"n": "reads", "side": "side_db", "span": "span_db", "loud": "loud_db", "seen_s": "seen_s", "still_s": "still_s"}


class Found(msgspec.Struct, frozen=True):
    """What `look` found: `direction` out, in, none or unknown, and a reason of its own where nothing left."""

    direction: str
    crossing: float
    start: float
    certainty: float
    terms: dict[str, float]
    reason: str | None = None


def found(
    direction: str, track: Track, told: Table, signs: Mapping[str, float], crossing: float, reason: str | None = None
) -> Found:
    """A finding, explained: `told` is the table whose score over `signs` decided."""
    parts = grouped(shares(told, signs), GROUPS)
    total = sum(parts.values())
    terms = {name: round(value, 3) for name, value in parts.items()}
    terms |= {shown: round(signs[name], 2) for name, shown in _RAW.items() if name in signs}
    terms["motion"] = round(sum(parts.get(name, 0.0) for name in _MOTION), 3)
    terms["score"] = round(total, 3)
    certainty = probability(total) if direction in ("out", "in", "unknown") else 1.0 - probability(total)
    return Found(direction, crossing, track.start_at, round(certainty, 4), terms, reason)
