"""The newest payload of every retained topic that is no alarm: status, info, health, gates, devices, the index of alarms.
Announced anew on every connection, because brokers forget. Only the newest of a topic is ever sent.
"""

import threading
from collections.abc import Callable, Iterable

Payload = bytes | Callable[[], bytes]
"""As bytes, or made when it is sent."""


class StateBoard:
    """Set by any thread, sent by one."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        """`first`: topics that go before all others, in this order."""
        self._lock = threading.Lock()
        self._payloads: dict[str, Payload] = {}
        self._waiting: dict[str, None] = {}
        self._held: set[str] = set()
        self._first = tuple(first)

    def set(self, topic: str, payload: Payload) -> None:
        """The state of `topic` is now `payload`."""
        with self._lock:
            self._payloads[topic] = payload
            self._waiting.setdefault(topic)

    def again(self, topic: str) -> None:
        """`topic` did not arrive: it waits again."""
        with self._lock:
            self._waiting.setdefault(topic)

    def hold(self, topic: str) -> None:
        """The broker refuses `topic`: it waits for `release` or `all_again`."""
        with self._lock:
            self._held.add(topic)
            self._waiting.setdefault(topic)

    def release(self) -> None:
        """Held topics get another chance."""
        with self._lock:
            self._held.clear()

    def all_again(self) -> None:
        """Everything waits again, held topics too: the broker may have forgotten all."""
        with self._lock:
            self._held.clear()
            self._waiting = dict.fromkeys(self._payloads)

    def next(self, urgent: bool) -> tuple[str, bytes] | None:
        """Takes the next topic and its payload. `urgent`: only those that go first."""
        with self._lock:
            free = [topic for topic in self._first if topic in self._waiting and topic not in self._held]
            if not free and not urgent:
                free = [topic for topic in self._waiting if topic not in self._held][:1]
            if not free:
                return None
            del self._waiting[free[0]]
            payload = self._payloads[free[0]]
        return free[0], payload if isinstance(payload, bytes) else payload()

    def idle(self) -> bool:
        """True where nothing waits that may be sent."""
        with self._lock:
            return not (self._waiting.keys() - self._held)
