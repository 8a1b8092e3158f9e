"""The serial pedestal over real ttys and sockets: a pty with hang-ups, a TCP server, pyserial's own loop."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from driving import Driving
from wait import wait_for

from drivers.eas_serial import EasSerialDriver, EasSerialSettings
from rfidguard.clock import SystemClock
from rfidguard.errors import DeviceLost
from rfidguard.events import EAS_KINDS, Count, Device, Eas
from rfidguard.supervisor import Supervisor
from simulators.pedestal import SimPedestal

CLOCK = SystemClock()


def driver(**settings: Any) -> EasSerialDriver:
    return EasSerialDriver("front-eas", "front", EasSerialSettings(**settings), CLOCK, {})


@contextmanager
def plugged(profile: str = "generic", link: Path | None = None, **settings: Any) -> Iterator[tuple[SimPedestal, Driving]]:
    with SimPedestal(profile, link) as sim, Driving(driver(port=sim.port, profile=profile, **settings)) as driving:
        driving.until_online()
        yield sim, driving


@pytest.mark.parametrize("profile", ["generic", "assumed_framed", "assumed_csv"])
def test_every_kind_arrives_over_the_wire(profile: str) -> None:
    with plugged(profile) as (sim, driving):
        for kind in EAS_KINDS:
            sim.say(kind)
        driving.until(Eas, count=len(EAS_KINDS))
        assert [eas.kind for eas in driving.of(Eas)] == list(EAS_KINDS)
        assert {(eas.gate, eas.pedestal) for eas in driving.of(Eas)} == {("front", "front-eas")}


def test_people_counted_by_a_pedestal_are_counts_of_its_device() -> None:
    with plugged() as (sim, driving):
        sim.say("count_out")
        count = driving.until(Count)
        assert (count.counter, count.direction, count.people) == ("front-eas", "out", 1)


def test_fault_degrades_the_device_and_ok_mends_it() -> None:
    with plugged() as (sim, driving):
        sim.say("fault")
        driving.until(Device, lambda device: device.state == "degraded")
        sim.say("ok")
        driving.until_online(count=2)


def test_garbage_is_counted_and_reading_goes_on() -> None:
    with plugged() as (sim, driving):
        sim.garbage(b"\xff\x00\xfe\r\n" + b"?" * 1000 + b"\r\nnonsense\r\n")
        sim.say("alarm")
        driving.until(Eas)
        assert driving.driver.rejects == {"not_text": 1, "too_long": 1, "unknown_line": 1}


def test_line_in_single_bytes_is_one_line() -> None:
    with plugged() as (sim, driving):
        for byte in b"ALARM\r\n":
            sim.garbage(bytes([byte]))
        driving.until(Eas)


def test_unplugging_is_a_lost_device_that_says_so() -> None:
    with plugged() as (sim, driving):
        sim.garbage(b"ALA")
        wait_for(lambda: driving.of(Device))
        sim.unplug()
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)
        assert "unplugged" in str(driving.failure)


def test_device_that_is_not_there_says_where_to_look() -> None:
    with Driving(driver(port="/dev/serial/by-id/usb-none-if00")) as driving:
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)
        assert "is it plugged in?" in str(driving.failure)
        assert driving.events == []


def test_node_that_is_no_serial_port_is_refused() -> None:
    with Driving(driver(port="/dev/null")) as driving:
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)


def test_link_that_names_another_device_now_is_opened_anew(tmp_path: Path) -> None:
    link = tmp_path / "front-eas"
    with SimPedestal() as first, SimPedestal() as second:
        link.symlink_to(first.port)
        with Driving(driver(port=str(link))) as driving:
            driving.until_online()
            fresh = tmp_path / "fresh"
            fresh.symlink_to(second.port)
            os.replace(fresh, link)
            wait_for(driving.ended)
            assert "another device" in str(driving.failure)
            driving.start()
            driving.until_online(count=2)
            second.say("metal")
            driving.until(Eas)


def test_port_taken_by_another_program_is_lost_and_says_so() -> None:
    with plugged() as (sim, _), Driving(driver(port=sim.port)) as second:
        wait_for(second.ended)
        assert "another program has it open" in str(second.failure)


def test_silent_pedestal_with_a_heartbeat_is_lost() -> None:
    with plugged(heartbeat_s=0.2) as (_, driving):
        wait_for(driving.ended)
        assert "nothing heard for 0.2 s" in str(driving.failure)


def test_pty_has_no_modem_lines_and_the_error_says_what_has() -> None:
    with SimPedestal() as sim, Driving(driver(port=sim.port, contacts={"cts": "alarm"})) as driving:
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)
        assert "no modem lines" in str(driving.failure)
        assert driving.states() == []


def test_unplugged_and_replugged_pedestal_recovers_by_itself(tmp_path: Path) -> None:
    events: list[Any] = []
    with SimPedestal(link=tmp_path / "front-eas") as sim:
        supervisor = Supervisor(driver(port=sim.port), "eas_serial", events.append, CLOCK)
        supervisor.start()
        try:
            for _ in range(3):
                wait_for(lambda: supervisor.state == "online")
                heard = sum(isinstance(event, Eas) for event in events)
                sim.say("alarm")
                wait_for(lambda heard=heard: sum(isinstance(event, Eas) for event in events) > heard)
                sim.unplug()
                wait_for(lambda: supervisor.state == "offline")
                sim.replug()
            wait_for(lambda: supervisor.state == "online")
        finally:
            assert supervisor.stop(10.0)
    states = [event.state for event in events if isinstance(event, Device)]
    assert states == ["online", "offline"] * 4


def test_serial_server_on_tcp_is_read_and_its_end_noticed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        with Driving(driver(port=f"socket://127.0.0.1:{server.getsockname()[1]}")) as driving:
            client, _ = server.accept()
            with client:
                driving.until_online()
                client.sendall(b"ALARM OUT\r\n")
                assert driving.until(Eas).kind == "alarm_out"
            wait_for(driving.ended)
            assert isinstance(driving.failure, DeviceLost)


def test_server_that_does_not_answer_does_not_delay_the_stop() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        port = server.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]  # a full backlog: further connections hang as behind a dead route
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        with Driving(driver(port=f"socket://127.0.0.1:{port}")) as driving:
            driving.end()
            assert driving.failure is None
            assert driving.states() == []
        for filler in fillers:
            filler.close()


def test_hwgrep_without_a_match_is_a_lost_device() -> None:
    with Driving(driver(port="hwgrep://rfidguard-none")) as driving:
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)


def test_simulator_loses_bytes_as_a_line_does_when_nobody_reads() -> None:
    with SimPedestal() as sim:
        sim.garbage(b"x" * 100_000)
        assert sim.lost["full"] > 0
        sim.unplug()
        sim.say("alarm")
        assert sim.lost["unplugged"] == len(b"ALARM\r\n")


def test_simulator_never_replaces_a_file_that_is_no_link(tmp_path: Path) -> None:
    taken = tmp_path / "port"
    taken.write_text("precious")
    with pytest.raises(FileExistsError):
        SimPedestal(link=taken).start()
    assert taken.read_text() == "precious"
