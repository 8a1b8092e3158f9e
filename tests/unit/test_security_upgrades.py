"""Databases of every released version are brought forward and lose nothing; a newer one is refused in words."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect

from rfidguard import audit, migrations, schema
from rfidguard.alarm_db import open_alarms
from rfidguard.answer_db import judgement, unjudged
from rfidguard.clock import SystemClock
from rfidguard.effects import AnswerJudged
from rfidguard.errors import RfidguardError
from rfidguard.ledger_db import records_for
from rfidguard.store import Store

RELEASED = sorted((Path(__file__).parents[1] / "data" / "schema").glob("*.sql"))


def restored(dump: Path, path: Path) -> Path:
    with closing(sqlite3.connect(path)) as db:
        db.executescript(dump.read_text("utf-8"))
    return path


def rows(path: Path) -> dict[str, list[Any]]:
    """Every row that a newer version keeps: of the outbox all but the index of alarms, which is made when it is sent."""
    with closing(sqlite3.connect(path)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in names if not name.startswith("sqlite_") and name not in ("alembic_version", "services")]
        known = {name: sorted(db.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in kept}
        known["outbox"] = [row for row in known["outbox"] if row[1] != "alarms"]
        return known


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_a_database_of_a_released_version_is_brought_forward_and_keeps_every_row(dump: Path, tmp_path: Path) -> None:
    path = restored(dump, tmp_path / "shop.db")
    before = rows(path)
    assert all(before[name] for name in ("ledger_records", "alarms", "answers", "outbox", "documents", "dead_letters"))
    with Store(f"sqlite:///{path}", SystemClock()) as store:
        assert store.read(lambda conn: set(inspect(conn).get_table_names())) == {*schema.metadata.tables, "alembic_version"}
    after = rows(path)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("dump", RELEASED, ids=lambda dump: dump.stem)
def test_what_an_older_version_knew_is_understood(dump: Path, tmp_path: Path) -> None:
    path = restored(dump, tmp_path / "shop.db")
    with Store(f"sqlite:///{path}", SystemClock()) as store:
        assert [record.id for record in store.read(lambda conn: records_for(conn, ["80614141123458.6789"]))] == ["0001-3-4711/1"]
        assert [alarm.id for alarm in store.read(open_alarms)] == ["01KAN7Q3M2W1C3Y0V9T8R7S6P5"]
        assert [answer.id for answer in store.read(unjudged)] == ["two"]
        assert store.read(lambda conn: judgement(conn, "staff-1", "one")) == AnswerJudged("one", "staff-1", "accepted")
        assert store.read(audit.verify) == (audit.Head(0, audit.GENESIS), None)


def test_each_copy_is_of_the_version_that_its_name_says(tmp_path: Path) -> None:
    assert [dump.stem for dump in RELEASED] == [f"{number:04}" for number in range(1, int(migrations.HEAD))]
    for dump in RELEASED:
        with closing(sqlite3.connect(restored(dump, tmp_path / dump.stem))) as db:
            assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [(dump.stem,)]


def test_the_newest_version_is_the_one_that_is_named() -> None:
    assert migrations.heads() == [migrations.HEAD]


def test_a_newer_database_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with Store(f"sqlite:///{path}", SystemClock()):
        pass
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()
    before = rows(path)
    with pytest.raises(RfidguardError, match=r"the database has version 9999, this rfidguard knows \d{4} at most; install"):
        Store(f"sqlite:///{path}", SystemClock()).open()
    assert rows(path) == before


def test_a_migration_that_is_cut_off_leaves_the_old_version(tmp_path: Path) -> None:
    path = restored(RELEASED[0], tmp_path / "shop.db")
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE audit (seq INTEGER)")  # in the way of the migration
        db.commit()
        with pytest.raises(Exception, match="audit"):
            Store(f"sqlite:///{path}", SystemClock()).open()
        assert db.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        db.execute("DROP TABLE audit")
        db.commit()
    with Store(f"sqlite:///{path}", SystemClock()) as store:
        assert store.read(audit.head).rows == 0
