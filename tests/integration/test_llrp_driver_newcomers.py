"""Newcomers first between driver and reader: what is read, a period that goes on, and the plain inventory where it does not."""

import struct
from collections.abc import Iterator
from typing import Any

import llrp_probe as lp
import pytest
from driving import Driving
from llrp_probe import Probe, Visitor, tlv
from wait import wait_for

from drivers.llrp.driver import LlrpDriver
from drivers.llrp.newcomers import ROUNDS
from drivers.llrp.runs import MOST_WRONG
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace
from rfidguard.errors import DeviceLost
from rfidguard.events import Read, ReadBatch
from simulators.llrp_reader.numbers import Message, Status
from simulators.llrp_reader.reader import SimReader
from simulators.llrp_reader.source import Played

CLOCK = SystemClock()
PLACES = {1: AntennaPlace("front", "inside"), 2: AntennaPlace("front", "outside")}
SHELF = "30340000000000000000AAAA"
SPECS = 4
"""Two rounds on two antennas: a run of 1.16 s by marks, of 0.56 s by sessions."""


def driver(port: int, **settings: Any) -> LlrpDriver:
    made = LlrpDriver.Settings(host="127.0.0.1", port=port, keepalive_s=1, **settings)
    return LlrpDriver("front-1", "front", made, CLOCK, PLACES)


def read_of(epc: str, at: float, antenna: int = 1) -> Read:
    return Read(at=at, gate="front", reader="sim", antenna=antenna, epc=epc, rssi_dbm=-55.0)


def reads(driving: Driving) -> list[Read]:
    return [read for batch in driving.of(ReadBatch) for read in batch.reads]


def inventories(reader: SimReader) -> int:
    """How many AISpecs the ROSpec has that the reader holds."""
    (entry,) = list(reader.device.operation.entries.values())
    return len(entry.rospec.inventories)


def newcomers_in(body: bytes) -> bool:
    """Whether an ADD_ROSPEC asks for newcomers: it is done within some time."""
    return AISPEC_ENDS in body


AISPEC_ENDS = struct.pack("!HHB", 184, 9, 1)
"""How the stop trigger of an AISpec with a duration begins on the wire."""


