"""Alarms out and answers in over HTTP."""

import asyncio
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from rfidguard.alarm import OPEN_STATES, Alarm, alarm_message
from rfidguard.answer_document import MAX_ANSWER_BYTES, AnswerDocument
from rfidguard.answer_limits import RATE_LIMITED
from rfidguard.effects import AnswerJudged
from rfidguard.web.access import Caller
from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.openapi import json_body
from rfidguard.web.replies import Refused, body_of
from rfidguard.web.services import Services

JUDGED_WITHIN_S = 5.0

_PROBE = msgspec.json.Decoder(dict[str, Any])
_ANSWER_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Accepted, or a repeat of an accepted answer."},
    404: {"description": "There is no such alarm."},
    409: {"description": "Somebody was first: `reason`, `acknowledged_by` and `resolved_by` say who."},
    422: {"description": "The answer cannot be understood, or is stale: `reason` says why."},
    429: {"description": "Too many answers by this caller: `reason` is `rate_limited`."},
    503: {"description": "Not judged yet. Send the same answer (same id) again."},
}


def alarms_router(services: Services, gatekeeper: Gatekeeper) -> APIRouter:
    router = APIRouter(tags=["alarms"])
    see, answer = Depends(gatekeeper.needs("read")), gatekeeper.needs("answer")

    @router.get("/v1/alarms", summary="Open alarms, newest first; with all=true closed ones too", dependencies=[see])
    def get_alarms(
        include_closed: Annotated[bool, Query(alias="all")] = False,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        return _json([alarm_message(alarm) for alarm in services.list_alarms(include_closed, limit)])

    @router.get("/v1/alarms/{alarm_id}", summary="One alarm, open or closed", dependencies=[see])
    def get_alarm(alarm_id: str) -> Response:
        return _json(alarm_message(_known(services, alarm_id)))

    @router.post(
        "/v1/alarms/{alarm_id}/answers",
        responses=_ANSWER_ANSWERS,
        openapi_extra=json_body(AnswerDocument),
        summary="Answer an alarm",
    )
    async def post_answer(request: Request, alarm_id: str, caller: Annotated[Caller, Depends(answer)]) -> JSONResponse:
        payload = _for_alarm(await body_of(request, MAX_ANSWER_BYTES), alarm_id)
        await run_in_threadpool(_known, services, alarm_id)
        judged = await _judged(services, payload, caller.name)
        return _verdict(judged, await run_in_threadpool(services.get_alarm, alarm_id))

    return router


def _json(body: Any) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")


def _known(services: Services, alarm_id: str) -> Alarm:
    alarm = services.get_alarm(alarm_id)
    if alarm is None:
        raise Refused(404, "unknown_alarm", f"no alarm has the id {alarm_id[:40]!r}")
    return alarm


def _for_alarm(payload: bytes, alarm_id: str) -> bytes:
    """The answer with the path's alarm in it. Raises Refused for what is no JSON object or names another alarm."""
    try:
        body = _PROBE.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(422, "bad_answer", f"an answer is one JSON object: {error}") from error
    if body.setdefault("alarm", alarm_id) != alarm_id:
        raise Refused(422, "bad_answer", "`alarm` in the answer is not the alarm in the path; leave it out, or make them equal")
    return msgspec.json.encode(body)


async def _judged(services: Services, payload: bytes, by: str) -> AnswerJudged:
    future = await run_in_threadpool(services.submit_answer, payload, by)
    try:
        return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(future)), JUDGED_WITHIN_S)
    except TimeoutError as error:
        text = "the answer is not judged yet; send it again with the same id to hear the verdict"
        raise Refused(503, "unavailable", text, {"Retry-After": "1"}) from error


def _verdict(judged: AnswerJudged, alarm: Alarm | None) -> JSONResponse:
    body: dict[str, Any] = {"id": judged.id, "status": judged.status, "reason": judged.reason}
    if judged.status == "accepted":
        return JSONResponse(body)
    reason = judged.reason or ""
    if reason.startswith(RATE_LIMITED):
        return JSONResponse(body, 429, {"Retry-After": "1"})
    if alarm is None:
        return JSONResponse(body, 404)
    first = reason.startswith("already") or (reason.startswith("unknown_alarm") and alarm.state not in OPEN_STATES)
    if first:
        body |= {"state": alarm.state, "acknowledged_by": alarm.acknowledged_by, "resolved_by": alarm.resolved_by}
    return JSONResponse(body, 409 if first else 422)
