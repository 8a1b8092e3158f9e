"""The outcome of scored scenes: raw counts that add up. Pure; figures.py makes the figures of a report of them."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Tally:
    """The raw outcome of one scene, or of several added up. Counters named `…_by` count by kind of passage.

    `found` means rung for in time, `read` read often enough to be heard at all. `false_in`: false alarms for people coming in.
    `directions`: "truth>decided" of tags that crossed.
    """

    scenes: int = 0
    seconds: float = 0.0
    passages: int = 0
    clean: int = 0
    clean_in: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    items: int = 0
    items_found: int = 0
    items_read: int = 0
    items_read_found: int = 0
    items_by: Counter[str] = field(default_factory=Counter)
    items_found_by: Counter[str] = field(default_factory=Counter)
    items_read_by: Counter[str] = field(default_factory=Counter)
    items_read_found_by: Counter[str] = field(default_factory=Counter)
    thefts: int = 0
    thefts_found: int = 0
    thefts_read: int = 0
    thefts_read_found: int = 0
    thefts_by: Counter[str] = field(default_factory=Counter)
    thefts_found_by: Counter[str] = field(default_factory=Counter)
    rings: int = 0
    rings_right: int = 0
    alarms: int = 0
    false_alarms: int = 0
    false_in: int = 0
    duplicates: int = 0
    false_by: Counter[str] = field(default_factory=Counter)
    missed_by: Counter[str] = field(default_factory=Counter)
    delays_s: tuple[float, ...] = ()
    expected: Counter[str] = field(default_factory=Counter)
    expected_found: Counter[str] = field(default_factory=Counter)
    other_alarms: Counter[str] = field(default_factory=Counter)
    directions: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    reads_standing: int = 0
    standing: int = 0
    mixes: tuple[str, ...] = ()
    simulated: bool = True

    def __add__(self, other: "Tally") -> "Tally":
        sums = {name: getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__ if name != "simulated"}
        return Tally(**sums, simulated=self.simulated and other.simulated)
