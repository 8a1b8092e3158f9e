"""A broker that was away for long: what was decided meanwhile comes in order of each alarm, and who is at the gate now first.

1,000 alarms make 2,000 messages; the long profile has 33,000, more than two days of a large shop.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial

from mqtt_site import resolved
from shop import Shop
from wait import wait_for

from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.alarm_db import store_change
from rfidguard.clock import SystemClock
from rfidguard.effects import AlarmChanged
from rfidguard.outbox import rows_for
from rfidguard.store import FOR_EVER, Store
from simulators.handheld import Script, SimHandheld

ALARMS = int(os.environ.get("BACKLOG", "33000" if os.environ.get("SOAK") else "1000"))
PATIENCE_S = 60 + ALARMS / 50
HOURS_AGO_S = 4 * 3600.0


def test_backlog_of_an_outage_comes_whole_and_in_order_and_a_theft_of_now_before_it(shop: Shop) -> None:
    shop.start()
    hand = shop.open_up(Script(received=False))
    shop.store_broker.kill()
    assert shop.terminate() == 0
    names = _leave_behind(shop)
    shop.start()
    shop.until_device_up()
    shop.steal()
    wait_for(lambda: shop.decided(), 30, "the theft's alarm")
    shop.store_broker.start()
    shop.until_rung()
    before = len(hand.events)
    since = shop.clock.monotonic()
    # The theft's own messages stand between them, so a number of messages does not say that the last one is here.
    wait_for(lambda: len(hand.events) > 2 * ALARMS and _whole(hand, names), PATIENCE_S, f"the backlog of {2 * ALARMS} messages")
    print(f"{2 * ALARMS} messages in {shop.clock.monotonic() - since:.1f} s after the theft's")
    told = _told(hand)
    assert all(told[name] == ["raised", "resolved"] for name in names)
    assert before < ALARMS
    wait_for(lambda: "rfidguard_outbox_depth 0.0" in shop.metrics(), PATIENCE_S, "an empty outbox")
    assert "outbox_full" not in shop.metrics()
    shop.until_rung(shop.steal())


def _told(hand: SimHandheld) -> dict[str, list[str]]:
    """What a handheld heard, by alarm."""
    told = defaultdict(list)
    for heard in hand.events:
        told[str((heard.body or {})["id"])].append((heard.body or {})["event_type"])
    return told


def _whole(hand: SimHandheld, names: set[str]) -> bool:
    told = _told(hand)
    return all(len(told[name]) >= 2 for name in names)


def _leave_behind(shop: Shop) -> set[str]:
    """Alarms of some hours ago, each raised and resolved, as a daemon leaves them that had no broker; their ids."""
    alarms = list(_alarms(SystemClock().now() - HOURS_AGO_S))
    with Store(f"sqlite:///{shop.database}", SystemClock()) as store:
        for part in (alarms[at : at + 200] for at in range(0, len(alarms), 200)):
            store.write(partial(_store, alarms=part), FOR_EVER).result(60)
    return {alarm.id for alarm in alarms}


def _store(conn: object, alarms: Sequence[Alarm]) -> None:
    changes = [AlarmChanged(alarm, "raised", alarm.raised_at) for alarm in alarms]
    changes += [AlarmChanged(resolved(alarm), "resolved", alarm.raised_at + 60) for alarm in alarms]
    for change in changes:
        store_change(conn, change, rows_for(change))  # type: ignore[arg-type]


def _alarms(since: float) -> Iterator[Alarm]:
    for number in range(ALARMS):
        at = since + number * 0.1
        epc = f"3034257BF400{number:012X}"
        item = Item(epc=epc, state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=at)
        yield Alarm(
            id=alarm_id(at, "0001", "front", epc, at), revision=1, site="0001", gate="front", kind="unpaid_items",
            state="open", severity="warning", raised_at=at, updated_at=at, items=(item,), currency="EUR",
        )  # fmt: skip
