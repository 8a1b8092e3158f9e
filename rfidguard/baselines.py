"""Three plain ways to guard a gate, for comparison on the same scenes: what a shop gets without tracks, motion and zones. Pure.

- `any`: any read of an unsold own item rings. So do the exit-scan programs that ask one API for each EPC heard.
- `level`: so many reads above an RSSI threshold ring. The usual setting of a reader's own filters.
- `moved`: a tag that "moved to another antenna" rings: Intel's RSP controller and EdgeX app-rfid-llrp-inventory. A tag is at the
  antenna with the best mean RSSI of its last 20 reads; another one, heard at least 3 times, takes over once it is louder by
  min(6 dB, 36 dB - 0.5 dB for each second that the old one was silent).

All three know the same ledger as the core, and ring for a tag once until it has been silent for 10 s. What rings within 5 s
of the last is the same alarm, as in the core, for 60 s at most.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rfidguard.epc import identify
from rfidguard.evaluate import Ring
from rfidguard.events import Event, Ledger, Read, heard_at
from rfidguard.forget import ledger_keys
from rfidguard.incident import GROUP_GAP_S, GROUP_SPAN_S
from rfidguard.layout import Layout
from rfidguard.ledger import RecordSet, answer, binding

SILENT_S = 10.0
LEVEL_DBM = -60.0
"""Of -65, -62, -60, -58, -55, -50 the one that found most thefts on a tuning scene."""
LEVEL_READS = 3
LEVEL_WITHIN_S = 2.0
RSP_WINDOW = 20
RSP_LEAST = 3
RSP_MARGIN_DB = 6.0
RSP_START_DB = 36.0
RSP_DB_S = -0.5


@dataclass
class _Seen:
    """What a baseline remembers of one tag at one gate, until it falls silent."""

    last_at: float
    own: bool
    rung: bool = False
    loud: deque[float] = field(default_factory=lambda: deque(maxlen=LEVEL_READS))
    levels: dict[str, deque[float]] = field(default_factory=dict)
    heard: dict[str, float] = field(default_factory=dict)
    at: str | None = None


Fires = Callable[[_Seen, Read], bool]
"""Takes a read in, and says whether this tag rings now, if it is not sold."""


def rings(name: str, layout: Layout, events: Iterable[Event]) -> list[Ring]:
    """What the baseline `name` (any, level, moved) rings for, in order. `events` are those of a journal."""
    fires, known, shop = BASELINES[name], RecordSet(), _Shop()
    seen: dict[tuple[str, str], _Seen] = {}
    for event in events:
        if isinstance(event, Ledger):
            known.add(event)
        elif isinstance(event, Read) and event.gate in layout.gates:
            tag = _tag(seen, event, layout)
            if tag.own and fires(tag, event) and not tag.rung:
                tag.rung = _unsold(known, layout, event)
                if tag.rung:
                    shop.ring(event.gate, event.epc, heard_at(event))
    return shop.rings


def _tag(seen: dict[tuple[str, str], _Seen], read: Read, layout: Layout) -> _Seen:
    tag = seen.get((read.gate, read.epc))
    if tag is None or read.at - tag.last_at > SILENT_S:
        tag = seen[read.gate, read.epc] = _Seen(read.at, layout.owns(identify(read.epc)) if tag is None else tag.own)
    tag.last_at = read.at
    return tag


def _unsold(known: RecordSet, layout: Layout, read: Read) -> bool:
    """Asks the ledger as the core does; a credit that pays for the item is used."""
    identity = identify(read.epc)
    said = answer(known.find(ledger_keys(read.epc)), identity, layout.policy, read.at)
    if said.state == "sold" and said.credit is not None and said.unit is not None:
        known.add(binding(said.credit, said.unit, read.epc, read.at))
    return said.state != "sold"


class _Shop:
    """Gathers rings into alarms, numbered in order."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self._open: dict[str, tuple[str, float, float]] = {}
        """Gate -> its latest alarm, when that began, and when it last grew."""
        self._count = 0

    def ring(self, gate: str, epc: str, at: float) -> None:
        name, began, last = self._open.get(gate, ("", -math.inf, -math.inf))
        if at - last > GROUP_GAP_S or at - began > GROUP_SPAN_S:
            self._count += 1
            name, began = f"alarm-{self._count}", at
        self._open[gate] = (name, began, at)
        self.rings.append(Ring(name, epc, at))


def _any(_tag: _Seen, _read: Read) -> bool:
    return True


def _level(tag: _Seen, read: Read) -> bool:
    if read.rssi_dbm >= LEVEL_DBM:
        tag.loud.append(read.at)
    return len(tag.loud) == LEVEL_READS and tag.loud[-1] - tag.loud[0] <= LEVEL_WITHIN_S


def _moved(tag: _Seen, read: Read) -> bool:
    slot = f"{read.reader}/{read.antenna}"
    tag.levels.setdefault(slot, deque(maxlen=RSP_WINDOW)).append(10.0 ** (read.rssi_dbm / 10.0))
    tag.heard[slot] = read.at
    if tag.at is None or slot == tag.at:
        tag.at = slot
        return False
    silent_s = read.at - tag.heard[tag.at]
    margin_db = min(RSP_MARGIN_DB, RSP_START_DB + RSP_DB_S * silent_s)
    here = tag.levels[slot]
    if len(here) < RSP_LEAST or _mean_dbm(here) <= _mean_dbm(tag.levels[tag.at]) + margin_db:
        return False
    tag.at = slot
    return True


def _mean_dbm(levels: deque[float]) -> float:
    """The mean of powers in mW, in dBm."""
    return 10.0 * math.log10(sum(levels) / len(levels))


BASELINES: dict[str, Fires] = {"any": _any, "level": _level, "moved": _moved}
BASELINE_WORDS = {
    "any": "any unsold read rings",
    "level": f"{LEVEL_READS} reads above {LEVEL_DBM:.0f} dBm within {LEVEL_WITHIN_S:.0f} s ring",
    "moved": "moved to another antenna, mean RSSI + 6 dB",
}
