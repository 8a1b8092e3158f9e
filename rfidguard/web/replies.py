"""Refusals of the web server, all in one form: {"error": code, "detail": text}; and bodies read with a limit."""

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from rfidguard.errors import RefusedInput, RfidguardError

log = logging.getLogger(__name__)
RETRY_AFTER_S = 2
_POLITE = 8
"""A body too large is read up to so many times its limit before it is refused: many clients only then listen."""

_CODES = {401: "token_needed", 403: "forbidden", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


class Refused(RfidguardError):
    """The call is refused with `status`; `code` is a short word for programs, the text is for people."""

    def __init__(self, status: int, code: str, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.headers = headers


def refusal(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """The one form of every refusal."""
    return JSONResponse({"error": code, "detail": text}, status, headers)


async def body_of(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises Refused (413) above `limit_bytes`; of such a body no more than the limit is ever kept."""
    kept, seen = bytearray(), 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen <= limit_bytes:
            kept += chunk
        elif seen > limit_bytes * _POLITE:
            break
    if seen > limit_bytes:
        raise Refused(413, "too_large", f"a document has at most {limit_bytes} bytes; send its parts one by one")
    return bytes(kept)


def add_handlers(app: FastAPI) -> None:
    """Every error that a call may end in, in the one form."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _bad_parameters)
    app.add_exception_handler(RefusedInput, _refused_input)
    for kind in (RfidguardError, SQLAlchemyError, TimeoutError):
        app.add_exception_handler(kind, _unavailable)


async def _refused(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return refusal(error.status, error.code, str(error), error.headers)


async def _refused_input(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RefusedInput)
    return refusal(422, error.reason, str(error))


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = _CODES.get(error.status_code, "refused")
    return refusal(error.status_code, code, str(error.detail), dict(error.headers or {}))


async def _bad_parameters(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return refusal(422, "bad_parameter", "; ".join(_said(found) for found in error.errors()))


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("%s %s answered 503: %s", request.method, request.url.path, error)
    text = "the database does not answer now; nothing was confirmed, send it again"
    return refusal(503, "unavailable", text, {"Retry-After": str(RETRY_AFTER_S)})


def _said(found: dict[str, Any]) -> str:
    return f"{'.'.join(str(part) for part in found['loc'][1:])}: {found['msg']}"
