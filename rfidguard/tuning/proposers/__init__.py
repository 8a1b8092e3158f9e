"""What speaks for another setting, one question a file: `propose(evidence, config)` gives a proposal, or says why there is none.

A proposer looks at evidence only and changes nothing. Each proposal is proved by a shadow replay before anybody sees it.
"""

import importlib
from collections.abc import Callable, Iterator

from rfidguard.config import Config
from rfidguard.tuning.advice import Advice
from rfidguard.tuning.evidence import Evidence

PROPOSERS = (
    "unknown_epc", "late_sale_hold", "carried_in", "swap_tolerance", "closed_hours", "critical", "unknown_direction", "gate_mode",
    "credit_time",
)  # fmt: skip

Propose = Callable[[Evidence, Config], Iterator[Advice]]


def proposals(evidence: Evidence, config: Config) -> list[Advice]:
    """What every proposer says, in order."""
    return [advice for name in PROPOSERS for advice in _proposer(name)(evidence, config)]


def _proposer(name: str) -> Propose:
    found: Propose = importlib.import_module(f"rfidguard.tuning.proposers.{name}").propose
    return found
