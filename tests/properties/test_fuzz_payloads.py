"""Whatever comes in on a topic, over HTTP or as a line: nothing crashes or hangs, refusals are counted, memory stays."""

import itertools
import json
import os
import resource
import tracemalloc
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wait import wait_for
from walks import T0, config
from web_box import Box

from rfidguard.answer_desk import AnswerDesk
from rfidguard.answer_document import AnswerDocument
from rfidguard.clock import SystemClock
from rfidguard.command_desk import CORE_COMMANDS, CommandDocument
from rfidguard.config import Config
from rfidguard.events import Read
from rfidguard.feeds.capture import take_capture, take_poslog
from rfidguard.forget import MAX_TRACKS
from rfidguard.front_desk import FrontDesk
from rfidguard.inbox import Inbox
from rfidguard.journal import decode_lines
from rfidguard.journal_files import lines_in
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.mqtt_wire import Arrived
from rfidguard.runner import Runner
from rfidguard.sale import SaleDocument, SaleLine
from rfidguard.sale_watch import SaleWatch
from rfidguard.store import Store
from rfidguard.topics import Topics
from rfidguard.web.live import Broadcast

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
HUGE = 100_000_000
MEMORY_SLACK = 60_000_000
"""What a process may grow by while it refuses 100 MB: less than the 100 MB themselves."""

DEEP = (b"[" * 200_000, b'{"a":' * 200_000, b'{"id":' + b"[" * 7_000 + b"]" * 7_000 + b"}", b'{"lines":[' * 1_500)
BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">
%s]><POSLog>&z;</POSLog>""" % b"\n".join(b'<!ENTITY %c "%s">' % (97 + step, b"&%c;" % (96 + step) * 50) for step in range(1, 26))
OUTSIDE = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><POSLog><Transaction>&x;</Transaction></POSLog>'
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    [
        *SaleDocument.model_fields,
        *SaleLine.model_fields,
        *AnswerDocument.model_fields,
        *CommandDocument.model_fields,
        "state",
        "x",
    ]
)
VALUES = JSON | st.sampled_from(
    ["2026-11-22T10:14:02Z", "sale", "void", "sold", "3034257BF7194E4000001A85", "00614141123452", "resolve", "front", "online"]
)
DOCUMENTS = st.dictionaries(FIELDS, VALUES | st.lists(st.dictionaries(FIELDS, VALUES, max_size=4), max_size=3), max_size=7)
PAYLOADS = st.binary(max_size=200) | DOCUMENTS.map(lambda body: json.dumps(body).encode())
TOPICS = (
    "handheld/staff-1/ack", "handheld/staff-1/presence", "pos/3/sale", "pos/3/heartbeat", "cmd/mute", "cmd/test", "cmd/rebirth",
    "cmd/nothing",
)  # fmt: skip


class Office:
    """The whole inbound side behind a broker: inbox, front desk, answer desk, database; the core is a list."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.store = Store("sqlite://", self.clock)
        self.heard: list[Any] = []
        self.confirmed: Counter[int] = Counter()
        settings_ = Config.model_validate({"site": {"id": "0001"}})
        desk = AnswerDesk(self.store, self.heard.append, self.clock)
        self.front = FrontDesk(
            self.store, desk, Broadcast(), self.heard.append, self.clock, health=dict, ready=lambda: (True, {}), counters=list,
            daemon_command=lambda name: None, note=lambda topic, body: None, zone=ZoneInfo("UTC"),
            watch=SaleWatch(settings_, self.clock),
        )  # fmt: skip
        topics = Topics("rfidguard", "0001")
        self.inbox = Inbox(self.front, topics, self.store, self.clock, self._confirm, lambda note: None)
        self._sent = 0

    def __enter__(self) -> "Office":
        self.store.open()
        self.inbox.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.inbox.stop(10)
        self.store.close()

    def deliver(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """One message; returns once it is confirmed, so that the broker sends it no more."""
        self._sent += 1
        self.inbox.put(self, Arrived(f"rfidguard/0001/{topic}", payload, 1, self._sent, retain))
        wait_for(lambda: self.confirmed[self._sent], 30, f"the confirmation of {payload[:80]!r} on {topic}")

    def _confirm(self, _link: object, message: Arrived) -> None:
        self.confirmed[message.mid] += 1


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    with Office() as office:
        yield office


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("fuzz")) as box:
        yield box


@pytest.fixture(scope="module")
def http(box: Box) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.web.url, timeout=60) as client:
        yield client


FUZZ = settings(deadline=None, suppress_health_check=list(HealthCheck))


@FUZZ
@given(st.sampled_from(TOPICS), PAYLOADS, st.booleans())
def test_any_message_is_confirmed_and_none_is_a_bug_of_ours(office: Office, topic: str, payload: bytes, retain: bool) -> None:
    office.deliver(topic, payload, retain)
    assert office.inbox.counts["handler_failed"] == 0
    assert office.inbox.late_s(0.0, 30.0) == 0


