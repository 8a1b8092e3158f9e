"""The connection to a NATS server. The client library is asyncio; it lives on a thread of its own and is called from others."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import nats
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from rfidguard.errors import DeviceLost

log = logging.getLogger(__name__)
T = TypeVar("T")

CALL_S = 15.0
CONNECT_S = 3.0
ANSWER_S = 5.0
"""How long the server has to confirm something."""
PORT = 4222
CLOSING_S = 0.2


class NatsLink:
    """`call` from any thread; `client` inside what is called. `set_up` is done on each new connection."""

    def __init__(self, url: str, name: str, ca_file: Path | None, set_up: Callable[[Any], Awaitable[None]]) -> None:
        self._url, self._name, self._ca_file, self._set_up = url, name, ca_file, set_up
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = threading.Lock()
        self._connecting = asyncio.Lock()
        self._client: Any = None

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float = CALL_S) -> T:
        """Runs `work` on the client's thread. Raises DeviceLost where it fails or takes longer than `timeout_s`."""
        future = asyncio.run_coroutine_threadsafe(work, self._running_loop())
        try:
            return future.result(timeout_s)
        except NoRespondersError as error:
            text = "no box answers questions; set chain.answer = true on one that hears all, or chain.ask_s = 0 here"
            raise DeviceLost(text) from error
        except (FutureTimeout, TimeoutError) as error:
            future.cancel()
            raise DeviceLost(f"the centre {self._host()} does not answer within {timeout_s:g} s") from error
        except (NatsError, OSError) as error:
            raise DeviceLost(f"the centre {self._host()} cannot be used: {str(error) or type(error).__name__}") from error

    async def client(self) -> Any:
        """The connected client. Raises OSError where there is no server now."""
        async with self._connecting:
            if self._client is None or not self._client.is_connected:
                await self._connect()
        return self._client

    def close(self) -> None:
        with self._starting:
            loop, self._loop = self._loop, None
        if loop is not None:
            asyncio.run_coroutine_threadsafe(self._end(), loop)

    async def _connect(self) -> None:
        """One try. The library's own reconnecting is off: it keeps calls waiting that are better told that it is away."""
        if self._client is not None:
            await self._client.close()
        self._client = None
        client = await asyncio.wait_for(
            nats.connect(
                self._url, allow_reconnect=False, max_reconnect_attempts=0, connect_timeout=CONNECT_S, name=self._name,
                tls=self._tls(), error_cb=_heard,
            ),
            CONNECT_S,
        )  # fmt: skip
        await self._set_up(client)
        self._client = client

    async def _end(self) -> None:
        loop = asyncio.get_running_loop()
        if self._client is not None:
            await self._client.close()
        loop.call_later(CLOSING_S, loop.stop)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._live, args=(self._loop,), name="chain nats", daemon=True).start()
            return self._loop

    def _live(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_forever()
        loop.close()

    def _host(self) -> str:
        parts = urlsplit(self._url)
        return f"{parts.hostname}:{parts.port or PORT}"

    def _tls(self) -> ssl.SSLContext | None:
        if not self._url.startswith("tls://"):
            return None
        return ssl.create_default_context(cafile=str(self._ca_file) if self._ca_file else None)


async def _heard(error: Exception) -> None:
    """What the client library would print; whoever calls hears of it by an exception."""
    log.debug("nats: %s", error)
