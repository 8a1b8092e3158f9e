"""Which tags a C1G2 inventory is meant for: the select filters of an AISpec (LLRP 1.0.1, section 16.3.1.2.1.1)."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.llrp_reader.grammar import Parsed
from simulators.llrp_reader.numbers import Parameter
from simulators.llrp_reader.profile import ReaderProfile

P = Parameter
_EPC_BANK, _TID_BANK = 1, 2
_EPC_STARTS_AT = 32
"""Bits of CRC and protocol control before the EPC in its memory bank."""
_ON_MATCH = {0: True, 1: True, 2: None, 3: False, 4: False, 5: None}
_ON_MISMATCH = {0: False, 1: None, 2: False, 3: None, 4: True, 5: True}
"""State-unaware action -> select (True), unselect (False) or leave the tag (None)."""


@dataclass(frozen=True)
class Select:
    """One filter: `bits` (text of 0 and 1) at bit `pointer` of a memory bank, and what is done with tags that match or not."""

    bank: int
    pointer: int
    bits: str
    action: int

    def matches(self, epc: bytes, tid: bytes | None) -> bool:
        if self.bank == _EPC_BANK:
            return _bits(epc)[max(0, self.pointer - _EPC_STARTS_AT) :].startswith(self.bits)
        return self.bank == _TID_BANK and tid is not None and _bits(tid)[self.pointer :].startswith(self.bits)


def selects_of(inventory: Parsed, profile: ReaderProfile) -> dict[int, tuple[Select, ...]]:
    """Antenna (0 = all) -> the state-unaware filters that an InventoryParameterSpec has for it."""
    found = {}
    for configuration in inventory.all(P.ANTENNA_CONFIGURATION):
        command = configuration.one(P.C1G2_INVENTORY_COMMAND)
        filters = command.all(P.C1G2_FILTER) if command and not is_state_aware(command, profile) else []
        if filters:
            found[configuration["antenna"]] = tuple(map(_select, filters))
    return found


def is_state_aware(command: Parsed, profile: ReaderProfile) -> bool:
    """Whether a C1G2InventoryCommand goes by tag flags. A reader that cannot do that ignores that it is asked to (15.2.1.2.1)."""
    return profile.state_aware and bool(command["state_aware"] & 0x80)


def is_meant(selects: Mapping[int, tuple[Select, ...]], antenna: int, epc: bytes, tid: bytes | None) -> bool:
    """Whether a tag takes part in the inventory of an antenna. Without filters every tag does."""
    filters = selects.get(antenna) or selects.get(0)
    if not filters:
        return True
    chosen = _ON_MATCH[filters[0].action] is not True and _ON_MISMATCH[filters[0].action] is not True
    for each in filters:
        verdict = (_ON_MATCH if each.matches(epc, tid) else _ON_MISMATCH)[each.action]
        chosen = chosen if verdict is None else verdict
    return chosen


def masked(each: Parsed, action: int) -> Select:
    """The mask of a C1G2Filter, with one of its two kinds of action."""
    mask = each.one(P.C1G2_TAG_INVENTORY_MASK)
    assert mask is not None  # the grammar demands it
    return Select(mask["bank"], mask["pointer"], mask["bits"], action)


def _select(each: Parsed) -> Select:
    action = each.one(P.C1G2_TAG_INVENTORY_STATE_UNAWARE_FILTER_ACTION)
    return masked(each, min(action["action"], 5) if action else 0)


def _bits(data: bytes) -> str:
    return f"{int.from_bytes(data):0{len(data) * 8}b}"
