"""The audit trail: every answer and command is in it, and whoever changes it afterwards is found out."""

import json
import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rfidguard import audit
from rfidguard.answer_desk import AnswerDesk
from rfidguard.answer_limits import PEOPLE_BURST
from rfidguard.backup import back_up
from rfidguard.clock import SystemClock
from rfidguard.command_desk import COMMANDS_BURST, CommandDesk
from rfidguard.doctor_audit import trail
from rfidguard.effects import AnswerJudged
from rfidguard.errors import RefusedInput
from rfidguard.events import Answer, Event, ReadBatch
from rfidguard.shell_answer import give_answer
from rfidguard.store import Store

SWAP_3_AND_4 = """
UPDATE audit SET seq = -3 WHERE seq = 3;
UPDATE audit SET seq = 3 WHERE seq = 4;
UPDATE audit SET seq = 4 WHERE seq = -3;
"""
ALARM = "01KAN7Q3M2W1C3Y0V9T8R7S6P5"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shop.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{path}", SystemClock()) as opened:
        yield opened


def entry(number: int = 1, **fields: Any) -> audit.Entry:
    plain: dict[str, Any] = {"kind": "answer", "who": "staff-1", "what": ALARM, "action": "acknowledge", "result": "accepted"}
    return audit.Entry(at=1.5e9 + number / 7, **(plain | fields))


def fill(store: Store, count: int = 10) -> None:
    for number in range(count):
        store.write(lambda conn, number=number: audit.append(conn, entry(number))).result(10)


def trail_of(store: Store) -> list[dict[str, Any]]:
    store.write(lambda conn: None).result(10)
    return store.read(audit.entries)


def test_an_untouched_trail_is_whole(store: Store) -> None:
    fill(store)
    newest, fault = store.read(audit.verify)
    assert (newest.rows, fault) == (10, None)
    assert newest == store.read(audit.head)


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE audit SET who = 'staff-2' WHERE seq = 4", "row 4 is not as it was written"),
        ("UPDATE audit SET result = 'rejected' WHERE seq = 10", "row 10 is not"),
        ("UPDATE audit SET at = at + 0.001 WHERE seq = 1", "row 1 is not"),
        ("UPDATE audit SET detail = '{}  ' WHERE seq = 2", "row 2 is not"),
        ("UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE seq = 3", "row"),
        ("DELETE FROM audit WHERE seq = 5", "row 5 is missing"),
        ("DELETE FROM audit WHERE seq = 1", "row 1 is missing"),
        ("DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1 WHERE seq > 5", "row 5 is not"),
        (SWAP_3_AND_4, "row 3 is not"),
        (
            "INSERT INTO audit SELECT 11, at, kind, who, what, action, result, reason, detail, hash FROM audit WHERE seq = 10",
            "row 11 is not",
        ),
    ],
)
def test_every_kind_of_tampering_is_found(store: Store, path: Path, tampering: str, found: str) -> None:
    fill(store)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(tampering)
        db.commit()
    _, fault = store.read(audit.verify)
    assert found in (fault or "")


def test_rows_cut_off_at_the_end_are_missed_by_who_kept_the_last_hash(store: Store, path: Path) -> None:
    fill(store)
    kept = store.read(audit.head)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM audit WHERE seq > 8")
        db.commit()
    newest, fault = store.read(audit.verify)
    assert fault is None
    assert newest.rows < kept.rows


def test_the_doctor_verifies_the_chain(store: Store, path: Path) -> None:
    fill(store)
    url = f"sqlite:///{path}"
    assert [finding.level for finding in trail(url, path)] == ["ok"]
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE audit SET who = 'nobody' WHERE seq = 7")
        db.commit()
    (finding,) = trail(url, path)
    assert finding.level == "fail"
    assert "row 7 is not as it was written" in finding.text


def test_the_doctor_says_nothing_of_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    assert list(trail("sqlite:///none.db", tmp_path / "none.db")) == []


def test_a_backup_holds_the_whole_chain(store: Store, path: Path, tmp_path: Path) -> None:
    fill(store)
    back_up(path, tmp_path / "copy.db")
    with Store(f"sqlite:///{tmp_path / 'copy.db'}", SystemClock()) as copy:
        assert copy.read(audit.verify) == store.read(audit.verify)


