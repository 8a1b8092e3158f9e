"""Finds out who calls, by bearer token or cookie, and refuses whoever has not the right."""

import re
from collections.abc import Awaitable, Callable

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from rfidguard.clock import Clock
from rfidguard.web.access import COOKIE, OPEN_NAME, RIGHTS, USER_HEADER, Access, Caller
from rfidguard.web.replies import Refused

_NAME = re.compile(r"[a-z0-9-]{1,64}")
_documented = HTTPBearer(
    auto_error=False,
    description=f"A token of an [[http.client]]. Where there are none everything is open, and {USER_HEADER} says who answers.",
)


class Gatekeeper:
    """Asked by every call but /healthz. Raises Refused: 401 unknown, 403 wrong scope, 422 bad name."""

    def __init__(self, access: Access, clock: Clock) -> None:
        self.access = access
        self.clock = clock

    def needs(self, right: str) -> Callable[..., Awaitable[Caller]]:
        """The dependency that gives the Caller; `right` is one of the words in rfidguard.web.access.RIGHTS."""

        async def caller(request: Request, _: HTTPAuthorizationCredentials | None = Depends(_documented)) -> Caller:  # noqa: B008
            return self.admit(request, right)

        return caller

    def admit(self, request: Request, right: str) -> Caller:
        """Who makes this request."""
        found = _open_caller(request) if self.access.open else self._known(request)
        check_right(found, right)
        return found

    def _known(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        cookie = request.cookies.get(COOKIE)
        found = None
        if scheme.lower() == "bearer":
            found = self.access.by_token(token.strip())
        elif cookie is not None:
            found = self.access.by_cookie(cookie, self.clock.now())
        if found is None:
            text = "this token or session is not known, or is over" if scheme or cookie else "a bearer token is needed"
            raise unknown(text)
        return found


def check_right(caller: Caller, right: str) -> None:
    """Raises Refused (403) unless the caller's scope has `right`."""
    if not caller.may(right):
        allowed = " or ".join(sorted(scope for scope, rights in RIGHTS.items() if right in rights))
        raise Refused(403, "wrong_scope", f"{caller.name} has the scope {caller.scope}; this needs {allowed}")


def unknown(text: str) -> Refused:
    """The refusal of a caller whom nobody knows."""
    return Refused(401, "token_needed", text, {"WWW-Authenticate": 'Bearer realm="rfidguard"'})


def _open_caller(request: Request) -> Caller:
    name = request.headers.get(USER_HEADER, OPEN_NAME)
    if not _NAME.fullmatch(name):
        raise Refused(422, "bad_name", f"{USER_HEADER} is 1 to 64 of a-z, 0-9 and -, not {name[:70]!a}")
    return Caller(name, "admin", proven=False)
