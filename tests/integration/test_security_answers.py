"""Answers that must not count: old, early, replayed, oversized, retained, for no alarm, or too many; each is told why."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import Broker
from mqtt_site import Client
from sqlalchemy import func, select
from storefront import StoreFront
from wait import wait_for
from web_box import Box, item

from rfidguard import schema
from rfidguard.alarm import utc_text
from rfidguard.answer_document import MAX_ANSWER_BYTES
from rfidguard.answer_limits import PEOPLE_BURST
from rfidguard.effects import AnswerJudged


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path) as box:
        yield box


def answered(box: Box, alarm: str, by: str = "staff-1", **fields: Any) -> AnswerJudged:
    body = {"id": str(uuid.uuid4()), "alarm": alarm, "action": "acknowledge", **fields}
    return box.desk.submit(json.dumps(body).encode(), by).result(10)


def code(judged: AnswerJudged) -> str:
    return f"{judged.status} {(judged.reason or '').split(':')[0]}".strip()


def test_an_answer_given_more_than_ten_minutes_ago_is_stale(box: Box) -> None:
    alarm = box.raise_alarm(item())
    assert code(answered(box, alarm.id, at=utc_text(box.clock.now() - 660))) == "rejected stale"
    assert box.desk.rejects["stale"] == 1


def test_an_answer_from_more_than_ten_minutes_ahead_is_refused(box: Box) -> None:
    alarm = box.raise_alarm(item())
    assert code(answered(box, alarm.id, at=utc_text(box.clock.now() + 660))) == "rejected future"


def test_an_answer_older_than_its_alarm_is_stale(box: Box) -> None:
    alarm = box.raise_alarm(item())
    judged = answered(box, alarm.id, at=utc_text(alarm.raised_at - 120))
    assert code(judged) == "rejected stale"
    assert "before this alarm was raised" in (judged.reason or "")


@pytest.mark.parametrize("off_s", [-30.0, 0.0, 300.0])
def test_a_handheld_whose_clock_is_a_little_off_is_heard(box: Box, off_s: float) -> None:
    alarm = box.raise_alarm(item())
    assert code(answered(box, alarm.id, at=utc_text(box.clock.now() + off_s))) == "accepted"


def test_while_this_box_works_off_a_clock_that_was_ahead_handhelds_on_time_are_heard(box: Box) -> None:
    box.desk._ahead_s = lambda: 3600.0
    alarm = box.raise_alarm(item())
    assert code(answered(box, alarm.id, at=utc_text(box.clock.now() - 3600.0))) == "accepted"


def test_a_replayed_answer_changes_nothing_and_hears_the_first_verdict(box: Box) -> None:
    alarm = box.raise_alarm(item())
    body = {"id": "one", "at": utc_text(box.clock.now())}
    assert code(answered(box, alarm.id, **body)) == "accepted"
    assert code(answered(box, alarm.id, **(body | {"action": "resolve", "outcome": "recovered"}))) == "accepted"
    (stored,) = box.list_alarms(True, 10)
    assert (stored.state, stored.revision) == ("acknowledged", alarm.revision + 1)


def test_a_late_repeat_of_an_answer_that_came_in_time_hears_the_first_verdict(box: Box) -> None:
    alarm = box.raise_alarm(item())
    answered(box, alarm.id, id="one")
    assert code(answered(box, alarm.id, id="one", at="2020-01-01T00:00:00Z")) == "accepted"


def test_an_answer_overheard_and_sent_by_another_is_of_the_other(box: Box) -> None:
    alarm = box.raise_alarm(item())
    answered(box, alarm.id, by="staff-1", id="one")
    assert answered(box, alarm.id, by="staff-2", id="one").reason == "already acknowledged by staff-1"


def test_an_oversized_answer_is_refused_unread(box: Box) -> None:
    judged = box.desk.submit(b'{"id":"big",' + b" " * MAX_ANSWER_BYTES + b"}", "staff-1").result(0)
    assert code(judged) == "rejected too_large"


def test_an_answer_to_no_alarm_is_refused(box: Box) -> None:
    assert code(answered(box, "01KAN7Q3M2W1C3Y0V9T8R7S6P5")) == "rejected unknown_alarm"


def test_who_answers_too_often_is_refused_and_nobody_else(box: Box) -> None:
    alarm = box.raise_alarm(item())
    told = Counter(answered(box, alarm.id, action="escalate").reason for _ in range(PEOPLE_BURST * 2))
    assert told["rate_limited"] > 0
    assert told[None] >= PEOPLE_BURST
    assert answered(box, alarm.id, by="staff-2").status == "accepted"


def test_receipts_of_a_handheld_do_not_lock_its_user_out(box: Box) -> None:
    alarm = box.raise_alarm(item())
    for _ in range(PEOPLE_BURST * 2):
        answered(box, alarm.id, action="received")
    assert answered(box, alarm.id).status == "accepted"


def test_a_flood_is_counted_and_leaves_nothing_in_the_database(box: Box) -> None:
    for _ in range(PEOPLE_BURST + 1_000):
        box.desk.submit(b"no answer", "thief").result(10)
    box.store.write(lambda conn: None).result(10)
    kept = box.store.read(lambda conn: conn.execute(select(func.count()).select_from(schema.dead_letters)).scalar_one())
    assert kept < PEOPLE_BURST * 2
    assert box.desk.rejects["rate_limited"] >= 1_000 - PEOPLE_BURST


def test_over_http_too_many_answers_are_429_with_the_reason(box: Box) -> None:
    alarm = box.raise_alarm(item())
    with httpx.Client(base_url=box.web.url, headers={"X-Rfidguard-User": "thief"}) as http:
        replies = [
            http.post(f"/v1/alarms/{alarm.id}/answers", json={"id": str(number), "action": "escalate"})
            for number in range(PEOPLE_BURST * 3)
        ]
    refused = [reply for reply in replies if reply.status_code == 429]
    assert refused
    assert refused[0].json() | {"id": ""} == {"id": "", "status": "rejected", "reason": "rate_limited"}
    assert int(refused[0].headers["Retry-After"]) > 0


def test_over_mqtt_each_refusal_reaches_the_handheld_with_its_reason(mosquitto: Broker, tmp_path: Path) -> None:
    with (
        StoreFront(tmp_path, mosquitto) as shop,
        Client(mosquitto.port, "staff-1", ("handheld/staff-1/reply", "alarm/#")) as staff,
    ):
        shop.start()
        wait_for(lambda: "mqtt" not in shop.http("/readyz")[1]["reasons"], what="the broker")
        staff.publish("cmd/test", b"")
        (alarm,) = wait_for(lambda: shop.http("/v1/alarms")[1])
        for name, fields in {
            "old": {"at": "2020-01-01T00:00:00Z"},
            "early": {"at": "2099-01-01T00:00:00Z"},
            "big": {"note": "x" * 17_000},
            "nothing": {"alarm": "01KAN7Q3M2W1C3Y0V9T8R7S6P5"},
            "fine": {"at": alarm["raised_at"]},
        }.items():
            staff.publish("handheld/staff-1/ack", {"id": name, "alarm": alarm["id"], "action": "acknowledge", **fields})
        staff.publish("handheld/staff-1/ack", {"id": "kept", "alarm": alarm["id"], "action": "resolve"}, retain=True)
        told = wait_for(lambda: len(found := staff.bodies("handheld/staff-1/reply")) >= 6 and found)
        reasons = {body["id"]: (body["reason"] or body["status"]).split(":")[0] for body in told}
        assert reasons == {
            "old": "stale", "early": "future", "big": "too_large", "nothing": "unknown_alarm", "fine": "accepted",
            "kept": "retained",
        }  # fmt: skip
        assert shop.http("/v1/alarms")[1][0]["state"] == "acknowledged"
