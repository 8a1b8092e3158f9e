"""What the core wants done: the only way in which it touches the world. The shells carry effects out, in order."""

from typing import Any

import msgspec

from rfidguard.alarm import Alarm


class AlarmChanged(msgspec.Struct, frozen=True):
    """An alarm made a transition: store it, publish it. `notify` is false where no handheld is to be told."""

    alarm: Alarm
    event_type: str
    event_at: float
    notify: bool = True


class SwitchOutput(msgspec.Struct, frozen=True):
    """Light or siren: switch `pin` of `reader` on for `seconds` (0 = off)."""

    id: str
    reader: str
    pin: int
    seconds: float


class AskLedger(msgspec.Struct, frozen=True):
    """The core wants the ledger's records of these keys (rfidguard.epc.Identity.key); answered by a Lookup event, at once."""

    keys: tuple[str, ...]


class BindCredit(msgspec.Struct, frozen=True):
    """Unit `unit` (from 0) of the GTIN credit `credit` is used by this EPC, for good."""

    credit: str
    unit: int
    epc: str
    at: float


class Decided(msgspec.Struct, frozen=True, omit_defaults=False):
    """One tag passage (or pedestal alarm) was judged, alarm or not: why it rang, or why it stayed silent."""

    epc: str
    gate: str
    at: float
    verdict: str
    reason: str
    direction: str
    certainty: float
    terms: dict[str, float]


class AnswerJudged(msgspec.Struct, frozen=True):
    """The verdict on a person's answer: accepted, or rejected with who was first. Published on handheld/<by>/reply."""

    id: str
    by: str
    status: str
    reason: str | None = None


class Noted(msgspec.Struct, frozen=True):
    """Something to count or publish that is no alarm: `topic` is "device", "ledger" or "command"."""

    topic: str
    body: dict[str, Any]


Effect = AlarmChanged | SwitchOutput | AskLedger | BindCredit | Decided | AnswerJudged | Noted
