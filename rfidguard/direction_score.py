"""Scoring of directions: what was decided of tags that crossed, against the truth. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable

import msgspec

from rfidguard.effects import Decided
from rfidguard.errors import RfidguardError
from rfidguard.evaluate import ENOUGH_READS, LATEST_S, Passage, Truth
from rfidguard.tally import Tally

_BEFORE_S = 1.0
_TOLD = frozenset(("in", "out"))


def read_decisions(lines: Iterable[bytes], where: str) -> list[Decided]:
    """The JSON Lines of `replay --decisions`. Raises RfidguardError naming the line."""
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line, type=Decided))
        except msgspec.DecodeError as error:
            raise RfidguardError(f"{where}, line {number}: not a decision: {error}") from error
    return found


def score_directions(truth: Truth, decisions: Iterable[Decided]) -> Tally:
    """For each tag that crossed and was read often enough: the direction it took, and the one that was told.

    Told is `both` where decisions about one passage contradict each other, `unknown` where the antennas could not tell, `none`
    where it was thought to have stayed, `unjudged` where nothing was said.
    """
    of_epc: dict[str, list[Decided]] = defaultdict(list)
    for decision in decisions:
        of_epc[decision.epc].append(decision)
    pairs = Counter(
        f"{passage.direction}>{_told(passage, of_epc[epc])}"
        for passage in truth.passages
        if passage.cross is not None and passage.direction in _TOLD
        for epc in passage.tags
        if passage.reads.get(epc, ENOUGH_READS) >= ENOUGH_READS
    )
    return Tally(directions=pairs)


def _told(passage: Passage, decisions: Iterable[Decided]) -> str:
    said = {d.direction for d in decisions if passage.start - _BEFORE_S <= d.at <= passage.end + LATEST_S}
    told = said & _TOLD
    if told:
        return "both" if len(told) > 1 else told.pop()
    return "unknown" if "unknown" in said else "none" if said else "unjudged"
