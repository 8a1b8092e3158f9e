"""How long the way from the till to the door is in this shop, and so how long a sale of an article can pay for an item. Pure.

Walks are counted in buckets that grow by a tenth each, so that a year of them is some hundred numbers; old ones fade.
"""

import math
from collections.abc import Mapping

ENOUGH = 300
"""Fewer walks say nothing of the slowest in a hundred."""
SHARE = 0.99
GROWTH = 1.1
LONGEST_S = 4 * 3600.0
"""Who comes after this comes back, and did not walk from the till."""
MEMORY = 20_000.0
"""Beyond so many all are halved: a shop that moved its tills is learned anew within weeks."""


def bucket_of(walk_s: float) -> int | None:
    """The bucket of a walk; None for what is no walk (before its sale, or hours after)."""
    if not 0 <= walk_s <= LONGEST_S:
        return None
    return max(math.ceil(math.log(max(walk_s, 1.0), GROWTH)), 0)


def longest_of(bucket: int) -> float:
    """The longest walk (seconds) of a bucket."""
    return float(GROWTH**bucket)


def learned_ttl_s(walks: Mapping[int, float], floor_s: float, ceiling_s: float) -> float | None:
    """What SHARE of all walks take at most, whole seconds within the bounds; None while too few are known."""
    total = sum(walks.values())
    if total < ENOUGH:
        return None
    seen = 0.0
    for bucket, count in sorted(walks.items()):
        seen += count
        if seen >= SHARE * total:
            return float(min(max(math.ceil(longest_of(bucket)), floor_s), max(ceiling_s, floor_s)))
    return ceiling_s
