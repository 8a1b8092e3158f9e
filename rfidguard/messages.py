"""Every payload that goes out (and the small ones that come in) as pydantic models, and the builders of status and info.

The models are the public description: `export-schema` writes them as JSON Schema, tests hold the real messages to them. Fields
may be added, so consumers ignore what they do not know. Times are RFC 3339 in UTC. Sales, answers and commands have their own
models (rfidguard/sale.py, answer_document.py, command_desk.py).
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rfidguard import __version__
from rfidguard.config import Config

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Money = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$")]
Severity = Literal["info", "warning", "critical"]
DeviceState = Literal["online", "degraded", "offline"]
EventType = Literal["raised", "updated", "delivered", "acknowledged", "escalated", "resolved", "cleared", "expired"]
ItemState = Literal["unpaid", "pending", "cleared", "sold", "unverified"]
AlarmState = Literal["open", "acknowledged", "resolved", "cleared", "expired"]


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class AlarmItem(Message):
    """One item of an alarm. Only `unpaid` rings; `cleared` means that its sale came late."""

    epc: str
    gtin: str | None
    serial: str | None
    name: str | None
    price: Money | None
    state: ItemState
    reason: Annotated[str, Field(description="A code; the table of reasons says it in words.")]
    certainty: Annotated[float, Field(ge=0, le=1)]
    decided_at: Time
    outcome: str | None = None


class AlarmMessage(Message):
    """`alarm/<id>`, retained while the alarm is open or acknowledged, zero-length once it is closed."""

    schema_: Annotated[Literal["rfidguard.alarm/1"], Field(alias="schema")]
    id: Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$", description="A ULID; a replay gives the same.")]
    revision: Annotated[int, Field(ge=1, description="Consumers de-duplicate on `id` and `revision`.")]
    site: str
    gate: str
    kind: Annotated[str, Field(description="unpaid_items, eas_unidentified, tag_not_deactivated, blind_gate, … (an open set)")]
    state: AlarmState
    severity: Severity
    raised_at: Time
    updated_at: Time
    items: list[AlarmItem]
    value: Money | None
    currency: str
    drill: bool
    evidence: dict[str, Any]
    told: bool = True
    to: Annotated[list[str], Field(description="Whose handhelds ring; others show it only. Absent: everybody's.")] = []
    delivered_by: str | None = None
    acknowledged_by: str | None
    resolved_by: str | None
    outcome: str | None


class AlarmEvent(AlarmMessage):
    """`event/alarm`: one message per transition. `delivered` is the first `received` of a handheld, never a PUBACK."""

    event_type: EventType
    event_at: Time


class AlarmIndex(Message):
    """`alarms`, retained: what is open or acknowledged now, oldest first."""

    open: Annotated[int, Field(ge=0)]
    severity: Annotated[Severity | None, Field(description="The highest of them; null where nothing is open.")]
    ids: list[str]


class StatusMessage(Message):
    """`status`, retained, and the last will. An `offline` whose session and seq are not those of the newest `online` is late."""

    state: Literal["online", "stopping", "stopped", "offline"]
    session: Annotated[str, Field(description="New with every start of the daemon.")]
    seq: Annotated[int, Field(ge=1, description="Grows with every connection of this session; the will has its own's.")]
    at: Annotated[Time, Field(description="In the last will: when the connection was made that was lost.")]
    version: str


class GateInfo(Message):
    id: str
    mode: Literal["observe", "handheld", "light", "siren"]
    readers: list[str]
    pedestals: list[str]
    counters: list[str]
    outputs: list[str]


class GroupInfo(Message):
    id: str
    users: list[str]


class InfoMessage(Message):
    """`info`, retained: what this installation is."""

    version: str
    schemas: list[str]
    site: str
    timezone: str
    currency: str
    gates: list[GateInfo]
    groups: Annotated[list[GroupInfo], Field(description="Handhelds in the order in which they are told.")] = []
    rules: list[str]
    ledger_mode: Literal["serialised", "gtin", "mixed"]
    mqtt_protocol: Literal["5", "3.1.1"]
    commands: list[str]


class OutboxHealth(Message):
    depth: Annotated[int, Field(ge=0)]
    oldest_age_s: float | None
    parked: Annotated[dict[str, int], Field(description="Messages that the broker refuses, by reason.")]


class MqttHealth(Message):
    connected: bool
    session: str
    problem: str | None
    outbox: OutboxHealth
    no_listener_s: Annotated[float | None, Field(description="For how long nobody has listened on event/alarm.")]
    tells_no_listener: Annotated[
        bool | None, Field(description="Whether the broker tells when nobody listens; null until it has shown.")
    ] = None
    handhelds: Annotated[list[str], Field(description="Users whose handheld is online.")]
    counters: dict[str, int]


class LedgerHealth(Message):
    last_sale_age_s: float | None
    lanes: Annotated[dict[str, float], Field(description="Seconds since each lane was last heard.")]
    stale: Annotated[dict[str, str], Field(description="Feeds whose silence means that sales are missing, and why.")] = {}


class ChainHealth(Message):
    """The centre at which boxes and shops share sales, docs/chain.md."""

    state: Literal["online", "offline"]
    reason: str | None
    waiting: Annotated[int, Field(description="Records that the centre has yet to be told.")]
    told_at: Time | None
    heard: Annotated[int, Field(description="Records of others since the start.")]
    told: int
    asked: Annotated[dict[str, int], Field(description="Items that the centre was asked about, by outcome.")]
    refused: Annotated[dict[str, int], Field(description="Records of others that could not be kept, by reason.")]


class DatabaseHealth(Message):
    healthy: bool
    problem: str | None
    waiting: int
    moved_aside: Annotated[str | None, Field(description="Where a damaged database went at this start.")] = None


class AuditHealth(Message):
    """The end of the audit trail. Keep it elsewhere, and rows that somebody cuts off will be missed."""

    rows: int
    hash: str


class JournalHealth(Message):
    problem: str | None
    lost: dict[str, int]


class DeviceHealth(Message):
    state: DeviceState
    reason: str | None


class HealthMessage(Message):
    """`health`, retained, every 60 s and as soon as something breaks or mends.

    `mqtt` and `ledger` are absent while the database cannot be read.
    """

    at: Time
    state: Annotated[Literal["online", "degraded"] | None, Field(description="degraded: see `reasons`.")] = None
    reasons: Annotated[dict[str, str], Field(description="What does not work, by part, and why.")] = {}
    clock_ahead_s: Annotated[float, Field(description="By how much time here is ahead, after the clock was set back.")] = 0.0
    replaced: Annotated[dict[str, int], Field(description="Devices whose hung driver was started anew, how often.")] = {}
    database: DatabaseHealth
    ledger_stale: Annotated[bool, Field(description="Sales are missing: unpaid items are only unverified, see on_stale.")] = False
    journal: JournalHealth
    readers: Annotated[dict[str, float], Field(description="Reads per second, by gate.")]
    stray_load: Annotated[dict[str, int], Field(description="Tags in view, by gate.")]
    reads_per_passage: Annotated[
        dict[str, float | None], Field(description="Reads that a carried tag would get, by gate; below 4 the gate is starved.")
    ] = {}
    dropped: Annotated[dict[str, int], Field(description="Input discarded, by reason.")]
    devices: dict[str, DeviceHealth]
    mqtt: MqttHealth | None = None
    ledger: LedgerHealth | None = None
    chain: Annotated[ChainHealth | None, Field(description="Null where this box belongs to no chain.")] = None
    audit: AuditHealth | None = None


class GateStatus(Message):
    """`gate/<gate>/status`, retained."""

    gate: str
    state: DeviceState
    reason: str | None
    at: Time
    faults: Annotated[
        list[str],
        Field(
            description="blind: silent, collapse, canaries, noise, unread; else antenna_dead …, ports_swapped?, starved, … (open)"
        ),
    ] = []
    armed: Annotated[bool, Field(description="False: nothing alarms here now; `quiet` says why.")] = True
    quiet: Annotated[str | None, Field(description="goods_movement, muted, disarmed, gate_observes, … (a reason code)")] = None
    quiet_until: Time | None = None
    quiet_by: str | None = None


class DeviceStatus(Message):
    """`device/<device>/status`, retained."""

    device: str
    state: DeviceState
    reason: str | None
    at: Time


class DeviceEvent(Message):
    """`event/device`: a device changed state, or a pedestal said something that is no alarm (`kind`)."""

    device: str
    at: Time
    state: DeviceState | None = None
    reason: str | None = None
    gate: str | None = None
    kind: str | None = None


class LedgerEvent(Message):
    """`event/ledger`: input that was refused, or that is odd."""

    at: Time
    kind: Annotated[
        str, Field(description="rejected, stale, fresh, suspect, sale_undone, sale_restored, … (an open set); see `reason`")
    ]
    source: str | None = None
    lane: str | None = None
    id: str | None = None
    reason: str | None = None
    errors: list[str] = []
    epc: Annotated[str | None, Field(description="sale_undone: this item left as sold, and its sale was voided since.")] = None
    gate: str | None = None
    left_at: Time | None = None


class Presence(Message):
    """`handheld/<user>/presence`, retained, written by the handheld; its last will says offline."""

    state: Literal["online", "offline"]
    at: Time | None = None


class AnswerReply(Message):
    """`handheld/<user>/reply`, and the response topic where one was given."""

    id: str | None
    status: Literal["accepted", "rejected"]
    reason: str | None = None


class SaleReplyMessage(Message):
    """`pos/<lane>/reply`, and the response topic where one was given."""

    id: str | None
    status: Literal["stored", "duplicate", "rejected"]
    errors: list[str]
    reason: Annotated[str | None, Field(description="A short code of a rejection.")] = None


class Heartbeat(Message):
    """`pos/<lane>/heartbeat`: this till is alive and has nothing to sell."""

    at: Time | None = None
    closed: Annotated[bool, Field(description="The till is being closed, and not missed until its next heartbeat.")] = False


class CommandReply(Message):
    """`cmd/<name>/reply`."""

    id: str | None
    status: Literal["accepted", "rejected"]
    reason: str | None = None
    name: str | None = None


COMMANDS = ("mute", "unmute", "arm", "disarm", "test", "reload", "rebirth")
SCHEMAS = ("rfidguard.alarm/1", "rfidguard.journal/1")


def status_message(state: str, session: str, seq: int, at: str) -> dict[str, Any]:
    """The body of `status`; `at` RFC 3339."""
    return {"state": state, "session": session, "seq": seq, "at": at, "version": __version__}


def info_message(config: Config) -> dict[str, Any]:
    """The body of `info`."""
    return {
        "version": __version__,
        "schemas": list(SCHEMAS),
        "site": config.site.id,
        "timezone": config.site.timezone,
        "currency": config.site.currency,
        "gates": [
            {
                "id": gate.id,
                "mode": gate.mode,
                "readers": [device.id for device in gate.reader],
                "pedestals": [device.id for device in gate.pedestal],
                "counters": [device.id for device in gate.counter],
                "outputs": [output.id for output in gate.output],
            }
            for gate in config.gate
        ],
        "groups": [{"id": group.id, "users": list(group.users)} for group in config.group],
        "rules": [rule.use for rule in config.rule],
        "ledger_mode": config.ledger.mode,
        "mqtt_protocol": config.mqtt.protocol,
        "commands": list(COMMANDS),
    }
