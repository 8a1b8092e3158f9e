"""A simulated till on the real wire, MQTT or HTTP: sends sale documents until they are confirmed, and heartbeats."""

import itertools
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rfidguard.alarm import utc_text
from rfidguard.clock import Clock, SystemClock
from rfidguard.errors import RfidguardError
from simulators.mqtt_client import Login, SimClient

RESEND_S = 2.0
HTTP_TIMEOUT_S = 5.0


class HttpLogin(msgspec.Struct, frozen=True):
    """Where sales are posted: `url` like http://127.0.0.1:8080, with a bearer token where the daemon wants one."""

    url: str
    token: str | None = None


class SimTill:
    """One lane. `start` and `stop`, or as a context manager. `posted`: every document and its last reply, in order."""

    def __init__(self, lane: str, login: Login | HttpLogin, site: str = "0001", clock: Clock | None = None) -> None:
        """`site` stands in the ids of documents only; over MQTT it is the login's."""
        self.lane = lane
        self.posted: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._login = login
        self._site = login.site if isinstance(login, Login) else site
        self._clock = clock or SystemClock()
        self._number = itertools.count(1)
        self._replies: dict[str, dict[str, Any]] = {}
        self._heard = threading.Condition()
        self._stop = threading.Event()
        self._beating: threading.Thread | None = None
        self._client = self._mqtt_client(login) if isinstance(login, Login) else None

    def start(self, heartbeat_s: float | None = None) -> None:
        """Connects (MQTT); `heartbeat_s`: sends a heartbeat that often, from now on."""
        if self._client is not None:
            self._client.start()
        if heartbeat_s is not None:
            self._beating = threading.Thread(target=self._beat, args=(heartbeat_s,), name=f"till-{self.lane}", daemon=True)
            self._beating.start()

    def stop(self) -> None:
        self._stop.set()
        if self._beating is not None:
            self._beating.join()
        if self._client is not None:
            self._client.stop()

    def __enter__(self) -> "SimTill":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def sell(
        self, epcs: Iterable[str] = (), gtins: Mapping[str, int] | None = None, kind: str = "sale", timeout_s: float = 20.0
    ) -> dict[str, Any]:
        """One sale (or return) of items by EPC and of articles by GTIN and quantity; the daemon's reply. Raises as `post`."""
        lines: list[dict[str, Any]] = [{"epc": epc} for epc in epcs]
        lines += [{"gtin": gtin, "quantity": quantity} for gtin, quantity in (gtins or {}).items()]
        return self.post(self.document(lines, kind), timeout_s)

    def void(self, ref: str, timeout_s: float = 20.0) -> dict[str, Any]:
        """Undoes the document `ref`."""
        return self.post({**self._head(), "kind": "void", "ref": ref}, timeout_s)

    def document(self, lines: Iterable[Mapping[str, Any]], kind: str = "sale") -> dict[str, Any]:
        """A sale document with a new id, as of now."""
        numbered = [{"line": number, **line} for number, line in enumerate(lines, 1)]
        return {**self._head(), "kind": kind, "lines": numbered}

    def post(self, document: Mapping[str, Any], timeout_s: float = 20.0) -> dict[str, Any]:
        """Sends the document again and again until there is a reply; a reply of any status ends it.

        Raises RfidguardError where none came within `timeout_s`: the same document may be posted again, it counts once.
        """
        until = self._clock.monotonic() + timeout_s
        reply: dict[str, Any] | None = None
        why = "no reply"
        while reply is None and not self._stop.is_set() and (left := until - self._clock.monotonic()) > 0:
            try:
                reply = self._send(document, min(left, RESEND_S))
            except OSError as error:
                why = str(error)
                self._stop.wait(min(left, 0.2))
        if reply is None:
            raise RfidguardError(f"document {document.get('id')!r} is not confirmed: {why}; post the same one again")
        self.posted.append((dict(document), reply))
        return reply

    def heartbeat(self) -> bool:
        """Says that this till is alive. False where nobody could be told."""
        body = {"at": utc_text(self._clock.now())}
        if self._client is not None:
            return self._client.publish(f"pos/{self.lane}/heartbeat", body)
        try:
            return self._send_http(body, HTTP_TIMEOUT_S) is not None
        except OSError:
            return False

    def _head(self) -> dict[str, Any]:
        now = self._clock.now()
        number = next(self._number)
        return {
            "id": f"{self._site}-{self.lane}-{round(now * 1000)}-{number}",
            "at": utc_text(now),
            "transaction": str(number),
            "lane": self.lane,
        }

    def _send(self, document: Mapping[str, Any], timeout_s: float) -> dict[str, Any] | None:
        """The reply, or None where there is none yet. Raises OSError where the daemon cannot be reached."""
        if self._client is None:
            return self._send_http(document, HTTP_TIMEOUT_S)
        name = str(document.get("id"))
        with self._heard:
            self._replies.pop(name, None)
        if not self._client.publish(f"pos/{self.lane}/sale", document):
            raise OSError(self._client.refusal or "the broker is not reached")
        with self._heard:
            self._heard.wait_for(lambda: name in self._replies, timeout_s)
            return self._replies.get(name)

    def _send_http(self, document: Mapping[str, Any], timeout_s: float) -> dict[str, Any] | None:
        assert isinstance(self._login, HttpLogin)
        headers = {"Content-Type": "application/json"}
        if self._login.token is not None:
            headers["Authorization"] = f"Bearer {self._login.token}"
        url = f"{self._login.url.rstrip('/')}/v1/sales"
        request = urllib.request.Request(url, json.dumps(document).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                return _reply(response.read(), response.status)
        except urllib.error.HTTPError as error:
            with error:
                if error.code >= 500 or error.code == 429:
                    raise OSError(f"HTTP {error.code}") from error
                return _reply(error.read(), error.code)

    def _mqtt_client(self, login: Login) -> SimClient:
        name = f"till-{login.site}-{self.lane}"
        return SimClient(login, name, (f"pos/{self.lane}/reply",), self._hear, lambda: None, None)

    def _hear(self, _topic: str, payload: bytes, _retained: bool) -> None:
        body = json.loads(payload)
        with self._heard:
            self._replies[str(body.get("id"))] = body
            self._heard.notify_all()

    def _beat(self, every_s: float) -> None:
        while not self._stop.is_set():
            self.heartbeat()
            self._stop.wait(every_s)


def _reply(data: bytes, status: int) -> dict[str, Any]:
    """The body as a reply; whatever is no reply (a proxy's error page, a refused token) counts as rejected."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if isinstance(body, dict) and "status" in body and status < 500:
        return body
    return {"id": None, "status": "rejected", "errors": [f"HTTP {status}: {data[:300].decode(errors='replace')}"]}
