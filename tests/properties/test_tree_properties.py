"""A score is the sum of its shares, and the first trees alone decide only what the others could not save."""

import math

from hypothesis import given
from hypothesis import strategies as st

from rfidguard.trees import Branch, Leaf, Table, score, shares

SIGNS = ("a", "b", "c")
Forest = tuple[Branch | Leaf, ...]
numbers = st.floats(-5, 5, allow_nan=False)
nodes = st.recursive(
    st.builds(Leaf, numbers),
    lambda below: st.builds(Branch, st.integers(0, len(SIGNS) - 1), numbers, numbers, below, below),
    max_leaves=6,
)
forests = st.lists(nodes, max_size=6).map(tuple)
seen = st.fixed_dictionaries(dict.fromkeys(SIGNS, numbers))


@given(forests, st.integers(0, 6), numbers, seen)
def test_shares_sum_to_the_score(trees: Forest, opening: int, hopeless: float, signs: dict[str, float]) -> None:
    known = Table(SIGNS, trees, opening=opening, hopeless=hopeless)
    assert math.isclose(sum(shares(known, signs).values()), score(known, signs), abs_tol=1e-9)


@given(forests, st.integers(0, 6), numbers, seen)
def test_the_first_trees_end_it_only_where_they_say_hopeless(
    trees: Forest, opening: int, hopeless: float, signs: dict[str, float]
) -> None:
    whole, opened = score(Table(SIGNS, trees), signs), score(Table(SIGNS, trees[:opening]), signs)
    told = score(Table(SIGNS, trees, opening=opening, hopeless=hopeless), signs)
    assert math.isclose(told, opened if opened < hopeless else whole, abs_tol=1e-9)
