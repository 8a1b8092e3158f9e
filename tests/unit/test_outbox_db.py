"""The outbox in a real database."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from alarms import T0, a_change, an_alarm
from sqlalchemy import func, select, text

from rfidguard import outbox_db, schema
from rfidguard.alarm import Alarm, first_id
from rfidguard.alarm_db import store_change
from rfidguard.clock import SystemClock
from rfidguard.outbox import OutboxRow, rows_for
from rfidguard.store import Store

DAY_S = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'rfidguard.db'}", SystemClock()) as opened:
        yield opened


def write(store: Store, job: Any, **arguments: Any) -> Any:
    return store.write(partial(job, **arguments)).result(10)


def append(store: Store, *rows: OutboxRow, now: float = T0) -> None:
    write(store, outbox_db.append, rows=rows, now=now)


def waiting(store: Store, **arguments: Any) -> list[tuple[str, bytes]]:
    found = store.read(lambda conn: outbox_db.open_rows(conn, 100, **arguments))
    return [(stored.row.topic, stored.row.payload) for stored in found]


def event(text: bytes = b"e", alarm: str | None = None, expiry_s: float | None = None) -> OutboxRow:
    return OutboxRow("event/alarm", text, False, expiry_s, alarm)


def state(text: bytes, topic: str = "alarms") -> OutboxRow:
    return OutboxRow(topic, text, True)


def announce(store: Store, alarm: Alarm, event_type: str = "raised") -> None:
    change = a_change(alarm, event_type)
    store.write(lambda conn: store_change(conn, change, rows_for(change))).result(10)


def test_rows_come_out_in_the_order_in_which_they_went_in(store: Store) -> None:
    append(store, event(b"1"), event(b"2"))
    append(store, event(b"3"))
    assert [payload for _, payload in waiting(store)] == [b"1", b"2", b"3"]


def test_only_the_newest_row_of_a_retained_topic_waits(store: Store) -> None:
    append(store, state(b"old"), event(), state(b"new"))
    assert waiting(store) == [("event/alarm", b"e"), ("alarms", b"new")]


def test_the_states_of_one_topic_take_one_row(store: Store) -> None:
    for number in range(20):
        append(store, state(b"%d" % number, "alarm/A"))
    append(store, state(b"", "alarm/A"), state(b"", "alarm/A"))
    assert store.read(lambda conn: conn.execute(select(func.count()).select_from(schema.outbox)).scalar()) == 1
    assert waiting(store) == [("alarm/A", b"")]


def test_alarms_of_now_go_before_a_backlog_and_keep_their_own_order(store: Store) -> None:
    old, new = first_id(T0), first_id(T0 + 3600)
    append(store, event(b"old 1", old), event(b"new 1", new), event(b"old 2", old), event(b"new 2", new), event(b"no alarm's"))
    assert [text for _, text in waiting(store, live_from=first_id(T0 + 3000))] == [
        b"new 1", b"new 2", b"old 1", b"old 2", b"no alarm's",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "question",
    [
        "DELETE FROM outbox WHERE topic = 'alarm/A' AND retain IS 1",
        "SELECT id FROM outbox WHERE topic = 'alarm/A' AND retain IS 1 AND length(payload) > 0",
        "SELECT max(id) FROM outbox WHERE topic = 'event/alarm' AND alarm IN ('A', 'B') GROUP BY alarm",
        "SELECT count(*), min(id) FROM outbox WHERE done_at IS NULL",
        "SELECT * FROM outbox WHERE done_at IS NULL AND parked IS NULL AND topic NOT IN ('event/alarm') ORDER BY id LIMIT 64",
    ],
)
def test_no_question_about_what_waits_reads_every_row_that_ever_was(store: Store, question: str) -> None:
    plan = [row[3] for row in store.read(lambda conn: conn.execute(text(f"EXPLAIN QUERY PLAN {question}")).all())]
    assert all("SEARCH outbox USING" in step and "INDEX" in step for step in plan), plan


def test_rows_on_their_way_and_held_topics_are_left_out(store: Store) -> None:
    append(store, event(), state(b"x"))
    first = store.read(lambda conn: outbox_db.open_rows(conn, 1))[0].id
    assert waiting(store, without={first}) == [("alarms", b"x")]
    assert waiting(store, topics_held={"alarms"}) == [("event/alarm", b"e")]


def test_done_rows_do_not_wait(store: Store) -> None:
    append(store, event(b"1"), event(b"2"))
    first = store.read(lambda conn: outbox_db.open_rows(conn, 1))[0].id
    write(store, outbox_db.mark_done, ids=[first], now=T0)
    assert [payload for _, payload in waiting(store)] == [b"2"]


def test_parked_rows_wait_apart_until_they_get_another_chance(store: Store) -> None:
    append(store, event())
    row = store.read(lambda conn: outbox_db.open_rows(conn, 1))[0].id
    write(store, outbox_db.park, row_id=row, reason="not_authorised")
    assert waiting(store) == []
    assert store.read(outbox_db.depth).parked == {"not_authorised": 1}
    assert write(store, outbox_db.unpark) == 1
    assert store.read(lambda conn: outbox_db.open_rows(conn, 1))[0].attempts == 1


def test_an_alarm_that_was_never_shown_needs_no_taking_away(store: Store) -> None:
    append(store, state(b"", "alarm/A"))
    assert waiting(store) == []
    append(store, state(b"x", "alarm/A"), state(b"", "alarm/A"))
    assert waiting(store) == [("alarm/A", b"")]


def test_rebirth_sends_the_newest_of_every_retained_topic_and_no_event_again(store: Store) -> None:
    append(store, event(), state(b"1"), state(b"2"), state(b"a", "alarm/A"))
    ids = [stored.id for stored in store.read(lambda conn: outbox_db.open_rows(conn, 100))]
    write(store, outbox_db.mark_done, ids=ids, now=T0)
    write(store, outbox_db.reopen_retained)
    assert waiting(store) == [("alarms", b"2"), ("alarm/A", b"a")]


def test_transitions_that_a_dead_broker_took_lately_wait_again_before_what_came_since(store: Store) -> None:
    append(store, event(b"old", "a"), event(b"late", "b"), event(b"of no alarm"), state(b"1"))
    write(store, outbox_db.mark_done, ids=[1], now=T0)
    write(store, outbox_db.mark_done, ids=[2, 3, 4], now=T0 + 50)
    append(store, event(b"new", "c"))
    assert write(store, outbox_db.reopen_transitions, since=T0 + 40) == 1
    assert [text for _, text in waiting(store)] == [b"late", b"new"]


def test_depth_tells_how_many_and_since_when(store: Store) -> None:
    assert store.read(outbox_db.depth) == outbox_db.Depth(0, None, {})
    append(store, event(), now=T0)
    append(store, event(), now=T0 + 5)
    assert store.read(outbox_db.depth) == outbox_db.Depth(2, T0, {})


def test_rows_past_their_time_are_given_up(store: Store) -> None:
    append(store, event(b"short", expiry_s=10), event(b"long", expiry_s=100), state(b"x"))
    assert write(store, outbox_db.expire, now=T0 + 50) == 1
    assert [payload for _, payload in waiting(store)] == [b"long", b"x"]


def test_purge_forgets_what_was_done_a_day_ago_but_not_what_still_stands(store: Store) -> None:
    append(store, event(), state(b"a", "alarm/A"), state(b"b", "alarm/B"), state(b"", "alarm/B"))
    ids = [stored.id for stored in store.read(lambda conn: outbox_db.open_rows(conn, 100))]
    write(store, outbox_db.mark_done, ids=ids, now=T0)
    write(store, outbox_db.purge, now=T0 + DAY_S + 1)
    write(store, outbox_db.reopen_retained)
    assert waiting(store) == [("alarm/A", b"a")]


def test_a_full_outbox_drops_what_speaks_of_no_alarm_first(store: Store) -> None:
    append(store, *(event(bytes([65 + n])) for n in range(5)))
    announce(store, an_alarm())
    dropped = write(store, outbox_db.trim, max_rows=5)
    assert dropped == {"outbox_full": 2}
    assert len(waiting(store)) == 5


def test_a_full_outbox_drops_closed_alarms_before_open_ones(store: Store) -> None:
    closed = an_alarm(1)
    announce(store, closed)
    announce(store, an_alarm(1, state="resolved", revision=2), "resolved")
    announce(store, an_alarm(2))
    dropped = write(store, outbox_db.trim, max_rows=0)
    assert dropped == {"outbox_full_closed_alarm": 2}
    assert [topic for topic, _ in waiting(store)].count("event/alarm") == 1


def test_a_full_outbox_is_measured_in_bytes_too(store: Store) -> None:
    append(store, event(b"x" * 600), event(b"y" * 600))
    assert write(store, outbox_db.trim, max_bytes=1000) == {"outbox_full": 1}
    assert waiting(store) == [("event/alarm", b"y" * 600)]


def test_rows_and_alarm_are_stored_together_or_not_at_all(store: Store) -> None:
    alarm = an_alarm()
    announce(store, alarm)
    announce(store, alarm)
    assert len(waiting(store)) == 2
