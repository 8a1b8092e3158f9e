"""An alarm that nobody received is rung again: which rows the outbox sends once more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from walks import T0, own

from rfidguard import outbox_db
from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.alarm_db import store_change
from rfidguard.clock import SystemClock
from rfidguard.effects import AlarmChanged
from rfidguard.outbox import rows_for
from rfidguard.repeat import REPEAT_S, Repeater
from rfidguard.store import Store


class HandClock(SystemClock):
    """Monotonic time as the test sets it."""

    at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", SystemClock()) as opened:
        yield opened


def rung(store: Store) -> Alarm:
    """An alarm whose rows were all published."""
    item = Item(epc=own(1), state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=T0)
    alarm = Alarm(
        id=alarm_id(T0, "0001", "front", own(1), T0), revision=1, site="0001", gate="front", kind="unpaid_items",
        state="open", severity="warning", raised_at=T0, updated_at=T0, items=(item,), currency="EUR",
    )  # fmt: skip
    change = AlarmChanged(alarm, "raised", T0)
    store.write(lambda conn: store_change(conn, change, rows_for(change))).result(20)
    rows = store.read(lambda conn: outbox_db.open_rows(conn, 10))
    store.write(lambda conn: outbox_db.mark_done(conn, [row.id for row in rows], T0)).result(20)
    return alarm


def waiting(store: Store) -> list[str]:
    store.write(lambda conn: None).result(20)
    return [row.row.topic for row in store.read(lambda conn: outbox_db.open_rows(conn, 10))]


def test_alarm_nobody_received_is_rung_again_after_its_time_and_not_before(store: Store) -> None:
    alarm, clock = rung(store), HandClock()
    repeater = Repeater(store, lambda: [alarm], clock)
    assert repeater.turn() == []
    clock.at = REPEAT_S / 2
    assert repeater.turn() == []
    assert waiting(store) == []
    clock.at = REPEAT_S
    assert repeater.turn() == [alarm.id]
    assert waiting(store) == ["event/alarm"]


def test_alarm_that_was_received_or_acknowledged_is_left_in_peace(store: Store) -> None:
    alarm, clock = rung(store), HandClock()
    seen = [replace(alarm, delivered_by="staff-1"), replace(alarm, state="acknowledged")]
    for quiet in seen:
        repeater = Repeater(store, lambda quiet=quiet: [quiet], clock)
        repeater.turn()
        clock.at += REPEAT_S * 2
        assert repeater.turn() == []
    assert waiting(store) == []
