"""A table's glance: a smaller one over cheap signs that knows where the table itself need not be asked.

It learns from what the table says, not from the truth: what counts is where the table comes near its threshold.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from rfidguard.passage import BLIND
from rfidguard.tree import Leaf
from rfidguard.trees import Table
from simulators.learn.boosting import DIGITS, as_table, fitted
from simulators.learn.tables import Wanted, cheap_signs

if TYPE_CHECKING:
    from simulators.learn.boosting import Floats

TREES = 150
"""They cost 6 µs a look; 60 let half as many looks again through."""
_CHANGE = {"learning_rate": 0.1, "feature_fraction": 0.4}
"""Fewer trees and fewer signs than a table has: each tree may say more, and ask more of them."""
_OPENING = 30
_NEAR = 2.0
"""Log-odds below its threshold from which a score counts as near it: what a glance learns to find."""
_LOST_SHARE = 0.002
"""So few rows at which the table says yes may be lost. A row is one look of many at a passage: the next ones say yes, too."""


def glance_of(
    wanted: Wanted, names: Sequence[str], values: "Floats", told: "Floats", weights: "Floats", threads: int
) -> Table | None:
    """The glance of a table that scores the rows `values` (of the signs `names`) as `told`; None where no row comes near."""
    import numpy as np

    columns = [number for number, name in enumerate(names) if name in cheap_signs(wanted)]
    near, yes = told >= wanted.least - _NEAR, told >= wanted.least - (BLIND if wanted.asks != "in" else 0.0)
    if not columns or not yes.any() or near.all():
        return None
    cheap = values[:, columns]
    model = fitted(cheap, near.astype(np.float32), weights, threads, TREES, _CHANGE)
    bound = float(np.quantile(model.predict(cheap, raw_score=True)[yes], _LOST_SHARE))
    opened = model.predict(cheap, raw_score=True, num_iteration=_OPENING)[yes]
    made = as_table(model.dump_model(), [names[column] for column in columns])
    trees = (Leaf(round(-bound, DIGITS)), *made.trees)
    return msgspec.structs.replace(
        made, trees=trees, opening=_OPENING + 1, hopeless=round(float(np.quantile(opened, _LOST_SHARE / 4)) - bound, DIGITS)
    )
