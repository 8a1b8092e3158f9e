"""The core's questions to the ledger while the database is away: memory answers, and the database catches up."""

from pathlib import Path
from typing import Any

from walks import T0, own

from rfidguard.clock import SystemClock
from rfidguard.epc import identify
from rfidguard.events import Ledger, Lookup
from rfidguard.ledger_db import store_records
from rfidguard.ledger_desk import REMEMBERED, LedgerDesk
from rfidguard.store import Store

PAID = Ledger(at=T0, id="s1/1", kind="sold", epc=own(1))
KEYS = (identify(own(1)).key,)


def away(folder: Path) -> Store:
    """A store whose database is not there yet."""
    return Store(f"sqlite:///{folder / 'shop.db'}", SystemClock())


def test_sale_told_since_the_start_is_known_while_the_database_is_away(tmp_path: Path) -> None:
    heard: list[Any] = []
    desk = LedgerDesk(away(tmp_path), heard.append, SystemClock(), 900.0)
    desk.take(PAID)
    assert desk.find(KEYS) == (PAID,)
    assert heard == [PAID]
    assert desk.problem is not None


def test_question_asked_in_vain_is_asked_again_and_the_core_told(tmp_path: Path) -> None:
    heard: list[Any] = []
    store = away(tmp_path)
    desk = LedgerDesk(store, heard.append, SystemClock(), 900.0)
    assert desk.find(KEYS) == ()
    with store:
        store.write(lambda conn: store_records(conn, [PAID], T0)).result(20)
        assert desk.catch_up() == 1
        assert desk.problem is None
        (told,) = heard
        assert isinstance(told, Lookup)
        assert [record.id for record in told.records] == ["s1/1"]
        assert desk.catch_up() == 0


def test_a_void_that_a_dead_core_never_heard_comes_before_its_sale(tmp_path: Path) -> None:
    heard: list[Any] = []
    void = Ledger(at=T0 - 5.0, id="v1", kind="void", ref="s1")
    with away(tmp_path) as store:
        store.write(lambda conn: store_records(conn, [void, PAID], T0)).result(20)
        LedgerDesk(store, heard.append, SystemClock(), 900.0).take(PAID)
    assert [record.id for record in heard] == ["v1", "s1/1"]


def test_memory_holds_so_many_records_and_no_more_voids_than_that(tmp_path: Path) -> None:
    desk = LedgerDesk(away(tmp_path), lambda _item: None, SystemClock(), 900.0)
    for number in range(REMEMBERED + 50):
        desk.take(Ledger(at=T0 + number, id=f"v{number}", kind="void", ref=f"s{number}"))
    desk.take(PAID)
    desk.take(Ledger(at=T0, id="v1", kind="void", ref="s1/1"))
    assert desk.find(KEYS) != ()
    for number in range(2, REMEMBERED + 2):
        desk.take(Ledger(at=T0 + number, id=f"s{number}/1", kind="sold", epc=own(number)))
    assert desk.find(KEYS) == ()
    assert desk.remembered() == REMEMBERED
