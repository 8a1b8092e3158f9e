"""The simulated LLRP reader, seen by a bare client over TCP: sessions, ROSpecs, triggers, reports, events, hold, pins."""

import itertools
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from llrp_client import (
    ACK,
    ADD,
    ADD_ACCESS,
    AISPEC_EVENT,
    ANTENNA_EVENT,
    ATTEMPT_EVENT,
    CAPABILITIES,
    CLOSE,
    CLOSE_EVENT,
    CUSTOM,
    DELETE,
    DELETE_ACCESS,
    DISABLE,
    ENABLE,
    ENABLE_ACCESS,
    ENABLE_EVENTS,
    ERROR,
    EVENT,
    GET,
    GET_ACCESS,
    GET_CONFIG,
    GET_REPORT,
    GPI_EVENT,
    KEEPALIVE,
    OVERFLOW_EVENT,
    REPORT,
    ROSPEC_EVENT,
    SET_CONFIG,
    START,
    STOP,
    Client,
    accessspec,
    aispec,
    events,
    gpi,
    gpi_value,
    gpo,
    hold,
    impinj,
    impinj_fields,
    keepalive,
    periodic,
    report,
    rospec,
    tags_value,
    tlv,
    u32,
    walk,
)
from wait import wait_for

from rfidguard.clock import SystemClock
from rfidguard.events import Read
from simulators.llrp_reader import Played, SimReader

EPC = "30340242201D884000000001"
LONG_EPC = "3613" * 13


def read(at: float = 0.0, antenna: int = 1, epc: str = EPC, rssi: float = -50.37, **more: object) -> Read:
    return Read(at=at, gate="g", reader="r", antenna=antenna, epc=epc, rssi_dbm=rssi, **more)


def stream(count: int, every_s: float = 0.002, antennas: int = 2) -> list[Read]:
    """Reads of as many tags, on the antennas in turn."""
    return [read(i * every_s, 1 + i % antennas, f"{i:024X}", rssi=-40.0 - i % 20) for i in range(count)]


@pytest.fixture
def reader() -> Iterator[SimReader]:
    with SimReader(source=stream(4000)) as simulated:
        yield simulated


@pytest.fixture
def client(reader: SimReader) -> Iterator[Client]:
    with Client(reader.port) as connected:
        assert connected.receive().event == ATTEMPT_EVENT
        yield connected


def config(client: Client, requested: int, gpi_port: int = 0, gpo_port: int = 0, antenna: int = 0) -> dict[int, list[bytes]]:
    answer = client.ask(GET_CONFIG, struct.pack(">HBHH", antenna, requested, gpi_port, gpo_port))
    assert answer.status == 0
    return answer.parameters


def configure(client: Client, *parameters: bytes) -> None:
    assert client.ask(SET_CONFIG, b"\0" + b"".join(parameters)).status == 0


def test_the_first_message_of_a_session_says_that_it_stands(reader: SimReader) -> None:
    with Client(reader.port) as client:
        first = client.receive()
    assert (first.kind, first.event) == (EVENT, ATTEMPT_EVENT)
    assert walk(walk(first.body)[246][0])[ATTEMPT_EVENT] == [b"\0\0"]


def test_a_second_client_is_told_of_the_first_and_sent_away(reader: SimReader, client: Client) -> None:
    with Client(reader.port) as second:
        refusal = second.receive()
        assert walk(walk(refusal.body)[246][0])[ATTEMPT_EVENT] == [b"\0\2"]
        with pytest.raises(EOFError):
            second.receive()
    assert client.ask(GET, b"").status == 0


def test_the_first_client_is_told_of_the_attempt_of_another(reader: SimReader, client: Client) -> None:
    Client(reader.port).sock.close()
    assert walk(walk(client.await_event(ATTEMPT_EVENT).body)[246][0])[ATTEMPT_EVENT] == [b"\0\4"]


def test_close_is_answered_and_then_the_connection_ends(client: Client) -> None:
    assert client.ask(CLOSE).status == 0
    with pytest.raises(EOFError):
        client.receive()


def test_a_new_session_is_possible_as_soon_as_the_old_one_is_closed(reader: SimReader, client: Client) -> None:
    client.ask(CLOSE)
    with Client(reader.port) as second:
        assert walk(walk(second.receive().body)[246][0])[ATTEMPT_EVENT] == [b"\0\0"]


