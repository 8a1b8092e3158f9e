"""A site on a real broker for tests of the MQTT side: store, link, alarms to raise, and outside clients to hear them."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from msgspec.structs import replace
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from wait import wait_for

from rfidguard.alarm import Alarm, Item, alarm_id
from rfidguard.alarm_db import open_alarms, store_change
from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.effects import AlarmChanged
from rfidguard.inbox import Outcome
from rfidguard.messages import info_message
from rfidguard.mqtt_link import MqttLink
from rfidguard.outbox import index_message, rows_for
from rfidguard.store import FOR_EVER, Store
from rfidguard.store_writer import MAX_BATCH
from rfidguard.topics import ALARMS

ROOT = "rfidguard/0001/"


class Desk:
    """Handlers that record what they were handed. `fail` is asked before each message and may raise."""

    def __init__(self) -> None:
        self.sales: list[tuple[bytes, str]] = []
        self.heartbeats: list[tuple[bytes, str]] = []
        self.answers: list[tuple[bytes, str]] = []
        self.presences: list[tuple[str, bool]] = []
        self.commands: list[tuple[str, bytes]] = []
        self.fail: Callable[[bytes], None] = lambda _payload: None
        self.answer_outcome: Callable[[bytes], Outcome] = lambda payload: {
            "id": json.loads(payload).get("id"),
            "status": "accepted",
            "reason": None,
        }

    def on_sale(self, payload: bytes, lane: str) -> Outcome:
        self.fail(payload)
        self.sales.append((payload, lane))
        return {"id": json.loads(payload).get("id"), "status": "stored", "errors": []}

    def on_heartbeat(self, payload: bytes, lane: str) -> Outcome:
        self.heartbeats.append((payload, lane))
        return None

    def on_answer(self, payload: bytes, user: str) -> Outcome:
        self.answers.append((payload, user))
        return self.answer_outcome(payload)

    def on_presence(self, user: str, online: bool) -> None:
        self.presences.append((user, online))

    def on_command(self, name: str, payload: bytes) -> Outcome:
        self.commands.append((name, payload))
        return {"id": None, "status": "accepted", "reason": None}


class Site:
    """Store and link of one site. `raise_alarm` and `close_alarm` write as the daemon does."""

    def __init__(self, store: Store, link: MqttLink, desk: Desk, clock: SystemClock) -> None:
        self.store, self.link, self.desk, self.clock = store, link, desk, clock
        self._number = 0

    def gather(self, count: int) -> None:
        """So many alarms, each raised and later resolved, as they wait in the outbox while nobody can be told."""
        alarms = [self._next_alarm() for _ in range(count)]
        closed = [resolved(alarm) for alarm in alarms]
        changes = [AlarmChanged(alarm, "raised", self.clock.now()) for alarm in alarms]
        changes += [AlarmChanged(alarm, "resolved", self.clock.now()) for alarm in closed]
        for start in range(0, len(changes), MAX_BATCH):
            part = changes[start : start + MAX_BATCH]
            stored = [self.store.write(partial(store_change, change=change, rows=rows_for(change)), FOR_EVER) for change in part]
            stored[-1].result(60)

    def raise_alarm(self, notify: bool = True) -> Alarm:
        alarm = self._next_alarm()
        self.change(alarm, "raised", notify)
        return alarm

    def _next_alarm(self) -> Alarm:
        self._number += 1
        now = self.clock.now()
        epc = f"3034257BF400{self._number:012X}"
        item = Item(epc=epc, state="unpaid", reason="unpaid_exit", certainty=0.98, decided_at=now)
        return Alarm(
            id=alarm_id(now, "0001", "front", epc, now), revision=1, site="0001", gate="front", kind="unpaid_items",
            state="open", severity="warning", raised_at=now, updated_at=now, items=(item,), currency="EUR",
        )  # fmt: skip

    def close_alarm(self, alarm: Alarm, notify: bool = True) -> Alarm:
        closed = resolved(alarm)
        self.change(closed, "resolved", notify)
        return closed

    def change(self, alarm: Alarm, event_type: str, notify: bool = True) -> None:
        change = AlarmChanged(alarm, event_type, self.clock.now(), notify)
        self.store.write(lambda conn: store_change(conn, change, rows_for(change))).result(10)
        self.link.set_state(ALARMS, lambda: index_message(self.store.read(open_alarms)))

    def depth(self) -> int:
        return int(self.link.health()["outbox"]["depth"])


def resolved(alarm: Alarm) -> Alarm:
    return replace(alarm, revision=alarm.revision + 1, state="resolved", outcome="recovered", resolved_by="staff-1")


def site_config(port: int, folder: Path, **mqtt_settings: Any) -> Config:
    return Config.model_validate(
        {
            "site": {"id": "0001"},
            "database": {"url": f"sqlite:///{folder / 'rfidguard.db'}"},
            "mqtt": {"url": f"mqtt://127.0.0.1:{port}", **mqtt_settings},
        }
    )


@contextmanager
def running_site(config: Config, connected: bool = True) -> Iterator[Site]:
    """A started link; waits until it is connected unless told otherwise."""
    clock = SystemClock()
    desk = Desk()
    with Store(config.database.url, clock) as store:
        link = MqttLink(config, store, clock, desk, info_message(config))
        link.start()
        try:
            if connected:
                wait_for(lambda: link.connected, what="the link's connection")
            yield Site(store, link, desk, clock)
        finally:
            link.stop()


class Client:
    """An outside MQTT 5 client. Hears what it subscribed to; `publish` returns the broker's reason code."""

    def __init__(
        self, port: int, name: str, subscribe: tuple[str, ...] = (), durable: bool = False, password: str | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._heard: list[tuple[str, bytes, bool]] = []
        self._codes: dict[int, int] = {}
        self._ready = threading.Event()
        self._subscribe = subscribe
        self.refusal: str | None = None
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5)
        self.client.reconnect_delay_set(1, 1)
        if password is not None:
            self.client.username_pw_set(name, password)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = 3600 if durable else 0
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.client.connect("127.0.0.1", port, 30, clean_start=not durable, properties=properties)
        self.client.loop_start()
        assert self._ready.wait(10), "the client was not let in"

    def publish(
        self, topic: str, payload: bytes | dict[str, Any], retain: bool = False, properties: Properties | None = None
    ) -> int:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        info = self.client.publish(ROOT + topic, data, 1, retain, properties)
        wait_for(lambda: info.mid in self._codes, 10, "PUBACK")
        return self._codes[info.mid]

    def heard(self, topic: str) -> list[bytes]:
        """Payloads on a topic below the root, in order."""
        with self._lock:
            return [payload for name, payload, _ in self._heard if name == ROOT + topic]

    def bodies(self, topic: str) -> list[dict[str, Any]]:
        return [json.loads(payload) for payload in self.heard(topic) if payload]

    def topics(self) -> set[str]:
        with self._lock:
            return {name.removeprefix(ROOT) for name, _, _ in self._heard}

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self.refusal = str(code)
        elif self._subscribe:
            client.subscribe([(ROOT + topic, 1) for topic in self._subscribe])
            return
        self._ready.set()

    def _on_message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        with self._lock:
            self._heard.append((message.topic, bytes(message.payload), message.retain))

    def _on_publish(self, _client: mqtt.Client, _data: Any, mid: int, code: Any, _properties: Any) -> None:
        self._codes[mid] = code.value


def _raise_for_ever(port: int, folder: Path) -> None:
    """A daemon to be killed: prints the id of each alarm once it is committed."""
    with running_site(site_config(port, folder)) as site:
        while True:
            print(site.raise_alarm().id, flush=True)


if __name__ == "__main__":
    _raise_for_ever(int(sys.argv[1]), Path(sys.argv[2]))
