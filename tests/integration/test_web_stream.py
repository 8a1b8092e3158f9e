"""Server-sent events on a real port: what a second device sees, and what a lost connection costs (nothing)."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from wait import wait_for
from web_box import Box, item

from rfidguard.web.stream import MAX_STREAMS

Event = tuple[str, dict[str, Any]]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path) as box:
        yield box


@contextmanager
def events(box: Box, **headers: str) -> Iterator[Iterator[Event]]:
    with httpx.Client(base_url=box.web.url, timeout=20) as http, http.stream("GET", "/v1/events", headers=headers) as reply:
        assert reply.status_code == 200
        assert reply.headers["content-type"].startswith("text/event-stream")
        yield _parsed(reply.iter_lines())


def _parsed(lines: Iterator[str]) -> Iterator[Event]:
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def acknowledge(box: Box, alarm: str, by: str = "staff-2") -> None:
    body = {"id": str(uuid.uuid4()), "action": "acknowledge"}
    reply = httpx.post(f"{box.web.url}/v1/alarms/{alarm}/answers", json=body, headers={"X-Rfidguard-User": by})
    assert reply.status_code == 200


def test_a_stream_begins_with_the_open_alarms(box: Box) -> None:
    alarm = box.raise_alarm(item())
    with events(box) as heard:
        name, body = next(heard)
    assert name == "snapshot"
    assert [found["id"] for found in body["open"]] == [alarm.id]


def test_every_transition_follows(box: Box) -> None:
    with events(box) as heard:
        assert next(heard)[0] == "snapshot"
        alarm = box.raise_alarm(item())
        name, body = next(heard)
        assert (name, body["event_type"], body["id"], body["schema"]) == ("alarm", "raised", alarm.id, "rfidguard.alarm/1")
        acknowledge(box, alarm.id)
        _, body = next(heard)
        assert (body["event_type"], body["acknowledged_by"]) == ("acknowledged", "staff-2")


def test_two_devices_hear_the_same(box: Box) -> None:
    with events(box) as one, events(box) as two:
        next(one), next(two)
        alarm = box.raise_alarm(item())
        assert next(one)[1]["id"] == next(two)[1]["id"] == alarm.id


def test_a_client_that_comes_back_with_any_last_event_id_misses_nothing(box: Box) -> None:
    alarm = box.raise_alarm(item())
    with events(box, **{"Last-Event-ID": "nonsense"}) as heard:
        assert [found["id"] for found in next(heard)[1]["open"]] == [alarm.id]


def test_a_silent_stream_says_that_it_is_alive(tmp_path: Path) -> None:
    with Box(tmp_path, beat_s=0.05) as box:
        with events(box) as heard:
            next(heard)
            name, body = next(heard)
        assert (name, body["at"][-1]) == ("beat", "Z")
        with httpx.stream("GET", f"{box.web.url}/v1/events") as reply:
            assert ": beat" in reply.iter_lines()


def test_a_client_that_leaves_is_forgotten(box: Box) -> None:
    with events(box) as heard:
        next(heard)
        assert box.broadcast.listeners == 1
    wait_for(lambda: box.broadcast.listeners == 0)


def test_a_recently_closed_alarm_is_in_the_snapshot(box: Box) -> None:
    alarm = box.raise_alarm(item())
    body = {"id": "1", "action": "resolve", "outcome": "recovered"}
    assert httpx.post(f"{box.web.url}/v1/alarms/{alarm.id}/answers", json=body).status_code == 200
    with events(box) as heard:
        snapshot = next(heard)[1]
    assert (snapshot["open"], [found["outcome"] for found in snapshot["closed"]]) == ([], ["recovered"])


def test_streams_that_are_open_do_not_hold_up_the_end(box: Box) -> None:
    with events(box) as heard:
        next(heard)
        box.web.stop()
        assert not box.web.alive
        assert list(heard) == []


def test_more_streams_than_the_box_can_serve_are_refused(box: Box) -> None:
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(base_url=box.web.url, timeout=20, limits=httpx.Limits(max_connections=None)))
        streams = [stack.enter_context(http.stream("GET", "/v1/events")).iter_lines() for _ in range(MAX_STREAMS)]
        for stream in streams:
            next(stream)
        assert http.get("/v1/events").status_code == 503