@pytest.mark.parametrize("model", ["impinj", "generic"])
def test_shelf_tags_leave_newcomers_more_reads(model: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each moment offers the shelf tag, and a tag that was never there before."""
    offered = [each for n in range(400) for each in (read_of(SHELF, n / 100), read_of(f"3034{n:020X}", n / 100))]
    source = Played(offered, zero=0.0)
    with SimReader(model=model, source=source, state_aware=True, max_specs=SPECS, clock=CLOCK) as reader:
        driving = Driving(driver(reader.port)).start()
        driving.until_online()
        assert inventories(reader) == SPECS
        wait_for(lambda: reader.at_end and len(reads(driving)) == reader.counts["tags_sent"], what="all reads")
        driving.end()
    shelf = sum(read.epc == SHELF for read in reads(driving))
    fresh = len(reads(driving)) - shelf
    passed_over = reader.counts["reads_passed_over"]
    assert passed_over > 0
    assert fresh - shelf == passed_over
    assert shelf > 0
    assert driving.states() == ["online"]
    assert not caplog.messages
    assert not driving.driver.rejects


@pytest.mark.parametrize("stays_ended", [False, True], ids=["starts again", "is started again"])
def test_run_after_run_no_read_is_lost_that_is_made_while_it_runs(stays_ended: bool, caplog: pytest.LogCaptureFixture) -> None:
    offered = [read_of(f"3034{n:020X}", n / 200, 1 + n % 2) for n in range(600)]
    with SimReader(source=Played(offered, zero=0.0), max_specs=SPECS, clock=CLOCK) as reader:
        reader.faults.set(stays_ended=stays_ended)
        driving = Driving(driver(reader.port)).start()
        driving.until_online()
        assert inventories(reader) == SPECS
        wait_for(lambda: reader.at_end and len(reads(driving)) == reader.counts["tags_sent"], what="all reads")
        driving.end()
    assert stays_ended or len(reads(driving)) == len(offered)
    assert len(reads(driving)) > len(offered) / 2
    assert driving.states() == ["online"]
    assert not caplog.messages
    assert not driving.driver.rejects


def test_the_first_inventory_asked_for_is_the_one_that_is_taken() -> None:
    for state_aware in (True, False):
        with SimReader(state_aware=state_aware, clock=CLOCK) as reader, Driving(driver(reader.port)) as driving:
            driving.until_online()
            assert inventories(reader) == 2 * ROUNDS
        assert not driving.driver.rejects
        assert not reader.inventorying


@pytest.mark.parametrize("settings", [{"inventory": "plain"}, {"session": 1}], ids=str)
def test_who_wants_it_plain_gets_it_plain(settings: dict[str, Any]) -> None:
    with SimReader(state_aware=True, clock=CLOCK) as reader, Driving(driver(reader.port, **settings)) as driving:
        driving.until_online()
        assert inventories(reader) == 1


def test_a_reader_that_cannot_is_read_plainly_and_told_of_where_it_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with SimReader(clock=CLOCK, max_specs=1) as reader:
        with Driving(driver(reader.port)) as driving:
            driving.until_online()
        assert not caplog.messages
        with Driving(driver(reader.port, inventory="newcomers")) as driving:
            driving.until_online()
            assert inventories(reader) == 1
    (warning,) = caplog.messages
    assert "MaxNumSpecsPerROSpec" in warning


def test_a_rospec_that_cannot_be_started_again_is_given_up_for_good(caplog: pytest.LogCaptureFixture) -> None:
    with SimReader(max_specs=SPECS, clock=CLOCK) as reader:
        reader.faults.set(stays_ended=True)
        reader.faults.error_for(Message.START_ROSPEC, Status.R_DEVICE_ERROR)
        with Driving(driver(reader.port)) as driving:
            driving.until_online()
            wait_for(lambda: driving.driver.rejects["newcomers_given_up"], what="giving up")
            wait_for(lambda: reader.inventorying and inventories(reader) == 1, what="a plain inventory")
            reader.push(read_of(SHELF, CLOCK.now()))
            wait_for(lambda: reads(driving), what="a read")
        assert set(driving.states()) == {"online"}
        with driving:
            driving.until_online(2)
            assert inventories(reader) == 1
    assert driving.driver.rejects == {"newcomers_given_up": 1}
    (warning,) = caplog.messages
    assert "has not started the inventory again" in warning
    assert 'inventory = "plain"' in warning


# A scripted reader


def state_aware(specs: int = SPECS) -> bytes:
    """Capabilities of a reader that says it can do it."""
    told = lp.capabilities(maker=161)
    old = tlv(142, struct.pack("!BBHIIIII", 0x08, 1, 0, 1, 1, 1, 0, 0))
    new = tlv(142, struct.pack("!BBHIIIII", 0x18, 1, 0, 1, specs, 1, 0, 0))
    assert old in told
    return told.replace(old, new) + tlv(327, struct.pack("!BH", 0, 2))


def starts_only_plain_ones(visitor: Visitor, number: int, body: bytes) -> None:
    plain = not newcomers_in(visitor.bodies(lp.ADD)[-1])
    visitor.answer(lp.START, number, lp.status(0 if plain else 100))


@pytest.fixture
def probe() -> Iterator[Probe]:
    with Probe(CLOCK.now) as reader:
        reader.capabilities = state_aware()
        yield reader


def test_ends_that_are_followed_by_starts_are_no_news(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        for number in range(MOST_WRONG - 1):
            visitor.send(lp.notice(lp.rospec_event(1, visitor.rospec or 0), at=CLOCK.now()))
            visitor.send(lp.report(lp.tag(f"3034{number:020X}", at=CLOCK.now())))
            wait_for(lambda count=number: len(reads(driving)) > count, what="what came after an end")
            visitor.send(lp.notice(lp.rospec_event(0, visitor.rospec or 0), at=CLOCK.now()))
    assert not visitor.bodies(lp.START)
    assert driving.states() == ["online"]
    assert not caplog.messages


def test_the_plain_inventory_after_it_is_watched_as_ever(probe: Probe) -> None:
    probe.scripts[lp.START] = starts_only_plain_ones
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        visitor.send(lp.notice(lp.rospec_event(1, visitor.rospec or 0), at=CLOCK.now()))
        wait_for(lambda: len(visitor.bodies(lp.ENABLE)) == 2, what="a plain inventory")
        assert len(visitor.bodies(lp.START)) == 1
        visitor.send(lp.notice(lp.rospec_event(1, visitor.rospec or 0), at=CLOCK.now()))
        wait_for(lambda: len(visitor.bodies(lp.START)) == 2, what="START_ROSPEC")
    added = probe.seen(lp.ADD)
    assert [newcomers_in(body) for body in added] == [True, False]


def test_one_whose_runs_are_much_too_short_is_given_up(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        for _ in range(MOST_WRONG):
            for what in (1, 0):
                visitor.send(lp.notice(lp.rospec_event(what, visitor.rospec or 0), at=CLOCK.now()))
        wait_for(lambda: len(visitor.bodies(lp.ENABLE)) == 2, what="a plain inventory")
    assert "does not keep to the" in caplog.text


def test_a_reader_that_refuses_it_gets_the_plain_inventory(probe: Probe) -> None:
    def pick(visitor: Visitor, number: int, body: bytes) -> None:
        visitor.answer(lp.ADD, number, lp.status(111, "no SL") if newcomers_in(body) else None)

    probe.scripts[lp.ADD] = pick
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    assert [newcomers_in(body) for body in probe.seen(lp.ADD)] == [True, False]
    assert driving.driver.rejects == {"rospec_refused": 1}


def test_a_reader_that_will_not_enable_it_gets_the_plain_inventory(probe: Probe) -> None:
    def pick(visitor: Visitor, number: int, body: bytes) -> None:
        if len(visitor.bodies(lp.ENABLE)) == 1:
            visitor.answer(lp.ENABLE, number, lp.status(401, "too many AISpecs"))
        else:
            visitor.behave(lp.ENABLE, number, body)

    probe.scripts[lp.ENABLE] = pick
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    assert [newcomers_in(body) for body in probe.seen(lp.ADD)] == [True, False]
    assert driving.driver.rejects["newcomers_given_up"] == 1


@pytest.mark.parametrize("message", [lp.ADD, lp.ENABLE])
def test_a_reader_that_hangs_up_over_it_twice_is_not_asked_again(probe: Probe, message: int) -> None:
    def hang_up(visitor: Visitor, number: int, body: bytes) -> None:
        if newcomers_in(visitor.bodies(lp.ADD)[-1]):
            visitor.drop()
        else:
            visitor.behave(message, number, body)

    probe.scripts[message] = hang_up
    driving = Driving(driver(probe.port))
    for _ in range(2):
        driving.start()
        wait_for(driving.ended, what="the end of the run")
        assert isinstance(driving.failure, DeviceLost)
    with driving:
        driving.until_online()
    assert driving.driver.rejects["newcomers_given_up"] == 1


def test_a_reader_that_will_not_start_it_gets_the_plain_inventory(probe: Probe) -> None:
    """It neither starts by itself nor when it is told to, until the inventory is a plain one."""
    probe.starts_by_itself = False
    probe.scripts[lp.START] = starts_only_plain_ones
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    assert driving.states() == ["degraded", "online"]
    assert driving.driver.rejects["newcomers_given_up"] == 1
