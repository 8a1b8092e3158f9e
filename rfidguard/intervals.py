"""95 % intervals of counted things: shares (Wilson, 1927) and rates of rare events (Garwood, 1936). Pure."""

import math
from collections.abc import Callable

_Z = 1.959964
_TAIL = 0.025
_STEPS = 40
"""Halvings of a bracket: a trillionth of its width."""


def share_interval(count: int, total: int) -> tuple[float, float]:
    """Bounds of the share behind `count` of `total`. Raises ValueError where there is nothing to count."""
    if not 0 <= count <= total or not total:
        raise ValueError(f"{count} of {total} is no share")
    value, square = count / total, _Z * _Z
    middle = (value + square / (2 * total)) / (1 + square / total)
    reach = _Z * math.sqrt(value * (1 - value) / total + square / (4 * total * total)) / (1 + square / total)
    # Rounding may put a bound on the wrong side of a share of 0 or 1.
    return max(min(middle - reach, value), 0.0), min(max(middle + reach, value), 1.0)


def count_interval(count: int) -> tuple[float, float]:
    """Bounds of the mean of a Poisson count: of 0 seen, up to 3.7 may be usual."""
    low = 0.0 if count == 0 else _crossing(lambda mean: _at_least(count, mean) >= _TAIL, 0.0, float(count))
    high = _crossing(lambda mean: _at_least(count + 1, mean) >= 1.0 - _TAIL, float(count), 2.0 * count + 20.0)
    return low, high


def _at_least(count: int, mean: float) -> float:
    """Probability of `count` or more events where `mean` are usual."""
    below = math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(count)) if mean > 0 else 1.0
    return 1.0 - below


def _crossing(reached: Callable[[float], bool], low: float, high: float) -> float:
    """The least value between `low` and `high` for which `reached` holds; it holds for all greater ones."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
