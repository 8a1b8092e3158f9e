"""Whole documents of other systems over HTTP: EPCIS 2.0 capture and POSLog, stored before they are confirmed."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from rfidguard.feeds.capture import MAX_CAPTURE_BYTES, MAX_POSLOG_BYTES, CaptureReply
from rfidguard.web.access import Caller
from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.replies import body_of
from rfidguard.web.sales import UNPROVEN_SOURCE
from rfidguard.web.services import Services

_BEHAVIOUR = Header(
    alias="GS1-Capture-Error-Behaviour",
    pattern="^(rollback|proceed)$",
    description="rollback: one bad event and nothing is stored. proceed: the good ones are.",
)


def capture_router(services: Services, gatekeeper: Gatekeeper) -> APIRouter:
    router = APIRouter(tags=["sales"])
    till = gatekeeper.needs("sales")

    @router.post(
        "/v1/capture",
        responses=_answers(MAX_CAPTURE_BYTES),
        openapi_extra=_body("application/ld+json", "application/json", "application/xml"),
        summary="Report what happened to goods, as EPCIS 2.0 (JSON-LD or XML)",
    )
    async def post_capture(
        request: Request,
        caller: Annotated[Caller, Depends(till)],
        behaviour: Annotated[str, _BEHAVIOUR] = "rollback",
    ) -> JSONResponse:
        payload = await body_of(request, MAX_CAPTURE_BYTES)
        proceed = behaviour == "proceed"
        return _answer(await run_in_threadpool(services.take_capture, payload, _source(caller), caller.lane, proceed))

    @router.post(
        "/v1/poslog",
        responses=_answers(MAX_POSLOG_BYTES),
        openapi_extra=_body("application/xml"),
        summary="Report transactions of tills, as POSLog XML",
    )
    async def post_poslog(request: Request, caller: Annotated[Caller, Depends(till)]) -> JSONResponse:
        payload = await body_of(request, MAX_POSLOG_BYTES)
        return _answer(await run_in_threadpool(services.take_poslog, payload, _source(caller), caller.owns_lane))

    return router


def _source(caller: Caller) -> str:
    return caller.name if caller.proven else UNPROVEN_SOURCE


def _answer(reply: CaptureReply) -> JSONResponse:
    return JSONResponse(msgspec.to_builtins(reply), 422 if reply.status == "rejected" else 200)


def _body(*kinds: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {kind: {} for kind in kinds}}}


def _answers(limit_bytes: int) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"description": "Stored, or all was stored before; `passed_over` counts what is no sale, `rejected` what is wrong."},
        413: {"description": f"The document is larger than {limit_bytes // 1_000_000} MB."},
        422: {"description": "Rejected: `errors` says what is wrong and where. Nothing was stored."},
        503: {"description": "The database does not answer; not all was confirmed. Send the same document again."},
    }
