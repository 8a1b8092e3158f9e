"""Scoring: what rang against what really happened. Pure: truth.json and the lines of event/alarm in, figures out.

A ring is an item turning `unpaid` within one alarm. It is right from 1.0 s before its passage's crossing to 4 s after it,
and false at any other time. Alarms are counted by id: a second alarm for one passage is a false one.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from rfidguard.errors import RfidguardError
from rfidguard.tally import Tally

EARLIEST_S = -1.0
LATEST_S = 4.0
APPROACH_S = 10.0
"""How long before a passage its goods may have come into view."""
ENOUGH_READS = 4
_EXPECTED_REACH_S = 10.0
_SECOND = "second alarm for one passage"


class Passage(msgspec.Struct, frozen=True):
    """One passage of truth.json. `late`: EPC -> when its sale was heard of; `reads`: EPC -> reads during the passage."""

    passage: str
    kind: str
    start: float
    end: float
    cross: float | None
    direction: str
    unpaid: tuple[str, ...]
    tags: tuple[str, ...]
    late: dict[str, float] = {}
    reads: dict[str, int] = {}


class Expected(msgspec.Struct, frozen=True):
    """An alarm other than unpaid items that a right system raises."""

    kind: str
    at: float
    items: tuple[str, ...] = ()


class Truth(msgspec.Struct, frozen=True):
    """truth.json. Only the first three are required of files made elsewhere."""

    passages: tuple[Passage, ...]
    standing: tuple[str, ...]
    seconds: float
    expected: tuple[Expected, ...] = ()
    simulated: bool | None = None
    mix: str = ""


@dataclass(frozen=True)
class Ring:
    """An item turned `unpaid` in alarm `alarm` at Unix time `at`."""

    alarm: str
    epc: str
    at: float


InTime = Callable[[Ring, Passage], bool]


def read_truth(text: bytes, where: str) -> Truth:
    """Bytes of truth.json -> Truth, its passages named and its EPCs in upper case.

    Raises RfidguardError naming `where` and the field.
    """
    try:
        truth = msgspec.convert(_named(msgspec.json.decode(text)), Truth)
    except msgspec.DecodeError as error:
        raise RfidguardError(f"{where}: not a truth file: {error}") from error
    return msgspec.structs.replace(
        truth, passages=tuple(map(_printed, truth.passages)), standing=tuple(epc.upper() for epc in truth.standing)
    )


def _named(raw: Any) -> Any:
    """The same with names where passages are numbered."""
    passages = raw.get("passages") if isinstance(raw, dict) else None
    for passage in passages if isinstance(passages, list) else ():
        if isinstance(passage, dict) and isinstance(passage.get("passage"), int):
            passage["passage"] = str(passage["passage"])
    return raw


def _printed(passage: Passage) -> Passage:
    """The same with EPCs as alarms print them."""
    return msgspec.structs.replace(
        passage,
        unpaid=tuple(epc.upper() for epc in passage.unpaid),
        tags=tuple(epc.upper() for epc in passage.tags),
        late={epc.upper(): at for epc, at in passage.late.items()},
        reads={epc.upper(): count for epc, count in passage.reads.items()},
    )


def read_alarms(lines: Iterable[bytes], where: str) -> list[dict[str, Any]]:
    """The JSON Lines of `replay --alarms` -> messages. Raises RfidguardError naming the line."""
    messages = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            message = msgspec.json.decode(line, type=dict[str, Any])
            _require(message)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise RfidguardError(f"{where}, line {number}: not an event/alarm message: {error}") from error
        messages.append(message)
    return messages


def score(truth: Truth, messages: Sequence[Mapping[str, Any]]) -> Tally:
    """One scene's outcome. `messages` are event/alarm messages in order of publication."""
    return score_rings(truth, rings_of(messages)) + _other_kinds(truth, messages)


