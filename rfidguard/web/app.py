"""The HTTP side of the daemon, put together: API, staff page, health and metrics."""

from collections import Counter

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse, Response

from rfidguard import __version__
from rfidguard.metrics import CONTENT_TYPE, Family, exposition, gauge
from rfidguard.web.access import Access
from rfidguard.web.alarms import alarms_router
from rfidguard.web.capture import capture_router
from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.hooks import hooks_router
from rfidguard.web.openapi import openapi_of
from rfidguard.web.replies import add_handlers
from rfidguard.web.sales import sales_router
from rfidguard.web.services import Services
from rfidguard.web.session import session_router
from rfidguard.web.shield import Shield
from rfidguard.web.staff_page import page_router
from rfidguard.web.stream import BEAT_S, Streams, stream_router

_ABOUT = "Sales in, alarms out, answers back. Everything but /healthz needs a bearer token where [[http.client]] entries exist."


def create_app(services: Services, access: Access | None = None, beat_s: float = BEAT_S) -> FastAPI:
    """The ASGI application. `access` None: open to everybody who reaches it, by a loopback name only.

    `beat_s`: how often a silent event stream says that it is alive; the staff page waits 12 s for it.
    `app.state.streams` holds the open event streams; WebServer ends them when it stops.
    """
    access = access or Access()
    app = FastAPI(title="rfidguard", version=__version__, description=_ABOUT, docs_url=None, redoc_url=None, openapi_url=None)
    answers: Counter[tuple[str, str, str]] = Counter()
    gatekeeper = Gatekeeper(access, services.clock)
    streams = Streams(services, beat_s)
    app.state.streams = streams
    app.include_router(sales_router(services, gatekeeper))
    app.include_router(capture_router(services, gatekeeper))
    app.include_router(hooks_router(services))
    app.include_router(alarms_router(services, gatekeeper))
    app.include_router(stream_router(streams, gatekeeper))
    app.include_router(page_router(gatekeeper))
    app.include_router(session_router(gatekeeper))
    _add_health(app, services, gatekeeper, answers)
    add_handlers(app)
    app.add_middleware(Shield, answers=answers, loopback_only=access.open)
    return app


def _add_health(app: FastAPI, services: Services, gatekeeper: Gatekeeper, answers: Counter[tuple[str, str, str]]) -> None:
    reader = [Depends(gatekeeper.needs("read"))]

    @app.head("/healthz", include_in_schema=False)
    @app.get("/healthz", tags=["health"], summary="This process answers; needs no token")
    async def get_healthz() -> JSONResponse:
        return JSONResponse({"status": "alive"})

    @app.get(
        "/readyz",
        tags=["health"],
        summary="200 while everything configured works; 503 with reasons otherwise",
        dependencies=reader,
    )
    def get_readyz() -> JSONResponse:
        ready, reasons = services.ready()
        body = {"ready": ready, "reasons": dict(reasons), "health": dict(services.health())}
        return JSONResponse(body, 200 if ready else 503)

    @app.get("/metrics", tags=["health"], summary="Prometheus text", response_class=Response, dependencies=reader)
    def get_metrics() -> Response:
        own = [_answered(answers), gauge("rfidguard_http_streams", "Open event streams", app.state.streams.count)]
        return Response(exposition([*services.counters(), *own]), media_type=CONTENT_TYPE)

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(gatekeeper.needs("any"))])
    def get_openapi() -> JSONResponse:
        return JSONResponse(openapi_of(app))


def _answered(answers: Counter[tuple[str, str, str]]) -> Family:
    values: dict[tuple[str, ...], float] = {key: float(count) for key, count in dict(answers).items()}
    return Family("rfidguard_http_requests", "counter", "Calls answered", ("method", "route", "status"), values)