def test_the_reader_says_good_bye_when_it_stops(reader: SimReader, client: Client) -> None:
    reader.stop()
    assert client.receive().event == CLOSE_EVENT
    with pytest.raises(EOFError):
        client.receive()


def test_an_answer_never_comes_within_a_millisecond(client: Client) -> None:
    before = time.monotonic()
    client.ask(GET)
    assert time.monotonic() - before >= 0.001


def test_a_version_2_header_is_answered_by_error_110_in_version_1(client: Client) -> None:
    answer = client.ask(GET, version=2)
    assert (answer.kind, answer.version, answer.status) == (ERROR, 1, 110)
    assert client.ask(GET).status == 0


def test_a_reader_of_1_1_negotiates_its_version() -> None:
    with SimReader(max_version=2) as reader, Client(reader.port) as client:
        supported = client.ask(46, version=2)
        assert (supported.kind, supported.version, supported.body[:2]) == (56, 2, b"\1\2")
        assert client.ask(47, b"\2", version=2).status == 0
        assert client.ask(GET, version=2).version == 2
        assert (client.ask(GET, version=1).kind, client.ask(47, b"\3", version=2).status) == (ERROR, 110)


def test_an_unknown_message_is_answered_by_error_109(client: Client) -> None:
    answer = client.ask(900, b"\1\2\3")
    assert (answer.kind, answer.status) == (ERROR, 109)


def test_garbage_ends_the_session_and_not_the_reader(reader: SimReader, client: Client) -> None:
    client.sock.sendall(b"\x04\x01\x00\x00\x00\x03garbage")
    with pytest.raises(EOFError):
        client.receive()
    with Client(reader.port) as second:
        assert second.receive().event == ATTEMPT_EVENT


def test_capabilities_tell_ports_power_table_and_hop_table(client: Client) -> None:
    got = client.ask(CAPABILITIES, b"\0").parameters
    assert struct.unpack_from(">HHII", got[137][0]) == (4, 0x4000, 25882, 2001002)
    band = walk(walk(got[143][0][4:])[144][0])
    powers = [struct.unpack(">Hh", entry) for entry in band[145]]
    assert (powers[0], powers[-1]) == ((1, 1000), (91, 3250))
    hops = walk(band[146][0][1:])[147][0]
    assert struct.unpack_from(">BBHI", hops) == (1, 0, 50, 902_750)
    assert len(band[328]) == 1


@pytest.mark.parametrize(("requested", "kinds"), [(1, {137}), (2, {142}), (3, {143}), (4, {327}), (0, {137, 142, 143, 327})])
def test_capabilities_hold_what_was_asked_for(client: Client, requested: int, kinds: set[int]) -> None:
    assert set(client.ask(CAPABILITIES, bytes((requested,))).parameters) == kinds | {287}


def test_capabilities_of_an_unknown_kind_are_refused(client: Client) -> None:
    assert client.ask(CAPABILITIES, b"\x09").status == 101


def test_every_kind_of_configuration_can_be_asked_for(client: Client) -> None:
    kinds = [set(config(client, requested)) - {287} for requested in range(1, 12)]
    assert kinds == [{218}, {221}, {222}, {237}, {244}, {239}, {217}, {220}, {225}, {219}, {226}]
    assert set(config(client, 0)) - {287} == set().union(*kinds[1:])


def test_configuration_set_is_configuration_read(client: Client) -> None:
    configure(client, keepalive(30_000), events(1, 8), hold(), gpi(2), report(2, 5, 0x1240))
    got = config(client, 0)
    assert got[220] == [struct.pack(">BI", 1, 30_000)]
    assert got[226] == [b"\x80"]
    assert [value[2] & 0x80 for value in got[225]] == [0, 0x80, 0, 0]
    assert got[237][0][:3] == b"\2\0\5"
    on = [struct.unpack(">HB", state)[0] for state in walk(got[244][0])[245] if state[2]]
    assert on == [1, 8]


def test_a_reset_puts_the_factory_state_back(client: Client) -> None:
    configure(client, keepalive(30_000), hold())
    client.ask(SET_CONFIG, b"\x80")
    got = config(client, 0)
    assert (got[220], got[226]) == ([b"\0" * 5], [b"\0"])


def test_a_refused_configuration_changes_nothing(client: Client) -> None:
    assert client.ask(SET_CONFIG, b"\0" + keepalive(30_000) + gpo(9, True)).status == 100
    assert config(client, 8)[220] == [b"\0" * 5]


