"""The database locked, read-only, on a full disk, damaged, absent at the start: the gate is watched, nothing decided is lost."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from invariants import check
from shop import Shop
from wait import wait_for


@contextmanager
def locked(path: Path, alone: bool = False) -> Iterator[None]:
    """Somebody else writes to the database for a long time; or, while nobody uses it, has it for himself `alone`."""
    with closing(sqlite3.connect(path, timeout=20, isolation_level=None)) as other:
        if alone:
            other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE" if alone else "BEGIN IMMEDIATE")
        yield
        other.rollback()


@contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[Path]:
    """A disk of its own: a small tmpfs where this may be mounted."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_alarm_lights_the_gate_while_another_process_locks_the_database_and_rings_afterwards(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    with locked(shop.database):
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light")
        assert not shop.rung(shop.stolen[0])
    check(shop)


@pytest.mark.soak
def test_item_paid_before_the_lock_stays_silent(shop: Shop) -> None:
    shop.start()
    till = shop.till()
    shop.open_up()
    epc = shop.sell(till)
    with locked(shop.database):
        shop.carry(epc)
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light for the other one")
    check(shop)


def test_daemon_that_starts_while_the_database_is_locked_watches_the_gate(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    shop.until_rung(shop.steal())
    shop.kill()
    with locked(shop.database, alone=True):
        shop.start()
        wait_for(lambda: shop.reader is not None and shop.reader.inventorying, 20, "the inventory")
        shop.until_device_up()
        shop.lights.clear()
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light")
    check(shop)


def test_database_that_is_no_database_is_moved_aside_and_health_says_so(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    shop.until_rung(shop.steal())
    shop.kill()
    _destroy(shop.database, b"this is no database " * 500)
    shop.start()
    ear = shop.ear()
    wait_for(lambda: "damage" in ear.reasons(), 20, "health to tell of the damage")
    assert shop.database_was_lost()
    check(shop)


def test_flipped_bytes_are_found_in_the_background_and_the_open_alarm_stays(shop: Shop) -> None:
    shop.start()
    shop.open_up()
    shop.until_rung(shop.steal())
    assert shop.terminate() == 0
    _flip(shop.database, "outbox")
    shop.start()
    wait_for(lambda: shop.database_was_lost(), 40, "the damaged database moved aside")
    check(shop)


def test_copy_made_by_backup_put_in_the_place_of_a_lost_database_knows_what_was_sold(shop: Shop) -> None:
    shop.start()
    till = shop.till()
    shop.open_up()
    paid = shop.sell(till)
    copy = shop.folder / "copy.db"
    assert shop.command("backup", str(copy)).returncode == 0
    shop.kill()
    _destroy(shop.database, copy.read_bytes())
    shop.start()
    shop.watching()
    shop.carry(paid)
    check(shop)


def test_alarm_lights_the_gate_with_the_disk_full_and_rings_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4_000) as disk, Shop(tmp_path) as shop:
        shop.put_database(disk)
        shop.start()
        shop.open_up()
        _fill(disk / "filler")
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light")
        shop.until_logged("does not commit")
        (disk / "filler").unlink()
        check(shop)


@pytest.mark.soak
def test_alarm_lights_the_gate_with_a_read_only_disk_and_rings_once_it_is_writable(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4_000) as disk, Shop(tmp_path) as shop:
        shop.put_database(disk)
        shop.start()
        assert shop.terminate() == 0
        _remount(disk, "ro")
        shop.start()
        shop.handheld()
        shop.ready()
        shop.until_device_up()
        shop.steal()
        wait_for(lambda: shop.lights, 30, "the light")
        _remount(disk, "rw")
        check(shop)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as filler, suppress(OSError):
        while True:
            filler.write(b"\0" * 1024)


def _remount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk)], check=True)


def _destroy(path: Path, content: bytes) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(content)


def _flip(path: Path, table: str) -> None:
    """Writes nonsense into the first page of a table."""
    with closing(sqlite3.connect(path)) as conn:
        ((page,),) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchall()
        ((size,),) = conn.execute("PRAGMA page_size").fetchall()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * 100)
