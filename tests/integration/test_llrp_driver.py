"""The LLRP driver against a scripted reader on loopback: a good session, orders, inputs, faults, half-able readers, time."""

import socket
import struct
from collections.abc import Iterator
from typing import Any

import llrp_probe as lp
import pytest
from driving import Driving
from llrp_probe import Probe, Visitor, parameters
from wait import wait_for

from drivers.llrp.driver import LlrpDriver
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace, SetOutput
from rfidguard.errors import DeviceLost
from rfidguard.events import Device, Gpi, OutputDone, Read, ReadBatch

EPC = "30340000000000000000ABCD"
OTHER = "30340000000000000000EF01"
CLOCK = SystemClock()
PLACES = {1: AntennaPlace("front", "inside"), 2: AntennaPlace("side", "outside")}


@pytest.fixture
def probe() -> Iterator[Probe]:
    with Probe(CLOCK.now) as reader:
        yield reader


def driver(probe: Probe, host: str = "127.0.0.1", **settings: Any) -> LlrpDriver:
    made = LlrpDriver.Settings(host=host, port=probe.port, keepalive_s=1, **settings)
    return LlrpDriver("front-1", "front", made, CLOCK, PLACES)


def reads(driving: Driving) -> list[Read]:
    return [read for batch in driving.of(ReadBatch) for read in batch.reads]


def until_reads(driving: Driving, count: int) -> list[Read]:
    return wait_for(lambda: reads(driving) if len(reads(driving)) >= count else [], what=f"{count} reads")


def loss(driving: Driving) -> str:
    """Why the run ended, in the words a technician is given."""
    wait_for(driving.ended, what="the end of the run")
    assert isinstance(driving.failure, DeviceLost), driving.failure
    return str(driving.failure)


def refuse(kind: int, code: int, text: str = "") -> lp.Script:
    return lambda visitor, number, body: visitor.answer(kind, number, lp.status(code, text))


def silent(visitor: Visitor, number: int, body: bytes) -> None:
    """A script that answers nothing."""


# A good session


