"""How a story is told: as text for people, as one JSON object for programs. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from rfidguard.alarm import Alarm, utc_text
from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.inquiry import Judged, Picture, Story
from rfidguard.reasons import reason_text
from rfidguard.silence import Finding, Say


def story_text(story: Story, why: dict[str, list[Finding]], say: Say, alarm: Alarm | None = None) -> str:
    """The story in lines. `why`: EPC -> findings."""
    lines = [] if alarm is None else list(_alarm_lines(alarm, say))
    for epc in story.epcs:
        lines += ["", *_item_lines(story, epc, why.get(epc, []), say)]
    transitions = [f"{say(at)}  alarm {name}: {kind}, {state}" for at, name, kind, state in story.transitions]
    return "\n".join([*lines, *(["", *transitions] if transitions else [])]).strip()


def story_message(story: Story, why: dict[str, list[Finding]], names: dict[str, str] | None = None) -> dict[str, Any]:
    """The story as one JSON object. `names`: an EPC as it stands in the journal -> as it was asked for."""
    names = names or {}
    return {
        "epcs": [names.get(epc, epc) for epc in story.epcs],
        "at": None if story.at is None else utc_text(story.at),
        "items": [msgspec.to_builtins(identify(names.get(epc, epc))) for epc in story.epcs],
        "why": {names.get(epc, epc): msgspec.to_builtins(found) for epc, found in why.items()},
        "decisions": [_judged_message(judged, names) for judged in story.judged],
        "alarms": [
            {"at": utc_text(at), "alarm": name, "event_type": kind, "state": state} for at, name, kind, state in story.transitions
        ],
        "ledger": [msgspec.to_builtins(record) for record in story.records],
        "memory": [msgspec.to_builtins(picture) for picture in story.pictures],
        "reads": len(story.reads),
        "journal": {"from": _text_or_none(story.began), "to": _text_or_none(story.ended)},
    }


def _alarm_lines(alarm: Alarm, say: Say) -> Iterator[str]:
    yield f"Alarm {alarm.id}: {alarm.kind} at {alarm.gate}, {alarm.state}, {say(alarm.raised_at)}"
    if alarm.outcome is not None:
        yield f"  outcome {alarm.outcome}" + (f", by {alarm.resolved_by}" if alarm.resolved_by else "")


def _item_lines(story: Story, epc: str, why: Sequence[Finding], say: Say) -> Iterator[str]:
    who = identify(epc)
    yield f"Item {epc}" + (f" = GTIN {who.gtin}, serial {who.serial}" if who.gtin else " (no SGTIN)")
    yield from (f"  {'Why:' if number == 0 else 'Also:'} {finding.text}" for number, finding in enumerate(why))
    for judged in (judged for judged in story.judged if judged.decision.epc == epc):
        yield from ("", *_judged_lines(judged, say))
    picture = next((picture for picture in story.pictures if picture.epc == epc), None)
    if picture is not None:
        yield from ("", *_picture_lines(picture, say))
    yield from ("", *_ledger_lines(_about(story.records, epc), say))


def _judged_lines(judged: Judged, say: Say) -> Iterator[str]:
    entry = judged.decision
    yield f"{say(entry.at)}  {entry.gate}: {entry.verdict} ({entry.reason}), direction {entry.direction}"
    yield f"  {reason_text(entry.reason)} Certainty that it was carried so: {entry.certainty:.1%}."
    decided = f"by rule {judged.rule}" if judged.rule else "before any rule"
    ledger = f"; the ledger said {_answer_text(judged)}" if judged.answer is not None else ""
    yield f"  Decided {decided}, {judged.made_at - entry.at:+.1f} s from the crossing{ledger}."
    yield from _term_lines(entry.terms)


def _term_lines(terms: dict[str, float]) -> Iterator[str]:
    """Weights that speak, then sums and measures; what said nothing in one line."""
    weights = {name: value for name, value in terms.items() if name not in _SUMS and name not in _MEASURES}
    for name, value in sorted(weights.items(), key=lambda term: -abs(term[1])):
        if value:
            yield f"  {value:+8.2f}  {word_of(name)}"
    yield from (f"  {terms[name]:+8.2f}  {word_of(name)}" for name in _SUMS if name in terms)
    measures = [f"{word_of(name)} {terms[name]:g}" for name in _MEASURES if name in terms]
    silent = [word_of(name) for name, value in weights.items() if not value]
    yield from ([f"            measured: {', '.join(measures)}"] if measures else [])
    yield from ([f"            said nothing: {', '.join(silent)}"] if silent else [])


def word_of(term: str) -> str:
    """A term of a decision in words."""
    return TERM_WORDS.get(term, term.replace("_", " "))


def _answer_text(judged: Judged) -> str:
    said = judged.answer
    assert said is not None
    return said.state + (f" ({said.by})" if said.by else "")


def _picture_lines(picture: Picture, say: Say) -> Iterator[str]:
    said = picture.answer
    by = f" by {said.by}" + (f" of {say(said.at)}" if said.at is not None else "") if said.by else ""
    yield f"At {say(picture.at)} the ledger said: {said.state}{by}."
    for mood in picture.gates:
        quiet = (
            "disarmed" if mood.disarmed else f"muted until {say(mood.muted_until)}" if mood.muted_until is not None else "armed"
        )
        yield f"  gate {mood.gate}: {mood.mode}, {quiet}"
    for track in picture.tracks:
        seen = "no longer in view" if track.gone else "in view"
        yield f"  gate {track.gate} knew it as {track.state}, {seen}: {track.reads} reads, last at {say(track.last_at)}"


def _ledger_lines(records: Sequence[Ledger], say: Say) -> Iterator[str]:
    yield "Ledger:" if records else "Ledger: nothing is recorded of it."
    for record in records:
        what = record.ref or record.epc or record.gtin
        where = " ".join(filter(None, (record.source, record.lane)))
        yield f"  {say(record.at)}  {record.kind}  {what} x{record.quantity}  {where} ({record.id})"


def _about(records: Iterable[Ledger], epc: str) -> list[Ledger]:
    """Records of an item or of its article, and what refers to them."""
    who = identify(epc)
    own = [r for r in records if r.epc == epc or (r.gtin is not None and r.gtin == who.gtin and r.serial in (None, who.serial))]
    names = {record.id for record in own}
    return [record for record in records if record in own or record.ref in names]


def _judged_message(judged: Judged, names: dict[str, str]) -> dict[str, Any]:
    entry = judged.decision
    return {
        **msgspec.to_builtins(entry),
        "epc": names.get(entry.epc, entry.epc),
        "at": utc_text(entry.at),
        "made_at": utc_text(judged.made_at),
        "text": reason_text(entry.reason),
        "rule": judged.rule,
        "ledger": None if judged.answer is None else msgspec.to_builtins(judged.answer),
        "words": {name: word_of(name) for name in entry.terms},
    }


def _text_or_none(at: float | None) -> str | None:
    return None if at is None else utc_text(at)


_SUMS = ("motion", "score")
_MEASURES = ("reads", "span_db", "side_db", "loud_db", "seen_s", "still_s")

TERM_WORDS = {
    "prior": "before any evidence",
    "place": "where along the way out it probably was",
    "handover": "which side heard it, how loud and when",
    "rise_fall": "rise and fall of the signal",
    "phase": "phase steps and turn on one channel",
    "doppler": "spread of the Doppler shifts",
    "ripple": "level wavered, or held",
    "shelf": "no longer, or still, where it stood",
    "new": "how long it had been in view",
    "people": "people counted at the gate, and when",
    "loud": "how near it came",
    "hearing": "how often and how lately it was read",
    "company": "went with others that moved",
    "side_db": "louder outside at the end, dB:",
    "span_db": "span of the level, dB:",
    "loud_db": "loudest read over the quietest this gate hears, dB:",
    "seen_s": "in view for, s:",
    "still_s": "had stood for, s:",
    "reads": "reads:",
    "motion": "MOTION, sum of what speaks for somebody carrying it",
    "score": "SCORE, sum of all (log-odds)",
}
"""Every term of a decision in words."""
