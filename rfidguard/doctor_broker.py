"""What `doctor` asks the broker: login, the right to publish and to hear, and whether it says that nobody listens.

A refused subscription is granted all the same by most brokers and then stays silent, so rights are tried by publishing
(mosquitto: an ACL refuses with reason 0x87 in MQTT 5, and not at all in 3.1.1).
"""

import queue
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from rfidguard.config import Config, Mqtt
from rfidguard.doctor import Finding, fail, ok, warn

_WAIT_S = 5.0
_NO_MATCHING_SUBSCRIBERS = 0x10
_REFUSED = 0x80


class _Refused(Exception):
    """The broker did not let us in, or did not answer."""


def broker(config: Config) -> Iterator[Finding]:
    """Login, publishing below the site's own prefix, hearing it again, and reason 0x10 for a topic that nobody hears."""
    where = f"{config.mqtt.url} as {config.mqtt.username or 'nobody in particular'}"
    try:
        with _session(config.mqtt) as session:
            yield ok("broker", f"{where}: logged in, MQTT {config.mqtt.protocol}")
            yield from _rights(session, f"{config.mqtt.prefix}/{config.site.id}/doctor/{secrets.token_hex(6)}")
    except _Refused as error:
        yield fail("broker", f"{where}: {error}", "see mqtt.url, username and password_file, and the broker's log")


def _rights(session: "_Session", topic: str) -> Iterator[Finding]:
    session.subscribe(topic)
    code = session.publish(topic)
    if code >= _REFUSED:
        todo = "give this user write access below the prefix; see systemd/mosquitto-acl.example"
        yield fail("broker rights", f"publishing on {topic} is refused (reason 0x{code:02X})", todo)
        return
    if session.hears(topic):
        yield ok("broker rights", "may publish and hear below its own prefix")
    else:
        todo = "give this user read access below the prefix; see systemd/mosquitto-acl.example"
        yield fail("broker rights", f"published on {topic} and did not hear it, though subscribed", todo)
    if not session.five:
        yield warn("broker 0x10", "MQTT 3.1.1 tells neither refusals nor missing listeners", "use a broker with MQTT 5")
    elif session.publish(f"{topic}/nobody") == _NO_MATCHING_SUBSCRIBERS:
        yield ok("broker 0x10", "says so where nobody listens")
    else:
        text = "does not say that nobody listens, or some client listens to everything"
        yield warn("broker 0x10", text, 'none needed: alarms nobody confirms as "received" escalate all the same')


class _Session:
    """One short connection. Every wait has an end."""

    def __init__(self, settings: Mqtt) -> None:
        self.five = settings.protocol == "5"
        self._results: queue.Queue[int | str] = queue.Queue()
        self._heard: queue.Queue[str] = queue.Queue()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"rfidguard-doctor-{secrets.token_hex(4)}",
            protocol=mqtt.MQTTv5 if self.five else mqtt.MQTTv311,
        )
        self.client.on_connect = self._on_connect
        self.client.on_connect_fail = lambda *_: self._results.put("no connection")
        self.client.on_subscribe = lambda *_: self._results.put(0)
        self.client.on_publish = self._on_publish
        self.client.on_message = lambda _client, _data, message: self._heard.put(message.topic)

    def result(self) -> int:
        try:
            result = self._results.get(timeout=_WAIT_S)
        except queue.Empty:
            raise _Refused(f"no answer within {_WAIT_S:g} s") from None
        if isinstance(result, str):
            raise _Refused(result)
        return result

    def subscribe(self, topic: str) -> None:
        self.client.subscribe(topic, qos=1)
        self.result()

    def publish(self, topic: str) -> int:
        """The reason code with which the broker took it: 0 fine, 0x10 nobody listens, from 0x80 on refused."""
        self.client.publish(topic, b"probe", qos=1)
        return self.result()

    def hears(self, topic: str) -> bool:
        try:
            return self._heard.get(timeout=_WAIT_S) == topic
        except queue.Empty:
            return False

    def _on_connect(self, _client: object, _data: object, _flags: object, reason: ReasonCode, _properties: object) -> None:
        self._results.put(f"refused: {reason}" if reason.is_failure else 0)

    def _on_publish(self, _client: object, _data: object, _mid: int, reason: ReasonCode, _props: Properties | None) -> None:
        self._results.put(int(reason.value))


@contextmanager
def _session(settings: Mqtt) -> Iterator[_Session]:
    session = _Session(settings)
    client = session.client
    url = urlsplit(settings.url)
    try:
        if settings.username is not None:
            password = settings.password_file.read_text("utf-8").strip() if settings.password_file else None
            client.username_pw_set(settings.username, password)
        if url.scheme == "mqtts":
            client.tls_set_context(_tls(settings))
        client.connect_timeout = _WAIT_S
        client.connect(url.hostname or "", url.port or (8883 if url.scheme == "mqtts" else 1883), keepalive=15)
    except (OSError, ValueError) as error:
        raise _Refused(str(error)) from error
    client.loop_start()
    try:
        session.result()
        yield session
    finally:
        client.disconnect()
        client.loop_stop()


def _tls(settings: Mqtt) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context
