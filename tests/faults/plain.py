"""What a program without an outbox does, for comparison: plain paho, as most publish. It lives and dies beside the daemon.

Run as a program it publishes each line of its input, after it has said the line itself: that alarm is decided.
"""

import os
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from wait import wait_for

from simulators.mqtt_client import Login, SimClient

BROKER_S = 3600.0
"""No fault keeps the broker away for so long."""


class Plain:
    """A publisher of `qos` and a handheld with a durable session that hears it. `decided` and `heard`: alarms by name."""

    def __init__(self, qos: int, broker_port: int, proxy_port: int) -> None:
        self.name = f"plain paho, QoS {qos}"
        self.decided: set[str] = set()
        self.heard: Counter[str] = Counter()
        self._command = [sys.executable, __file__, str(proxy_port), str(qos)]
        self._process: subprocess.Popen[str] | None = None
        login = Login(f"mqtt://127.0.0.1:{broker_port}", prefix=f"plain{qos}")
        self._hand = SimClient(login, f"hand-plain{qos}", ("event/alarm",), self._hear, lambda: None, None)
        self._hand.start()
        wait_for(self._hand.connected, what="the handheld")

    def start(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=env
        )
        threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            with suppress(OSError):
                self._process.stdin.close()  # type: ignore[union-attr]
            self._process = None

    def close(self) -> None:
        self.kill()
        self._hand.stop()

    def decide(self, name: str) -> None:
        """It sees that `name` leaves unpaid; one that is dead sees nothing."""
        process = self._process
        if process is not None and process.stdin is not None:
            with suppress(OSError, ValueError):
                process.stdin.write(f"{name}\n")
                process.stdin.flush()

    def settle(self, mark: str) -> None:
        """Waits until all is well again, and so everything has come that will ever come."""
        for attempt in range(60):
            self.decide(f"{mark}-{attempt}")
            with suppress(AssertionError):
                wait_for(lambda: any(name.startswith(mark) for name in list(self.heard)), 1.0, mark)
                return
        raise AssertionError(f"{self.name} never came back")

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        self.heard[payload.decode()] += 1

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout, suppress(ValueError):
            for line in process.stdout:
                self.decided.add(line.strip())


def publish_lines(port: int, qos: int) -> None:
    """The usual program: a client that reconnects by itself, and `publish` without looking back."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"plain-{qos}", protocol=mqtt.MQTTv5)
    client.reconnect_delay_set(1, 2)
    wait_for(lambda: _connects(client, port), BROKER_S, "the broker")
    client.loop_start()
    for line in sys.stdin:
        print(line.strip(), flush=True)
        client.publish(f"plain{qos}/0001/event/alarm", line.strip().encode(), qos)


def _connects(client: mqtt.Client, port: int) -> bool:
    try:
        client.connect("127.0.0.1", port, 10)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    publish_lines(int(sys.argv[1]), int(sys.argv[2]))
