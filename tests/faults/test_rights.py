"""The broker's access list takes the daemon's rights away while it runs, and gives them back."""

import signal
from pathlib import Path

import pytest
from invariants import check
from shop import Shop
from wait import wait_for

ALL = "topic readwrite #\n"
NO_ALARMS = f"topic deny rfidguard/0001/event/alarm\ntopic deny rfidguard/0001/alarm/#\n{ALL}"


@pytest.mark.soak
def test_alarms_wait_while_the_broker_refuses_them_and_ring_once_the_rights_are_back(tmp_path: Path) -> None:
    shop, rights = Shop(tmp_path), tmp_path / "rights.acl"
    rights.write_text(ALL)
    shop.store_broker.extra = (
        f"listener {shop.store_broker.port} 127.0.0.1\nallow_anonymous true\nuser root\nacl_file {rights}\n"
        "max_queued_messages 100000\n"
    )
    with shop:
        shop.start()
        shop.open_up()
        shop.until_rung(shop.steal())
        _set(shop, rights, NO_ALARMS)
        shop.steal()
        shop.until_logged("not_authorised")
        wait_for(lambda: "rfidguard_outbox_parked 0.0" not in shop.metrics(), 20, "the metrics to tell of it")
        assert not shop.rung(shop.stolen[1])
        _set(shop, rights, ALL)
        shop.until_rung(timeout_s=120)
        wait_for(lambda: "rfidguard_outbox_parked 0.0" in shop.metrics(), 120, "nothing parked")
        check(shop)


def _set(shop: Shop, rights: Path, text: str) -> None:
    rights.write_text(text)
    assert shop.store_broker.process is not None
    shop.store_broker.process.send_signal(signal.SIGHUP)
