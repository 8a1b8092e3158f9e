"""Rows become a table: gradient-boosted small trees (LightGBM), written as rfidguard.trees reads them.

Needs lightgbm and numpy, which only this package uses: `pip install 'rfidguard[learn]'`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from rfidguard.errors import ConfigError, RfidguardError
from rfidguard.tree import Branch, Leaf
from rfidguard.trees import NEVER_HOPELESS, Table
from simulators.learn.labels import UNASKED, YES, through
from simulators.learn.rows import Rows
from simulators.learn.tables import Wanted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

TREES = 350
PARAMS: dict[str, Any] = {
    "objective": "binary",
    "learning_rate": 0.08,
    "num_leaves": 16,
    "min_child_samples": 80,
    "lambda_l2": 10,
    "feature_fraction": 0.3,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}
"""Many small, cautious trees: a table is some 170 kB, and asks some 1,500 questions a look. Each may ask only a third of the
signs, so that no score leans on a few of them.
"""
OPENING = 40
"""The first trees tell most hopeless looks."""
_LOST_SHARE = 0.001
"""So few of the looks that all trees together take for a yes may be lost to the first ones."""
_HELD_EVERY = 4
"""Every fourth scene is left out at first, to see what the table says of scenes that it was not made from."""
_DIGITS = 4


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


def require_lightgbm() -> dict[str, str]:
    """The versions of what fits tables. Raises ConfigError saying how to install what is missing."""
    try:
        return {name: str(import_module(name).__version__) for name in ("lightgbm", "numpy")}
    except ImportError as error:
        raise ConfigError([f"{error.name} is not installed; install it: pip install 'rfidguard[learn]'"]) from error


def learnt(wanted: Wanted, rows: Sequence[tuple[int, Rows]], threads: int) -> Learnt:
    """The table of `rows`, each with the seed of its scene. Raises RfidguardError where they hold no answer to learn."""
    names = next((found.signs for _, found in rows if found.signs), ())
    data = _stacked(wanted, rows, names)
    if not 0 < data.labels.sum() < len(data.labels):
        raise RfidguardError(f"table {wanted.name}: in {len(data.labels)} rows the answer is always the same; give more --scenes")
    losses = _held_losses(data, threads)
    model = _fitted(data.values, data.labels, data.weights, threads)
    yes = float((data.labels * data.weights).sum() / data.weights.sum())
    table = msgspec.structs.replace(as_table(model.dump_model(), names), opening=OPENING, hopeless=_hopeless(model, data.values))
    return Learnt(table, len(data.labels), yes, *losses)


def _hopeless(model: Any, values: "Floats") -> float:
    """The sum of the first trees below which next to no row comes to a yes in the end; no such sum where no row does."""
    import numpy as np

    opened = model.predict(values, raw_score=True, num_iteration=OPENING)
    hopeful = opened[model.predict(values, raw_score=True) >= 0.0]
    return round(float(np.quantile(hopeful, _LOST_SHARE)), _DIGITS) if len(hopeful) else NEVER_HOPELESS


def as_table(model: Mapping[str, Any], names: Sequence[str]) -> Table:
    """A dumped LightGBM model of `names` as a table of only those signs that it asks."""
    trees = [tree["tree_structure"] for tree in model["tree_info"]]
    used = sorted({feature for tree in trees for feature in _features(tree)})
    numbers = {feature: number for number, feature in enumerate(used)}
    return Table(tuple(names[feature] for feature in used), tuple(_tree(tree, numbers) for tree in trees))


def _tree(node: Mapping[str, Any], numbers: Mapping[int, int]) -> Branch | Leaf:
    if "split_feature" not in node:
        return Leaf(round(float(node["leaf_value"]), _DIGITS))
    return Branch(
        sign=numbers[node["split_feature"]],
        most=float(f"{node['threshold']:.{_DIGITS}g}"),
        value=round(float(node["internal_value"]), _DIGITS),
        low=_tree(node["left_child"], numbers),
        high=_tree(node["right_child"], numbers),
    )


def _features(node: Mapping[str, Any]) -> set[int]:
    if "split_feature" not in node:
        return set()
    return {int(node["split_feature"])} | _features(node["left_child"]) | _features(node["right_child"])


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
    return _Data(stacked[asked], (labels[asked] == YES).astype(np.float32), weights[asked], held[asked])


def _labels(wanted: Wanted, rows: Rows) -> Sequence[int]:
    if wanted.asks == "through":
        return [through(out, come) for out, come in zip(rows.out, rows.come, strict=True)]
    return rows.out if wanted.asks == "out" else rows.come


def _fitted(values: "Floats", labels: "Floats", weights: "Floats", threads: int) -> Any:
    lightgbm = import_module("lightgbm")
    params = {**PARAMS, "num_threads": threads}
    return lightgbm.train(params, lightgbm.Dataset(values, labels, weight=weights), TREES)


def _held_losses(data: _Data, threads: int) -> tuple[float | None, float | None]:
    held, kept = data.held, ~data.held
    if not 0 < data.labels[held].sum() < held.sum() or not 0 < data.labels[kept].sum() < kept.sum():
        return None, None
    labels, weights = data.labels[kept], data.weights[kept]
    model = _fitted(data.values[kept], labels, weights, threads)
    blind = float((labels * weights).sum() / weights.sum())
    told = model.predict(data.values[held])
    return _log_loss(data, told), _log_loss(data, 0.0 * told + blind)


def _log_loss(data: _Data, told: Any) -> float:
    import numpy as np

    labels, weights = data.labels[data.held], data.weights[data.held]
    chance = np.clip(np.where(labels > 0.5, told, 1.0 - told), 1e-7, 1.0)
    return float(-(weights * np.log(chance)).sum() / weights.sum())
