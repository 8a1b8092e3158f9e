"""The rule contract: one pure function a file, `judge(passage, answer, params) -> Verdict | None`.

A rule file holds `Params` (a frozen pydantic model, unknown keys refused), `KINDS` (the alarm kinds it may raise) and
`judge`. None means no opinion; the first decisive verdict wins. A rule remembers nothing, reads no clock and does no I/O.
"""

import importlib
from pathlib import Path
from typing import Annotated, Protocol

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, PrivateAttr

from rfidguard.errors import RfidguardError
from rfidguard.item_list import ItemList, entry, item_list
from rfidguard.ledger import LedgerAnswer
from rfidguard.registry import registry


def _checked(text: str) -> str:
    entry(text)
    return text


class RuleParams(BaseModel):
    """Base of every rule's parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def claims(self, epc: str) -> bool:  # noqa: ARG002
        """True for items that the rule wants judged as goods of this shop, whatever their prefix."""
        return False


class ListedParams(RuleParams):
    """Parameters of a rule about a list of items: EPCs, beginnings of EPCs ("3034257BF7*") and GTINs.

    `list_file`: a file with one of them a line; its entries are among `items` by the time a rule is asked.
    """

    items: tuple[Annotated[str, AfterValidator(_checked)], ...] = ()
    list_file: Path | None = None
    _list: ItemList = PrivateAttr(default=ItemList())

    def model_post_init(self, _context: object, /) -> None:
        self._list = item_list(self.items)

    def holds(self, epc: str) -> bool:
        """True for an EPC that the list names."""
        return self._list.holds(epc)


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a rule can judge at one gate: a tag that moved (`trigger` "tag"), a pedestal's alarm ("eas"), an alarm as a
    whole ("incident": `unpaid` names its unpaid items, `unpaid_at` when each was judged, in order), or metal that left ("metal":
    `vanished` names goods that stood here and are gone unsold, and how many seconds before each was heard last).

    Times are Unix seconds: `start` first evidence, `crossing` the best estimate of the body passing the threshold.
    `direction`: out, in, none (it moved and stayed) or unknown. `certainty` 0..1 that it was carried out. `terms` are the
    named numbers behind both. `eas` is the kind of a pedestal alarm near the crossing; for an "eas" passage
    `unpaid` and `sold` name the EPCs that left at that time. `left_before`: when the same item left as sold before, unless it was
    brought in since.
    """

    trigger: str = "tag"
    gate: str
    epc: str = ""
    start: float
    crossing: float
    direction: str
    certainty: float
    terms: dict[str, float]
    eas: str | None = None
    unpaid: tuple[str, ...] = ()
    unpaid_at: tuple[float, ...] = ()
    sold: tuple[str, ...] = ()
    unknown_counts_as_out: bool = False
    unknown_epc: str = "observe"
    carried_in: bool = False
    after_hours: bool = False
    carried_in_policy: str = "silent"
    vanished: tuple[tuple[str, float], ...] = ()
    left_before: float | None = None

    def leaves(self) -> bool:
        """True where the passage counts as one out of the shop."""
        return self.direction == "out" or (self.direction == "unknown" and self.unknown_counts_as_out)


class Verdict(msgspec.Struct, frozen=True):
    """A rule's decision. `state`: unpaid, sold, unverified, observed or silent. `kind`: the alarm to raise, None for silence.

    `items`: the EPCs that the alarm is about, where the passage itself is not one of an item. `firm`: no sale of another item
    explains it away.
    """

    state: str
    reason: str
    kind: str | None = None
    severity: str = "warning"
    items: tuple[str, ...] = ()
    firm: bool = False


class Rule(Protocol):
    """What a rule file holds."""

    KINDS: tuple[str, ...]
    Params: type[RuleParams]

    def judge(self, passage: Passage, answer: LedgerAnswer, params: RuleParams, /) -> Verdict | None: ...


DEFAULT_RULES = ("after_hours", "unpaid", "bulk", "tag_not_deactivated", "eas_unidentified", "concealment")
"""What applies where the configuration lists no rule at all."""


def rule_names() -> dict[str, str]:
    """Every rule that a configuration may use: name -> module."""
    return registry("rules", "rfidguard.rules")


def load_rule(name: str) -> Rule:
    """The rule called `name`. Raises RfidguardError with the known names when there is none."""
    known = rule_names()
    if name not in known:
        raise RfidguardError(f"no rule is called {name!r}; known: {', '.join(sorted(known))}")
    loaded: Rule = importlib.import_module(known[name])
    return loaded
