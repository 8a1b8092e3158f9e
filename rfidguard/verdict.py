"""Step 5: the configured rules, in order; the first decisive one wins. Pure."""

from rfidguard.layout import Layout
from rfidguard.ledger import LedgerAnswer
from rfidguard.rule import Passage, Verdict


def judge(layout: Layout, passage: Passage, answer: LedgerAnswer) -> Verdict:
    """The verdict on a passage. What needs no rule is decided here: foreign goods, and tags that did not leave."""
    if passage.trigger == "tag":
        if passage.epc in layout.gates[passage.gate].canaries:
            return Verdict("silent", "canary")
        if layout.is_fixture(passage.epc):
            return Verdict("silent", "badge")
        if answer.state == "foreign":
            return Verdict("silent", "foreign")
        if not passage.leaves():
            return Verdict("silent", _SILENT.get(passage.direction, "direction_unknown"))
    for rule, params in layout.rules:
        verdict = rule.judge(passage, answer, params)
        if verdict is not None:
            return verdict
    return Verdict("silent", "no_rule")


_SILENT = {"in": "inbound", "none": "stayed"}
