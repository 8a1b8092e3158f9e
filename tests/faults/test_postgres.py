"""PostgreSQL stopped while the daemon runs: the gate goes on from memory, what was decided is stored when it is back."""

from pathlib import Path

from invariants import check
from postgres_server import postgres
from shop import Shop
from sqlalchemy import create_engine, text
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