def test_antenna_configuration_of_port_0_reaches_every_port(client: Client) -> None:
    configure(client, tlv(222, b"\0\0", tlv(224, struct.pack(">HHH", 1, 3, 33))))
    transmitters = [walk(value[2:])[224][0] for value in config(client, 3)[222]]
    assert transmitters == [struct.pack(">HHH", 1, 3, 33)] * 4


def test_keepalives_come_at_their_period_and_acknowledgements_are_counted(reader: SimReader, client: Client) -> None:
    configure(client, keepalive(20))
    for _ in range(3):
        client.await_kind(KEEPALIVE)
        client.send(ACK)
    wait_for(lambda: reader.counts["keepalive_acks"] == 3, what="acknowledgements")


def test_an_immediate_rospec_reads_as_soon_as_it_is_enabled(client: Client) -> None:
    client.run(rospec())
    assert [tag["epc"] for tag in client.await_tags(20)[:20]] == [f"{i:024X}" for i in range(20)]


def test_a_report_carries_every_field_that_was_enabled(client: Client) -> None:
    client.run(rospec(5))
    first = client.await_tags(1)[0]
    assert {key for key in first if key != "epc"} == {1, 2, 4, 6, 7, 8, 9, 10, 14, 16}
    assert (first[9], first[14], first[10], first[1], first[6], first[8]) == (5, 1, 7, 1, -40, 1)


def test_a_report_carries_no_field_that_was_not_enabled(client: Client) -> None:
    client.run(rospec(1, reporting=report(flags=0x1000)))
    assert set(client.await_tags(1)[0]) == {"epc", 1}


def test_timestamps_are_now_with_the_spacing_of_the_journal(client: Client) -> None:
    before = SystemClock().now()
    client.run(rospec())
    stamps = [tag[2] for tag in client.await_tags(5)]
    assert abs(stamps[0] / 1e6 - before) < 10
    assert [later - earlier for earlier, later in itertools.pairwise(stamps)] == pytest.approx([2000] * (len(stamps) - 1), abs=2)


def test_only_the_antennas_of_the_aispec_are_read(client: Client) -> None:
    client.run(rospec(1, aispec(2)))
    assert {tag[1] for tag in client.await_tags(20)} == {2}


def test_an_epc_that_is_not_96_bits_long_is_sent_with_its_length() -> None:
    with SimReader(source=[read(epc=LONG_EPC)]) as reader, Client(reader.port) as client:
        client.run(rospec())
        assert client.await_tags(1)[0]["epc"] == LONG_EPC


def test_impinj_fields_come_in_their_own_units() -> None:
    source = [read(rssi=-50.37, phase_rad=1.5, doppler_hz=-2.25, tid="E2801130200020AB")]
    with SimReader(source=source) as reader, Client(reader.port) as client:
        client.impinj()
        client.run(rospec(reporting=report(custom=impinj_fields(51, 52, 53, 67))))
        tag = client.await_tags(1)[0]
    assert struct.unpack(">H", tag["impinj", 56]) == (round(1.5 / 6.283185307 * 4096),)
    assert struct.unpack(">h", tag["impinj", 57]) == (-5037,)
    assert struct.unpack(">h", tag["impinj", 68]) == (-36,)
    assert tag["impinj", 55] == b"\0\4" + bytes.fromhex("E2801130200020AB")


def test_impinj_parameters_are_refused_until_the_extensions_are_enabled(client: Client) -> None:
    spec = rospec(reporting=report(custom=impinj_fields(52)))
    assert client.ask(ADD, spec).status == 100
    client.impinj()
    assert client.ask(ADD, spec).status == 0


def test_a_generic_reader_knows_no_impinj_extensions() -> None:
    with SimReader(model="generic", source=stream(10)) as reader, Client(reader.port) as client:
        refused = client.ask(CUSTOM, struct.pack(">IBI", 25882, 21, 0))
        assert (refused.kind, refused.status) == (ERROR, 109)
        assert client.ask(ADD, rospec(reporting=report(custom=impinj_fields(52)))).status == 100
        assert struct.unpack_from(">I", client.ask(CAPABILITIES, b"\1").parameters[137][0], 4) != (25882,)


