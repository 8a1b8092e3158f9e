"""One connection to a broker, on paho-mqtt: the only file that knows paho. One thread owns it, from `open` to `close`.

paho's own thread, queue and reconnect are not used: its thread dies of an exception while `is_connected()` stays true, its
queue lives in RAM and ignores its own limit after a reconnect, and a publish while offline is queued and refused at once.
Here the owner's thread turns the wire (paho's interface for outside event loops), each connection is a new client with an
empty queue, and callbacks only note what happened.
"""

import select
import socket
import ssl
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage, MQTTv5, MQTTv311
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from rfidguard.config import Mqtt
from rfidguard.errors import RfidguardError

KEEPALIVE_S = 15
SESSION_EXPIRY_S = 86_400
WILL_DELAY_S = 10
CONNECT_TIMEOUT_S = 5.0
RECEIVE_MAXIMUM = 20
WINDOW = 20


class BrokerLost(RfidguardError):
    """The connection could not be made or broke. The text says why."""


class Connected(msgspec.Struct, frozen=True):
    """The broker took us. `session`: it still knew us; `window`: unacknowledged messages that it takes from us at once."""

    session: bool
    window: int = WINDOW
    max_packet_bytes: int | None = None
    problem: str | None = None


class Acked(msgspec.Struct, frozen=True):
    """The broker answered the publish `mid` with this reason code (MQTT 5, table 3-4; always 0 on 3.1.1)."""

    mid: int
    code: int
    reason: str = ""


class Subscribed(msgspec.Struct, frozen=True):
    """The broker answered our subscriptions; one reason code each, in their order."""

    codes: tuple[int, ...]


class Arrived(msgspec.Struct, frozen=True):
    """A message for us. Must be confirmed with `Wire.ack` once it is safe, where `qos` is 1. `topic` is "" if it is no text."""

    topic: str
    payload: bytes
    qos: int
    mid: int
    retain: bool
    response_topic: str | None = None
    correlation: bytes | None = None


class Lost(msgspec.Struct, frozen=True):
    """The connection is gone."""

    reason: str


Signal = Connected | Acked | Subscribed | Arrived | Lost


class Will(msgspec.Struct, frozen=True):
    """What the broker publishes, retained, when we vanish."""

    topic: str
    payload: bytes


class Subscription(msgspec.Struct, frozen=True):
    """A topic filter. `watch`: QoS 0 without our own messages, only to see what the broker holds."""

    pattern: str
    watch: bool = False


