"""Every fault of the simulated LLRP reader, seen by a bare client."""

import struct
import threading
from collections.abc import Iterator

import pytest
from llrp_client import (
    ADD,
    ATTEMPT_EVENT,
    CAPABILITIES,
    DELETE,
    ENABLE_EVENTS,
    ERROR,
    EVENT,
    EXCEPTION_EVENT,
    GET,
    GET_CONFIG,
    OVERFLOW_EVENT,
    REPORT,
    SET_CONFIG,
    Client,
    events,
    keepalive,
    report,
    rospec,
    u32,
    walk,
)
from wait import wait_for

from rfidguard.events import Read
from simulators.llrp_reader import Message, SimReader, Status
from simulators.llrp_reader.script import install, parse_fault


def stream(count: int, every_s: float = 0.002, **more: object) -> list[Read]:
    return [
        Read(at=i * every_s, gate="g", reader="r", antenna=1, epc=f"{i:024X}", rssi_dbm=-50.0 - i % 2, **more)
        for i in range(count)
    ]


@pytest.fixture
def reader() -> Iterator[SimReader]:
    with SimReader(source=stream(4000)) as simulated:
        yield simulated


@pytest.fixture
def client(reader: SimReader) -> Iterator[Client]:
    with Client(reader.port) as connected:
        assert connected.receive().event == ATTEMPT_EVENT
        yield connected


def settle(reader: SimReader) -> None:
    """Returns once everything ordered so far has been done."""
    done = threading.Event()
    reader.call(done.set)
    assert done.wait(10)


def test_a_refusing_reader_says_that_a_client_is_there_already(reader: SimReader) -> None:
    reader.faults.set(refuse=True)
    settle(reader)
    with Client(reader.port) as client:
        assert walk(walk(client.receive().body)[246][0])[ATTEMPT_EVENT] == [b"\0\2"]
        with pytest.raises(EOFError):
            client.receive()


def test_a_silent_reader_says_nothing_and_goes_on_when_it_is_over(reader: SimReader, client: Client) -> None:
    client.run(rospec())
    client.await_tags(1)
    reader.faults.set(silent=True)
    settle(reader)
    while not client.silent_for(0.05):
        client.waiting.clear()
    client.send(GET)
    assert client.silent_for(0.1)
    reader.faults.set(silent=False)
    assert client.await_kind(36).status == 0


def test_a_reader_that_is_silent_from_the_start_accepts_and_says_nothing(reader: SimReader) -> None:
    reader.faults.set(silent=True)
    settle(reader)
    with Client(reader.port) as client:
        assert client.silent_for(0.1)


def test_a_drop_ends_the_connection_and_the_reader_takes_a_new_one(reader: SimReader, client: Client) -> None:
    reader.faults.drop()
    with pytest.raises((EOFError, ConnectionResetError)):
        client.receive()
    with Client(reader.port) as second:
        assert second.receive().event == ATTEMPT_EVENT


def test_a_torn_drop_ends_in_the_middle_of_a_report(reader: SimReader, client: Client) -> None:
    reader.faults.drop(torn=True)
    with pytest.raises(EOFError, match=r"[1-9]\d* bytes left"):
        client.receive()


@pytest.mark.parametrize(("keep", "state"), [(True, 2), (False, None)])
def test_a_reboot_keeps_or_loses_the_rospecs(reader: SimReader, client: Client, keep: bool, state: int | None) -> None:
    client.run(rospec())
    reader.faults.reboot(0.1, keep_specs=keep)
    wait_for(lambda: not reader.connected, what="the end of the session")
    with wait_for(lambda: connect(reader.port), what="the reader after its reboot") as second:
        specs = second.ask(GET).parameters.get(177)
    assert (specs and specs[0][5]) == state


def connect(port: int) -> Client | None:
    try:
        return Client(port)
    except ConnectionRefusedError:
        return None


def test_a_rebooting_reader_is_gone_for_so_long(reader: SimReader, client: Client) -> None:
    reader.faults.reboot(30.0)
    settle(reader)
    assert connect(reader.port) is None