def score_rings(truth: Truth, rings: Sequence[Ring], in_time: InTime | None = None) -> Tally:
    """One scene's outcome as far as unpaid items go; whatever rang, in order of time.

    `in_time` says whether a ring fits the time of its passage; without it: the window around the crossing.
    """
    fits = in_time or in_window
    right = {ring: passage for ring in rings if (passage := _passage_of(ring, truth.passages, fits)) is not None}
    late = {ring for ring in rings if ring not in right and _sale_was_late(ring, truth.passages)}
    counted = [ring for ring in rings if ring not in late]
    return _what_happened(truth) + _what_rang(counted, right, truth) + _what_was_found(right, truth)


def rings_of(messages: Iterable[Mapping[str, Any]]) -> list[Ring]:
    """Every first turn to `unpaid` of an item within an alarm, in order."""
    seen: set[tuple[str, str]] = set()
    rings = []
    for message in messages:
        for item in message["items"]:
            key = (message["id"], item["epc"].upper())
            if item["state"] == "unpaid" and key not in seen:
                seen.add(key)
                rings.append(Ring(*key, unix_time(message["event_at"])))
    return rings


def unix_time(text: str | float) -> float:
    """RFC 3339 text or a number -> Unix seconds. Raises ValueError."""
    return float(text) if isinstance(text, int | float) else datetime.fromisoformat(text).timestamp()


def _require(message: Mapping[str, Any]) -> None:
    """Raises what read_alarms turns into a clear error when a field that scoring needs is missing or odd."""
    unix_time(message["event_at"])
    texts = [message["id"], message["kind"], message["event_type"]]
    texts += [text for item in message["items"] for text in (item["epc"], item["state"])]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("id, kind, event_type and each item's epc and state are texts")


def in_window(ring: Ring, passage: Passage) -> bool:
    """Right in time: not too early, not too late for the crossing."""
    return passage.cross is not None and EARLIEST_S <= ring.at - passage.cross <= LATEST_S


def during(ring: Ring, passage: Passage) -> bool:
    """At any time of the passage: kinder than `in_window`, for what rings as soon as it hears something."""
    return passage.start - APPROACH_S <= ring.at <= passage.end + LATEST_S


def _passage_of(ring: Ring, passages: Iterable[Passage], fits: InTime) -> Passage | None:
    """The passage that makes a ring right: it carried the item unpaid, and the time fits."""
    for passage in passages:
        if ring.epc in passage.unpaid and fits(ring, passage):
            return passage
    return None


def _sale_was_late(ring: Ring, passages: Iterable[Passage]) -> bool:
    """Neither right nor false: paid, but nobody had heard of the sale yet."""
    return any(in_window(ring, passage) and ring.at < passage.late.get(ring.epc, -math.inf) for passage in passages)


def _false_alarms(rings: Sequence[Ring], right: Mapping[Ring, Passage], truth: Truth) -> dict[str, tuple[str, bool]]:
    """False alarm id -> why, in words that a table groups by, and whether it was for somebody who came in."""
    false: dict[str, tuple[str, bool]] = {}
    served: set[str] = set()
    for alarm in dict.fromkeys(ring.alarm for ring in rings):
        own = [ring for ring in rings if ring.alarm == alarm]
        passages = {right[ring].passage for ring in own if ring in right}
        if not passages:
            false[alarm] = _blame(own[0], truth)
        elif passages <= served:
            false[alarm] = (_SECOND, False)
        served |= passages
    return false


def _blame(ring: Ring, truth: Truth) -> tuple[str, bool]:
    """What a false ring belongs to: the kind of the nearest passage with that tag, a standing tag, or nothing known."""
    near = [passage for passage in truth.passages if ring.epc in passage.tags]
    if near:
        best = min(near, key=lambda passage: abs(ring.at - (passage.start + passage.end) / 2))
        why = f"{best.kind} (at the wrong time)" if ring.epc in best.unpaid else best.kind
        return why, best.direction == "in"
    return "standing tag" if ring.epc in truth.standing else "tag of no passage", False


