"""`ledger.credit_ttl_s`: nothing to propose, for the daemon learns it by itself; what it learned is told."""

from collections.abc import Iterator

from rfidguard.config import Config
from rfidguard.tuning.advice import Advice
from rfidguard.tuning.evidence import Evidence

ABOUT = "ledger.credit_ttl_s"


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    policy = config.ledger
    if not policy.credit_ttl_learn:
        why = f"no proposal: fixed at {policy.credit_ttl_s:g} s; with credit_ttl_learn it is learned from walks from till to door"
    elif evidence.learned_ttl_s is None:
        why = f"no proposal: {policy.credit_ttl_s:g} s until enough walks from till to door are known, then it is learned"
    else:
        why = f"no proposal: learned by itself, {evidence.learned_ttl_s:g} s now"
    yield Advice(ABOUT, why)
