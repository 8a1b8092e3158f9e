"""The session: the staff page swaps a token for a cookie that its scripts cannot read."""

from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from rfidguard.web.access import COOKIE, OPEN_NAME, SESSION_S, Access, Caller
from rfidguard.web.gatekeeper import Gatekeeper, check_right, unknown
from rfidguard.web.replies import Refused, body_of

MAX_SIGN_IN_BYTES = 4096
_SIGN_IN: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "object", "required": ["token"], "properties": {"token": {"type": "string"}}}}
        },
    }
}


class _SignIn(msgspec.Struct):
    token: str


_json_sign_in = msgspec.json.Decoder(_SignIn)


def session_router(gatekeeper: Gatekeeper) -> APIRouter:
    """`/v1/session`: GET who is signed in, POST signs in (JSON or a form's `token`), DELETE signs out."""
    router = APIRouter(tags=["staff page"])

    @router.get("/v1/session", summary="Who the page is signed in as")
    async def get_session(caller: Annotated[Caller, Depends(gatekeeper.needs("page"))]) -> JSONResponse:
        return JSONResponse({"name": caller.name, "scope": caller.scope, "open": not caller.proven})

    @router.post("/v1/session", summary="Swap a token for a cookie", openapi_extra=_SIGN_IN)
    async def post_session(request: Request) -> Response:
        form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        body = await body_of(request, MAX_SIGN_IN_BYTES)
        try:
            caller = _signed_in(gatekeeper.access, _token_of(body, form))
        except Refused as refused:
            if form:
                return RedirectResponse(f"/?refused={refused.code}", 303)
            raise
        reply = RedirectResponse("/", 303) if form else JSONResponse({"name": caller.name, "scope": caller.scope})
        if caller.proven:
            _set_cookie(reply, gatekeeper.access.cookie_for(caller, gatekeeper.clock.now()), request)
        return reply

    @router.delete("/v1/session", status_code=204, summary="Sign this device out")
    async def delete_session() -> Response:
        reply = Response(status_code=204)
        reply.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return reply

    return router


def _token_of(body: bytes, form: bool) -> str:
    if form:
        return parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()
    try:
        return _json_sign_in.decode(body).token.strip()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(422, "bad_sign_in", f'send {{"token": "…"}}: {error}') from error


def _signed_in(access: Access, token: str) -> Caller:
    if access.open:
        return Caller(OPEN_NAME, "admin", proven=False)
    caller = access.by_token(token)
    if caller is None:
        raise unknown("this token is not known")
    check_right(caller, "page")
    return caller


def _set_cookie(reply: Response, value: str, request: Request) -> None:
    secure = request.url.scheme == "https"
    reply.set_cookie(COOKIE, value, max_age=SESSION_S, path="/", httponly=True, samesite="strict", secure=secure)
