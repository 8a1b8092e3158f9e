"""JSON Schema (draft 2020-12) of every payload that enters or leaves, made from the models that are in use."""

from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from rfidguard import messages
from rfidguard.answer_document import AnswerDocument
from rfidguard.command_desk import CommandDocument
from rfidguard.events import Event
from rfidguard.sale import SaleDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class TruthPassage(BaseModel):
    """Someone went through a gate or near it."""

    passage: str
    kind: str
    start: float
    end: float
    cross: float | None
    direction: str
    unpaid: list[str]
    tags: list[str]


class Truth(BaseModel):
    """`truth.json`: what really happened in a scene. Times are Unix seconds."""

    model_config = ConfigDict(extra="allow")

    passages: list[TruthPassage]
    standing: list[str] = Field(description="EPCs that never moved.")
    seconds: float


_INBOUND: dict[str, type[BaseModel]] = {
    "presence": messages.Presence,
    "answer": AnswerDocument,
    "sale": SaleDocument,
    "heartbeat": messages.Heartbeat,
    "command": CommandDocument,
    "truth": Truth,
}
_OUTBOUND: dict[str, type[BaseModel]] = {
    "alarm": messages.AlarmMessage,
    "event-alarm": messages.AlarmEvent,
    "alarms": messages.AlarmIndex,
    "status": messages.StatusMessage,
    "info": messages.InfoMessage,
    "health": messages.HealthMessage,
    "gate-status": messages.GateStatus,
    "device-status": messages.DeviceStatus,
    "event-device": messages.DeviceEvent,
    "event-ledger": messages.LedgerEvent,
    "answer-reply": messages.AnswerReply,
    "sale-reply": messages.SaleReplyMessage,
    "command-reply": messages.CommandReply,
}


def schemas() -> dict[str, dict[str, Any]]:
    """Name -> schema, for example "alarm"."""
    found = {name: model.model_json_schema(by_alias=True, mode="validation") for name, model in (_INBOUND | _OUTBOUND).items()}
    found["journal-line"] = _journal_schema()
    return {name: {"$schema": DIALECT, **found[name]} for name in sorted(found)}


def _journal_schema() -> dict[str, Any]:
    """One line of a journal. Other types and fields are kept and ignored, so neither is refused here."""
    (schema,), components = msgspec.json.schema_components([Event], ref_template="#/$defs/{name}")
    return {
        "title": "JournalLine",
        "description": "One input of the core. Lines of other types are kept and ignored.",
        **schema,
        "$defs": components,
    }