def test_every_answer_is_in_it_with_who_what_when_and_what_came_of_it(store: Store) -> None:
    heard: list[Event | ReadBatch] = []
    clock = SystemClock()
    desk = AnswerDesk(store, heard.append, clock)
    before = clock.now()
    body = {"id": "one", "alarm": ALARM, "action": "resolve", "outcome": "recovered", "note": "two shirts"}
    verdict = desk.submit(json.dumps(body).encode(), "staff-1")
    desk.judged(AnswerJudged("one", "staff-1", "accepted"))
    verdict.result(10)
    desk.submit(b"nonsense", "staff-2").result(10)
    first, second = trail_of(store)
    assert (first["kind"], first["who"], first["what"], first["action"], first["result"]) == (
        "answer", "staff-1", ALARM, "resolve", "accepted",
    )  # fmt: skip
    assert before <= first["at"] <= clock.now()
    detail = json.loads(first["detail"])
    assert (detail["id"], detail["outcome"], detail["note"]) == ("one", "recovered", "two shirts")
    assert (second["who"], second["result"], second["reason"].split(":")[0]) == ("staff-2", "rejected", "not_json")
    assert isinstance(heard[0], Answer)


def test_a_repeat_is_no_second_row(store: Store) -> None:
    desk = AnswerDesk(store, lambda event: None, SystemClock())
    body = json.dumps({"id": "one", "alarm": ALARM, "action": "received"}).encode()
    verdict = desk.submit(body, "staff-1")
    for _ in range(3):
        desk.judged(AnswerJudged("one", "staff-1", "accepted"))
    verdict.result(10)
    desk.submit(body, "staff-1").result(10)
    assert len(trail_of(store)) == 1


def test_an_answer_from_a_shell_while_the_daemon_is_stopped_is_in_it_too(store: Store) -> None:
    give_answer(store, SystemClock(), ALARM, {"action": "acknowledge"}, "root")
    (row,) = trail_of(store)
    assert (row["who"], row["what"], row["result"]) == ("root", ALARM, "rejected")
    assert row["reason"].startswith("unknown_alarm")


def test_a_flood_of_answers_is_one_row_a_minute(store: Store) -> None:
    desk = AnswerDesk(store, lambda event: None, SystemClock())
    for _ in range(PEOPLE_BURST * 5):
        desk.submit(b"nonsense", "thief").result(10)
    reasons = [row["reason"].split(":")[0] for row in trail_of(store)]
    assert reasons.count("rate_limited") == 1
    assert len(reasons) < PEOPLE_BURST * 2


def test_every_command_is_in_it_once_its_reply_is_known(store: Store) -> None:
    heard: list[Event | ReadBatch] = []
    desk = CommandDesk(store, heard.append, SystemClock(), lambda name: "the file is wrong" if name == "reload" else None)
    judged = {"id": "m1", "name": "mute", "status": "accepted", "reason": None}
    reply = desk.take("mute", b'{"id":"m1","gate":"front","seconds":60}')
    assert isinstance(reply, Future)
    assert desk.judged(judged)
    assert reply.result(0) == judged
    assert not desk.judged(judged)  # told again by a core that resumed
    desk.take("reload", b"")
    for name, payload in (("explode", b""), ("mute", b'{"secs":1}')):
        with pytest.raises(RefusedInput):
            desk.take(name, payload)
    found = [(row["action"], row["what"], row["result"], row["reason"].split(":")[0]) for row in trail_of(store)]
    assert found == [
        ("mute", "front", "accepted", ""),
        ("reload", "", "rejected", "the file is wrong"),
        ("explode", "", "rejected", "unknown_command"),
        ("mute", "", "rejected", "invalid"),
    ]
    assert {row["kind"] for row in trail_of(store)} == {"command"}
    assert desk.rejects == {"unknown_command": 1, "invalid": 1}


def test_too_many_commands_are_refused(store: Store) -> None:
    desk = CommandDesk(store, lambda event: None, SystemClock(), lambda name: None)
    refused = 0
    for _ in range(COMMANDS_BURST * 3):
        try:
            desk.take("rebirth", b"")
        except RefusedInput as error:
            refused += error.reason == "rate_limited"
    assert refused == desk.rejects["rate_limited"] > COMMANDS_BURST


DEEDS = st.tuples(st.text(max_size=120), st.text(max_size=600), st.dictionaries(st.text(max_size=5), st.text(max_size=5)))


@settings(max_examples=50)
@given(st.lists(DEEDS, max_size=8))
def test_whatever_is_written_reads_back_as_a_whole_chain(deeds: list[tuple[str, str, dict[str, str]]]) -> None:
    with Store("sqlite://", SystemClock()) as store:
        for number, (who, reason, detail) in enumerate(deeds):
            store.write(
                lambda conn, n=number, w=who, r=reason, d=detail: audit.append(conn, entry(n, who=w, reason=r, detail=d))
            ).result(10)
        newest, fault = store.read(audit.verify)
        assert (newest.rows, fault) == (len(deeds), None)
