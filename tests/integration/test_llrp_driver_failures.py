"""Thirteen ways in which a reader's failure silences an LLRP client for ever; each must be noticed, named and survived."""

import struct
from collections.abc import Iterator
from typing import Any

import llrp_probe as lp
import pytest
from driving import Driving
from llrp_probe import Probe, Visitor
from wait import wait_for

from drivers.llrp.driver import LlrpDriver
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace, SetOutput
from rfidguard.errors import DeviceLost
from rfidguard.events import OutputDone, Read, ReadBatch

EPCS = [f"3034000000000000000000{number:02X}" for number in range(20)]
CLOCK = SystemClock()


@pytest.fixture
def probe() -> Iterator[Probe]:
    with Probe(CLOCK.now) as reader:
        yield reader


def driver(port: int, **settings: Any) -> LlrpDriver:
    made = LlrpDriver.Settings(host="127.0.0.1", port=port, keepalive_s=1, **settings)
    places = {1: AntennaPlace("front", "inside"), 2: AntennaPlace("front", "outside")}
    return LlrpDriver("front-1", "front", made, CLOCK, places)


def until_reads(driving: Driving, count: int) -> list[Read]:
    def heard() -> list[Read]:
        reads = [read for batch in driving.of(ReadBatch) for read in batch.reads]
        return reads if len(reads) >= count else []

    return wait_for(heard, what=f"{count} reads")


def loss(driving: Driving) -> str:
    wait_for(driving.ended, what="the end of the run")
    assert isinstance(driving.failure, DeviceLost), driving.failure
    return str(driving.failure)


def good(epc: str, antenna: int = 1) -> bytes:
    return lp.tag(epc, antenna=antenna, at=CLOCK.now())


def reads_again(driving: Driving, probe: Probe, visit: int) -> None:
    """A fresh run on the same driver object starts clean."""
    before = len([read for batch in driving.of(ReadBatch) for read in batch.reads])
    with driving:
        probe.reading(visit).send(lp.report(good(EPCS[0])))
        assert until_reads(driving, before + 1)[-1].epc == EPCS[0]


def test_a_torn_frame_at_a_drop_is_counted_and_forgotten(probe: Probe) -> None:
    driving = Driving(driver(probe.port)).start()
    driving.until_online()
    visitor = probe.reading()
    visitor.send(lp.report(good(EPCS[1]))[:-9])
    visitor.drop()
    assert "closed the connection" in loss(driving)
    assert driving.driver.rejects["torn_frame"] == 1
    reads_again(driving, probe, 2)


def test_b_a_cut_parameter_costs_only_itself(probe: Probe) -> None:
    cut = lp.tlv(240, lp.tv(13, "12s", bytes.fromhex(EPCS[1])) + lp.tv(1, "H", 2) + b"\x82\x00\x01")
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        probe.reading().send(lp.report(good(EPCS[0]), cut, good(EPCS[2])) + lp.report(good(EPCS[3])))
        assert [(read.epc, read.antenna) for read in until_reads(driving, 4)] == [
            (EPCS[0], 1),
            (EPCS[1], 2),
            (EPCS[2], 1),
            (EPCS[3], 1),
        ]
    assert driving.failure is None
    assert driving.driver.rejects["cut_parameter"] == 1


@pytest.mark.parametrize("split", [0, 7, 25, 60])
def test_c_an_unknown_message_loses_nothing_of_its_segment(probe: Probe, split: int) -> None:
    segment = lp.message(900, 5, b"whatever") + b"".join(lp.report(good(epc)) for epc in EPCS[:5])
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        visitor.send(segment[:split])
        visitor.send(segment[split:])
        assert [read.epc for read in until_reads(driving, 5)] == EPCS[:5]
    assert driving.driver.rejects["unknown_message"] == 1


def test_d_an_unknown_short_parameter_costs_only_what_follows_in_its_tag(probe: Probe) -> None:
    odd = lp.tlv(240, lp.tv(13, "12s", bytes.fromhex(EPCS[1])) + lp.tv(1, "H", 2) + lp.tv(6, "b", -44) + b"\xf5\x01\x02\x03")
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        probe.reading().send(lp.report(odd, good(EPCS[2])))
        first, second = until_reads(driving, 2)
    assert (first.epc, first.antenna, first.rssi_dbm) == (EPCS[1], 2, -44.0)
    assert (second.epc, second.antenna, second.channel) == (EPCS[2], 1, 7)
    assert driving.driver.rejects["unknown_tv"] == 1


def test_e_a_silent_reader_is_noticed_after_three_keepalives(probe: Probe) -> None:
    driving = Driving(driver(probe.port)).start()
    driving.until_online()
    probe.scripts[lp.GET_CONFIG] = lambda visitor, number, body: None
    began = CLOCK.monotonic()
    probe.mute.set()
    assert "silent" in loss(driving)
    assert CLOCK.monotonic() - began < 30.0


