"""One suite over every rule of the registry: what rules/README.md promises."""

import ast
import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rfidguard.errors import RfidguardError
from rfidguard.ledger import LedgerAnswer
from rfidguard.reasons import REASONS
from rfidguard.rule import Passage, load_rule, rule_names

RULES = sorted(rule_names())
STATES = ("unpaid", "sold", "unverified", "observed", "silent")

passages = st.builds(
    Passage,
    trigger=st.sampled_from(["tag", "eas"]),
    gate=st.just("front"),
    epc=st.just("3034257BF7194E4000000001"),
    start=st.floats(0, 1e9),
    crossing=st.floats(0, 1e9),
    direction=st.sampled_from(["out", "in", "none", "unknown"]),
    certainty=st.floats(0, 1),
    terms=st.just({}),
    eas=st.sampled_from([None, "alarm", "alarm_in"]),
    unpaid=st.sampled_from([(), ("A1",)]),
    sold=st.sampled_from([(), ("B2",)]),
    unknown_counts_as_out=st.booleans(),
    unknown_epc=st.sampled_from(["observe", "stock_only", "strict"]),
    carried_in=st.booleans(),
)
answers = st.builds(LedgerAnswer, state=st.sampled_from(["sold", "armed", "reserved", "foreign", "unknown"]))


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=300)
@given(passage=passages, answer=answers)
def test_every_verdict_has_a_documented_reason(name: str, passage: Passage, answer: LedgerAnswer) -> None:
    rule = load_rule(name)
    verdict = rule.judge(passage, answer, rule.Params())
    assert verdict is None or (verdict.reason in REASONS and verdict.state in STATES)
    assert verdict is None or verdict.kind is None or verdict.kind in rule.KINDS


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=50)
@given(passage=passages, answer=answers)
def test_same_input_gives_the_same_verdict(name: str, passage: Passage, answer: LedgerAnswer) -> None:
    rule = load_rule(name)
    assert rule.judge(passage, answer, rule.Params()) == rule.judge(passage, answer, rule.Params())


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=100)
@given(passage=passages)
def test_sold_items_never_ring_as_unpaid(name: str, passage: Passage) -> None:
    rule = load_rule(name)
    verdict = rule.judge(passage, LedgerAnswer("sold", "doc/1", "sold", 0.0), rule.Params())
    assert verdict is None or verdict.state != "unpaid"


@pytest.mark.parametrize("name", RULES)
def test_unknown_parameters_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        load_rule(name).Params(no_such_parameter=1)


@pytest.mark.parametrize("name", RULES)
def test_rule_file_says_what_it_is_and_keeps_no_state(name: str) -> None:
    spec = importlib.util.find_spec(rule_names()[name])
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text())
    assert ast.get_docstring(tree)
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Global | ast.Nonlocal)]


def test_unknown_rule_is_named_with_the_known_ones() -> None:
    with pytest.raises(RfidguardError, match="unpaid"):
        load_rule("unpayd")