def test_impinj_capabilities_come_when_asked_for(client: Client) -> None:
    client.impinj()
    got = client.ask(CAPABILITIES, b"\1" + impinj(21, u32(1000))).parameters
    assert [struct.unpack_from(">I", value, 4)[0] for value in got[1023]] == [29, 30]


def test_reports_of_n_tags_hold_n_tags(client: Client) -> None:
    client.run(rospec(reporting=report(1, 7)))
    assert [len(client.await_kind(REPORT).tags) for _ in range(3)] == [7, 7, 7]


def test_repeated_reads_of_one_tag_become_one_entry() -> None:
    source = [read(i * 0.01, rssi=-60.0 + i) for i in range(5)]
    ended = aispec(0, stop=(1, 1000, b""))
    with SimReader(source=source) as reader, Client(reader.port) as client:
        client.run(rospec(1, ended, reporting=report(1, 0)))
        (tag,) = client.await_kind(REPORT).tags
    assert (tag[8], tag[6]) == (5, -56)
    assert abs(tag[4] - tag[2] - 40_000) <= 1, "a float of today's seconds is good to a quarter of a microsecond"


def test_reports_at_the_end_of_the_rospec_wait_for_it(client: Client) -> None:
    configure(client, events(2, 6))
    aispecs = (aispec(1, stop=(1, 40, b"")), aispec(2, stop=(1, 40, b"")))
    client.run(rospec(1, *aispecs, reporting=report(2, 0)))
    seen = [client.receive() for _ in range(5)]
    kinds = [got.event if got.kind == EVENT else got.kind for got in seen]
    assert kinds == [ROSPEC_EVENT, AISPEC_EVENT, AISPEC_EVENT, REPORT, ROSPEC_EVENT]
    assert {tag[1] for tag in seen[3].tags} == {1, 2}


def test_without_a_report_trigger_tags_come_by_get_report_only(client: Client) -> None:
    client.run(rospec(reporting=report(0, 0)))
    assert client.silent_for(0.1)
    client.send(GET_REPORT)
    assert len(client.await_kind(REPORT).tags) > 5


def test_get_report_of_nothing_is_an_empty_report(client: Client) -> None:
    client.send(GET_REPORT)
    assert client.await_kind(REPORT).tags == []


def test_an_immediate_rospec_goes_round_through_its_aispecs(client: Client) -> None:
    client.run(rospec(1, aispec(1, stop=(1, 20, b"")), aispec(2, stop=(1, 20, b""))))
    turns = [key for key, _ in itertools.groupby(tag[14] for tag in client.await_tags(60))]
    assert turns[:4] == [1, 2, 1, 2]


def test_an_aispec_ends_after_its_tags(client: Client) -> None:
    configure(client, events(6))
    client.run(rospec(1, aispec(0, stop=(3, 0, tags_value(0, 3))), reporting=report(1, 0)))
    assert [len(client.await_kind(REPORT).tags) for _ in range(3)] == [3, 3, 3]


def test_an_aispec_ends_when_no_new_tag_comes() -> None:
    source = [read(i * 0.005, epc=f"{i:024X}") for i in range(10)]
    with SimReader(source=source) as reader, Client(reader.port) as client:
        client.run(rospec(1, aispec(0, stop=(3, 0, tags_value(1, 0, quiet_ms=200))), reporting=report(1, 0)))
        assert len(client.await_kind(REPORT).tags) == 10


def test_a_duration_ends_the_rospec_until_it_is_started_again(client: Client) -> None:
    configure(client, events(2))
    client.run(rospec(stop=(1, 50, b"")))
    assert [walk(walk(client.await_event(ROSPEC_EVENT).body)[246][0])[ROSPEC_EVENT][0][0] for _ in range(2)] == [0, 1]
    assert client.ask(GET).parameters[177][0][5] == 1
    assert client.ask(START, u32(1)).status == 0
    assert client.await_tags(1)


def test_an_immediate_rospec_that_is_done_starts_again_unless_it_is_to_stay_ended(reader: SimReader, client: Client) -> None:
    configure(client, events(2))
    client.run(rospec(1, aispec(0, stop=(1, 20, b"")), aispec(0, stop=(1, 20, b""))))
    kinds = [walk(walk(client.await_event(ROSPEC_EVENT).body)[246][0])[ROSPEC_EVENT][0][0] for _ in range(5)]
    assert kinds == [0, 1, 0, 1, 0]
    reader.faults.set(stays_ended=True)
    wait_for(lambda: client.ask(GET).parameters[177][0][5] == 1, what="the end")
    client.waiting.clear()
    assert client.ask(START, u32(1)).status == 0
    assert client.await_tags(1)


