"""A simulated handheld on the real wire: hears alarms, says `received` at once, and answers by script as staff would.

It loses nothing: its session is durable, open alarms are retained, and an answer is sent again until the daemon has replied.
"""

import heapq
import itertools
import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

import msgspec

from rfidguard.alarm import OPEN_STATES, OUTCOMES, utc_text
from rfidguard.clock import Clock, SystemClock
from rfidguard.errors import RfidguardError
from simulators.mqtt_client import Login, SimClient, Will

RESEND_S = 2.0


class Script(msgspec.Struct, frozen=True):
    """What the person does with each alarm, seconds after it rang; None = never."""

    received: bool = True
    acknowledge_after_s: float | None = None
    resolve_after_s: float | None = None
    outcome: str = "recovered"


class Heard(msgspec.Struct, frozen=True):
    """One message about an alarm. `at`: Unix seconds of receipt; `body` is None where a retained alarm was emptied."""

    at: float
    topic: str
    retained: bool
    body: dict[str, Any] | None


def script_of(answer: str | None, after_s: float = 0.0) -> Script:
    """ "acknowledge" or "resolve[:OUTCOME]" as a script that does so `after_s` seconds after the alarm.

    Raises RfidguardError with the known words.
    """
    action, _, outcome = (answer or "").partition(":")
    if outcome and (action != "resolve" or outcome not in OUTCOMES):
        raise RfidguardError(f"no answer is called {answer!r}; outcomes of resolve: {', '.join(OUTCOMES)}")
    match action:
        case "":
            return Script()
        case "acknowledge":
            return Script(acknowledge_after_s=after_s)
        case "resolve":
            return Script(acknowledge_after_s=after_s / 2, resolve_after_s=after_s, outcome=outcome or "recovered")
        case _:
            raise RfidguardError(f"no answer is called {answer!r}; known: acknowledge, resolve, resolve:OUTCOME")


class SimHandheld:
    """`start`, `stop`; `changed` is notified whenever something was heard. Lists only grow and may be read by any thread."""

    def __init__(
        self, login: Login, user: str, script: Script | None = None, clock: Clock | None = None,
        tell: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:  # fmt: skip
        """`tell(what, body)` is called for each event, state, answer and reply, in the order in which they happen."""
        self.user = user
        self.script = script or Script()
        self.heard: list[Heard] = []
        self.events: list[Heard] = []
        self.open: dict[str, dict[str, Any]] = {}
        self.answers: list[dict[str, Any]] = []
        self.replies: dict[str, dict[str, Any]] = {}
        self.changed = threading.Condition()
        self._clock = clock or SystemClock()
        self._tell = tell or (lambda _what, _body: None)
        self._seen: set[str] = set()
        self._revisions: set[tuple[str, int, str]] = set()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._stop = threading.Event()
        offline = json.dumps({"state": "offline"}).encode()
        subscriptions = ("alarm/#", "event/alarm", f"handheld/{user}/reply")
        will = Will(f"handheld/{user}/presence", offline)
        self._client = SimClient(login, f"handheld-{login.site}-{user}", subscriptions, self._hear, self._greet, will)
        self._thread = threading.Thread(target=self._live, name=f"handheld-{user}", daemon=True)

    def start(self) -> None:
        self._client.start()
        self._thread.start()

    def stop(self) -> None:
        """Says offline and disconnects; what is rung meanwhile waits at the broker."""
        self._client.publish(f"handheld/{self.user}/presence", self._presence("offline"), retain=True)
        self._stop.set()
        with self.changed:
            self.changed.notify_all()
        self._thread.join()
        self._client.stop()

    def vanish(self) -> None:
        """Out of range, without a word; comes back by itself."""
        self._client.vanish()

    def connected(self) -> bool:
        return self._client.connected()

    @property
    def refusal(self) -> str | None:
        """Why the broker does not let it in; None where it does."""
        return self._client.refusal

    def answer(self, alarm: str, action: str, outcome: str | None = None) -> str:
        """Sends an answer, again and again until it is replied to. Returns its id."""
        body = {"id": str(uuid.uuid4()), "alarm": alarm, "action": action, "at": utc_text(self._clock.now())}
        if outcome is not None:
            body["outcome"] = outcome
        with self.changed:
            self.answers.append(body)
        self._tell("answer", body)
        self._send(body)
        return body["id"]

    def wait_for(self, condition: Callable[["SimHandheld"], Any], timeout_s: float = 20.0) -> bool:
        """Waits until `condition(self)` holds; False where it did not within `timeout_s`."""
        with self.changed:
            return self.changed.wait_for(lambda: bool(condition(self)), timeout_s)

    def _greet(self) -> None:
        self._client.publish(f"handheld/{self.user}/presence", self._presence("online"), retain=True)

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        body = json.loads(payload) if payload else None
        if topic.endswith("/reply"):
            self._take_reply(body or {})
            return
        heard = Heard(self._clock.now(), topic, retained, body)
        with self.changed:
            self.heard.append(heard)
            fresh = self._note(heard)
        if fresh and body is not None:
            self._tell("event" if topic == "event/alarm" else "state", body)
            self._play(body)
        with self.changed:
            self.changed.notify_all()

    def _note(self, heard: Heard) -> bool:
        """Takes the message in; False for one that was heard before (consumers de-duplicate on id and revision)."""
        if heard.topic != "event/alarm":
            name = heard.topic.removeprefix("alarm/")
            if heard.body is None:
                self.open.pop(name, None)
                return False
            self.open[name] = heard.body
        body = heard.body or {}
        mark = (body.get("id", ""), body.get("revision", 0), body.get("event_type", ""))
        if mark in self._revisions:
            return False
        self._revisions.add(mark)
        if heard.topic == "event/alarm":
            self.events.append(heard)
        return True

    def _play(self, alarm: dict[str, Any]) -> None:
        """The script, once per alarm that rings here, however often and on whatever topic it is heard."""
        name = alarm["id"]
        if name in self._seen or alarm["state"] not in OPEN_STATES or self.user not in alarm.get("to", [self.user]):
            return
        self._seen.add(name)
        if self.script.received:
            self.answer(name, "received")
        if self.script.acknowledge_after_s is not None:
            self._later(self.script.acknowledge_after_s, lambda: self.answer(name, "acknowledge"))
        if self.script.resolve_after_s is not None:
            self._later(self.script.resolve_after_s, lambda: self.answer(name, "resolve", self.script.outcome))

    def _take_reply(self, body: dict[str, Any]) -> None:
        with self.changed:
            self.replies.setdefault(body.get("id") or "", body)
            self.changed.notify_all()
        self._tell("reply", body)

    def _send(self, body: dict[str, Any]) -> None:
        if body["id"] not in self.replies:
            self._client.publish(f"handheld/{self.user}/ack", body)
            self._later(RESEND_S, lambda: self._send(body))

    def _later(self, seconds: float, do: Callable[[], Any]) -> None:
        with self.changed:
            heapq.heappush(self._due, (self._clock.monotonic() + seconds, next(self._order), do))
            self.changed.notify_all()

    def _live(self) -> None:
        while not self._stop.is_set():
            with self.changed:
                due = self._due[0][0] - self._clock.monotonic() if self._due else None
                if due is None or due > 0:
                    self.changed.wait(due)
                    continue
                do = heapq.heappop(self._due)[2]
            do()

    def _presence(self, state: str) -> dict[str, Any]:
        return {"state": state, "at": utc_text(self._clock.now())}
