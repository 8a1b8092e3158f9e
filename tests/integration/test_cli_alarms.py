"""`rfidguard alarms`: the staff side from a shell, with the daemon running and stopped."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select

from rfidguard import schema
from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.alarm_db import get_alarm, store_change
from rfidguard.answer import judge_answer
from rfidguard.answer_db import unjudged
from rfidguard.answer_desk import AnswerDesk
from rfidguard.clock import SystemClock
from rfidguard.effects import AlarmChanged
from rfidguard.events import Answer
from rfidguard.outbox import rows_for
from rfidguard.service_db import DAEMON, beat
from rfidguard.store import Store

ROOT = Path(__file__).parents[2]
EPC = "3074257BF7194E4000001A85"
RAISED_AT = 1_795_342_442.0


class Shop:
    """A configured shop in a folder of its own, and its command line."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'shop.db'}"
        self.config = folder / "shop.toml"
        self.config.write_text(
            f'[site]\nid = "0001"\ntimezone = "Europe/Berlin"\ncompany_prefixes = ["0614141"]\n[database]\nurl = "{self.url}"\n'
        )

    def alarms(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "rfidguard", "alarms", command, "--config", str(self.config), *arguments]
        return subprocess.run(program, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)

    def listed(self, *arguments: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.alarms("list", "--json", *arguments).stdout)
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def store(shop: Shop) -> Iterator[Store]:
    with Store(shop.url, SystemClock()) as opened:
        yield opened


def raise_alarm(store: Store, at: float = RAISED_AT, **fields: object) -> Alarm:
    item = Item(
        epc=EPC, gtin="80614141123458", serial="6789", state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=at
    )
    alarm = Alarm(
        id=alarm_id(at, "0001", "front", EPC, at), revision=1, site="0001", gate="front", kind="unpaid_items", state="open",
        severity="warning", raised_at=at, updated_at=at, items=(item,), currency="EUR",
    )  # fmt: skip
    alarm = msgspec.structs.replace(alarm, **fields)
    store.write(lambda conn: store_change(conn, AlarmChanged(alarm, "raised", at), [])).result(10)
    return alarm


def test_a_shop_without_alarms_says_so_and_has_its_database_made(shop: Shop) -> None:
    assert shop.alarms("list").stdout == "no open alarms\n"
    assert shop.listed("--all") == []


def test_list_shows_open_alarms_and_with_all_the_closed_ones_too(shop: Shop, store: Store) -> None:
    first = raise_alarm(store)
    closed = raise_alarm(store, RAISED_AT + 60, state="resolved", resolved_by="anna", outcome="recovered")
    assert [alarm["id"] for alarm in shop.listed()] == [first.id]
    assert [alarm["id"] for alarm in shop.listed("--all")] == [closed.id, first.id]
    table = shop.alarms("list", "--all").stdout
    assert first.id in table
    assert "2026-11-22" in table


def test_json_is_the_alarm_object_of_the_contract(shop: Shop, store: Store) -> None:
    raise_alarm(store)
    alarm = shop.listed()[0]
    assert (alarm["schema"], alarm["state"], alarm["raised_at"]) == ("rfidguard.alarm/1", "open", "2026-11-22T10:14:02.000Z")
    assert alarm["items"][0]["epc"] == EPC  # type: ignore[index]


def test_show_takes_the_beginning_of_an_id_as_far_as_it_is_unique(shop: Shop, store: Store) -> None:
    first, second = raise_alarm(store), raise_alarm(store, RAISED_AT + 3600)
    assert json.loads(shop.alarms("show", first.id[:10].lower(), "--json").stdout)["id"] == first.id
    told = shop.alarms("show", second.id).stdout
    assert told.startswith(f"{second.id}  unpaid_items at front: open, warning\n")
    assert "2026-11-22 12:14:02  raised" in told
    several = shop.alarms("show", first.id[:3])
    assert (several.returncode, several.stdout) == (2, "")
    assert first.id in several.stderr
    nobody = shop.alarms("show", "ZZZ")
    assert nobody.returncode == 1
    assert "no alarm has an id that begins so" in nobody.stderr


