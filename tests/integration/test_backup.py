"""`rfidguard backup`: a whole, checked copy, made while others write, and nothing overwritten."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from rfidguard import schema
from rfidguard.backup import back_up
from rfidguard.clock import SystemClock
from rfidguard.errors import RfidguardError
from rfidguard.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(source: Path):
    with Store(f"sqlite:///{source}", SystemClock()) as opened:
        yield opened


def put(number: int):
    def job(conn: Connection) -> None:
        for half in ("a", "b"):
            conn.execute(insert(schema.snapshots).values(name=f"{number}{half}", at=1.0, body=b"x" * 500))

    return job


def backup(tmp_path: Path, url: str, target: Path) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "shop.toml"
    config.write_text(f'[site]\nid = "0001"\n[database]\nurl = "{url}"\n')
    program = [sys.executable, "-m", "rfidguard", "backup", str(target), "--config", str(config)]
    return subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


def test_a_copy_taken_while_others_write_holds_whole_transactions(store: Store, source: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def sell() -> None:
        number = 0
        while not stop.is_set():
            store.write(put(number)).result(10)
            number += 1

    till = threading.Thread(target=sell)
    till.start()
    try:
        for number in range(5):
            back_up(source, tmp_path / f"copy-{number}.db")
    finally:
        stop.set()
        till.join(20)
    for number in range(5):
        with sqlite3.connect(tmp_path / f"copy-{number}.db") as copy:
            names = [name for (name,) in copy.execute("SELECT name FROM snapshots")]
        copy.close()
        assert len({name[:-1] for name in names}) * 2 == len(names)


def test_a_copy_is_one_file_that_opens_as_a_database(store: Store, source: Path, tmp_path: Path) -> None:
    store.write(put(1)).result(10)
    target = tmp_path / "copies" / "shop.db"
    target.parent.mkdir()
    assert back_up(source, target) == target.stat().st_size
    assert [file.name for file in target.parent.iterdir()] == ["shop.db"]
    with Store(f"sqlite:///{target}", SystemClock()) as restored:
        assert restored.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM snapshots").scalar()) == 2


def test_the_command_says_what_it_made(store: Store, source: Path, tmp_path: Path) -> None:
    done = backup(tmp_path, f"sqlite:///{source}", tmp_path / "copy.db")
    assert done.returncode == 0
    assert done.stdout.endswith("MB, checked\n")
    again = backup(tmp_path, f"sqlite:///{source}", tmp_path / "copy.db")
    assert again.returncode == 1
    assert "overwrites nothing" in again.stderr


def test_a_name_that_is_taken_is_left_alone_even_by_a_link_to_nothing(store: Store, source: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.symlink_to(tmp_path / "nowhere.db")
    with pytest.raises(RfidguardError, match="overwrites nothing"):
        back_up(source, target)
    assert target.is_symlink()
    assert not list(tmp_path.glob("*.part"))


def test_a_damaged_database_gives_no_copy(store: Store, source: Path, tmp_path: Path) -> None:
    for number in range(200):
        store.write(put(number)).result(10)
    store.close()
    data = bytearray(source.read_bytes())
    for place in range(len(data) // 2, len(data) - 4096, 4096):
        data[place : place + 200] = b"\xaa" * 200
    source.write_bytes(data)
    with pytest.raises(RfidguardError, match=r"damaged|cannot be backed up"):
        back_up(source, tmp_path / "copy.db")
    assert sorted(file.name for file in tmp_path.iterdir() if "copy" in file.name) == []


def test_there_must_be_something_to_copy_and_somewhere_to_put_it(store: Store, source: Path, tmp_path: Path) -> None:
    with pytest.raises(RfidguardError, match="nothing to back up"):
        back_up(tmp_path / "none.db", tmp_path / "copy.db")
    with pytest.raises(RfidguardError, match="does not exist"):
        back_up(source, tmp_path / "no" / "copy.db")
    other = tmp_path / "photos.db"
    with sqlite3.connect(other) as photos:
        photos.execute("CREATE TABLE photos (name TEXT)")
    photos.close()
    with pytest.raises(RfidguardError, match="no database of rfidguard"):
        back_up(other, tmp_path / "copy.db")


@pytest.mark.parametrize(("url", "said"), [("postgresql+psycopg://db/shop", "pg_dump"), ("sqlite://", "in memory")])
def test_what_cannot_be_copied_so_is_said(tmp_path: Path, url: str, said: str) -> None:
    done = backup(tmp_path, url, tmp_path / "copy.db")
    assert done.returncode == 2
    assert said in done.stderr
