"""What an alarm's transition puts on the wire: outbox rows, written in the same transaction as the alarm. Pure.

Topics are below `<prefix>/<site>/`. A retained topic holds a state, so only its newest row matters; `event/alarm` holds
transitions, so each of its rows does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rfidguard import topics
from rfidguard.alarm import OPEN_STATES, SEVERITIES, Alarm, alarm_message, transition_message
from rfidguard.effects import AlarmChanged

EVENT_EXPIRY_S = 86_400.0
"""A transition that reached nobody for a day is history (the report has it); what is open still stands on `alarm/<id>`."""

_encoder = msgspec.json.Encoder()


class OutboxRow(msgspec.Struct, frozen=True):
    """One message to publish. `expiry_s`: the broker and the outbox forget it after that long; None = never.

    `alarm`: the alarm that it speaks of; rows without one are the first to go when the outbox is full.
    """

    topic: str
    payload: bytes
    retain: bool
    expiry_s: float | None = None
    alarm: str | None = None


def rows_for(change: AlarmChanged) -> list[OutboxRow]:
    """The rows of one transition. The index of all alarms is no row: it would grow with them, once for each transition.

    The event stands first: it is what rings. Where no handheld is to be told nothing rings and nothing is shown; only an
    alarm that closes is taken off the broker, should it stand there from a time when they were (outbox_db.append knows).
    """
    alarm = change.alarm
    closed = alarm.state not in OPEN_STATES
    if not change.notify and not closed:
        return []
    return [_event_row(change), _state_row(alarm)] if change.notify else [_state_row(alarm)]


def index_message(open_alarms: Sequence[Alarm]) -> dict[str, Any]:
    """The retained index `alarms`: how many are open or acknowledged, the highest severity, their ids (oldest first)."""
    listed = sorted((alarm for alarm in open_alarms if alarm.state in OPEN_STATES), key=lambda alarm: (alarm.raised_at, alarm.id))
    severities = [alarm.severity for alarm in listed]
    return {
        "open": len(listed),
        "severity": max(severities, key=SEVERITIES.index, default=None),
        "ids": [alarm.id for alarm in listed],
    }


def encoded(body: Mapping[str, Any]) -> bytes:
    """A payload's bytes: UTF-8 JSON, the same for the same body."""
    return _encoder.encode(body)


def _event_row(change: AlarmChanged) -> OutboxRow:
    body = transition_message(change.alarm, change.event_type, change.event_at)
    return OutboxRow(topics.EVENT_ALARM, encoded(body), retain=False, expiry_s=EVENT_EXPIRY_S, alarm=change.alarm.id)


def _state_row(alarm: Alarm) -> OutboxRow:
    """The whole alarm while it is open, without expiry; a zero-length payload takes it off the broker once it is closed."""
    payload = encoded(alarm_message(alarm)) if alarm.state in OPEN_STATES else b""
    return OutboxRow(topics.alarm(alarm.id), payload, retain=True, alarm=alarm.id)
