"""Sales in over HTTP: one document a call, stored before it is confirmed."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from rfidguard.intake import MAX_SALE_BYTES
from rfidguard.sale import SaleDocument
from rfidguard.web.access import Caller
from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.openapi import json_body
from rfidguard.web.replies import body_of
from rfidguard.web.services import Services

UNPROVEN_SOURCE = "http"
"""The source of sales where no clients are configured."""

_STATUS = {"stored": 200, "duplicate": 200}
_LANE = Query(pattern=r"^[^+#/\s]{1,64}$", description="The till's lane; the document may say it instead.")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Stored, or the same document was stored before: status is `stored` or `duplicate`."},
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
        reply = await run_in_threadpool(services.take_sale, payload, caller.name if caller.proven else UNPROVEN_SOURCE, lane)
        body = {"id": reply.id, "status": reply.status, "errors": list(reply.errors)}
        return JSONResponse(body, _STATUS.get(reply.status, 422))

    return router
