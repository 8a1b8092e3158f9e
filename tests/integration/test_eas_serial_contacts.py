"""Dry contacts on modem lines, on the two real code paths without a serial port: loop:// and rfc2217:// over TCP."""

from typing import Any

import pytest
from driving import Driving
from wait import wait_for

from drivers.eas_serial import EasSerialDriver, EasSerialSettings
from rfidguard.clock import SystemClock
from rfidguard.errors import DeviceLost
from rfidguard.events import Eas
from simulators.contact_box import ContactBox

# pyserial 3.5 sets its thread up by calls that Python 3.10 deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")


def driver(port: str, **settings: Any) -> EasSerialDriver:
    return EasSerialDriver("front-eas", "front", EasSerialSettings(port=port, **settings), SystemClock(), {})


def kinds(driving: Driving) -> list[str]:
    return [eas.kind for eas in driving.of(Eas)]


def test_loop_with_lines_held_high_speaks_for_contacts_that_are_closed() -> None:
    """loop:// wires RTS to CTS and DTR to DSR, both held high, DCD high and RI low."""
    contacts = {"cts": "alarm", "dsr": {"kind": "metal", "normally": "closed"}, "ri": "tamper"}
    with Driving(driver("loop://", contacts=contacts, debounce_s=0.02)) as driving:
        driving.until(Eas)
        driving.end()
        assert kinds(driving) == ["alarm"]


@pytest.mark.parametrize(("line", "name"), [("cts", "cts"), ("dsr", "dsr"), ("cd", "dcd"), ("ri", "ri")])
def test_each_modem_line_speaks_over_the_network(line: str, name: str) -> None:
    with ContactBox() as box, Driving(driver(box.port, contacts={name: "alarm_out"})) as driving:
        driving.until_online()
        box.set(**{line: True})
        eas = driving.until(Eas)
        assert (eas.kind, eas.gate, eas.pedestal) == ("alarm_out", "front", "front-eas")


def test_polarity_and_release() -> None:
    contacts = {"cts": "alarm", "dcd": {"kind": "fault", "normally": "closed"}}
    with ContactBox() as box:
        box.set(cd=True)
        with Driving(driver(box.port, contacts=contacts)) as driving:
            driving.until_online()
            box.set(cts=True)
            driving.until(Eas)
            box.set(cd=False)
            driving.until(Eas, count=2)
            box.set(cd=True, cts=False)
            driving.until(Eas, count=3)
            assert kinds(driving) == ["alarm", "fault", "ok"]
            assert driving.states() == ["online", "degraded", "online"]


def test_lost_line_recovers_and_a_contact_that_stayed_closed_speaks_again() -> None:
    with ContactBox() as box, Driving(driver(box.port, contacts={"ri": "tamper"})) as driving:
        driving.until_online()
        box.set(ri=True)
        driving.until(Eas)
        box.unplug()
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)
        driving.start()
        driving.until(Eas, count=2)


def test_bytes_where_only_contacts_are_configured_are_counted() -> None:
    with ContactBox() as box, Driving(driver(box.port, contacts={"cts": "alarm"})) as driving:
        driving.until_online()
        box.say(b"ALARM\r\n")
        wait_for(lambda: driving.driver.rejects == {"no_profile": 7})
        assert kinds(driving) == []


def test_lines_and_contacts_are_heard_on_one_port() -> None:
    with ContactBox() as box, Driving(driver(box.port, contacts={"cts": "tamper"}, profile="generic")) as driving:
        driving.until_online()
        box.set(cts=True)
        driving.until(Eas)
        box.say(b"ALARM\r\n")
        driving.until(Eas, count=2)
        assert kinds(driving) == ["tamper", "alarm"]
