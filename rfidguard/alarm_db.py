"""Alarms in the database: every transition once, together with what must be published of it, in one transaction."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, desc, select
from sqlalchemy.dialects import sqlite

from rfidguard.alarm import OPEN_STATES, Alarm
from rfidguard.effects import AlarmChanged
from rfidguard.outbox import OutboxRow
from rfidguard.outbox_db import append
from rfidguard.schema import alarm_events, alarms
from rfidguard.upsert import insert_for, insert_once

_decoder = msgspec.json.Decoder(Alarm)


def store_change(conn: Connection, change: AlarmChanged, rows: Sequence[OutboxRow]) -> bool:
    """Stores the transition, the alarm as it now is, and the outbox rows.

    False, and nothing written, where this id, revision and event type is known. A revision older than the stored one is
    kept as an event; the alarm stays as it is.
    """
    if not _store_event(conn, change):
        return False
    _store_alarm(conn, change.alarm)
    append(conn, rows, change.event_at)
    return True


def open_alarms(conn: Connection) -> list[Alarm]:
    """Every alarm that is open or acknowledged, oldest first."""
    return alarms_where(
        conn, select(alarms.c.body).where(alarms.c.state.in_(OPEN_STATES)).order_by(alarms.c.raised_at, alarms.c.id)
    )


def list_alarms(conn: Connection, include_closed: bool, limit: int) -> list[Alarm]:
    """The newest alarms first; closed ones only where they are asked for."""
    statement = select(alarms.c.body).order_by(desc(alarms.c.raised_at), desc(alarms.c.id)).limit(limit)
    return alarms_where(conn, statement if include_closed else statement.where(alarms.c.state.in_(OPEN_STATES)))


def alarms_between(conn: Connection, since: float, until: float) -> list[Alarm]:
    """Every alarm raised in that time, whatever became of it, oldest first."""
    raised = alarms.c.raised_at.between(since, until)
    return alarms_where(conn, select(alarms.c.body).where(raised).order_by(alarms.c.raised_at, alarms.c.id))


def get_alarm(conn: Connection, alarm_id: str) -> Alarm | None:
    """The alarm with exactly this id."""
    body = conn.execute(select(alarms.c.body).where(alarms.c.id == alarm_id)).scalar()
    return None if body is None else _decoder.decode(body)


def find_alarms(conn: Connection, prefix: str, limit: int = 10) -> list[Alarm]:
    """The alarms whose id starts with `prefix` (letters and digits, either case), newest first."""
    statement = select(alarms.c.body).where(alarms.c.id.startswith(prefix.upper(), autoescape=True))
    return alarms_where(conn, statement.order_by(desc(alarms.c.id)).limit(limit))


def alarms_where(conn: Connection, statement: Any) -> list[Alarm]:
    """The alarms whose bodies `statement` selects, in its order."""
    return [_decoder.decode(body) for body in conn.execute(statement).scalars()]


def transitions(conn: Connection, alarm_id: str) -> list[tuple[str, float]]:
    """What happened to one alarm, in order: event type and time."""
    table = alarm_events.c
    statement = select(table.event_type, table.event_at).where(table.alarm == alarm_id)
    return [(row.event_type, row.event_at) for row in conn.execute(statement.order_by(table.revision, table.event_at))]


def _store_event(conn: Connection, change: AlarmChanged) -> bool:
    key = {"alarm": change.alarm.id, "revision": change.alarm.revision, "event_type": change.event_type}
    return insert_once(conn, alarm_events, {**key, "event_at": change.event_at})


def _store_alarm(conn: Connection, alarm: Alarm) -> None:
    conn.execute(_upsert(conn.dialect.name), _row_of(alarm))


@cache
def _upsert(dialect: str) -> sqlite.Insert:
    statement = insert_for(dialect, alarms)
    new = {column.name: statement.excluded[column.name] for column in alarms.c}
    return statement.on_conflict_do_update(index_elements=["id"], set_=new, where=alarms.c.revision <= new["revision"])


def _row_of(alarm: Alarm) -> dict[str, Any]:
    names = ("id", "revision", "gate", "kind", "state", "severity", "raised_at", "updated_at")
    return {**{name: getattr(alarm, name) for name in names}, "body": msgspec.json.encode(alarm)}
