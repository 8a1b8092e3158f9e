"""Nobody listens: health says so at once, the alarm is rung again, grows louder, and is heard by who comes."""

import pytest
from invariants import check
from shop import Shop
from wait import wait_for

from simulators.handheld import Script
from simulators.mqtt_client import SimClient


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
