"""The demo's broker: mosquitto where the machine has it, else the embedded amqtt (MQTT 3.1.1 only, and said so)."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from rfidguard.errors import RfidguardError
from simulators.ports import listens

START_S = 15.0
BESIDE_PATH = ("/usr/sbin/mosquitto",)
"""Where Debian puts it, which is not on everybody's path."""


class DemoBroker:
    """A broker of its own on a loopback port. `name` and `protocol` ("5" or "3.1.1") tell what it is."""

    def __init__(self, folder: Path, port: int) -> None:
        """Raises RfidguardError where the machine has neither broker."""
        self.port = port
        self._folder = folder
        program = next(filter(None, map(shutil.which, ("mosquitto", *BESIDE_PATH))), None)
        if program is None and importlib.util.find_spec("amqtt") is None:
            raise RfidguardError("the demo needs a broker: apt-get install mosquitto, or pip install 'rfidguard[demo]'")
        self.name, self.protocol = ("mosquitto", "5") if program else ("amqtt (embedded)", "3.1.1")
        self._command = [program, "-c", str(self._mosquitto_config())] if program else self._amqtt()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        if not listens(self.port, START_S):
            raise RfidguardError(f"the broker did not start; see {self._folder / 'broker.log'}")

    def keep(self) -> bool:
        """Starts it again where it died; True where it had to."""
        if self._process is None or self._process.poll() is None:
            return False
        self.start()
        return True

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _mosquitto_config(self) -> Path:
        store = self._folder / "broker"
        store.mkdir(exist_ok=True)
        store.chmod(0o777)
        config = self._folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location {store}/\n"
            "autosave_interval 1\nautosave_on_changes true\n"
        )
        return config

    def _amqtt(self) -> list[str]:
        return [sys.executable, "-m", "simulators.demo.embedded_broker", str(self.port)]