@pytest.mark.parametrize("topic", TOPICS)
def test_no_depth_of_json_overflows_anything(office: Office, topic: str) -> None:
    for payload in DEEP:
        office.deliver(topic, payload)
    assert office.inbox.counts["handler_failed"] == 0
    assert office.inbox.late_s(0.0, 30.0) == 0


def test_what_was_refused_is_counted_with_a_reason() -> None:
    with Office() as office:
        office.deliver("handheld/staff-9/ack", b"x" * 20_000)
        office.deliver("pos/3/sale", b"x" * 1_000_001)
        office.deliver("cmd/nothing", b"")
        office.deliver("cmd/mute", b"{}", retain=True)
        counts = office.inbox.counts
        assert (counts["too_large"], counts["unknown_command"], counts["retained"]) == (2, 1, 1)


ENDPOINTS = ("/v1/sales", "/v1/capture", "/v1/poslog", "/v1/session", "/v1/alarms/01KAN7Q3M2W1C3Y0V9T8R7S6P5/answers")


@FUZZ
@given(st.sampled_from(ENDPOINTS), PAYLOADS)
def test_any_body_is_answered_and_never_with_a_fault_of_ours(http: httpx.Client, path: str, payload: bytes) -> None:
    reply = http.post(path, content=payload)
    assert reply.status_code in (200, 404, 409, 422, 429), reply.text
    assert isinstance(reply.json(), dict)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_no_body_is_too_deep_or_a_bomb(http: httpx.Client, path: str) -> None:
    before = memory()
    for payload in (*DEEP, BOMB, OUTSIDE):
        reply = http.post(path, content=payload)
        assert reply.status_code in (200, 404, 413, 422), (path, payload[:40], reply.text[:200])
        assert "root:" not in reply.text
    assert memory() - before < MEMORY_SLACK


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_body_of_100_mb_is_refused_and_not_kept(http: httpx.Client, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(HUGE // 1_000_000):
            yield b"x" * 1_000_000

    before = memory()
    try:
        assert http.post(path, content=chunks()).status_code in (413, 404)
    except httpx.TransportError:  # the server may hang up while we still send
        assert http.get("/healthz").status_code == 200
    assert memory() - before < MEMORY_SLACK


def test_a_journal_line_of_100_mb_is_refused_and_not_kept() -> None:
    refused: Counter[str] = Counter()
    chunks = (b"x" * 65_536 for _ in range(HUGE // 65_536))
    tracemalloc.start()  # not the highest the process has been: it may have been higher before
    lines = list(lines_in(itertools.chain(chunks, [b"\n", b'{"type":"tick","at":1.0}\n']), refused))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lines == [b'{"type":"tick","at":1.0}']
    assert refused == {"too_long": 1}
    assert peak < MEMORY_SLACK


@FUZZ
@given(PAYLOADS)
def test_any_journal_line_is_an_event_or_is_refused_in_words(payload: bytes) -> None:
    refused: Counter[str] = Counter()
    list(decode_lines([payload], refused))
    assert sum(refused.values()) <= 1
    assert "" not in refused


@FUZZ
@given(PAYLOADS | st.text(alphabet="<>/=\"'&;![]-?x ae\n", max_size=120).map(str.encode))
def test_any_document_of_another_system_is_taken_or_refused(office: Office, payload: bytes) -> None:
    clock = office.clock
    for reply in (
        take_capture(office.store, payload, source="fuzz", now=clock.now(), emit=office.heard.append),
        take_poslog(office.store, payload, zone=ZoneInfo("UTC"), source="fuzz", now=clock.now(), emit=office.heard.append),
    ):
        assert reply.status != "rejected" or reply.rejected


def test_a_million_different_tags_need_no_more_memory_than_some_thousands() -> None:
    """A cloned-tag flood: every read is of another EPC, half of them of our own goods."""
    count = 1_000_000 if LONG else 60_000
    runner = Runner(layout_from(config()), RecordSet().find)
    for number in range(count):
        own = number % 2
        epc = f"3034257BF7194E4{number:09X}" if own else f"E28011{number:018X}"
        runner.feed(Read(at=T0 + number / 1_000_000, gate="front", reader="front-1", antenna=1, epc=epc, rssi_dbm=-60.0))
    state = runner.state
    assert all(len(tracks) <= MAX_TRACKS for tracks in state.tracks.values())
    assert len(state.asked) <= 2 * MAX_TRACKS * len(state.tracks)
    assert state.counts["track_evicted"] > 0


def test_commands_of_every_name_are_answered(office: Office) -> None:
    for name in CORE_COMMANDS:
        office.deliver(f"cmd/{name}", json.dumps({"id": str(uuid.uuid4())}).encode())
    assert office.inbox.counts["handler_failed"] == 0


def memory() -> int:
    """The highest the process has been, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_the_fixtures_are_what_they_say(tmp_path: Path) -> None:
    assert BOMB.count(b"<!ENTITY") == 26
    assert all(len(payload) > 7_000 for payload in DEEP)
