"""Rows become a table, with its opening and its glance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from rfidguard.errors import RfidguardError
from rfidguard.trees import NEVER_HOPELESS, Table
from simulators.learn.boosting import DIGITS, as_table, fitted
from simulators.learn.glances import glance_of
from simulators.learn.labels import UNASKED, YES, through
from simulators.learn.rows import Rows
from simulators.learn.tables import Wanted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

OPENING = 40
"""The first trees tell most hopeless looks."""
_LOST_SHARE = 0.001
"""So few of the looks that all trees together take for a yes may be lost to the first ones."""
_HELD_EVERY = 4
"""Every fourth scene is left out at first, to see what the table says of scenes that it was not made from."""


@dataclass(frozen=True)
class Learnt:
    """A table and how it came about. `held_loss`, `blind_loss`: log loss on scenes left out, and of who knows only how often the
    answer is yes; None where there were too few scenes to leave any out.
    """

    table: Table
    rows: int
    yes_share: float
    held_loss: float | None
    blind_loss: float | None


@dataclass(frozen=True)
class _Data:
    values: "Floats"
    labels: "Floats"
    weights: "Floats"
    held: "NDArray[np.bool_]"
    every: "Floats"
    """The values of all rows, the unasked ones, too: the program asks at every look."""
    every_weight: "Floats"


def learnt(wanted: Wanted, rows: Sequence[tuple[int, Rows]], threads: int) -> Learnt:
    """The table of `rows`, each with the seed of its scene. Raises RfidguardError where they hold no answer to learn."""
    names = next((found.signs for _, found in rows if found.signs), ())
    data = _stacked(wanted, rows, names)
    if not 0 < data.labels.sum() < len(data.labels):
        raise RfidguardError(f"table {wanted.name}: in {len(data.labels)} rows the answer is always the same; give more --scenes")
    losses = _held_losses(data, threads)
    model = fitted(data.values, data.labels, data.weights, threads)
    yes = float((data.labels * data.weights).sum() / data.weights.sum())
    told = model.predict(data.values, raw_score=True)
    table = msgspec.structs.replace(
        as_table(model.dump_model(), names),
        opening=OPENING,
        hopeless=_hopeless(model, data.values, told),
        glance=glance_of(wanted, names, data.every, model.predict(data.every, raw_score=True), data.every_weight, threads),
    )
    return Learnt(table, len(data.labels), yes, *losses)


def _hopeless(model: Any, values: "Floats", told: "Floats") -> float:
    """The sum of the first trees below which next to no row comes to a yes in the end; no such sum where no row does."""
    import numpy as np

    opened = model.predict(values, raw_score=True, num_iteration=OPENING)
    hopeful = opened[told >= 0.0]
    return round(float(np.quantile(hopeful, _LOST_SHARE)), DIGITS) if len(hopeful) else NEVER_HOPELESS


def _stacked(wanted: Wanted, rows: Sequence[tuple[int, Rows]], names: Sequence[str]) -> _Data:
    """All rows that ask this table's question, as arrays."""
    import numpy as np

    parts = [(seed, found) for seed, found in rows if found.signs == names]
    values = [np.frombuffer(found.values, dtype=np.float32).reshape(-1, len(names)) for _, found in parts]
    labels = np.array([label for _, found in parts for label in _labels(wanted, found)], dtype=np.float32)
    weights = np.array([weight for _, found in parts for weight in found.weights], dtype=np.float32)
    held = np.array([seed % _HELD_EVERY == 0 for seed, found in parts for _ in found.out], dtype=np.bool_)
    asked = labels != UNASKED
    stacked = np.concatenate(values) if values else np.zeros((0, len(names)), dtype=np.float32)
    return _Data(stacked[asked], (labels[asked] == YES).astype(np.float32), weights[asked], held[asked], stacked, weights)


def _labels(wanted: Wanted, rows: Rows) -> Sequence[int]:
    if wanted.asks == "through":
        return [through(out, come) for out, come in zip(rows.out, rows.come, strict=True)]
    return rows.out if wanted.asks == "out" else rows.come


def _held_losses(data: _Data, threads: int) -> tuple[float | None, float | None]:
    held, kept = data.held, ~data.held
    if not 0 < data.labels[held].sum() < held.sum() or not 0 < data.labels[kept].sum() < kept.sum():
        return None, None
    labels, weights = data.labels[kept], data.weights[kept]
    model = fitted(data.values[kept], labels, weights, threads)
    blind = float((labels * weights).sum() / weights.sum())
    told = model.predict(data.values[held])
    return _log_loss(data, told), _log_loss(data, 0.0 * told + blind)


def _log_loss(data: _Data, told: Any) -> float:
    import numpy as np

    labels, weights = data.labels[data.held], data.weights[data.held]
    chance = np.clip(np.where(labels > 0.5, told, 1.0 - told), 1e-7, 1.0)
    return float(-(weights * np.log(chance)).sum() / weights.sum())