def test_a_rospec_without_trigger_waits_for_start_and_ends_with_stop(client: Client) -> None:
    client.run(rospec(start=(0, b"")))
    assert client.silent_for(0.1)
    assert client.ask(START, u32(1)).status == 0
    client.await_tags(5)
    assert client.ask(STOP, u32(1)).status == 0
    client.waiting.clear()
    assert client.silent_for(0.1)


def test_an_input_starts_and_ends_a_rospec(reader: SimReader, client: Client) -> None:
    configure(client, gpi(1), events(1, 2))
    client.run(rospec(start=(3, gpi_value(1, True)), stop=(2, 0, gpi_value(1, False))))
    reader.set_input(1, True)
    assert client.await_tags(3)
    reader.set_input(1, False)
    client.await_event(ROSPEC_EVENT)
    wait_for(lambda: not reader.inventorying, what="the end of the ROSpec")


def test_an_input_trigger_times_out(reader: SimReader, client: Client) -> None:
    configure(client, gpi(1), events(2))
    client.run(rospec(start=(3, gpi_value(1, True)), stop=(2, 0, gpi_value(1, False, 50))))
    reader.set_input(1, True)
    assert [walk(walk(client.await_event(ROSPEC_EVENT).body)[246][0])[ROSPEC_EVENT][0][0] for _ in range(2)] == [0, 1]


def test_an_input_that_is_not_configured_starts_nothing(reader: SimReader, client: Client) -> None:
    client.run(rospec(start=(3, gpi_value(1, True))))
    reader.set_input(1, True)
    wait_for(lambda: reader.device.settings.inputs[1], what="the input")
    assert not reader.inventorying


def test_a_periodic_rospec_starts_again_and_again(client: Client) -> None:
    configure(client, events(2))
    client.run(rospec(start=(2, periodic(10, 60)), stop=(1, 20, b"")))
    kinds = [walk(walk(client.await_event(ROSPEC_EVENT).body)[246][0])[ROSPEC_EVENT][0][0] for _ in range(6)]
    assert kinds == [0, 1, 0, 1, 0, 1]


def test_a_more_urgent_rospec_preempts() -> None:
    with SimReader(model="generic", source=stream(4000)) as reader, Client(reader.port) as client:
        configure(client, events(2))
        client.run(rospec(1, priority=5))
        client.run(rospec(2, priority=1, start=(0, b"")))
        assert client.ask(START, u32(2)).status == 0
        happened = [walk(walk(client.await_event(ROSPEC_EVENT).body)[246][0])[ROSPEC_EVENT][0] for _ in range(3)]
        assert happened == [b"\0" + u32(1, 0), b"\2" + u32(1, 2), b"\0" + u32(2, 0)]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (DELETE, u32(9)),
        (ENABLE, u32(9)),
        (DISABLE, u32(9)),
        (START, u32(9)),
        (START, u32(0)),
        (STOP, u32(9)),
        (DELETE_ACCESS, u32(9)),
    ],
)
def test_an_unknown_id_is_a_field_error(client: Client, kind: int, body: bytes) -> None:
    answer = client.ask(kind, body)
    assert (answer.kind, answer.status) == (kind + 10, 101)


def test_a_disabled_rospec_cannot_be_started(client: Client) -> None:
    client.ask(ADD, rospec())
    assert client.ask(START, u32(1)).status == 101


def test_id_0_means_all(client: Client) -> None:
    client.run(rospec())
    assert client.ask(DISABLE, u32(0)).status == 0
    assert client.ask(GET).parameters[177][0][5] == 0
    assert client.ask(DELETE, u32(0)).status == 0
    assert 177 not in client.ask(GET).parameters
    assert client.ask(DELETE, u32(0)).status == 0


def test_rospecs_come_back_as_they_were_given_with_their_state(client: Client) -> None:
    spec = rospec(3, start=(0, b""))
    client.ask(ADD, spec)
    assert client.ask(GET).parameters[177] == [spec[4:]]
    client.ask(ENABLE, u32(3))
    assert client.ask(GET).parameters[177][0][5] == 1
    client.ask(START, u32(3))
    assert client.ask(GET).parameters[177][0][5] == 2


