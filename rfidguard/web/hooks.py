"""Webhooks of shop systems: proved by their signature instead of a token."""

import msgspec
from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from rfidguard.intake import MAX_SALE_BYTES
from rfidguard.web.replies import body_of
from rfidguard.web.services import Services

_ANSWERS: dict[int | str, dict[str, object]] = {
    200: {"description": "Taken: stored, known already, nothing for this shop, or kept as refused; `rejected` counts by reason."},
    401: {"description": "The signature is missing or wrong."},
    404: {"description": "No [[feed]] of this name is called."},
    413: {"description": "The call is larger than 1 MB."},
    503: {"description": "Not now: the database or the shop system's own API does not answer. Send it again."},
}


def hooks_router(services: Services) -> APIRouter:
    router = APIRouter(tags=["sales"])

    @router.post("/v1/hooks/{feed}", responses=_ANSWERS, summary="A webhook of the shop system that [[feed]] names")
    async def post_hook(request: Request, feed: str) -> JSONResponse:
        payload = await body_of(request, MAX_SALE_BYTES)
        headers = {name.lower(): value for name, value in request.headers.items()}
        reply = await run_in_threadpool(services.take_hook, feed, headers, payload)
        return JSONResponse({name: value for name, value in msgspec.to_builtins(reply).items() if name != "code"}, reply.code)

    return router
