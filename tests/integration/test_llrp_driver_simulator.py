"""The LLRP driver against the simulated reader: every read arrives, through every lasting fault, and comes back after outages."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from driving import Driving
from wait import wait_for

from drivers.llrp.driver import LlrpDriver
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace, SetOutput
from rfidguard.events import Device, Gpi, OutputDone, Read, ReadBatch
from rfidguard.supervisor import Supervisor
from simulators.llrp_reader.reader import SimReader

CLOCK = SystemClock()
PLACES = {1: AntennaPlace("front", "inside"), 2: AntennaPlace("front", "outside")}


@pytest.fixture
def reader() -> Iterator[SimReader]:
    with SimReader(clock=CLOCK) as simulated:
        yield simulated


def driver(reader: SimReader, **settings: Any) -> LlrpDriver:
    made = LlrpDriver.Settings(host="127.0.0.1", port=reader.port, keepalive_s=1, **settings)
    return LlrpDriver("front-1", "front", made, CLOCK, PLACES)


def read_of(number: int, antenna: int = 1, at: float | None = None) -> Read:
    return Read(
        at=CLOCK.now() if at is None else at,
        gate="front",
        reader="sim",
        antenna=antenna,
        epc=f"3034{number:020X}",
        rssi_dbm=-55.25,
        phase_rad=1.5,
        doppler_hz=2.0,
        channel=4,
    )


def until_reads(heard: list[Any], count: int) -> list[Read]:
    def reads() -> list[Read]:
        found = [read for batch in list(heard) if isinstance(batch, ReadBatch) for read in batch.reads]
        return found if len(found) >= count else []

    return wait_for(reads, what=f"{count} reads")


def test_what_an_antenna_reads_arrives_as_it_was(reader: SimReader) -> None:
    with Driving(driver(reader)) as driving:
        driving.until_online()
        pushed = [read_of(number, antenna=1 + number % 2) for number in range(50)]
        reader.push(*pushed)
        arrived = until_reads(driving.events, 50)
    for sent, got in zip(pushed, arrived, strict=True):
        assert (got.epc, got.antenna, got.rssi_dbm, got.channel, got.doppler_hz) == (sent.epc, sent.antenna, -55.25, 4, 2.0)
        assert got.phase_rad == pytest.approx(1.5, abs=0.002)
        assert abs(got.at - sent.at) < 1.0
    assert not driving.driver.rejects


@pytest.mark.parametrize(
    "fault",
    [
        {"unknown_parameter": "tv"},
        {"unknown_parameter": "tlv"},
        {"unknown_parameter": "custom"},
        {"unknown_message": True},
        {"short_parameter": True},
        {"omit_unchanged": True},
        {"dribble": (40, 0.0)},
        {"clock_offset_s": -7200.0},
        {"year_1970": True},
        {"no_utc": True},
    ],
    ids=str,
)
def test_a_lasting_fault_costs_neither_reads_nor_antennas_nor_time(reader: SimReader, fault: dict[str, Any]) -> None:
    reader.faults.set(**fault)
    with Driving(driver(reader)) as driving:
        driving.until_online()
        for number in range(10):
            reader.push(read_of(number, antenna=2))
        arrived = until_reads(driving.events, 10)
        now = CLOCK.now()
    assert [(read.epc, read.antenna) for read in arrived] == [(read_of(number).epc, 2) for number in range(10)]
    assert all(abs(read.at - now) < 10 for read in arrived)
    assert driving.failure is None


def test_outputs_and_inputs_work(reader: SimReader) -> None:
    with Driving(driver(reader)) as driving:
        driving.until_online()
        reader.set_input(2, True)
        driving.until(Gpi, lambda gpi: gpi.pin == 2 and gpi.high)
        driving.orders.put(SetOutput("o1", 1, 3600))
        assert driving.until(OutputDone).ok
        assert reader.outputs[1]
    assert not reader.outputs[1]
    assert not reader.inventorying


@pytest.mark.parametrize("model", ["impinj", "generic"])
@pytest.mark.parametrize("region", ["fcc", "etsi"])
def test_the_first_inventory_asked_for_is_taken(model: str, region: str) -> None:
    with SimReader(model=model, region=region, clock=CLOCK) as reader, Driving(driver(reader)) as driving:
        driving.until_online()
    assert not driving.driver.rejects


def test_llrp_1_1_works_as_well(reader: SimReader) -> None:
    with SimReader(clock=CLOCK, max_version=2) as newer, Driving(driver(newer)) as driving:
        driving.until_online()
        newer.push(read_of(1))
        until_reads(driving.events, 1)
    assert not driving.driver.rejects


def test_the_tid_is_read_where_it_is_asked_for(reader: SimReader) -> None:
    with Driving(driver(reader, tid=True)) as driving:
        driving.until_online()
        reader.push(msgspec.structs.replace(read_of(1), tid="E2801105"))
        (read,) = until_reads(driving.events, 1)
    assert read.tid == "E2801105"


@pytest.mark.parametrize("outage", ["drop", "torn", "reboot", "reboot_keeping_specs", "silence"])
def test_reading_goes_on_after_an_outage(reader: SimReader, outage: str) -> None:
    heard: list[Any] = []
    supervisor = Supervisor(driver(reader), "llrp", heard.append, CLOCK)
    supervisor.start()
    try:
        wait_for(lambda: supervisor.state == "online", what="online")
        {
            "drop": lambda: reader.faults.drop(),
            "torn": lambda: reader.faults.drop(torn=True),
            "reboot": lambda: reader.faults.reboot(0.3),
            "reboot_keeping_specs": lambda: reader.faults.reboot(0.3, keep_specs=True),
            "silence": lambda: reader.faults.set(silent=True),
        }[outage]()
        wait_for(lambda: any(isinstance(event, Device) and event.state == "offline" for event in heard), what="offline")
        reader.faults.heal()
        wait_for(lambda: supervisor.state == "online", what="online again")
        reader.push(read_of(1))
        until_reads(heard, 1)
    finally:
        assert supervisor.stop()


def test_reads_kept_during_an_outage_come_with_their_true_times(reader: SimReader) -> None:
    driving = Driving(driver(reader)).start()
    driving.until_online()
    reader.faults.drop()
    wait_for(driving.ended, what="the end of the run")
    before = CLOCK.now()
    reader.push(*(read_of(number, at=before - 100 + number) for number in range(90)))
    with driving:
        driving.until_online(2)
        reader.push(read_of(99))
        *kept, live = until_reads(driving.events, 91)
    assert [round(read.at - before) for read in kept] == [number - 100 for number in range(90)]
    assert abs(live.at - CLOCK.now()) < 10
