"""The LLRP driver against readers of other makers' minds, and its own bytes before tshark's eyes."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peers
import pytest
from driving import Driving
from wait import wait_for

from drivers.llrp.driver import LlrpDriver
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace, SetOutput
from rfidguard.events import OutputDone, Read, ReadBatch
from simulators.llrp_reader.reader import SimReader
from simulators.ports import free_port

pytestmark = pytest.mark.peer
CLOCK = SystemClock()


def driver(port: int, host: str = "127.0.0.1", **settings: Any) -> LlrpDriver:
    places = {port: AntennaPlace("front", "inside" if port < 3 else "outside") for port in (1, 2, 3, 4)}
    return LlrpDriver("front-1", "front", LlrpDriver.Settings(host=host, port=port, **settings), CLOCK, places)


def until_reads(driving: Driving, count: int) -> list[Read]:
    def reads() -> list[Read]:
        found = [read for batch in driving.of(ReadBatch) for read in batch.reads]
        return found if len(found) >= count else []

    return wait_for(reads, 60, what=f"{count} reads")


@contextlib.contextmanager
def running(*command: str | Path, cwd: Path | None = None) -> Iterator[None]:
    process = subprocess.Popen(list(map(str, command)), cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait(10)


def test_tags_of_llrpkits_emulated_reader_are_read() -> None:
    port = free_port()
    with running(peers.llrpkit(), "emulate", "--port", str(port), "--rate", "200"):
        driving = Driving(driver(port))
        wait_for(lambda: connects(driving), 60, what="llrpkit's emulator")
        try:
            reads = until_reads(driving, 50)
            driving.orders.put(SetOutput("o1", 2, 3600))
            assert driving.until(OutputDone).ok
        finally:
            driving.end()
    assert {read.antenna for read in reads} <= {1, 2, 3, 4}
    assert all(read.phase_rad is not None and read.doppler_hz is not None for read in reads)
    assert not driving.driver.rejects["unclean_end"]


def test_tags_of_llrpjs_dummy_reader_are_read(tmp_path: Path) -> None:
    port = free_port()
    folder = peers.llrpjs()
    # The dummy listens on a fixed port unless the server is told another one.
    script = tmp_path / "dummy.js"
    root = folder / "node_modules" / "llrpjs" / "dist"
    source = (root / "test" / "dummy-reader.js").read_text()
    moved = source.replace('require("../src")', f'require("{root}/src")').replace("LLRPServer()", f"LLRPServer({{port: {port}}})")
    script.write_text(moved)
    with running(peers.node(), script):
        driving = Driving(driver(port, host="localhost"))
        wait_for(lambda: connects(driving), 60, what="llrpjs' dummy reader")
        try:
            assert until_reads(driving, 3)
        finally:
            driving.end()
    assert driving.states()[0] == "online"


def connects(driving: Driving) -> bool:
    """Runs the driver until it is online; False if it was lost before. Nobody else may knock: these readers take one client."""
    driving.start()
    wait_for(lambda: driving.ended() or driving.states(), what="an outcome")
    return not driving.ended()


def test_tshark_finds_every_message_of_ours_well_formed(tmp_path: Path) -> None:
    with SimReader(clock=CLOCK) as reader:
        recorder = peers.Recorder(reader.port)
        with Driving(driver(recorder.port, keepalive_s=1)) as driving:
            driving.until_online()
            driving.orders.put(SetOutput("o1", 1, 1))
            driving.until(OutputDone)
            wait_for(lambda: reader.counts["keepalive_acks"], what="a KEEPALIVE_ACK")
        recorder.close()
    capture = tmp_path / "ours.pcap"
    recorder.write_pcap(capture)
    assert peers.malformed(capture, reader.port) == []
    assert set(peers.dissected(capture, reader.port)) >= {1, 2, 3, 14, 20, 21, 23, 24, 64, 72}
