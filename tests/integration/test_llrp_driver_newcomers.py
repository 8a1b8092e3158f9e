"""Newcomers first between driver and reader: what is read, run after run, and the plain inventory where a reader cannot."""

import struct
from collections.abc import Iterator
from typing import Any

import llrp_probe as lp
import pytest
from driving import Driving
from llrp_probe import Probe, Visitor, tlv
from wait import wait_for

from drivers.llrp.driver import LlrpDriver
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
MARKED = {"state_aware": True, "max_specs": 4}
"""Two cycles: a run of 1.16 s."""

SHORT = {"max_specs": 4}
"""Two cycles by sessions: a run of 0.56 s."""

NEWCOMERS = struct.pack("!HHB", 184, 9, 1)
"""How a stop trigger of an AISpec begins that ends by its duration."""

SINGULATION = struct.pack("!HH", 336, 11)
"""How a singulation control begins; its session are the two bits that follow."""

BY_FLAG = struct.pack("!HH", 337, 5)
"""How a state-aware singulation begins."""


def driver(port: int, **settings: Any) -> LlrpDriver:
    made = LlrpDriver.Settings(host="127.0.0.1", port=port, keepalive_s=1, **settings)
    return LlrpDriver("front-1", "front", made, CLOCK, PLACES)


def read_of(epc: str, at: float, antenna: int = 1) -> Read:
    return Read(at=at, gate="front", reader="sim", antenna=antenna, epc=epc, rssi_dbm=-55.0)


def reads(driving: Driving) -> list[Read]:
    return [read for batch in driving.of(ReadBatch) for read in batch.reads]


def aispecs(reader: SimReader) -> int:
    """How many AISpecs the ROSpec has that the reader holds; a plain one has one."""
    (entry,) = list(reader.device.operation.entries.values())
    return len(entry.rospec.inventories)


@pytest.mark.parametrize("model", ["impinj", "generic"])
def test_shelf_tags_leave_newcomers_more_reads(model: str, caplog: pytest.LogCaptureFixture) -> None:
    """Each moment offers the shelf tag, and a tag that was never there before."""
    offered = [each for n in range(400) for each in (read_of(SHELF, n / 100), read_of(f"3034{n:020X}", n / 100))]
    source = Played(offered, zero=0.0)
    with SimReader(model=model, source=source, clock=CLOCK, **MARKED) as reader:
        driving = Driving(driver(reader.port)).start()
        driving.until_online()
        assert aispecs(reader) == 4
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


@pytest.mark.parametrize("model", ["impinj", "generic"])
def test_no_read_is_lost_from_run_to_run(model: str, caplog: pytest.LogCaptureFixture) -> None:
    offered = [read_of(f"3034{n:020X}", n / 1000, antenna=1 + n % 2) for n in range(3000)]
    with SimReader(model=model, source=Played(offered, zero=0.0), clock=CLOCK, **SHORT) as reader:
        driving = Driving(driver(reader.port)).start()
        driving.until_online()
        assert aispecs(reader) == 4
        wait_for(lambda: len(reads(driving)) >= 3000, what="all reads")
        driving.end()
    assert [read.epc for read in reads(driving)] == [each.epc for each in offered]
    assert not reader.counts["reads_outside_inventory"]
    assert driving.states() == ["online"]
    assert not caplog.messages
    assert not driving.driver.rejects


@pytest.mark.parametrize("state_aware", [False, True])
@pytest.mark.parametrize("model", ["impinj", "generic"])
def test_the_first_inventory_asked_for_is_the_one_that_is_taken(model: str, state_aware: bool) -> None:
    with SimReader(model=model, state_aware=state_aware, clock=CLOCK) as reader, Driving(driver(reader.port)) as driving:
        driving.until_online()
        assert aispecs(reader) == 32
    assert not driving.driver.rejects
    assert not reader.inventorying


@pytest.mark.parametrize("settings", [{"inventory": "plain"}, {"session": 1}], ids=str)
def test_who_wants_it_plain_gets_it_plain(settings: dict[str, Any]) -> None:
    with SimReader(state_aware=True, clock=CLOCK) as reader, Driving(driver(reader.port, **settings)) as driving:
        driving.until_online()
        assert aispecs(reader) == 1


def test_a_reader_that_cannot_is_read_plainly_and_told_of_where_it_was_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    with SimReader(clock=CLOCK, max_specs=1) as reader:
        with Driving(driver(reader.port)) as driving:
            driving.until_online()
        assert not caplog.messages
        with Driving(driver(reader.port, inventory="newcomers")) as driving:
            driving.until_online()
            assert aispecs(reader) == 1
    (warning,) = caplog.messages
    assert "MaxNumSpecsPerROSpec" in warning


