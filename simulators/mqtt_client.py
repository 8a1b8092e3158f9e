"""What simulated handhelds and tills share: one MQTT client with a durable session that comes back by itself."""

import json
import logging
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from rfidguard.errors import RfidguardError

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 12 * 3600


class Login(msgspec.Struct, frozen=True):
    """How a simulated device reaches its site. `url`: mqtt://HOST[:PORT] or mqtts://…; `protocol`: 5 or 3.1.1."""

    url: str = "mqtt://127.0.0.1:1883"
    prefix: str = "rfidguard"
    site: str = "0001"
    username: str | None = None
    password: str | None = None
    ca_file: Path | None = None
    protocol: str = "5"

    def topic(self, name: str) -> str:
        return f"{self.prefix}/{self.site}/{name}"


class Will(msgspec.Struct, frozen=True):
    topic: str
    payload: bytes


Hear = Callable[[str, bytes, bool], None]
"""(topic below the root, payload, retained). Called on the network thread; an exception is counted, not raised."""


class SimClient:
    """Subscribes anew on every connect. `refusal` is why the broker did not let it in; `counts` counts connects and faults."""

    def __init__(
        self, login: Login, name: str, subscriptions: tuple[str, ...], hear: Hear, greet: Callable[[], None], will: Will | None
    ) -> None:
        """`greet` is called after each subscription; `subscriptions` are below the root."""
        self._login = login
        self._subscriptions = subscriptions
        self._hear = hear
        self._greet = greet
        self.refusal: str | None = None
        self.counts: Counter[str] = Counter()
        self._client = self._build(name, will)

    def start(self) -> None:
        """Connects in the background, for ever. Returns at once; raises RfidguardError for a URL that is none."""
        parts = urlsplit(self._login.url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise RfidguardError(f"{self._login.url!r} is no broker; like mqtt://127.0.0.1:1883")
        if parts.scheme == "mqtts":
            self._client.tls_set(ca_certs=None if self._login.ca_file is None else str(self._login.ca_file))
        port = parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        if self._login.protocol == "5":
            properties = _properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            self._client.connect_async(parts.hostname, port, 10, clean_start=False, properties=properties)
        else:
            self._client.connect_async(parts.hostname, port, 10)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnects in order; the session, and what waits in it, stays with the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def vanish(self) -> None:
        """Cuts the connection without a word, as a device that walks out of range."""
        sock = self._client.socket()
        if sock is not None:
            socket.socket.shutdown(cast(socket.socket, sock), socket.SHUT_RDWR)

    def connected(self) -> bool:
        return self._client.is_connected()

    def publish(self, name: str, body: Mapping[str, Any], retain: bool = False) -> bool:
        """Publishes at QoS 1 below the root. False while offline: nothing is queued, whoever needs it says it again."""
        if not self._client.is_connected():
            return False
        self._client.publish(self._login.topic(name), json.dumps(body).encode(), 1, retain)
        return True

    def _build(self, name: str, will: Will | None) -> Client:
        five = self._login.protocol == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if five else False,
            protocol=MQTTv5 if five else MQTTv311,
        )
        client.reconnect_delay_set(1, 2)
        if self._login.username is not None:
            client.username_pw_set(self._login.username, self._login.password)
        if will is not None:
            client.will_set(self._login.topic(will.topic), will.payload, qos=1, retain=True)
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._guarded(self._greet)
        client.on_message = self._on_message
        return client

    def _on_socket_open(self, _client: Client, _data: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _on_connect(self, client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _properties: Any) -> None:
        if code.is_failure:
            self.refusal = str(code)
            self.counts["refused"] += 1
            log.warning("the broker refuses: %s", code)
            return
        self.refusal = None
        self.counts["connects"] += 1
        client.drop_out_messages()
        client.subscribe([(self._login.topic(name), 1) for name in self._subscriptions])

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        name = message.topic.removeprefix(self._login.topic(""))
        self._guarded(lambda: self._hear(name, bytes(message.payload), bool(message.retain)))

    def _guarded(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Exception:  # thread root: an exception in a callback would end paho's thread without a word
            log.exception("a message could not be used")
            self.counts["faults"] += 1


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
