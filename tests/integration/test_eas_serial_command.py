"""`rfidguard sim pedestal` as a process, read by the real driver."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from driving import Driving

from drivers.eas_serial import EasSerialDriver, EasSerialSettings
from rfidguard.clock import SystemClock
from rfidguard.events import Count, Eas
from simulators.pedestal_command import parse_script

ROOT = Path(__file__).parents[2]


@contextmanager
def sim(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "rfidguard", "sim", "pedestal", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)


def driver(port: str) -> EasSerialDriver:
    return EasSerialDriver("front-eas", "front", EasSerialSettings(port=port), SystemClock(), {})


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_words_given_by_hand_reach_the_driver(tmp_path: Path) -> None:
    with sim("--link", str(tmp_path / "eas"), "--interactive") as process:
        assert line(process) == str(tmp_path / "eas")
        with Driving(driver(str(tmp_path / "eas"))) as driving:
            driving.until_online()
            assert process.stdin is not None
            process.stdin.write("alarm_in\nnonsense\ncount_in\n")
            assert driving.until(Eas).kind == "alarm_in"
            driving.until(Count)
            process.stdin.write("quit\n")
            assert process.wait(20) == 0


def test_script_plays_by_itself_and_the_link_outlives_a_replug(tmp_path: Path) -> None:
    link = tmp_path / "eas"
    with sim("--link", str(link), "--script", "0:unplug,0.1:replug") as process:
        assert [line(process), line(process)] == [str(link), str(link)]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--script", "1:ring"], "1:ring"), (["--profile", "acme"], "assumed_csv, assumed_framed, generic")]
)
def test_bad_usage_is_told_and_exits_with_2(arguments: list[str], said: str) -> None:
    with sim(*arguments) as process:
        assert process.wait(20) == 2
        assert process.stderr is not None
        assert said in process.stderr.read()


def test_script_is_played_in_the_order_of_its_times() -> None:
    assert parse_script("5:metal, 2:alarm", ["alarm", "metal"]) == [(2.0, "alarm"), (5.0, "metal")]


@pytest.mark.parametrize(
    ("script", "said"), [("2:ring", "one of alarm"), ("x:alarm", "number of seconds"), ("alarm", "SECONDS:WORD")]
)
def test_script_that_cannot_be_played_says_which_part(script: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_script(script, ["alarm", "metal"])