def test_e_a_reader_that_keeps_no_keepalive_but_answers_is_not_lost(probe: Probe) -> None:
    probe.keepalives = False
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        wait_for(lambda: len([body for body in visitor.bodies(lp.GET_CONFIG) if body[2] == 7]) >= 2, what="two signs of life")
        assert not driving.ended()


def test_f_a_reader_that_is_down_at_the_start_is_found_once_it_is_up() -> None:
    with Probe(CLOCK.now) as earlier:
        port = earlier.port
    driving = Driving(driver(port)).start()
    assert "refused" in loss(driving)
    with Probe(CLOCK.now, port=port) as probe:
        reads_again(driving, probe, 1)


def test_g_a_refusal_names_its_reason(probe: Probe) -> None:
    probe.greetings.put(lp.greeting(2, at=CLOCK.now()))
    driving = Driving(driver(probe.port)).start()
    assert "another program is connected" in loss(driving)
    assert not driving.states()
    reads_again(driving, probe, 2)


def test_h_a_reader_that_is_back_is_read_within_two_seconds(probe: Probe) -> None:
    driving = Driving(driver(probe.port)).start()
    driving.until_online()
    probe.reading().drop()
    loss(driving)
    began = CLOCK.monotonic()
    with driving:
        driving.until_online(2)
    assert CLOCK.monotonic() - began < 20.0


def test_i_a_stop_before_the_reader_answers_is_obeyed(probe: Probe) -> None:
    probe.greetings.put(None)
    driving = Driving(driver(probe.port)).start()
    probe.visitor()
    driving.end()
    assert driving.failure is None


@pytest.mark.parametrize("step", [lp.CAPABILITIES, lp.SET_CONFIG, lp.GET_CONFIG, lp.DELETE, 41, lp.LIST])
def test_j_a_reader_that_refuses_a_dispensable_step_is_read_all_the_same(probe: Probe, step: int) -> None:
    probe.scripts[step] = lambda visitor, number, body: visitor.answer(step, number, lp.status(401, "not today"))
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        probe.reading().send(lp.report(good(EPCS[0])))
        until_reads(driving, 1)


@pytest.mark.parametrize(("step", "name"), [(lp.ADD, "ADD_ROSPEC"), (lp.ENABLE, "ENABLE_ROSPEC")])
def test_j_a_refused_inventory_is_lost_with_the_readers_words_and_tried_afresh(probe: Probe, step: int, name: str) -> None:
    probe.scripts[step] = lambda visitor, number, body: visitor.answer(step, number, lp.status(401, "not today"))
    driving = Driving(driver(probe.port)).start()
    text = loss(driving)
    assert name in text
    assert "R_DeviceError: not today" in text
    del probe.scripts[step]
    reads_again(driving, probe, 2)


def test_j_an_unanswered_inventory_is_lost(probe: Probe) -> None:
    probe.scripts[lp.ADD] = lambda visitor, number, body: None
    assert "answer" in loss(Driving(driver(probe.port)).start())


def test_k_an_output_is_really_written(probe: Probe) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        driving.orders.put(SetOutput("o1", 1, 60))
        assert driving.until(OutputDone).ok
        assert struct.pack("!HHHB", 219, 7, 1, 0x80) in probe.seen(lp.SET_CONFIG)[-1]
        assert probe.outputs[1]


def test_k_a_refused_output_is_told(probe: Probe) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        probe.scripts[lp.SET_CONFIG] = lambda visitor, number, body: visitor.answer(
            lp.SET_CONFIG, number, lp.status(100, "no pin 9")
        )
        driving.orders.put(SetOutput("o1", 9, 60))
        done = driving.until(OutputDone)
        assert not done.ok
        assert "no pin 9" in (done.reason or "")
    assert len([body for body in probe.seen(lp.SET_CONFIG) if struct.pack("!HHH", 219, 7, 9) in body]) == 1


def test_l_a_stop_with_a_hung_reader_returns(probe: Probe) -> None:
    def hang(visitor: Visitor, number: int, body: bytes) -> None:
        probe.mute.set()

    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        for kind in (lp.STOP, lp.DELETE, lp.CLOSE, lp.SET_CONFIG):
            probe.scripts[kind] = hang
    assert driving.failure is None
    assert driving.driver.rejects["unclean_end"] == 1


def test_m_a_reader_that_answers_at_once_is_left_properly_every_time(probe: Probe) -> None:
    driving = Driving(driver(probe.port))
    for visit in range(1, 11):
        with driving:
            driving.until_online(visit)
    assert not driving.driver.rejects["unclean_end"]
    assert len(probe.seen(lp.CLOSE)) == 10