def test_a_rospec_that_stays_ended_is_started_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with SimReader(clock=CLOCK, **SHORT) as reader:
        reader.faults.set(stays_ended=True)
        with Driving(driver(reader.port)) as driving:
            driving.until_online()
            for _ in range(3):
                wait_for(lambda: not reader.inventorying, what="the end of a run")
                wait_for(lambda: reader.inventorying, what="the next run")
            wait_for(lambda: reader.push(read_of(SHELF, CLOCK.now())) or reads(driving), what="a read")
    assert driving.states() == ["online"]
    assert not caplog.messages
    assert not driving.driver.rejects


def test_a_rospec_that_cannot_be_started_again_is_given_up_for_good(caplog: pytest.LogCaptureFixture) -> None:
    with SimReader(clock=CLOCK, **SHORT) as reader:
        reader.faults.set(stays_ended=True)
        reader.faults.error_for(Message.START_ROSPEC, Status.R_DEVICE_ERROR)
        with Driving(driver(reader.port)) as driving:
            driving.until_online()
            wait_for(lambda: driving.driver.rejects["newcomers_given_up"], what="giving up")
            wait_for(lambda: reader.inventorying and aispecs(reader) == 1, what="a plain inventory")
            reader.push(read_of(SHELF, CLOCK.now()))
            wait_for(lambda: reads(driving), what="a read")
        assert set(driving.states()) == {"online"}
        with driving:
            driving.until_online(2)
            assert aispecs(reader) == 1
    assert driving.driver.rejects == {"newcomers_given_up": 1}
    (warning,) = caplog.messages
    assert "has not started the inventory again" in warning
    assert 'inventory = "plain"' in warning


# A scripted reader


def able(specs: int = 2, by_flags: bool = False) -> bytes:
    """Capabilities of a reader whose ROSpecs hold so many AISpecs."""
    told = lp.capabilities(maker=161)
    old = tlv(142, struct.pack("!BBHIIIII", 0x08, 1, 0, 1, 1, 1, 0, 0))
    new = tlv(142, struct.pack("!BBHIIIII", 0x08 | by_flags << 4, 1, 0, 1, specs, 1, 0, 0))
    assert old in told
    return told.replace(old, new) + tlv(327, struct.pack("!BH", 0, 2))


@pytest.fixture
def probe() -> Iterator[Probe]:
    with Probe(CLOCK.now) as reader:
        reader.capabilities = able()
        yield reader


def tells(visitor: Visitor, *whats: int) -> None:
    """The reader tells starts (0) and ends (1) of our ROSpec."""
    visitor.send(b"".join(lp.notice(lp.rospec_event(what, visitor.rospec or 0), at=CLOCK.now()) for what in whats))