@pytest.mark.parametrize(("kind", "length"), [("tv", 3), ("tlv", 8), ("custom", 14)])
def test_an_unknown_parameter_stands_in_every_tag(reader: SimReader, client: Client, kind: str, length: int) -> None:
    client.run(rospec(reporting=report(flags=0x1000)))
    plain = len(client.await_kind(REPORT).body)
    reader.faults.set(unknown_parameter=kind)
    assert wait_for(lambda: len(client.await_kind(REPORT).body) - plain or None) == length


def test_an_unknown_message_comes_before_every_report(reader: SimReader, client: Client) -> None:
    reader.faults.set(unknown_message=True)
    client.run(rospec())
    client.waiting.clear()
    kinds = [client.receive().kind for _ in range(5)]
    assert {900, REPORT} == set(kinds)


def test_a_short_parameter_leaves_the_frame_whole(reader: SimReader, client: Client) -> None:
    reader.faults.set(short_parameter=True)
    client.run(rospec())
    got = client.await_kind(REPORT)
    with pytest.raises((AssertionError, struct.error)):
        _ = got.tags
    assert client.await_kind(REPORT)


def test_a_message_can_be_answered_with_an_error(reader: SimReader, client: Client) -> None:
    reader.faults.error_for(Message.ADD_ROSPEC, Status.M_FIELD_ERROR)
    reader.faults.error_for(Message.ENABLE_EVENTS_AND_REPORTS, Status.R_DEVICE_ERROR)
    assert client.ask(ADD, rospec()).status == 101
    assert 177 not in client.ask(GET).parameters
    refused = client.ask(ENABLE_EVENTS)
    assert (refused.kind, refused.status) == (ERROR, 401)


def test_messages_can_stay_unanswered(reader: SimReader, client: Client) -> None:
    reader.faults.no_answer_to(Message.GET_READER_CAPABILITIES, Message.GET_READER_CONFIG)
    client.send(CAPABILITIES, b"\0")
    client.send(GET_CONFIG, bytes(7))
    assert client.ask(DELETE, u32(0)).status == 0
    assert client.waiting == []


def test_keepalives_can_stay_away(reader: SimReader, client: Client) -> None:
    reader.faults.set(keepalive_off=True)
    assert client.ask(SET_CONFIG, b"\0" + keepalive(10)).status == 0
    assert client.silent_for(0.1)


def test_the_clock_can_be_wrong(reader: SimReader, client: Client) -> None:
    client.run(rospec())
    right = int(str(client.await_tags(1)[0][2]))
    reader.faults.set(clock_offset_s=-86_400.0)
    assert wait_for(lambda: right - int(str(client.await_tags(1)[0][2])) > 80_000_000_000)


def test_the_clock_can_stand_in_1970(reader: SimReader) -> None:
    reader.faults.set(year_1970=True)
    settle(reader)
    with Client(reader.port) as client:
        first = walk(walk(client.receive().body)[246][0])
        assert struct.unpack(">Q", first[128][0])[0] < 3_600_000_000
        client.run(rospec())
        assert int(str(client.await_tags(1)[0][2])) < 3_600_000_000


def test_a_reader_without_utc_gives_uptime(reader: SimReader) -> None:
    reader.faults.set(no_utc=True)
    settle(reader)
    with Client(reader.port) as client:
        assert 129 in walk(walk(client.receive().body)[246][0])
        client.run(rospec())
        tag = client.await_tags(1)[0]
        assert (2 in tag, 3 in tag, 4 in tag, 5 in tag) == (False, True, False, True)
        assert struct.unpack_from(">H", client.ask(CAPABILITIES, b"\1").parameters[137][0], 2) == (0,)


def test_dribbled_bytes_make_the_same_messages(reader: SimReader, client: Client) -> None:
    reader.faults.set(dribble=(3, 0.0005))
    answer = client.ask(GET_CONFIG, bytes(7))
    assert (answer.status, 219 in answer.parameters) == (0, True)


def test_unchanged_fields_can_be_left_out(reader: SimReader, client: Client) -> None:
    reader.faults.set(omit_unchanged=True)
    client.run(rospec())
    first, second, *_ = client.await_tags(3)
    assert {1, 6, 9, 14} <= set(first)
    assert set(second) == {"epc", 2, 4, 6}


