"""Boxes of a chain as real daemons on a real PostgreSQL and a real NATS: what was bought at one may leave at another."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chain_boxes import boxes
from ledger_stores import fresh_database
from nats_server import nats_server
from postgres_server import Server, postgres
from wait import wait_for
from walks import leave, own

from rfidguard.epc import identify
from rfidguard.messages import HealthMessage

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres() as running:
        yield running


@pytest.fixture(params=["postgres", "nats"])
def centre(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty centre."""
    if request.param == "postgres":
        yield fresh_database(request.getfixturevalue("server"), "chain")
    else:
        with nats_server() as running:
            yield running.url()


def test_bought_in_a_leaves_b_and_a_sale_there_that_comes_late_clears_the_alarm(centre: str, tmp_path: Path) -> None:
    with boxes(tmp_path, ("a", "box"), ("b", "box"), url=centre) as (a, b):
        bought, stolen = own(1), own(2)
        a.till().sell([bought])
        wait_for(lambda: b.knows(bought), 30, "the sale at b")
        b.carry(bought)
        b.carry(stolen)
        wait_for(lambda: b.rang(stolen), 40, "the alarm at b")
        assert not b.rang(bought)
        b.till().sell([bought], kind="return")
        wait_for(lambda: a.figure("rfidguard_chain_waiting") == 0.0, 30, "nothing to wait")
        assert b'"state": "armed"' in b.command("ledger", "lookup", bought, "--json").stdout
        a.till("4").sell([stolen])
        wait_for(lambda: b.cleared(stolen), 40, "the alarm taken back: it was paid at a after all")
        assert len({body["id"] for body in b.rang(stolen)}) == 1


def test_a_shop_that_hears_nobody_asks_while_the_item_is_on_its_way(server: Server, tmp_path: Path) -> None:
    url = fresh_database(server, "chain")
    with boxes(tmp_path, ("a", "box"), ("b", "box"), url=url, more="hear = []\n") as (a, b):
        item = own(1)
        a.till().sell([item])
        wait_for(lambda: a.figure("rfidguard_chain_waiting") == 0.0, 30, "the centre told")
        assert not b.knows(item)
        b.play(leave(item, speed=0.8))
        wait_for(lambda: b.knows(item), 30, "the answer")
        b.carry(own(2))
        wait_for(lambda: b.rang(own(2)), 40, "the alarm of another item")
        assert not b.rang(item) or b.cleared(item)


def test_two_boxes_of_one_shop_share_one_ledger_and_go_on_without_it(server: Server, tmp_path: Path) -> None:
    """An article paid once leaves once, whichever gate; PostgreSQL stops, both go on; it comes back, they catch up."""
    url = fresh_database(server, "chain")
    with boxes(tmp_path, ("0001", "one"), ("0001", "two"), url=url) as (one, two):
        first, second, late = own(11), own(12), own(13, item="812399")
        till = one.till()
        till.sell(gtins={identify(first).gtin or "": 1})
        wait_for(lambda: two.figure('rfidguard_chain_records_total{way="heard"}') >= 1, 30, "the credit at the other box")
        one.carry(first)
        wait_for(lambda: two.figure('rfidguard_chain_records_total{way="heard"}') >= 2, 40, "its use at the other box")
        two.carry(second)
        wait_for(lambda: two.rang(second), 40, "the second item of an article paid once")
        assert not one.rang(first)
        server.stop()
        try:
            for box in (one, two):
                box.joined(0.0)
            wait_for(lambda: two.chain().get("state") == "offline", 90, "health to say so")
            assert HealthMessage.model_validate(two.health).chain is not None
            two.carry(first)
            two.carry(late)
            wait_for(lambda: two.rang(late), 40, "an alarm without the centre")
            assert not two.rang(first), "what was paid stays paid"
            till.sell([late])
            assert one.knows(late)
        finally:
            server.start()
        wait_for(lambda: two.cleared(late), 90, "the sale, once the centre is back")


def test_doctor_says_how_the_chain_stands(server: Server, tmp_path: Path) -> None:
    url = fresh_database(server, "chain")
    with boxes(tmp_path, ("a", "box"), url=url) as (a,):
        a.till().sell([own(1)])
        wait_for(lambda: a.figure("rfidguard_chain_waiting") == 0.0, 30, "the centre told")
        said = a.command("doctor").stdout.decode()
        assert "PostgreSQL answers" in said
        assert "0 records wait for the centre" in said


def test_two_daemons_on_one_database_say_so(server: Server, tmp_path: Path) -> None:
    url, shop = fresh_database(server, "chain"), fresh_database(server, "shop")
    with boxes(tmp_path, ("a", "one"), ("a", "two"), url=url, database=shop) as both:
        for box in both:
            wait_for(lambda box=box: "another daemon" in box.reasons().get("database", ""), 40, "the word of it")