def test_an_alarm_is_acknowledged_and_resolved_with_the_daemon_stopped(shop: Shop, store: Store) -> None:
    alarm = raise_alarm(store)
    acknowledged = shop.alarms("ack", alarm.id[:12], "--by", "anna")
    assert (acknowledged.returncode, acknowledged.stdout) == (0, f"{alarm.id}: accepted\n")
    late = shop.alarms("ack", alarm.id, "--by", "bert")
    assert late.returncode == 1
    assert "already acknowledged by anna" in late.stderr
    resolved = shop.alarms("resolve", alarm.id, "--outcome", "recovered", "--note", "two shirts", "--by", "anna")
    assert resolved.returncode == 0
    closed = shop.listed("--all")[0]
    assert (closed["state"], closed["acknowledged_by"], closed["outcome"], closed["revision"]) == (
        "resolved",
        "anna",
        "recovered",
        3,
    )
    assert shop.listed() == []


def test_what_was_answered_with_the_daemon_stopped_is_published_later(shop: Shop, store: Store) -> None:
    alarm = raise_alarm(store)
    shop.alarms("resolve", alarm.id, "--outcome", "stray", "--by", "anna")
    topics = store.read(lambda conn: list(conn.execute(select(schema.outbox.c.topic)).scalars()))
    assert "event/alarm" in topics


def test_an_outcome_that_nobody_knows_is_bad_usage(shop: Shop, store: Store) -> None:
    alarm = raise_alarm(store)
    done = shop.alarms("resolve", alarm.id, "--outcome", "recoverd")
    assert done.returncode == 2
    assert "did you mean 'recovered'?" in done.stderr
    assert shop.alarms("resolve", alarm.id).returncode == 2
    assert len(shop.listed()) == 1


@contextmanager
def daemon(store: Store, judging: bool = True) -> Iterator[None]:
    """What the daemon does for answers: leaves a beat, finds what commands left, has it judged, stores what comes of it."""
    clock = SystemClock()
    stop = threading.Event()

    def judge(answer: object) -> None:
        assert isinstance(answer, Answer)
        alarm = store.read(lambda conn: get_alarm(conn, answer.alarm))
        changed, event_type, judged = judge_answer(alarm, answer, clock.now())
        if changed is not None and event_type is not None:
            change = AlarmChanged(changed, event_type, clock.now())
            rows = rows_for(change)
            store.write(lambda conn: store_change(conn, change, rows)).result(10)
        desk.judged(judged)

    desk = AnswerDesk(store, judge, clock)

    def live() -> None:
        while not stop.wait(0.05):
            store.write(lambda conn: beat(conn, DAEMON, "s1", 1, clock.now())).result(10)
            if judging:
                desk.pending()

    store.write(lambda conn: beat(conn, DAEMON, "s1", 1, clock.now())).result(10)
    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def test_a_running_daemon_gives_the_verdict(shop: Shop, store: Store) -> None:
    alarm = raise_alarm(store)
    with daemon(store):
        assert shop.alarms("ack", alarm.id, "--by", "anna").returncode == 0
        late = shop.alarms("ack", alarm.id, "--by", "bert")
    assert late.returncode == 1
    assert "already acknowledged by anna" in late.stderr
    assert shop.listed()[0]["acknowledged_by"] == "anna"


def test_an_answer_that_a_busy_daemon_does_not_judge_in_time_stays(shop: Shop, store: Store) -> None:
    alarm = raise_alarm(store)
    with daemon(store, judging=False):
        done = shop.alarms("ack", alarm.id, "--by", "anna")
    assert done.returncode == 1
    assert "will be judged" in done.stderr
    assert [answer.by for answer in store.read(unjudged)] == ["anna"]