def test_the_first_report_of_a_new_session_leaves_nothing_out(reader: SimReader, client: Client) -> None:
    reader.faults.set(omit_unchanged=True)
    client.run(rospec())
    client.await_tags(3)
    client.sock.close()
    wait_for(lambda: not reader.connected, what="the end of the session")
    with Client(reader.port) as second:
        assert {1, 6, 9, 14} <= set(second.await_tags(1)[0])


def test_every_report_can_come_twice(reader: SimReader, client: Client) -> None:
    reader.faults.set(duplicate=True)
    client.run(rospec())
    epcs = [tag["epc"] for tag in client.await_tags(4)]
    assert (epcs[0], epcs[2]) == (epcs[1], epcs[3])


def test_an_overflow_and_an_exception_are_told(reader: SimReader, client: Client) -> None:
    assert client.ask(SET_CONFIG, b"\0" + events(3, 4)).status == 0
    reader.faults.overflow()
    assert client.await_event(OVERFLOW_EVENT)
    reader.faults.exception("too hot")
    assert b"too hot" in client.await_event(EXCEPTION_EVENT).body


def test_what_a_stalled_connection_holds_up_is_bounded_and_comes_after_a_warning() -> None:
    tags = stream(10_000, 0.00005)
    with SimReader(source=tags, buffer_tags=2_000) as reader, Client(reader.port) as client:
        assert client.ask(SET_CONFIG, b"\0" + events(3)).status == 0
        client.run(rospec())
        reader.faults.set(silent=True)
        wait_for(lambda: reader.at_end, what="the end of the reads")
        reader.faults.set(silent=False)
        seen, told = 0, False
        while seen + reader.counts["reads_lost_by_overflow"] < len(tags):
            got = client.receive()
            seen += len(got.tags) if got.kind == REPORT else 0
            told |= got.kind == EVENT and got.event == OVERFLOW_EVENT
        assert told
        assert reader.counts["reads_lost_by_overflow"] > 1_000


def test_any_bytes_can_be_sent(reader: SimReader, client: Client) -> None:
    reader.faults.send(struct.pack(">HII", 1 << 10 | 901, 10, 77))
    got = client.receive()
    assert (got.kind, got.number) == (901, 77)


def test_an_unknown_fault_is_refused(reader: SimReader) -> None:
    with pytest.raises(TypeError, match="no such fault: sillent"):
        reader.faults.set(sillent=True)


def test_healing_ends_every_lasting_fault(reader: SimReader, client: Client) -> None:
    reader.faults.set(keepalive_off=True, no_utc=True, silent=True)
    reader.faults.error_for(Message.GET_ROSPECS, Status.M_PARAMETER_ERROR)
    reader.faults.heal()
    assert client.ask(GET).status == 0


@pytest.mark.parametrize(
    "fault", ["no_utc,seconds=0.1", "clock_offset,offset_s=-1e9,seconds=0.1", 'unknown_parameter,kind="tv",seconds=0.1']
)
def test_a_scripted_fault_begins_and_ends_at_its_seconds(fault: str) -> None:
    scripted = SimReader(source=stream(4000))
    install([parse_fault(f"0.05:{fault}")], scripted)
    with scripted, Client(scripted.port) as client:
        client.run(rospec())
        normal = plain(client)
        wait_for(lambda: plain(client) != normal, what="the fault")
        wait_for(lambda: plain(client) == normal, what="its end")


def plain(client: Client) -> tuple[int, bool, bool]:
    """What all faults of that test change: length of a report, kind of timestamp, and whether that is a time of this decade."""
    got = client.await_kind(REPORT)
    stamp = got.body.find(b"\x82")
    return len(got.body), stamp >= 0, struct.unpack_from(">Q", got.body, stamp + 1)[0] > 1.7e15


def test_scripted_drops_and_reboots_come_at_their_seconds() -> None:
    scripted = SimReader(source=stream(4000))
    install([parse_fault("0.05:drop"), parse_fault("0.3:reboot,seconds=0.05,keep_specs=true")], scripted)
    with scripted:
        for _ in range(2):
            with wait_for(lambda: connect(scripted.port), what="the reader") as client:
                if not scripted.inventorying:
                    client.run(rospec())
                with pytest.raises((EOFError, ConnectionResetError)):
                    client.await_kind(9999)
        with wait_for(lambda: connect(scripted.port), what="the reader") as client:
            assert client.await_tags(1)
