"""Fixtures for every test: a real mosquitto on a free loopback port, and hypothesis profiles."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))
from wait import wait_for

from simulators.ports import answers, free_port

settings.register_profile("default", max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(PROFILE)


def pytest_configure(config: pytest.Config) -> None:
    """Thousands of examples of one property take longer than a test may else; `--timeout` says otherwise."""
    if PROFILE == "long" and config.option.timeout is None:
        config.option.timeout = 3600.0


class Broker:
    """A mosquitto of our own. `kill` is SIGKILL, `stop` SIGTERM, `pause` and `resume` are SIGSTOP and SIGCONT.

    Its queue is as long as in our example: mosquitto's own 1,000 drop the rest of a backlog before a slow client.
    """

    def __init__(self, folder: Path, config: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.extra = config
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        conf = self.folder / "mosquitto.conf"
        conf.write_text(
            self.extra or f"listener {self.port} 127.0.0.1\nallow_anonymous true\nuser root\nmax_queued_messages 100000\n"
        )
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        with (self.folder / "mosquitto.log").open("ab") as log:
            self.process = subprocess.Popen([program, "-c", str(conf)], stdout=log, stderr=log)
        wait_for(lambda: answers(self.port), what="mosquitto")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                # Seldom, on a busy machine, a broker misses the signal; how it ends is no matter of these tests.
                self.process.kill()
                self.process.wait(10)
        self.process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """A real broker, running, its own for this test."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Broker(folder)
    broker.start()
    yield broker
    broker.stop()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/logs/*.alarms anew from what the core gives now")
