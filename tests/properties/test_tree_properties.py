"""A score is the sum of its shares, and the first trees alone decide only what the others could not save."""

import math

from hypothesis import given
from hypothesis import strategies as st

from rfidguard.tree import Branch, Leaf
from rfidguard.trees import Table, score, shares
from rfidguard.walks import walks

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


@given(forests, seen)
def test_compiled_walks_add_up_to_the_same_bits_as_walks_from_branch_to_branch(trees: Forest, signs: dict[str, float]) -> None:
    total = 0.0
    for tree in trees:
        while isinstance(tree, Branch):
            tree = tree.low if signs[SIGNS[tree.sign]] <= tree.most else tree.high
        total += tree.value
    assert walks(trees, SIGNS)(signs) == total


@given(numbers)
def test_a_sign_at_the_very_threshold_is_low(at: float) -> None:
    tree = Branch(1, at, 0.0, Leaf(1.0), Leaf(2.0))
    assert walks((tree,), SIGNS)({"b": at}) == 1.0
    assert walks((tree,), SIGNS)({"b": math.nextafter(at, math.inf)}) == 2.0