class Wire:
    """One connection. Signals come out of `turn` in the order in which they happened."""

    def __init__(self, config: Mqtt, client_id: str, will: Will) -> None:
        self._config = config
        self._v5 = config.protocol == "5"
        self._signals: list[Signal] = []
        self._client = self._build(client_id, will)

    def open(self) -> None:
        """Connects and sends CONNECT; the broker's answer comes as a signal. Raises BrokerLost."""
        host, port = address(self._config.url)
        try:
            if self._config.url.startswith("mqtts:"):
                self._client.tls_set_context(_tls_context(self._config))
            if self._config.username is not None:
                self._client.username_pw_set(self._config.username, read_secret(self._config.password_file))
            if self._v5:
                properties = _properties(PacketTypes.CONNECT)
                properties.SessionExpiryInterval = SESSION_EXPIRY_S
                properties.ReceiveMaximum = RECEIVE_MAXIMUM
                self._client.connect(host, port, KEEPALIVE_S, clean_start=False, properties=properties)
            else:
                self._client.connect(host, port, KEEPALIVE_S)
            self._send_at_once()
        except (OSError, ValueError) as error:
            raise BrokerLost(f"{host}:{port}: {_said(error)}") from error

    def turn(self, timeout_s: float, wake: socket.socket) -> list[Signal]:
        """Waits for the broker or for a byte on `wake`, at most `timeout_s`; returns what happened since the last turn."""
        self._wait(timeout_s, wake)
        sock = self._client.socket()
        if sock is not None:
            self._client.loop_read()
            while self._client.socket() is not None and _pending(sock):
                self._client.loop_read()
        if self._client.socket() is not None and self._client.want_write():
            self._client.loop_write()
        if self._client.socket() is not None:
            self._client.loop_misc()
        if self._client.socket() is None and not any(isinstance(signal, Lost) for signal in self._signals):
            self._signals.append(Lost("connection lost"))
        signals, self._signals = self._signals, []
        return signals

    def publish(
        self, topic: str, payload: bytes, *, retain: bool, expiry_s: float | None = None, correlation: bytes | None = None
    ) -> int:
        """Sends at QoS 1 and returns the mid that its Acked will carry. Raises BrokerLost where there is no connection."""
        properties = _publish_properties(payload, expiry_s, correlation) if self._v5 else None
        if self._client.socket() is None:
            raise BrokerLost("not connected")
        return self._client.publish(topic, payload, qos=1, retain=retain, properties=properties).mid

    def subscribe(self, subscriptions: tuple[Subscription, ...]) -> None:
        """Subscribes at QoS 1, in one packet. Messages published as retained arrive marked so, live ones too (MQTT 5 only)."""
        if self._v5:
            self._client.subscribe([(entry.pattern, _options(entry)) for entry in subscriptions])
        else:
            self._client.subscribe([(entry.pattern, 0 if entry.watch else 1) for entry in subscriptions])

    def ack(self, mid: int) -> None:
        """Confirms a message that arrived at QoS 1."""
        self._client.ack(mid, 1)

    def close(self) -> None:
        """Ends the connection in order: the will stays unsent. What was not acknowledged is forgotten."""
        if self._client.socket() is not None:
            self._client.disconnect()
            self._client.loop_write()
        self.drop()

    def drop(self) -> None:
        """Cuts the connection as a dead one: the will is due. What was not acknowledged is forgotten."""
        sock = self._client.socket()
        self._client.drop_out_messages()
        if sock is not None:
            self._client.on_disconnect = None
            sock.close()

    def _send_at_once(self) -> None:
        """Without this an alarm right after a PUBACK waits some 40 ms for the broker's TCP to acknowledge (Nagle)."""
        sock = self._client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _build(self, client_id: str, will: Will) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if self._v5 else False,
            protocol=MQTTv5 if self._v5 else MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)
        properties = None
        if self._v5:
            properties = _properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = WILL_DELAY_S
        client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _wait(self, timeout_s: float, wake: socket.socket) -> None:
        sock: Any = self._client.socket()
        poll = select.poll()
        poll.register(wake, select.POLLIN)
        if sock is not None:
            poll.register(sock, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
        if sock is None or _pending(sock) or self._signals:
            timeout_s = 0.0
        poll.poll(max(timeout_s, 0.0) * 1000)

    def _on_connect(self, _client: Client, _data: Any, flags: ConnectFlags, code: ReasonCode, properties: Any) -> None:
        if code.is_failure:
            self._signals.append(Lost(f"refused: {code}"))
            return
        self._signals.append(_connected(flags.session_present, properties))

    def _on_disconnect(self, _client: Client, _data: Any, flags: DisconnectFlags, code: ReasonCode, _properties: Any) -> None:
        who = "the broker ended the connection" if flags.is_disconnect_packet_from_server else "connection lost"
        self._signals.append(Lost(f"{who}: {code}"))

    def _on_publish(self, _client: Client, _data: Any, mid: int, code: ReasonCode, _properties: Any) -> None:
        self._signals.append(Acked(mid, code.value, str(code)))

    def _on_subscribe(self, _client: Client, _data: Any, _mid: int, codes: list[ReasonCode], _properties: Any) -> None:
        self._signals.append(Subscribed(tuple(code.value for code in codes)))

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        properties = message.properties
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""
        self._signals.append(
            Arrived(
                topic,
                bytes(message.payload),
                message.qos,
                message.mid,
                bool(message.retain),
                getattr(properties, "ResponseTopic", None),
                getattr(properties, "CorrelationData", None),
            )
        )


def address(url: str) -> tuple[str, int]:
    """mqtt://HOST[:PORT] or mqtts://… -> host and port (1883, 8883 for TLS). Raises BrokerLost for a port that is none."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError as error:
        raise BrokerLost(f"mqtt.url {url!r}: {error}") from error
    return parts.hostname or "127.0.0.1", port or (8883 if parts.scheme == "mqtts" else 1883)


def read_secret(path: Path | None) -> str | None:
    """The secret that a `*_file` key names, without its line end; None for no path. Raises OSError, ValueError (not UTF-8)."""
    return None if path is None else path.read_text("utf-8").rstrip("\r\n")


def _tls_context(config: Mqtt) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_file and str(config.ca_file))
    if config.cert_file is not None:
        context.load_cert_chain(config.cert_file, config.key_file)
    return context


def _connected(session: bool, properties: Properties | None) -> Connected:
    window = min(WINDOW, int(getattr(properties, "ReceiveMaximum", WINDOW)))
    problem = None
    if getattr(properties, "MaximumQoS", 1) < 1:
        problem = "the broker takes QoS 0 only: no alarm can be confirmed there"
    if not getattr(properties, "RetainAvailable", 1):
        problem = "the broker keeps no retained messages: alarms cannot stand there"
    return Connected(session, window, getattr(properties, "MaximumPacketSize", None), problem)


def _publish_properties(payload: bytes, expiry_s: float | None, correlation: bytes | None) -> Properties:
    properties = _properties(PacketTypes.PUBLISH)
    if payload:
        properties.ContentType = "application/json"
    if expiry_s is not None:
        properties.MessageExpiryInterval = max(1, round(expiry_s))
    if correlation is not None:
        properties.CorrelationData = correlation
    return properties


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]


def _options(entry: Subscription) -> SubscribeOptions:
    qos: Literal[0, 1] = 0 if entry.watch else 1
    return SubscribeOptions(qos=qos, noLocal=entry.watch, retainAsPublished=not entry.watch)


def _pending(sock: Any) -> bool:
    """TLS may hold decrypted bytes that poll cannot see."""
    return hasattr(sock, "pending") and sock.fileno() >= 0 and sock.pending() > 0


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
