"""Changes of alarms on their way to browsers: any thread publishes, each client has its own bounded queue on the event loop.

A client that is too slow loses its queue, is told so (RESYNC) and begins again with a snapshot; nobody else waits for it.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from typing import Any

import msgspec


class Signal(Enum):
    """What a subscription may say instead of a change."""

    QUIET = "nothing happened for as long as was asked"
    RESYNC = "changes were lost; read everything again"
    CLOSED = "there will be no more"


RESYNC = Signal.RESYNC
QUIET = Signal.QUIET
CLOSED = Signal.CLOSED


class Broadcast:
    """Hands every published change to every subscriber. `publish` and `close` may be called from any thread and never wait."""

    def __init__(self, queue_limit: int = 256) -> None:
        self._queue_limit = queue_limit
        self._lock = threading.Lock()
        self._subscriptions: set[Subscription] = set()
        self._closed = False
        self.published = 0
        self.resyncs = 0

    def publish(self, change: Mapping[str, Any]) -> None:
        """`change` is a transition message (rfidguard.alarm.transition_message). It is encoded once, for all clients."""
        body = msgspec.json.encode(change)
        with self._lock:
            self.published += 1
            for subscription in self._subscriptions:
                self.resyncs += subscription._offer(body, self._queue_limit)

    def subscribe(self) -> "Subscription":
        """All changes from now on. Must be called on the event loop that will read it."""
        subscription = Subscription(self, asyncio.get_running_loop())
        with self._lock:
            if self._closed:
                subscription._end()
            else:
                self._subscriptions.add(subscription)
        return subscription

    def close(self) -> None:
        """Ends every subscription, and those to come."""
        with self._lock:
            self._closed = True
            for subscription in self._subscriptions:
                subscription._end()
            self._subscriptions.clear()

    @property
    def listeners(self) -> int:
        """How many clients are subscribed now."""
        return len(self._subscriptions)

    def _leave(self, subscription: "Subscription") -> None:
        with self._lock:
            self._subscriptions.discard(subscription)


class Subscription:
    """One client's queue of changes. `next` belongs to the event loop it was made on; leave with `close`."""

    def __init__(self, owner: Broadcast, loop: asyncio.AbstractEventLoop) -> None:
        self._owner = owner
        self._loop = loop
        self._waiting: deque[bytes] = deque()
        self._lost = False
        self._ended = False
        self._news = asyncio.Event()

    async def next(self, timeout_s: float) -> bytes | Signal:
        """The next change as JSON, or a Signal. RESYNC comes before the changes that followed the loss."""
        try:
            async with asyncio.timeout(timeout_s):
                while (taken := self._take()) is QUIET:
                    await self._news.wait()
                return taken
        except TimeoutError:
            return QUIET

    def close(self) -> None:
        """No more changes are wanted."""
        self._owner._leave(self)
        self._ended = True
        self._news.set()

    def _take(self) -> bytes | Signal:
        with self._owner._lock:
            self._news.clear()
            if self._ended:
                return CLOSED
            if self._lost:
                self._lost = False
                return RESYNC
            return self._waiting.popleft() if self._waiting else QUIET

    def _offer(self, body: bytes, limit: int) -> bool:
        """Under the owner's lock, on any thread. True if the queue was full and had to be thrown away."""
        full = len(self._waiting) >= limit
        if full:
            self._waiting.clear()
            self._lost = True
        self._waiting.append(body)
        self._wake()
        return full

    def _end(self) -> None:
        """Under the owner's lock, on any thread."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody is left to wake
            self._loop.call_soon_threadsafe(self._news.set)