def test_a_duplicate_rospec_is_refused() -> None:
    with SimReader(model="generic") as reader, Client(reader.port) as client:
        assert client.ask(ADD, rospec()).status == 0
        assert client.ask(ADD, rospec()).status == 101


def test_one_rospec_more_than_the_reader_holds_is_refused(client: Client) -> None:
    client.ask(ADD, rospec(1))
    assert client.ask(ADD, rospec(2)).status == 105


@pytest.mark.parametrize(
    ("spec", "status"),
    [
        (b"", 103),
        (rospec(0), 100),
        (rospec(1, aispec(7)), 100),
        (rospec(start=(9, b"")), 100),
        (rospec(start=(3, b"")), 100),
        (rospec(start=(3, gpi_value(9, True))), 100),
        (rospec(reporting=report(7, 1)), 100),
        (rospec() + rospec(), 104),
        (tlv(500, b"1234"), 107),
        (keepalive(1), 102),
        (tlv(177, b"\0\0"), 100),
        (tlv(177, u32(1), b"\0\0", aispec(1)), 100),
        (rospec()[:-3], 105),
        (b"\x81\0\1", 102),
    ],
)
def test_a_wrong_rospec_gets_the_status_that_says_why(client: Client, spec: bytes, status: int) -> None:
    answer = client.ask(ADD, spec)
    assert (answer.kind, answer.status) == (30, status)
    assert client.ask(GET).status == 0


def test_an_error_names_the_parameter_inside_the_parameter(client: Client) -> None:
    status = client.ask(ADD, rospec(1, aispec(1), tlv(500))).parameters[287][0]
    text = struct.unpack_from(">H", status, 2)[0]
    (outer,) = walk(status[4 + text :])[289]
    assert struct.unpack_from(">HH", outer) == (177, 200)
    assert struct.unpack_from(">HH", walk(outer[4:])[289][0]) == (500, 207)


def test_accessspecs_are_kept_enabled_listed_and_deleted(client: Client) -> None:
    spec = accessspec(4)
    assert client.ask(ADD_ACCESS, spec).status == 0
    assert client.ask(ADD_ACCESS, spec).status == 101
    assert client.ask(ENABLE_ACCESS, u32(4)).status == 0
    (kept,) = client.ask(GET_ACCESS).parameters[207]
    assert (kept[:7], kept[7], kept[8:]) == (spec[4:11], 0x80, spec[12:])
    assert client.ask(DELETE_ACCESS, u32(0)).status == 0
    assert 207 not in client.ask(GET_ACCESS).parameters


def test_an_output_is_written_told_and_read_back() -> None:
    told: list[tuple[int, bool]] = []
    with SimReader(on_output=lambda pin, on: told.append((pin, on))) as reader, Client(reader.port) as client:
        configure(client, gpo(2, True))
        assert config(client, 10, gpo_port=2)[219] == [b"\0\2\x80"]
        assert reader.outputs == {1: False, 2: True, 3: False, 4: False}
        configure(client, gpo(2, False))
        assert told == [(2, True), (2, False)]


def test_an_output_that_does_not_exist_is_refused(client: Client) -> None:
    assert client.ask(SET_CONFIG, b"\0" + gpo(5, True)).status == 100


def test_an_input_tells_of_its_changes_when_configured_and_wanted(reader: SimReader, client: Client) -> None:
    configure(client, gpi(3), events(1))
    reader.set_input(3, True)
    assert walk(walk(client.await_event(GPI_EVENT).body)[246][0])[GPI_EVENT] == [b"\0\3\x80"]
    assert config(client, 9, gpi_port=3)[225] == [b"\0\3\x80\1"]


@pytest.mark.parametrize("parameters", [(gpi(3),), (events(1),)])
def test_an_input_is_silent_unless_both_configured_and_wanted(
    reader: SimReader, client: Client, parameters: tuple[bytes, ...]
) -> None:
    configure(client, *parameters)
    reader.set_input(3, True)
    assert client.silent_for(0.1)


def test_a_pulled_antenna_tells_and_reads_no_more(reader: SimReader, client: Client) -> None:
    configure(client, events(8))
    reader.faults.antenna(1, connected=False)
    assert walk(walk(client.await_event(ANTENNA_EVENT).body)[246][0])[ANTENNA_EVENT] == [b"\0\0\1"]
    client.run(rospec())
    assert {tag[1] for tag in client.await_tags(10)} == {2}
    assert [value[0] for value in config(client, 2)[221]] == [0, 0x80, 0x80, 0x80]