def test_an_end_that_is_followed_by_a_start_is_no_news(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        tells(visitor, 1, 0)
        visitor.send(lp.report(lp.tag(SHELF, at=CLOCK.now())))
        wait_for(lambda: reads(driving), what="what came after it")
    assert not visitor.bodies(lp.START)
    assert driving.states() == ["online"]
    assert not caplog.messages


def test_runs_that_end_at_once_are_given_up_and_the_plain_inventory_is_watched_as_ever(probe: Probe) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        tells(visitor, *[1, 0] * 3)
        wait_for(lambda: len(visitor.bodies(lp.ENABLE)) == 2, what="a plain inventory")
        assert not visitor.bodies(lp.START)
        tells(visitor, 1)
        wait_for(lambda: visitor.bodies(lp.START), what="START_ROSPEC")
    assert [NEWCOMERS in body for body in probe.seen(lp.ADD)] == [True, False]
    assert driving.driver.rejects["newcomers_given_up"] == 1


def test_a_reader_that_ignores_durations_is_given_up(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()

        def reads_on() -> bool:
            visitor.send(lp.report(lp.tag(SHELF, at=CLOCK.now())))
            return len(visitor.bodies(lp.ENABLE)) == 2

        wait_for(reads_on, what="a plain inventory")
    assert driving.driver.rejects["newcomers_given_up"] == 1
    (warning,) = caplog.messages
    assert "longer or shorter" in warning


def test_a_reader_that_tells_neither_start_nor_end_keeps_newcomers_first(probe: Probe, caplog: pytest.LogCaptureFixture) -> None:
    probe.starts_by_itself = False
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        visitor = probe.reading()
        began = CLOCK.monotonic()

        def reads_on() -> bool:
            visitor.send(lp.report(lp.tag(SHELF, at=CLOCK.now())))
            return CLOCK.monotonic() > began + 2.0

        wait_for(reads_on, what="many runs' time")
    assert driving.states() == ["online"]
    assert not driving.driver.rejects
    assert not caplog.messages


def test_a_quiet_reader_that_tells_no_events_is_told_to_start_now_and_then(probe: Probe) -> None:
    probe.starts_by_itself = False
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
        wait_for(lambda: len(probe.seen(lp.START)) == 2, what="a second START_ROSPEC")
    assert driving.states() == ["online"]
    assert not driving.driver.rejects


def test_an_answer_that_comes_only_after_the_driver_was_stopped_is_no_surprise(probe: Probe) -> None:
    numbers: list[int] = []
    driving = Driving(driver(probe.port))

    def start(visitor: Visitor, number: int, body: bytes) -> None:
        numbers.append(number)
        driving.stop.set()

    def stop(visitor: Visitor, number: int, body: bytes) -> None:
        visitor.answer(lp.START, numbers[0], lp.status())
        visitor.behave(lp.STOP, number, body)

    probe.starts_by_itself = False
    probe.scripts |= {lp.START: start, lp.STOP: stop}
    driving.start()
    wait_for(driving.ended, what="the end of the run")
    assert numbers
    assert not driving.driver.rejects


def test_each_side_of_the_gate_has_a_session_of_its_own(probe: Probe) -> None:
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    (body,) = probe.seen(lp.ADD)
    assert [control[0] >> 6 for control in body.split(SINGULATION)[1:]] == [3, 2, 0, 0]


def test_a_reader_that_refuses_marks_gets_sessions(probe: Probe) -> None:
    def pick(visitor: Visitor, number: int, body: bytes) -> None:
        visitor.answer(lp.ADD, number, lp.status(111, "no SL") if BY_FLAG in body else None)

    probe.capabilities = able(4, by_flags=True)
    probe.scripts[lp.ADD] = pick
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    assert [(NEWCOMERS in body, BY_FLAG in body) for body in probe.seen(lp.ADD)] == [(True, True), (True, False)]
    assert driving.driver.rejects == {"rospec_refused": 1}


def test_a_reader_that_refuses_it_gets_the_plain_inventory(probe: Probe) -> None:
    def pick(visitor: Visitor, number: int, body: bytes) -> None:
        visitor.answer(lp.ADD, number, lp.status(111, "one session for all") if NEWCOMERS in body else None)

    probe.scripts[lp.ADD] = pick
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    assert [NEWCOMERS in body for body in probe.seen(lp.ADD)] == [True, False]
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
    assert [NEWCOMERS in body for body in probe.seen(lp.ADD)] == [True, False]
    assert driving.driver.rejects["newcomers_given_up"] == 1


@pytest.mark.parametrize("message", [lp.ADD, lp.ENABLE])
def test_a_reader_that_hangs_up_over_it_twice_is_not_asked_again(probe: Probe, message: int) -> None:
    def hang_up(visitor: Visitor, number: int, body: bytes) -> None:
        if NEWCOMERS in visitor.bodies(lp.ADD)[-1]:
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


def test_a_reader_that_hangs_up_in_its_first_run_again_and_again_is_read_plainly(probe: Probe) -> None:
    driving = Driving(driver(probe.port))
    for session in range(3):
        driving.start()
        visitor = probe.reading(session + 1)
        wait_for(lambda online=session + 1: driving.states().count("online") == online, what="the reader, online")
        visitor.drop()
        wait_for(driving.ended, what="the end of the run")
        assert isinstance(driving.failure, DeviceLost)
    with driving:
        probe.reading(4)
    assert [NEWCOMERS in body for body in probe.seen(lp.ADD)] == [True, True, True, False]
    assert driving.driver.rejects["newcomers_given_up"] == 1


def test_a_reader_that_did_a_whole_run_may_hang_up(probe: Probe) -> None:
    """By sessions, one cycle over two antennas: a run of 0.28 s, and 2 s of patience."""
    probe.capabilities = able(2)
    driving = Driving(driver(probe.port))
    for session in range(4):
        driving.start()
        visitor = probe.reading(session + 1)
        proven_at = CLOCK.monotonic() + (2.5 if session == 2 else 0.0)
        wait_for(lambda at=proven_at: CLOCK.monotonic() > at, what="the time of a run")
        visitor.drop()
        wait_for(driving.ended, what="the end of the run")
    assert all(NEWCOMERS in body for body in probe.seen(lp.ADD))
    assert not driving.driver.rejects["newcomers_given_up"]


def test_a_reader_that_will_not_start_it_gets_the_plain_inventory(probe: Probe) -> None:
    """It neither starts by itself nor when it is told to, until the inventory is a plain one."""

    def start(visitor: Visitor, number: int, body: bytes) -> None:
        plain = NEWCOMERS not in visitor.bodies(lp.ADD)[-1]
        visitor.answer(lp.START, number, lp.status(0 if plain else 100))

    probe.starts_by_itself = False
    probe.scripts[lp.START] = start
    with Driving(driver(probe.port)) as driving:
        driving.until_online()
    assert driving.states() == ["degraded", "online"]
    assert driving.driver.rejects["newcomers_given_up"] == 1
