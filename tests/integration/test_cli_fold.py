"""`ledger fold` from a shell, and the daemon's own folding."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from gatework import EPCS
from wait import wait_for

from rfidguard.clock import SystemClock
from rfidguard.events import Ledger
from rfidguard.ledger_db import store_records
from rfidguard.ledger_fold import DAY_S
from rfidguard.ledger_fold_daily import fold_daily
from rfidguard.ledger_items_db import newest_fold
from rfidguard.store import Store


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop with a sale of two years ago and one of yesterday; its configuration."""
    config = tmp_path / "shop.toml"
    config.write_text(
        f'[site]\nid = "0001"\ncompany_prefixes = ["0614141"]\n[database]\nurl = "sqlite:///{tmp_path / "shop.db"}"\n'
    )
    clock = SystemClock()
    now = clock.now()
    with Store(f"sqlite:///{tmp_path / 'shop.db'}", clock) as store:
        old = Ledger(at=now - 730 * DAY_S, id="old/1", kind="sold", epc=EPCS[0])
        young = Ledger(at=now - DAY_S, id="young/1", kind="sold", epc=EPCS[1])
        store.write(lambda conn: store_records(conn, [old], old.at)).result(10)
        store.write(lambda conn: store_records(conn, [young], young.at)).result(10)
    return config


def run(*arguments: str) -> str:
    done = rfidguard(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rfidguard(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "rfidguard", *arguments], capture_output=True, text=True, timeout=60)


def test_what_is_old_folds_and_its_item_may_still_leave(shop: Path) -> None:
    assert "1 records folded" in run("ledger", "fold", "--config", str(shop))
    assert "sold (by folded:" in run("ledger", "lookup", EPCS[0], "--config", str(shop))
    assert "1 items keep their last state" in run("ledger", "status", "--config", str(shop))
    assert "0 records folded" in run("ledger", "fold", "--config", str(shop))


def test_a_younger_age_than_returns_need_is_refused(shop: Path) -> None:
    assert rfidguard("ledger", "fold", "--older-than", "5", "--config", str(shop)).returncode == 2


def test_the_daemon_folds_by_itself_and_stops_when_told(shop: Path) -> None:
    stop = threading.Event()
    with Store(f"sqlite:///{shop.parent / 'shop.db'}", SystemClock()) as store:
        thread = fold_daily(store, SystemClock(), 400, stop, first_after_s=0.01)
        assert thread is not None
        wait_for(lambda: store.read(newest_fold) is not None, what="the fold")
        stop.set()
        thread.join(10)
        assert not thread.is_alive()
        assert fold_daily(store, SystemClock(), 0, stop) is None
