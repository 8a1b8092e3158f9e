"""uvicorn in a thread of its own: bound before it starts, ended within seconds, watched by its heartbeat."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvicorn
from fastapi import FastAPI

from rfidguard.clock import Clock
from rfidguard.errors import RfidguardError
from rfidguard.pulse import late_s

log = logging.getLogger(__name__)
START_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 5.0
HUNG_S = 30.0
_GRACE_S = 2
_MAX_CONNECTIONS = 256


class WebServer:
    """Serves `app` on host and port; 0 takes a free one. `beat_at`: monotonic time of its loop's last beat, one each second."""

    def __init__(self, app: FastAPI, host: str, port: int, clock: Clock, tls: ssl.SSLContext | None = None) -> None:
        """`tls`: https with this context (rfidguard.web.tls); None: http."""
        self._tls = tls
        self._app = app
        self._host = host
        self._clock = clock
        self._wanted_port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self.port = port
        self.beat_at = clock.monotonic()

    @property
    def url(self) -> str:
        """Where it can be reached, "http://127.0.0.1:8080"."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://[{self._host}]:{self.port}" if ":" in self._host else f"{scheme}://{self._host}:{self.port}"

    @property
    def alive(self) -> bool:
        """True while it serves."""
        return self._thread is not None and self._thread.is_alive()

    def late_s(self, now: float) -> float:
        """How long its loop is over its deadline at `now` (monotonic). Where it does not serve at all it is not late: it may
        have no port.
        """
        thread = self._thread
        return late_s(thread, self.beat_at, now, HUNG_S) if thread is not None and thread.is_alive() else 0.0

    def start(self) -> None:
        """Binds, then serves; returns once calls are answered. Raises RfidguardError where the address cannot be used."""
        listener = self._bound()
        self._server = _Server(self._config())
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name="web", daemon=True)
        self._thread.start()
        if not self._server.ready.wait(START_TIMEOUT_S) or not self._server.started:
            self.stop()
            raise RfidguardError(f"the web server did not start on {self._host}:{self.port}; see the log")
        log.info("web server listens on %s", self.url)

    def stop(self) -> None:
        """Ends the event streams, then the server. Safe to call twice, and before `start`."""
        server, thread = self._server, self._thread
        if server is None or thread is None:
            return
        server.end(self._app.state.streams.close)
        thread.join(STOP_TIMEOUT_S)
        if thread.is_alive():
            log.warning("the web server did not end within %s s", STOP_TIMEOUT_S)

    def _bound(self) -> socket.socket:
        try:
            family, _, _, _, address = socket.getaddrinfo(
                self._host, self._wanted_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            listener = socket.create_server(address[:2], family=family)
        except OSError as error:
            raise RfidguardError(
                f"[http] listen: cannot listen on {self._host}:{self._wanted_port}: {error.strerror or error}; "
                "another program may use the port, or the address is not of this machine"
            ) from error
        self.port = int(listener.getsockname()[1])
        return listener

    def _config(self) -> uvicorn.Config:
        return _Config(
            self._tls,
            self._app,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_notify=1,
            callback_notify=self._beat,
        )

    async def _beat(self) -> None:
        self.beat_at = self._clock.monotonic()

    def _run(self, server: "_Server", listener: socket.socket) -> None:
        try:
            server.run(sockets=[listener])
        except Exception:
            log.exception("the web server failed")
        finally:
            listener.close()
            server.ready.set()


class _Config(uvicorn.Config):
    """uvicorn's settings with a TLS context made elsewhere."""

    def __init__(self, tls: ssl.SSLContext | None, app: FastAPI, **settings: Any) -> None:
        super().__init__(app, **settings)
        self._tls = tls

    def load(self) -> None:
        super().load()
        self.ssl = self._tls


class _Server(uvicorn.Server):
    """A uvicorn that says when it answers and can be ended from another thread."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.ready.set()

    def end(self, close_streams: Callable[[], None]) -> None:
        """Asks for the end, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(close_streams)
