"""The answer document: what a handheld, the staff page or a shell sends about an alarm (the contract, section 5). Pure."""

from difflib import get_close_matches
from typing import Annotated, Any, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from rfidguard.alarm import OUTCOMES
from rfidguard.errors import RefusedInput
from rfidguard.events import Answer
from rfidguard.refusal import complaints
from rfidguard.rfc3339 import unix_seconds
from rfidguard.sale import Epc, printable

MAX_ANSWER_BYTES = 16_000
MAX_ITEMS = 1_000
MAX_NOTE = 500
MAX_BY = 64
MAX_OFF_S = 600.0
"""An answer whose own time is farther than this from ours is an old one sent again, or of a handheld with a wrong clock."""

_probe = msgspec.json.Decoder(dict[str, Any])


def _known_outcome(text: str) -> str:
    if text in OUTCOMES:
        return text
    near = get_close_matches(text, OUTCOMES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(OUTCOMES)}"
    raise ValueError(f"no outcome is called {text[:40]!r}; {hint}")


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds characters that are no text")
    return text


def _time(text: str) -> str:
    unix_seconds(text)
    return text


AnswerId = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(printable)]
Outcome = Annotated[str, AfterValidator(_known_outcome), Field(json_schema_extra={"enum": list(OUTCOMES)})]
Note = Annotated[str, StringConstraints(max_length=MAX_NOTE), AfterValidator(_storable)]
Time = Annotated[str, AfterValidator(_time), Field(json_schema_extra={"format": "date-time"})]


class AnswerItem(BaseModel):
    """How it ended for one item."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    epc: Epc
    outcome: Outcome


class AnswerDocument(BaseModel):
    """One answer. `id` is the sender's own, new for each answer; the same again changes nothing."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    id: AnswerId
    alarm: AnswerId
    action: Literal["received", "acknowledge", "resolve", "escalate"]
    outcome: Outcome | None = None
    items: Annotated[tuple[AnswerItem, ...], Field(max_length=MAX_ITEMS, strict=False)] = ()
    note: Note | None = None
    at: Time | None = None
    by: Annotated[Any, Field(exclude=True, description="Ignored: who answers is told by the topic or the login.")] = None


FIELDS = (frozenset(AnswerDocument.model_fields) | frozenset(AnswerItem.model_fields)) - {"by"}


def read_answer(
    payload: bytes, by: str, now: float, alarm: str | None = None, *, max_off_s: float | None = None, ahead_s: float = 0.0
) -> Answer:
    """The payload as an event of `by`, heard at `now` (Unix seconds). `alarm`: the alarm that the address names, where it does.

    `max_off_s`: how far the answer's own time may be from `now`; None: any. `ahead_s`: by how much `now` is known to be ahead
    of true time. Raises RefusedInput: too_large, not_json, not_an_object, bad_name, wrong_alarm, invalid (the text names each
    field), stale, future.
    """
    body = _body(payload, by)
    if alarm is not None and body.setdefault("alarm", alarm) != alarm:
        raise RefusedInput("wrong_alarm", f"alarm: the answer says {body['alarm']!r:.60}, its address says {alarm!r}")
    try:
        doc = AnswerDocument.model_validate(body)
    except ValidationError as error:
        raise RefusedInput("invalid", "; ".join(complaints(error, FIELDS))) from error
    if doc.at is not None and max_off_s is not None:
        _check_time(doc.at, now - ahead_s, max_off_s)
    return _event(doc, by, now, ahead_s)


def claimed_id(payload: bytes) -> str:
    """The id that a refused answer gave; empty where it gave none."""
    try:
        claimed = _probe.decode(payload[:MAX_ANSWER_BYTES]).get("id")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return claimed[:64] if isinstance(claimed, str) else ""


def _body(payload: bytes, by: str) -> dict[str, Any]:
    if not by or len(by) > MAX_BY or not by.isprintable():
        raise RefusedInput("bad_name", f"a name has 1 to {MAX_BY} printable characters, not {ascii(by)[:80]}")
    if len(payload) > MAX_ANSWER_BYTES:
        raise RefusedInput("too_large", f"an answer has at most {MAX_ANSWER_BYTES} bytes, this one has {len(payload)}")
    try:
        return _probe.decode(payload)
    except msgspec.ValidationError as error:
        raise RefusedInput("not_an_object", "an answer is one JSON object, in { }") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedInput("not_json", f"the answer is not JSON: {error}") from error


def _check_time(at: str, now: float, max_off_s: float) -> None:
    off_s = now - unix_seconds(at)
    if abs(off_s) > max_off_s:
        way = f"{abs(off_s) / 60:.0f} min {'ago' if off_s > 0 else 'ahead'}"
        text = f"at: {at} is {way}; an answer counts for {max_off_s / 60:.0f} min, and the clock of the handheld must be right"
        raise RefusedInput("stale" if off_s > 0 else "future", text)


def _event(doc: AnswerDocument, by: str, now: float, ahead_s: float) -> Answer:
    """A handheld whose clock is fast has answered by now all the same."""
    at = now if doc.at is None else min(unix_seconds(doc.at) + ahead_s, now)
    return Answer(
        at=at,
        received=None if at == now else now,
        id=doc.id,
        alarm=doc.alarm,
        action=doc.action,
        by=by,
        outcome=doc.outcome,
        note=doc.note,
        items=tuple({"epc": item.epc, "outcome": item.outcome} for item in doc.items),
    )