def test_a_tag_is_read_with_gate_antenna_and_corrected_time(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        at = CLOCK.now()
        probe.reading().send(lp.report(lp.tag(EPC, antenna=2, at=at, rssi=-61)))
        (read,) = until_reads(driving, 1)
    assert (read.gate, read.reader, read.antenna, read.epc) == ("side", "front-1", 2, EPC)
    assert (read.rssi_dbm, read.channel, read.count) == (-61.0, 7, 1)
    assert abs(read.at - at) < 1.0


def test_impinj_phase_doppler_and_fine_rssi_arrive(probe: Probe) -> None:
    extra = lp.vendor(57, "h", -6125) + lp.vendor(56, "H", 1024) + lp.vendor(68, "h", -24)
    with Driving(driver(probe)) as driving:
        driving.until_online()
        probe.reading().send(lp.report(lp.tag(EPC, at=CLOCK.now(), extra=extra)))
        (read,) = until_reads(driving, 1)
    assert read.rssi_dbm == -61.25
    assert read.doppler_hz == -1.5
    assert read.phase_rad == pytest.approx(3.14159265 / 2)


def test_the_inventory_asks_for_dual_target_full_power_and_every_tag(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
    rospec = parameters(probe.seen(lp.ADD)[0])[177][6:]
    report = parameters(rospec)[237]
    assert report[:3] == b"\x01\x00\x01"
    assert struct.unpack("!H", parameters(report[3:])[238][:2])[0] == 0x1F80
    aispec = parameters(rospec)[183]
    assert struct.unpack("!3H", aispec[:6]) == (2, 1, 2)
    antenna = parameters(parameters(aispec[6:])[186][3:])[222]
    assert struct.unpack("!3H", parameters(antenna[2:])[224])[2] == 3
    gen2 = parameters(antenna[2:])[330]
    assert parameters(gen2[1:])[336][0] >> 6 == 1
    assert parameters(gen2[1:])[1023] == struct.pack("!IIH", lp.IMPINJ, 23, 2)


def test_other_makes_get_no_impinj_parameters(probe: Probe) -> None:
    probe.capabilities = lp.capabilities(maker=161)
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert not probe.seen(1023)
    assert struct.pack("!I", lp.IMPINJ) not in probe.seen(lp.ADD)[0]


def test_transmit_power_is_the_strongest_allowed_entry_of_the_readers_table(probe: Probe) -> None:
    with Driving(driver(probe, tx_power_dbm=25.0)) as driving:
        driving.until_online()
    assert struct.pack("!HHHHH", 224, 10, 1, 1, 2) in probe.seen(lp.ADD)[0]


def test_keepalives_are_acknowledged(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        visitor = probe.reading()
        wait_for(lambda: visitor.bodies(72), what="KEEPALIVE_ACK")


def test_stop_deletes_the_inventory_and_closes_the_session_by_the_book(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert driving.failure is None
    visitor = probe.reading()
    assert [kind for kind, _, _ in visitor.seen][-3:] == [lp.STOP, lp.DELETE, lp.CLOSE]
    assert visitor.bodies(lp.DELETE)[-1] == struct.pack("!I", visitor.rospec)
    assert not driving.driver.rejects["unclean_end"]


def test_a_reader_on_ipv6_is_read() -> None:
    with Probe(CLOCK.now, host="::1", family=socket.AF_INET6) as probe, Driving(driver(probe, host="::1")) as driving:
        driving.until_online()


def test_a_reader_named_by_its_host_name_is_read(probe: Probe) -> None:
    with Driving(driver(probe, host="localhost")) as driving:
        driving.until_online()


def test_llrp_1_1_is_spoken_to_a_reader_that_offers_it(probe: Probe) -> None:
    probe.scripts[lp.VERSIONS] = lambda visitor, number, body: visitor.answer(lp.VERSIONS, number, b"\x01\x02" + lp.status())
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert probe.seen(47) == [b"\x02"]


# Orders


def test_an_order_switches_reads_back_and_switches_off_in_time(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        driving.orders.put(SetOutput("o1", 3, 0.2))
        done = driving.until(OutputDone)
        assert (done.id, done.pin, done.on, done.ok) == ("o1", 3, True, True)
        wait_for(lambda: not probe.outputs[3], what="output 3 off")


def test_an_order_of_no_seconds_switches_off(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        driving.orders.put(SetOutput("o1", 2, 3600))
        driving.orders.put(SetOutput("o2", 2, 0))
        done = driving.until(OutputDone, count=2)
        assert (done.id, done.on, done.ok) == ("o2", False, True)
        assert not probe.outputs[2]


def test_outputs_go_off_when_the_driver_is_stopped(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        driving.orders.put(SetOutput("o1", 1, 3600))
        driving.until(OutputDone)
    assert probe.outputs[1] is False


def test_an_output_left_on_by_a_broken_link_goes_off_on_the_next_visit(probe: Probe) -> None:
    driving = Driving(driver(probe)).start()
    driving.until_online()
    driving.orders.put(SetOutput("o1", 1, 3600))
    driving.until(OutputDone)
    probe.reading().drop()
    loss(driving)
    with driving:
        driving.until_online(2)
        assert probe.outputs[1] is False


def test_an_output_found_on_at_the_start_goes_off_unless_it_is_someone_elses(probe: Probe) -> None:
    probe.outputs |= {2: True, 4: True}
    with Driving(driver(probe, foreign_outputs=(4,))) as driving:
        driving.until_online()
        assert probe.outputs == {1: False, 2: False, 3: False, 4: True}


def test_an_order_for_someone_elses_output_is_answered_no(probe: Probe) -> None:
    with Driving(driver(probe, foreign_outputs=(4,))) as driving:
        driving.until_online()
        driving.orders.put(SetOutput("o1", 4, 1))
        assert not driving.until(OutputDone).ok


def test_an_output_that_stays_off_is_reported(probe: Probe) -> None:
    def forget(visitor: Visitor, number: int, body: bytes) -> None:
        visitor.answer(lp.SET_CONFIG, number)

    probe.scripts[lp.SET_CONFIG] = forget
    with Driving(driver(probe)) as driving:
        driving.until_online()
        driving.orders.put(SetOutput("o1", 1, 5))
        done = driving.until(OutputDone)
        assert not done.ok
        assert "still off" in (done.reason or "")


def test_an_order_that_no_reader_can_take_is_answered(probe: Probe) -> None:
    probe.stop_listening()
    driving = Driving(driver(probe))
    driving.orders.put(SetOutput("o1", 1, 5))
    driving.start()
    loss(driving)
    (done,) = driving.of(OutputDone)
    assert (done.id, done.ok) == ("o1", False)


# Inputs and faults that the reader tells of


def test_an_input_that_changes_is_told(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        probe.reading().send(lp.notice(lp.gpi_event(2, True), at=CLOCK.now()))
        gpi = driving.until(Gpi)
        assert (gpi.device, gpi.pin, gpi.high) == ("front-1", 2, True)


def test_inputs_are_enabled(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert all(struct.pack("!HHHBB", 225, 8, pin, 0x80, 0) in probe.seen(lp.SET_CONFIG)[0] for pin in (1, 2, 3, 4))


def test_a_disconnected_antenna_degrades_the_reader_until_it_is_back(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        visitor = probe.reading()
        visitor.send(lp.notice(lp.tlv(255, b"\x00\x00\x02"), at=CLOCK.now()))
        assert driving.until(Device, lambda device: device.state == "degraded").reason == "antenna 2 is disconnected"
        visitor.send(lp.notice(lp.tlv(255, b"\x01\x00\x02"), at=CLOCK.now()))
        driving.until_online(2)


def test_lost_reports_degrade_the_reader(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        probe.reading().send(lp.notice(lp.tlv(251), at=CLOCK.now()))
        assert "reads were lost" in (driving.until(Device, lambda device: device.state == "degraded").reason or "")


def test_a_reader_that_ends_the_session_is_lost(probe: Probe) -> None:
    driving = Driving(driver(probe)).start()
    driving.until_online()
    probe.reading().send(lp.notice(lp.tlv(257), at=CLOCK.now()))
    assert "ended the session" in loss(driving)


def test_an_inventory_that_ends_by_itself_is_started_again(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        visitor = probe.reading()
        visitor.send(lp.notice(lp.rospec_event(1, visitor.rospec or 0), at=CLOCK.now()))
        wait_for(lambda: visitor.bodies(lp.START), what="START_ROSPEC")


# Half-able readers


def test_a_reader_without_the_immediate_trigger_is_started(probe: Probe) -> None:
    probe.starts_by_itself = False
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert len(probe.seen(lp.START)) == 1


def test_a_reader_that_will_not_start_is_lost_with_its_own_words(probe: Probe) -> None:
    probe.starts_by_itself = False
    probe.scripts[lp.START] = refuse(lp.START, 100, "no antenna connected")
    driving = Driving(driver(probe)).start()
    assert "START_ROSPEC" in loss(driving)
    assert "no antenna connected" in str(driving.failure)
    assert not driving.states()


def test_a_reader_that_never_answers_capabilities_or_configuration_is_read(probe: Probe) -> None:
    probe.scripts[lp.CAPABILITIES] = probe.scripts[lp.GET_CONFIG] = silent
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert not probe.seen(lp.VERSIONS), "what chokes toys is not asked of a reader that may be one"


def test_specs_are_deleted_by_number_where_all_at_once_is_refused(probe: Probe) -> None:
    def delete(visitor: Visitor, number: int, body: bytes) -> None:
        visitor.answer(lp.DELETE, number, lp.status(0 if any(body) else 100))

    listed = lp.status() + lp.tlv(177, struct.pack("!IBB", 4711, 0, 2))
    probe.scripts |= {lp.DELETE: delete, lp.LIST: lambda visitor, number, body: visitor.answer(lp.LIST, number, listed)}
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert struct.pack("!I", 4711) in probe.seen(lp.DELETE)


def test_a_reader_that_refuses_rich_inventories_gets_simpler_ones(probe: Probe) -> None:
    def pick(visitor: Visitor, number: int, body: bytes) -> None:
        refused = struct.pack("!H", 222) in body
        visitor.answer(lp.ADD, number, lp.status(209, "AntennaConfiguration") if refused else None)

    probe.scripts[lp.ADD] = pick
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert driving.driver.rejects["rospec_refused"] == len(probe.seen(lp.ADD)) - 1 > 0


def test_a_reader_that_drops_the_line_over_versions_is_not_asked_again(probe: Probe) -> None:
    probe.scripts[lp.VERSIONS] = lambda visitor, number, body: visitor.drop()
    driving = Driving(driver(probe))
    for _ in range(2):
        driving.start()
        loss(driving)
    with driving:
        driving.until_online()


def test_answers_numbered_as_the_reader_likes_are_taken_by_their_type(probe: Probe) -> None:
    probe.scripts[lp.ENABLE] = lambda visitor, number, body: visitor.answer(lp.ENABLE, 1)
    probe.starts_by_itself = False
    with Driving(driver(probe)) as driving:
        driving.until_online()
    assert driving.driver.rejects["answer_with_wrong_id"] == 1


def test_an_antenna_that_the_reader_does_not_have_is_a_clear_error(probe: Probe) -> None:
    probe.capabilities = lp.capabilities(antennas=1)
    assert "ports 1 to 1" in loss(Driving(driver(probe)).start())


def test_a_listener_that_is_no_reader_is_told_from_one(probe: Probe) -> None:
    probe.greetings.put(None)
    assert "no LLRP greeting" in loss(Driving(driver(probe)).start())


def test_reads_of_antennas_that_are_not_configured_are_counted(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        now = CLOCK.now()
        probe.reading().send(lp.report(lp.tag(EPC, antenna=3, at=now), lp.tag(OTHER, antenna=1, at=now)))
        assert [read.epc for read in until_reads(driving, 1)] == [OTHER]
    assert driving.driver.rejects["antenna_not_configured"] == 1


# Time


def test_a_reader_with_a_wrong_clock_gives_right_times(probe: Probe) -> None:
    probe.clock = lambda: CLOCK.now() - 800_000_000
    with Driving(driver(probe)) as driving:
        driving.until_online()
        probe.reading().send(lp.report(lp.tag(EPC, at=probe.clock())))
        (read,) = until_reads(driving, 1)
    assert abs(read.at - CLOCK.now()) < 10


def test_a_backlog_keeps_its_true_times(probe: Probe) -> None:
    with Driving(driver(probe)) as driving:
        driving.until_online()
        at = CLOCK.now()
        backlog = [lp.report(lp.tag(EPC, at=at - 300 + second)) for second in range(290)]
        probe.reading().send(b"".join([*backlog, lp.report(lp.tag(OTHER, at=at))]))
        *old, live = until_reads(driving, 291)
    assert abs(old[0].at - (at - 300)) < 5
    assert old[0].received is not None
    assert old[0].received - old[0].at > 290
    assert abs(live.at - at) < 5
    assert driving.driver.rejects["late_read"] == 290


def test_a_backlog_alone_does_not_make_the_reader_online(probe: Probe) -> None:
    probe.starts_by_itself = False
    probe.scripts |= {lp.START: refuse(lp.START, 100), lp.LIST: silent}
    with Driving(driver(probe)) as driving:
        visitor = probe.reading()
        visitor.send(lp.report(lp.tag(EPC, at=CLOCK.now() - 300)))
        until_reads(driving, 1)
        driving.until(Device, lambda device: device.state == "degraded")
        visitor.send(lp.report(lp.tag(EPC, at=CLOCK.now())))
        driving.until_online()
        assert driving.states() == ["degraded", "online"]
