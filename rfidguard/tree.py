"""Step 3d: one small decision tree over numbered signs. Pure."""

from typing import Union

import msgspec


class Leaf(msgspec.Struct, array_like=True, frozen=True, tag=0):
    """The end of a walk."""

    value: float


class Branch(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """Asks whether sign number `sign` is at most `most`: then `low`, else `high`. `value`: the mean score below."""

    sign: int
    most: float
    value: float
    low: Union["Branch", Leaf]
    high: Union["Branch", Leaf]
