"""PostgreSQL stopped while the daemon runs: the gate goes on from memory, what was decided is stored when it is back. One that
takes every question and answers none hangs who asked: the watchdog finds that.
"""

from pathlib import Path

import pytest
from invariants import check
from postgres_server import postgres
from shop import Shop
from sqlalchemy import create_engine, text
from test_devices import manager
from wait import wait_for


def test_alarms_and_paid_items_are_right_while_postgresql_is_stopped(tmp_path: Path) -> None:
    with postgres() as server, Shop(tmp_path) as shop:
        shop.use_server(server.url())
        shop.start()
        till = shop.till()
        shop.open_up()
        paid = shop.sell(till)
        server.stop()
        shop.carry(paid)
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light")
        server.start()
        engine = create_engine(server.url())
        with engine.connect() as conn:
            wait_for(lambda: conn.execute(text("select count(*) from alarms")).scalar() == 1, 40, "the alarm stored")
            conn.rollback()
        engine.dispose()
        check(shop)


@pytest.mark.soak
def test_server_that_never_answers_ends_the_process_by_name_and_the_next_one_watches_the_gate_without_it(tmp_path: Path) -> None:
    with postgres() as server, Shop(tmp_path) as shop, manager() as (address, words):
        shop.use_server(server.url())
        shop.start(NOTIFY_SOCKET=address)
        assert shop.process is not None
        shop.open_up()
        shop.until_rung(shop.steal())
        server.freeze()
        shop.doubtful.add(shop.steal())
        assert shop.process.wait(180) == 70
        (named,) = {word for word in words if "hangs or is gone" in word}
        assert named in ("STATUS=core hangs or is gone", "STATUS=store-writer hangs or is gone")
        assert named.removeprefix("STATUS=") in shop.log()
        shop.start(NOTIFY_SOCKET=address)
        shop.until_device_up()
        shop.lights.clear()
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light while the server is frozen")
        server.thaw()
        check(shop)