def test_specs_and_settings_outlive_a_connection(reader: SimReader, client: Client) -> None:
    configure(client, keepalive(60_000))
    client.run(rospec())
    client.sock.close()
    wait_for(lambda: not reader.connected, what="the end of the session")
    with Client(reader.port) as second:
        assert second.await_tags(1)
        assert second.ask(GET).parameters[177][0][5] == 2
        assert config(second, 8)[220] == [struct.pack(">BI", 1, 60_000)]


def test_reads_without_a_client_are_lost_and_time_runs_on(reader: SimReader, client: Client) -> None:
    client.run(rospec())
    last = client.await_tags(1)[-1]["epc"]
    client.sock.close()
    wait_for(lambda: reader.counts["reads_lost_without_client"] > 20, what="lost reads")
    with Client(reader.port) as second:
        assert int(second.await_tags(1)[0]["epc"], 16) > int(last, 16) + 20


def test_with_hold_only_the_connection_event_comes_until_events_are_enabled(reader: SimReader, client: Client) -> None:
    configure(client, hold())
    client.run(rospec())
    client.await_tags(1)
    client.sock.close()
    wait_for(lambda: not reader.connected, what="the end of the session")
    with Client(reader.port) as second:
        assert second.receive().event == ATTEMPT_EVENT
        assert second.silent_for(0.15)
        second.send(ENABLE_EVENTS)
        numbers = [int(str(tag["epc"]), 16) for tag in second.await_tags(60)]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_full_buffer_loses_the_oldest_reads_and_says_so() -> None:
    with SimReader(source=stream(300, 0.001), buffer_tags=50) as reader, Client(reader.port) as client:
        configure(client, hold(), events(3))
        client.run(rospec())
        client.await_tags(1)
        client.sock.close()
        wait_for(lambda: reader.counts["reads_lost_by_overflow"] > 100, what="the overflow")
        with Client(reader.port) as second:
            second.send(ENABLE_EVENTS)
            got = [second.receive() for _ in range(40)]
        assert OVERFLOW_EVENT in {message.event for message in got if message.kind == EVENT}
        assert min(int(str(tag["epc"]), 16) for message in got for tag in message.tags) > 100


def test_without_a_backlog_held_reads_of_an_absent_client_are_lost() -> None:
    with SimReader(source=stream(4000), keep_backlog=False) as reader, Client(reader.port) as client:
        configure(client, hold())
        client.run(rospec())
        last = int(str(client.await_tags(1)[-1]["epc"]), 16)
        client.sock.close()
        wait_for(lambda: reader.counts["reads_lost_without_client"] > 50, what="lost reads")
        with Client(reader.port) as second:
            second.send(ENABLE_EVENTS)
            assert int(str(second.await_tags(1)[0]["epc"]), 16) > last + 50


def test_reads_can_be_pushed_as_they_happen() -> None:
    with SimReader() as reader, Client(reader.port) as client:
        client.run(rospec())
        reader.push(read(1_700_000_000.25))
        assert client.await_tags(1)[0][2] == 1_700_000_000_250_000


def test_a_journal_at_its_end_leaves_the_reader_connected_and_silent() -> None:
    with SimReader(source=stream(5)) as reader, Client(reader.port) as client:
        client.run(rospec())
        client.await_tags(5)
        assert client.silent_for(0.1)
        assert client.ask(GET).status == 0


def test_a_looping_journal_starts_again() -> None:
    with SimReader(source=Played(stream(5), speed=20.0, loop=True)) as reader, Client(reader.port) as client:
        client.run(rospec())
        assert [int(str(tag["epc"]), 16) for tag in client.await_tags(12)[:12]] == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1]


def test_the_reader_speaks_ipv6() -> None:
    if not socket.has_ipv6:
        pytest.fail("this machine has no IPv6")
    with SimReader("::1") as reader, Client(reader.port, host="::1") as client:
        assert client.receive().event == ATTEMPT_EVENT


def test_a_thousand_reads_a_second_arrive_all() -> None:
    with SimReader(source=stream(1000, 0.0005)) as reader, Client(reader.port) as client:
        client.run(rospec())
        assert len(client.await_tags(1000)) == 1000
