"""Gradient-boosted small trees (LightGBM), written as rfidguard.trees reads them.

Needs lightgbm and numpy, which only this package uses: `pip install 'rfidguard[learn]'`.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from rfidguard.errors import ConfigError
from rfidguard.tree import Branch, Leaf
from rfidguard.trees import Table

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
DIGITS = 4


def require_lightgbm() -> dict[str, str]:
    """The versions of what fits tables. Raises ConfigError saying how to install what is missing."""
    try:
        return {name: str(import_module(name).__version__) for name in ("lightgbm", "numpy")}
    except ImportError as error:
        raise ConfigError([f"{error.name} is not installed; install it: pip install 'rfidguard[learn]'"]) from error


def fitted(
    values: "Floats",
    labels: "Floats",
    weights: "Floats",
    threads: int,
    trees: int = TREES,
    change: Mapping[str, Any] = MappingProxyType({}),
) -> Any:
    """A model of `values`, each row with its label (0 or 1) and weight; `change`: of PARAMS."""
    lightgbm = import_module("lightgbm")
    params = {**PARAMS, **change, "num_threads": threads}
    return lightgbm.train(params, lightgbm.Dataset(values, labels, weight=weights), trees)


def as_table(model: Mapping[str, Any], names: Sequence[str]) -> Table:
    """A dumped LightGBM model of `names` as a table of only those signs that it asks."""
    trees = [tree["tree_structure"] for tree in model["tree_info"]]
    used = sorted({feature for tree in trees for feature in _features(tree)})
    numbers = {feature: number for number, feature in enumerate(used)}
    return Table(tuple(names[feature] for feature in used), tuple(_tree(tree, numbers) for tree in trees))


def _tree(node: Mapping[str, Any], numbers: Mapping[int, int]) -> Branch | Leaf:
    if "split_feature" not in node:
        return Leaf(round(float(node["leaf_value"]), DIGITS))
    return Branch(
        sign=numbers[node["split_feature"]],
        most=float(f"{node['threshold']:.{DIGITS}g}"),
        value=round(float(node["internal_value"]), DIGITS),
        low=_tree(node["left_child"], numbers),
        high=_tree(node["right_child"], numbers),
    )


def _features(node: Mapping[str, Any]) -> set[int]:
    if "split_feature" not in node:
        return set()
    return {int(node["split_feature"])} | _features(node["left_child"]) | _features(node["right_child"])
