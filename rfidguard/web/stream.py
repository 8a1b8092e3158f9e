"""The stream of server-sent events that the staff page lives on.

A snapshot comes first, and again whenever changes were lost: a client that comes back needs no Last-Event-ID.
"""

import logging
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError

from rfidguard.alarm import OPEN_STATES, alarm_message, utc_text
from rfidguard.errors import RfidguardError
from rfidguard.web.access import Caller
from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.live import CLOSED, QUIET, RESYNC, Signal, Subscription
from rfidguard.web.replies import Refused
from rfidguard.web.services import Services

log = logging.getLogger(__name__)
BEAT_S = 5.0
"""A silent stream says so often that it is alive; the staff page calls the connection lost after more than two of these."""

MAX_STREAMS = 64
_OPEN_LIMIT = 500
_CLOSED_LIMIT = 20
_ABOUT = "Events: `snapshot` {at, open, closed}, `alarm` (a message as on event/alarm), `beat` {at}."


class Streams:
    """Every open stream. All of it runs on the server's event loop."""

    def __init__(self, services: Services, beat_s: float = BEAT_S) -> None:
        self._services = services
        self._beat_s = beat_s
        self._open: set[Subscription] = set()

    @property
    def count(self) -> int:
        """How many streams are open now."""
        return len(self._open)

    def close(self) -> None:
        """Ends them all, so that the server can stop."""
        for changes in tuple(self._open):
            changes.close()

    async def events(self, caller: Caller) -> AsyncIterator[bytes]:
        """Blocks of text/event-stream until the client leaves, its cookie is over, the database fails or the server stops."""
        changes = self._services.subscribe()
        self._open.add(changes)
        try:
            yield b"retry: 1000\n\n"
            yield await self._snapshot()
            while caller.until is None or self._services.clock.now() < caller.until:
                change = await changes.next(self._beat_s)
                if change is CLOSED:
                    return
                yield await self._block(change)
        except (RfidguardError, SQLAlchemyError, TimeoutError) as error:
            log.warning("a stream of events ended: %s", error)
        finally:
            changes.close()
            self._open.discard(changes)

    async def _block(self, change: bytes | Signal) -> bytes:
        if isinstance(change, bytes):
            return _event("alarm", change)
        if change is RESYNC:
            return await self._snapshot()
        assert change is QUIET
        return b": beat\n" + _event("beat", msgspec.json.encode({"at": utc_text(self._services.clock.now())}))

    async def _snapshot(self) -> bytes:
        return _event("snapshot", await run_in_threadpool(_snapshot_body, self._services))


def stream_router(streams: Streams, gatekeeper: Gatekeeper) -> APIRouter:
    router = APIRouter(tags=["alarms"])
    see = gatekeeper.needs("read")

    @router.get("/v1/events", summary="Alarms as they change", description=_ABOUT, response_class=StreamingResponse)
    async def get_events(caller: Annotated[Caller, Depends(see)]) -> StreamingResponse:
        if streams.count >= MAX_STREAMS:
            raise Refused(503, "too_many_streams", f"{MAX_STREAMS} streams are open, no more are served", {"Retry-After": "5"})
        return StreamingResponse(streams.events(caller), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


def _snapshot_body(services: Services) -> bytes:
    open_alarms = [alarm for alarm in services.list_alarms(False, _OPEN_LIMIT) if alarm.told]
    latest = [alarm for alarm in services.list_alarms(True, _CLOSED_LIMIT + len(open_alarms)) if alarm.told]
    closed = [alarm for alarm in latest if alarm.state not in OPEN_STATES][:_CLOSED_LIMIT]
    body = {
        "at": utc_text(services.clock.now()),
        "open": [alarm_message(alarm) for alarm in open_alarms],
        "closed": [alarm_message(alarm) for alarm in closed],
    }
    return msgspec.json.encode(body)


def _event(name: str, body: bytes) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + body + b"\n\n"