def _what_happened(truth: Truth) -> Tally:
    thefts = sum(bool(passage.unpaid) for passage in truth.passages)
    return Tally(
        scenes=1,
        seconds=truth.seconds,
        passages=len(truth.passages),
        clean=len(truth.passages) - thefts,
        clean_in=sum(passage.direction == "in" and not passage.unpaid for passage in truth.passages),
        thefts=thefts,
        kinds=Counter(passage.kind for passage in truth.passages),
        standing=len(truth.standing),
        mixes=(truth.mix,) if truth.mix else (),
        simulated=truth.simulated is not False,
    )


def _what_rang(rings: Sequence[Ring], right: Mapping[Ring, Passage], truth: Truth) -> Tally:
    false = _false_alarms(rings, right, truth)
    return Tally(
        rings=len(rings),
        rings_right=len(right),
        alarms=len({ring.alarm for ring in rings}),
        false_alarms=len(false),
        false_in=sum(inbound for _, inbound in false.values()),
        duplicates=sum(why == _SECOND for why, _ in false.values()),
        false_by=Counter(why for why, _ in false.values()),
    )


def _what_was_found(right: Mapping[Ring, Passage], truth: Truth) -> Tally:
    found = {(passage.passage, ring.epc) for ring, passage in right.items()}
    items = [(passage, epc) for passage in truth.passages for epc in passage.unpaid]
    read = [(passage, epc) for passage, epc in items if passage.reads.get(epc, ENOUGH_READS) >= ENOUGH_READS]
    named = [(passage, epc) for passage, epc in items if (passage.passage, epc) in found]
    read_named = [(passage, epc) for passage, epc in read if (passage.passage, epc) in found]
    hit = {name for name, _ in found}
    thefts_read = {passage.passage for passage, _ in read}
    thefts = [passage for passage in truth.passages if passage.unpaid]
    return Tally(
        items=len(items),
        items_found=len(found),
        items_read=len(read),
        items_read_found=len(read_named),
        items_by=_kinds(items),
        items_found_by=_kinds(named),
        items_read_by=_kinds(read),
        items_read_found_by=_kinds(read_named),
        thefts_found=len(hit),
        thefts_read=len(thefts_read),
        thefts_read_found=len(hit & thefts_read),
        thefts_by=Counter(passage.kind for passage in thefts),
        thefts_found_by=Counter(passage.kind for passage in thefts if passage.passage in hit),
        missed_by=Counter(passage.kind for passage in thefts if passage.passage not in hit),
        delays_s=_delays(right),
    )


def _kinds(items: Iterable[tuple[Passage, str]]) -> Counter[str]:
    return Counter(passage.kind for passage, _ in items)


def _delays(right: Mapping[Ring, Passage]) -> tuple[float, ...]:
    """Crossing to first right ring of each passage."""
    first: dict[str, float] = {}
    for ring, passage in right.items():
        delay = round(ring.at - (passage.cross or 0.0), 3)
        first[passage.passage] = min(first.get(passage.passage, math.inf), delay)
    return tuple(first.values())


def _other_kinds(truth: Truth, messages: Sequence[Mapping[str, Any]]) -> Tally:
    """Alarms that are not about unpaid items, against those expected (same kind, within 10 s)."""
    raised = {message["id"]: message for message in messages if message["event_type"] == "raised"}
    rung = {ring.alarm for ring in rings_of(messages)}
    latest = {message["id"]: message for message in messages}
    others = [(latest[name]["kind"], unix_time(message["event_at"])) for name, message in raised.items() if name not in rung]
    found: Counter[str] = Counter()
    for wanted in truth.expected:
        hits = [other for other in others if other[0] == wanted.kind and abs(other[1] - wanted.at) <= _EXPECTED_REACH_S]
        found[wanted.kind] += bool(hits)
    return Tally(
        expected=Counter(wanted.kind for wanted in truth.expected),
        expected_found=found,
        other_alarms=Counter(kind for kind, _ in others),
    )
