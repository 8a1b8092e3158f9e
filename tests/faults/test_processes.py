"""Daemon and broker killed, stopped, absent: alarms, sales and answers survive."""

import random
import signal
import socket

import pytest
from invariants import check
from shop import SPEED, Shop, in_background
from wait import wait_for
from walks import stand

from simulators.handheld import Script
from simulators.ports import answers


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 20))])
def test_daemon_killed_at_a_random_moment_of_a_walk_loses_nothing(shop: Shop, seed: int) -> None:
    shop.start()
    shop.open_up()
    shop.steal()
    shop.wait(random.Random(seed).uniform(0.5, 5.0))
    shop.kill()
    shop.start()
    check(shop)


def test_broker_killed_and_forgetful_gets_every_open_alarm_again(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    shop.until_rung(shop.steal())
    shop.store_broker.kill()
    shop.steal()
    wait_for(lambda: shop.ids_of(shop.stolen[1]), 30, "an alarm while the broker is dead")
    shop.store_broker.start()
    check(shop)


def test_daemon_and_broker_killed_together_lose_nothing(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    shop.steal()
    wait_for(lambda: shop.decided(), 30, "the decision")
    shop.store_broker.kill()
    shop.kill()
    shop.store_broker.start()
    shop.start()
    check(shop)


def test_broker_that_freezes_is_left_and_found_again(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    shop.store_broker.pause()
    shop.steal()
    shop.until_logged("was not acknowledged in time")
    shop.store_broker.resume()
    check(shop)


def test_sale_confirmed_just_before_a_death_keeps_an_item_silent_that_the_core_asked_about_before(shop: Shop) -> None:
    """The item lies at the gate unpaid, so the core has its answer already; the sale never reaches the core."""
    shop.keep("sale_after_commit")
    till = shop.till()
    shop.open_up()
    epc = shop.new()
    shop.play(stand(epc, 2.0))
    shop.until_read(40)
    shop.sell(till, epc=epc)
    assert shop.deaths == 1
    shop.watching()
    shop.carry(epc)
    shop.wait(6.0 / SPEED)
    check(shop)


def test_term_in_the_middle_of_a_walk_ends_in_order_and_the_next_start_goes_on(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    ear = shop.ear()
    shop.steal()
    shop.wait(2.0)
    assert shop.terminate() == 0
    wait_for(lambda: ear.newest["status"]["state"] == "stopped", 10, "the last word")
    shop.start()
    check(shop)


def test_sales_and_answers_during_an_outage_of_the_daemon_are_taken_when_it_is_back(shop: Shop) -> None:
    shop.start()
    till = shop.till()
    hand = shop.open_up()
    shop.until_rung(shop.steal())
    wait_for(lambda: hand.open, 10, "the alarm as it stands at the broker")
    shop.kill()
    clerk = in_background(lambda: shop.buy(till))
    name = hand.answer(next(iter(hand.open)), "acknowledge")
    shop.start()
    wait_for(lambda: name in hand.replies, 30, "the reply")
    clerk.join(60)
    assert shop.bought
    check(shop)


def test_staff_page_comes_once_its_port_is_free_and_the_gate_is_watched_without_it(shop: Shop) -> None:
    with socket.create_server(("127.0.0.1", shop.http_port)):
        shop.launch()
        hand = shop.handheld()
        shop.ready()
        shop.until_logged("no staff page and no HTTP")
        shop.until_rung(shop.steal())
    assert hand.events
    wait_for(lambda: answers(shop.http_port), 30, "the staff page")
    check(shop)


@pytest.mark.soak
def test_invalid_configuration_on_reload_changes_nothing_under_way(shop: Shop) -> None:
    shop.start()
    shop.open_up(Script(acknowledge_after_s=0.2))
    assert shop.process is not None
    shop.steal()
    shop.config.write_text(shop.config.read_text() + "\n[nonsense]\n")
    shop.process.send_signal(signal.SIGHUP)
    shop.until_logged("not reloaded")
    check(shop)
