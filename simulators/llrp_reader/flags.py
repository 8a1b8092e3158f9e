"""Gen2's SL flag of every tag: Selects set it, state-aware inventories go by it (LLRP 1.0.1, 15.2.1.2.1.1.2 and 15.2.1.2.1.3).

A played reader knows of a tag only when it could be read. So the Selects at the beginning of an AISpec reach the tags that could
be read on its antenna within the last LATELY_S, and during the AISpec each tag at its first read. Tags out of sight lose their
flag after FORGETS_S: a tag without power keeps it for more than 2 s. Inventoried flags (A, B) are not played: Selects on them do
nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.llrp_reader.grammar import Parsed
from simulators.llrp_reader.numbers import Parameter
from simulators.llrp_reader.profile import ReaderProfile
from simulators.llrp_reader.select import Select, is_state_aware, masked

P = Parameter
LATELY_S = 2.0
FORGETS_S = 5.0
MAX_SEEN = 20_000
"""Tags of a busy store, several times over; beyond, those seen longest ago are forgotten."""

_SL = 0
_NOT_SL = 0x40

_Change = Callable[[bool], bool]


def _asserted(_: bool) -> bool:
    return True


def _deasserted(_: bool) -> bool:
    return False


def _negated(flag: bool) -> bool:
    return not flag


def _kept(flag: bool) -> bool:
    return flag


_ACTIONS: dict[int, tuple[_Change, _Change]] = {
    0: (_asserted, _deasserted),
    1: (_asserted, _kept),
    2: (_kept, _deasserted),
    3: (_negated, _kept),
    4: (_deasserted, _asserted),
    5: (_deasserted, _kept),
    6: (_kept, _asserted),
    7: (_kept, _negated),
}
"""State-aware action -> what becomes of the flag of tags that match, and of those that do not."""


@dataclass(frozen=True)
class ByFlag:
    """A state-aware inventory command. `flag`: tags with SL (True) or without take part; None: all."""

    selects: tuple[Select, ...]
    flag: bool | None


def by_flag_of(inventory: Parsed, profile: ReaderProfile) -> dict[int, ByFlag]:
    """Antenna (0 = all) -> the state-aware command that an InventoryParameterSpec has for it, on a reader that knows such."""
    found = {}
    for configuration in inventory.all(P.ANTENNA_CONFIGURATION):
        command = configuration.one(P.C1G2_INVENTORY_COMMAND)
        if command is not None and is_state_aware(command, profile):
            found[configuration["antenna"]] = ByFlag(_selects(command), _flag(command))
    return found


class Flags:
    """The SL flag of all tags. Times are seconds of any one clock that does not go back."""

    def __init__(self) -> None:
        self._marked: set[bytes] = set()
        self._seen: dict[tuple[bytes, int], tuple[float, bytes | None]] = {}
        """EPC and antenna -> when it could be read last, and its TID."""
        self._selected: set[tuple[bytes, int]] = set()
        self._commands: Mapping[int, ByFlag] = {}

    def begin(self, commands: Mapping[int, ByFlag], now: float) -> None:
        """An AISpec begins: its Selects reach what is in view."""
        self._seen = {tag: seen for tag, seen in self._seen.items() if now - seen[0] < FORGETS_S}
        self._marked &= {epc for epc, _ in self._seen}
        self._selected, self._commands = set(), commands
        for (epc, antenna), (at, tid) in self._seen.items():
            if now - at < LATELY_S:
                self._select(epc, tid, antenna)

    def answers(self, epc: bytes, tid: bytes | None, antenna: int, now: float) -> bool:
        """Whether a tag in the field takes part in the inventory that runs on its antenna."""
        self._seen.pop((epc, antenna), None)
        self._seen[epc, antenna] = now, tid
        if len(self._seen) > MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        self._select(epc, tid, antenna)
        command = self._command(antenna)
        return command is None or command.flag in (None, epc in self._marked)

    def _command(self, antenna: int) -> ByFlag | None:
        return self._commands.get(antenna) or self._commands.get(0)

    def _select(self, epc: bytes, tid: bytes | None, antenna: int) -> None:
        command = self._command(antenna)
        if command is None or (epc, antenna) in self._selected:
            return
        self._selected.add((epc, antenna))
        flag = epc in self._marked
        for each in command.selects:
            flag = _ACTIONS[each.action][not each.matches(epc, tid)](flag)
        (self._marked.add if flag else self._marked.discard)(epc)


def _selects(command: Parsed) -> tuple[Select, ...]:
    found = []
    for each in command.all(P.C1G2_FILTER):
        action = each.one(P.C1G2_TAG_INVENTORY_STATE_AWARE_FILTER_ACTION)
        if action is not None and action["target"] == _SL:
            found.append(masked(each, action["action"]))
    return tuple(found)


def _flag(command: Parsed) -> bool | None:
    control = command.one(P.C1G2_SINGULATION_CONTROL)
    action = control.one(P.C1G2_TAG_INVENTORY_STATE_AWARE_SINGULATION_ACTION) if control else None
    return None if action is None else not action["flags"] & _NOT_SL
