"""Alarms in the database: each transition once, together with what must be published of it."""

import msgspec
import pytest
from sqlalchemy import select

from rfidguard import schema
from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.alarm_db import find_alarms, get_alarm, list_alarms, open_alarms, store_change, transitions
from rfidguard.clock import SystemClock
from rfidguard.effects import AlarmChanged
from rfidguard.outbox import OutboxRow
from rfidguard.service_db import DAEMON, beat, is_alive, rest
from rfidguard.store import Store


@pytest.fixture
def store():
    with Store("sqlite://", SystemClock()) as opened:
        yield opened


def make_alarm(raised_at: float = 1000.0, **fields: object) -> Alarm:
    item = Item(epc="30AB", state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=raised_at)
    alarm = Alarm(
        id=alarm_id(raised_at, "0001", "front", "30AB", raised_at),
        revision=1,
        site="0001",
        gate="front",
        kind="unpaid_items",
        state="open",
        severity="warning",
        raised_at=raised_at,
        updated_at=raised_at,
        items=(item,),
        currency="EUR",
    )
    return msgspec.structs.replace(alarm, **fields)


def store_it(store: Store, alarm: Alarm, event_type: str = "raised", *rows: OutboxRow) -> bool:
    return store.write(lambda conn: store_change(conn, AlarmChanged(alarm, event_type, alarm.updated_at), rows)).result(10)


def topics(store: Store) -> list[str]:
    return store.read(lambda conn: list(conn.execute(select(schema.outbox.c.topic).order_by(schema.outbox.c.id)).scalars()))


def test_an_alarm_comes_back_as_it_went_in(store: Store) -> None:
    alarm = make_alarm()
    assert store_it(store, alarm)
    assert store.read(lambda conn: get_alarm(conn, alarm.id)) == alarm


def test_what_must_be_published_is_stored_with_it_in_order(store: Store) -> None:
    store_it(store, make_alarm(), "raised", OutboxRow("event/alarm", b"1", False, 60.0), OutboxRow("alarms", b"2", True))
    assert topics(store) == ["event/alarm", "alarms"]


def test_a_transition_that_is_known_writes_nothing(store: Store) -> None:
    row = OutboxRow("event/alarm", b"1", False)
    assert store_it(store, make_alarm(), "raised", row)
    assert not store_it(store, make_alarm(state="resolved"), "raised", row)
    assert topics(store) == ["event/alarm"]
    assert len(store.read(open_alarms)) == 1


def test_an_alarm_and_its_rows_come_together_or_not_at_all(store: Store) -> None:
    alarm = make_alarm()
    bad = OutboxRow("alarms", object(), False)  # type: ignore[arg-type]
    failed = store.write(
        lambda conn: store_change(conn, AlarmChanged(alarm, "raised", 1000.0), [OutboxRow("a", b"", False), bad])
    )
    assert failed.exception(10) is not None
    assert store.read(lambda conn: get_alarm(conn, alarm.id)) is None
    assert topics(store) == []


def test_two_transitions_of_one_revision_are_two(store: Store) -> None:
    alarm = make_alarm()
    assert store_it(store, alarm, "raised")
    assert store_it(store, alarm, "updated")
    assert [event for event, _ in store.read(lambda conn: transitions(conn, alarm.id))] == ["raised", "updated"]


def test_a_later_revision_replaces_and_an_earlier_one_does_not(store: Store) -> None:
    alarm = make_alarm()
    store_it(store, msgspec.structs.replace(alarm, revision=3, state="resolved"), "resolved")
    store_it(store, msgspec.structs.replace(alarm, revision=2), "updated")
    found = store.read(lambda conn: get_alarm(conn, alarm.id))
    assert found is not None
    assert (found.revision, found.state) == (3, "resolved")
    assert store.read(open_alarms) == []


def test_open_and_acknowledged_alarms_are_open(store: Store) -> None:
    for at, state in ((1000.0, "acknowledged"), (2000.0, "open"), (3000.0, "resolved"), (4000.0, "expired"), (5000.0, "cleared")):
        store_it(store, make_alarm(at, state=state))
    assert [alarm.raised_at for alarm in store.read(open_alarms)] == [1000.0, 2000.0]
    assert [alarm.raised_at for alarm in store.read(lambda conn: list_alarms(conn, False, 10))] == [2000.0, 1000.0]
    assert [alarm.raised_at for alarm in store.read(lambda conn: list_alarms(conn, True, 3))] == [5000.0, 4000.0, 3000.0]


def test_an_alarm_is_found_by_the_beginning_of_its_id_in_either_case(store: Store) -> None:
    alarm = make_alarm()
    store_it(store, alarm)
    assert store.read(lambda conn: find_alarms(conn, alarm.id[:12].lower())) == [alarm]
    assert store.read(lambda conn: find_alarms(conn, "%")) == []
    assert store.read(lambda conn: get_alarm(conn, alarm.id[:12])) is None


def test_a_daemon_is_alive_while_its_beat_is_fresh(store: Store) -> None:
    def alive(now: float) -> bool:
        return store.read(lambda conn: is_alive(conn, DAEMON, now))

    assert not alive(100.0)
    store.write(lambda conn: beat(conn, DAEMON, "s1", 1, 90.0)).result(10)
    store.write(lambda conn: beat(conn, DAEMON, "s1", 1, 100.0)).result(10)
    assert alive(104.0)
    assert not alive(106.0)


def test_a_daemon_that_rests_takes_only_its_own_beat_along(store: Store) -> None:
    store.write(lambda conn: beat(conn, DAEMON, "new", 2, 100.0)).result(10)
    store.write(lambda conn: rest(conn, DAEMON, "old")).result(10)
    assert store.read(lambda conn: is_alive(conn, DAEMON, 100.0))
    store.write(lambda conn: rest(conn, DAEMON, "new")).result(10)
    assert not store.read(lambda conn: is_alive(conn, DAEMON, 100.0))
