"""What a configuration may say of a serial pedestal."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.eas_serial import EasSerialSettings
from drivers.gpi import GpiSettings


def settings(**given: Any) -> EasSerialSettings:
    return EasSerialSettings(**({"port": "/dev/serial/by-id/usb-x-if00"} | given))


def test_a_port_is_enough() -> None:
    chosen = settings()
    assert chosen.lines() is not None
    assert chosen.port_options() == {"baudrate": 9600, "bytesize": 8, "parity": "N", "stopbits": 1}


def test_profile_brings_its_own_port_settings_and_a_user_may_set_over_them() -> None:
    options = settings(profile="assumed_framed", baud=1200).port_options()
    assert options == {"baudrate": 1200, "bytesize": 7, "parity": "E", "stopbits": 1}


def test_profile_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    mine = tmp_path / "my.toml"
    mine.write_text("about = 'mine'\nbaud = 300\n[[line]]\nmatch = 'X'\nkind = 'alarm'\n")
    assert settings(profile=str(mine)).port_options()["baudrate"] == 300


def test_contacts_alone_need_no_profile() -> None:
    assert settings(contacts={"CTS": "alarm", "dsr": {"kind": "fault", "normally": "closed"}}).lines() is None


def test_contacts_and_lines_go_together_when_a_profile_is_named() -> None:
    assert settings(contacts={"cts": "tamper"}, profile="generic").lines() is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"port": ""}, "needs a path like /dev/serial/by-id/"),
        ({"port": "tcp://10.0.0.1:4001"}, "socket://, rfc2217://, hwgrep://, loop://"),
        ({"port": "hwgrep://("}, "needs a regular expression"),
        ({"port": "socket://h:1", "contacts": {"cts": "alarm"}}, "use rfc2217://"),
        ({"profile": "acme"}, "no pedestal profile is called 'acme'"),
        ({"profile": "/nowhere/my.toml"}, "cannot be read"),
        ({"contacts": {"txd": "alarm"}}, "'cts', 'dsr', 'dcd' or 'ri'"),
        ({"contacts": {"cts": "ring"}}, "'alarm'"),
        ({"contacts": {"cts": {"kind": "alarm", "normaly": "open"}}}, "normaly"),
        ({"baud": 0}, "baud"),
        ({"bauds": 9600}, "bauds"),
        ({"debounce_s": -1}, "debounce_s"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        settings(**given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"pins": []}, "at least 1"),
        ({"pins": [1, 2, 3]}, "at most 2"),
        ({"pins": [2, 2]}, "a pin each"),
        ({"pins": [0]}, "greater than or equal to 1"),
        ({"pins": {}}, "at least 1"),
        ({"pins": {"1": "ring"}}, "'alarm'"),
        ({"pins": {"1": "alarm"}, "normally": "closed"}, "only for beams"),
        ({"pins": [1], "timeout_s": 0}, "greater than 0"),
    ],
)
def test_gpi_settings_that_cannot_work_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        GpiSettings(**({"reader": "front-1"} | given))
    assert said in str(error.value)


def test_drivers_are_imported_without_their_vendor_libraries() -> None:
    code = (
        "import sys, drivers.eas_serial, drivers.gpi, drivers.replay, drivers.template;"
        "print([name for name in ('serial', 'zstandard', 'sqlalchemy', 'sllurp', 'typer') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "[]"
