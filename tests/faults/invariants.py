"""What must be true after every fault, asked in one place: `check(shop)`."""

import itertools
import json

from shop import Shop
from wait import wait_for

from rfidguard.alarm import OPEN_STATES
from simulators.handheld import Script, SimHandheld
from simulators.ports import answers

_number = itertools.count(1)


def check(shop: Shop) -> None:
    """Waits for what is on its way, then asserts every invariant. The daemon must run, reader and broker must be well.

    One more theft is played first: the gate is watched, and whatever left before it has been judged once this one rings.
    """
    shop.watching()
    shop.until_rung(shop.steal())
    _every_theft_rang_under_one_name(shop)
    _every_alarm_decided_was_received_and_is_stored_once(shop)
    _nothing_paid_rang(shop)
    _every_confirmed_sale_and_answer_is_stored(shop)
    _open_alarms_stand_at_the_broker(shop)
    _nothing_was_dropped(shop)


def _every_theft_rang_under_one_name(shop: Shop) -> None:
    for epc in shop.stolen:
        if epc not in shop.doubtful:
            _rang(shop, epc)
        ids = shop.ids_of(epc)
        assert len(ids) <= 1, f"{epc} stands in several alarms: {ids}"


def _rang(shop: Shop, epc: str) -> None:
    """Where it did not, what the daemon says about that and what its reads were stand in the failure."""
    try:
        wait_for(lambda: shop.rung(epc), 60, f"the alarm of {epc}")
    except AssertionError as error:
        told = shop.command("explain", "--epc", epc)
        raise AssertionError(f"{error}\n{(told.stdout + told.stderr).decode()}\n{shop.reads_of(epc)}") from error


def _every_alarm_decided_was_received_and_is_stored_once(shop: Shop) -> None:
    for name in shop.decided() - shop.checked:
        wait_for(lambda name=name: name in _received(shop), 60, f"alarm {name} at a handheld")
        wait_for(lambda name=name: shop.sql(f"select 1 from alarms where id = '{name}'"), 30, f"alarm {name} in the database")
        ((raised,),) = shop.sql(f"select count(*) from alarm_events where alarm = '{name}' and event_type = 'raised'")
        assert raised == 1 or (raised == 0 and shop.database_was_lost()), f"alarm {name} was raised {raised} times"
    stored = {row[0] for row in shop.sql("select id from alarms")}
    assert stored == shop.decided()
    shop.checked |= stored


def _nothing_paid_rang(shop: Shop) -> None:
    for epc in shop.bought:
        assert not shop.ids_of(epc), f"{epc} was paid and rang"


def _every_confirmed_sale_and_answer_is_stored(shop: Shop) -> None:
    documents = {row[0] for row in shop.sql("select id from documents")}
    assert set(shop.sold.values()) <= documents or shop.database_was_lost()
    stored = {(row[0], row[1]): row[2] for row in shop.sql("select by, id, status from answers")}
    for hand in shop.hands:
        accepted = [name for name, reply in list(hand.replies.items()) if reply["status"] == "accepted"]
        for name in accepted if not shop.database_was_lost() else ():
            assert stored.get((hand.user, name)) in ("accepted", None), f"answer {name} of {hand.user} is gone"
            assert (hand.user, name) in stored, f"answer {name} of {hand.user} was accepted and is gone"


def _open_alarms_stand_at_the_broker(shop: Shop) -> None:
    late = SimHandheld(shop.login(), f"late-{next(_number)}", Script(received=False))
    late.start()
    try:
        wait_for(lambda: set(late.open) == _open(shop), 30, "the open alarms at the broker")
    finally:
        late.stop()


def _nothing_was_dropped(shop: Shop) -> None:
    assert answers(shop.http_port)
    dropped = [line for line in shop.metrics().splitlines() if line.startswith("rfidguard_dropped_total")]
    assert not [line for line in dropped if "reads_dropped" in line and not line.endswith(" 0.0")], dropped


def _received(shop: Shop) -> set[str]:
    return {str(heard.body["id"]) for hand in shop.hands for heard in hand.heard if heard.body}


def _open(shop: Shop) -> set[str]:
    rows = [json.loads(row[0]) for row in shop.sql("select body from alarms")]
    return {row["id"] for row in rows if row["state"] in OPEN_STATES}
