"""Sales in over HTTP: one document a call, stored before it is confirmed."""

import logging
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from rfidguard.intake import MAX_SALE_BYTES
from rfidguard.sale import SaleDocument
from rfidguard.web.access import Caller
from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.openapi import json_body
from rfidguard.web.replies import Refused, body_of
from rfidguard.web.services import Services

log = logging.getLogger(__name__)

UNPROVEN_SOURCE = "http"
"""The source of sales where no clients are configured."""


class _Said(msgspec.Struct):
    lane: str | None = None


_probe = msgspec.json.Decoder(_Said)
_STATUS = {"stored": 200, "duplicate": 200}
_LANE = Query(pattern=r"^[^+#/\s]{1,64}$", description="The till's lane; the document may say it instead.")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Stored, or the same document was stored before: status is `stored` or `duplicate`."},
    403: {"description": "The token is not for this, or the till asks for a lane that is not its own."},
    413: {"description": "The document is larger than 1 MB."},
    422: {"description": "Rejected: `errors` says what is wrong and where. Nothing was stored."},
    503: {"description": "The database does not answer; nothing was confirmed. Send the same document again."},
}


def sales_router(services: Services, gatekeeper: Gatekeeper) -> APIRouter:
    router = APIRouter(tags=["sales"])
    till = gatekeeper.needs("sales")

    @router.post(
        "/v1/sales", responses=_ANSWERS, openapi_extra=json_body(SaleDocument), summary="Report one sale, return or void"
    )
    async def post_sale(
        request: Request,
        caller: Annotated[Caller, Depends(till)],
        lane: Annotated[str | None, _LANE] = None,
    ) -> JSONResponse:
        payload = await body_of(request, MAX_SALE_BYTES)
        proven = _proven_lane(caller, lane, payload)
        reply = await run_in_threadpool(services.take_sale, payload, caller.name if caller.proven else UNPROVEN_SOURCE, proven)
        body = {"id": reply.id, "status": reply.status, "errors": list(reply.errors)}
        return JSONResponse(body, _STATUS.get(reply.status, 422))

    return router


def _proven_lane(caller: Caller, asked: str | None, payload: bytes) -> str | None:
    """The lane that the sale is taken for: a till's own, whatever it says. A document that says another is then refused.

    Raises Refused where the address asks for a lane that is not the caller's.
    """
    if asked is not None and not caller.owns_lane(asked):
        log.warning("%s asked to report a sale of lane %r, which is not its own", caller.name, asked)
        raise Refused(403, "wrong_lane", f"{caller.name} may not report sales of lane {asked!r}; see its [[http.client]] lanes")
    if asked is not None or caller.lane is None:
        return asked
    said = _said_lane(payload)
    return said if said is not None and caller.owns_lane(said) else caller.lane


def _said_lane(payload: bytes) -> str | None:
    try:
        return _probe.decode(payload).lane
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
