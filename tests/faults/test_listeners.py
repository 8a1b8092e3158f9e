"""Nobody listens: health says so at once, the alarm is rung again, grows louder, and is heard by who comes."""

from pathlib import Path
from typing import Any

import pytest
from invariants import check
from shop import Shop
from wait import wait_for

from simulators.handheld import Script, SimHandheld
from simulators.mqtt_client import SimClient

SIREN = 2
ESCALATION = f"""
  [[gate.output]]
  id = "front-siren"
  reader = "front-1"
  pin = {SIREN}
  seconds = 1
[alarms]
escalate_s = 4
[[group]]
id = "floor"
users = ["staff-1"]
[[group]]
id = "lead"
users = ["lead-1"]
[[action]]
kind = "unpaid_items"
do = ["handheld"]
"""


def _events(hand: SimHandheld) -> list[dict[str, Any]]:
    return [heard.body for heard in hand.events if heard.body]


def _tells(hand: SimHandheld, kinds: list[str]) -> bool:
    return [heard["event_type"] for heard in _events(hand)] == kinds


def test_health_says_within_ten_seconds_that_no_handheld_listens_and_that_one_does_again(shop: Shop) -> None:
    shop.start()
    ear = shop.ear()
    shop.ready()
    shop.watching()
    shop.steal()
    wait_for(lambda: shop.decided(), 30, "the decision")
    wait_for(lambda: "no_listener" in ear.reasons(), 10, "the complaint that nobody listens")
    shop.handheld()
    shop.until_rung()
    wait_for(lambda: "no_listener" not in ear.reasons(), 10, "the complaint withdrawn")
    check(shop)


def test_where_the_broker_cannot_tell_health_says_that_no_handheld_is_online(shop: Shop) -> None:
    """A program that hears everything is somebody who listens, to the broker."""
    logger = SimClient(shop.login(), "logger", ("#",), lambda *_: None, lambda: None, None)
    logger.start()
    wait_for(logger.connected, what="the logger")
    try:
        shop.start()
        ear = shop.ear()
        wait_for(lambda: "no_listener" in ear.reasons(), 30, "the complaint that nobody is online")
        shop.handheld()
        wait_for(lambda: "no_listener" not in ear.reasons(), 30, "the complaint withdrawn")
    finally:
        logger.stop()


def test_alarm_that_no_handheld_received_reaches_the_next_group_and_then_the_siren_until_one_has_it(tmp_path: Path) -> None:
    with Shop(tmp_path, extra=ESCALATION) as shop:
        shop.start()
        deaf = shop.open_up(Script(received=False))
        other = shop.handheld("lead-1", Script(received=False))
        shop.steal()
        wait_for(lambda: _tells(deaf, ["raised", "escalated", "escalated"]), 60, "both escalations")
        wait_for(lambda: SIREN in shop.pins, 10, "the siren")
        assert [heard.get("to") for heard in _events(other)][:3] == [["staff-1"], ["staff-1", "lead-1"], None]
        assert not other.answers
        shop.pins.clear()
        shop.handheld("lead-2")
        wait_for(lambda: "delivered" in [heard["event_type"] for heard in _events(deaf)], 20, "the receipt of one who came")
        check(shop)


def test_next_group_that_receives_the_alarm_keeps_the_siren_silent(tmp_path: Path) -> None:
    with Shop(tmp_path, extra=ESCALATION) as shop:
        shop.start()
        deaf = shop.open_up(Script(received=False))
        lead = shop.handheld("lead-1")
        shop.steal()
        wait_for(lambda: _tells(deaf, ["raised", "escalated", "delivered"]), 60, "the receipt of the next group")
        assert [answer["action"] for answer in lead.answers] == ["received"]
        assert SIREN not in shop.pins
        lead.answer(_events(deaf)[0]["id"], "resolve", "recovered")
        wait_for(lambda: _tells(deaf, ["raised", "escalated", "delivered", "resolved"]), 20, "the end")
        assert SIREN not in shop.pins
        check(shop)


@pytest.mark.soak
def test_alarm_that_no_handheld_received_is_rung_again_and_escalates(shop: Shop) -> None:
    shop.start()
    deaf = shop.open_up(Script(received=False))
    epc = shop.steal()

    def rings() -> list[str]:
        return [h.body["event_type"] for h in deaf.heard if h.topic == "event/alarm" and h.body and epc in str(h.body)]

    wait_for(lambda: rings().count("raised") >= 2, 60, "the second ring")
    wait_for(lambda: "escalated" in rings(), 60, "the escalation")
    check(shop)
