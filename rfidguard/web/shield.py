"""What holds for every call: security headers, no foreign web page as caller, and a count of every answer by status."""

from collections import Counter
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rfidguard.web.access import is_loopback
from rfidguard.web.replies import refusal

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_HEADERS = {
    "Content-Security-Policy": _CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Shield:
    """ASGI middleware. `answers` counts (method, route, status); a route is its pattern, so that no caller can make it grow."""

    def __init__(self, app: ASGIApp, *, answers: Counter[tuple[str, str, str]], loopback_only: bool) -> None:
        self._app = app
        self._answers = answers
        self._loopback_only = loopback_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"])
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                for name, value in _HEADERS.items():
                    headers[name] = value
            await send(message)

        why = self._stranger(Headers(scope=scope), scope["method"])
        target = self._app if why is None else refusal(403, "foreign_page", why)
        await target(scope, receive, dressed)

    def _stranger(self, headers: Headers, method: str) -> str | None:
        """Why the call comes from a web page that is not ours (cross-site request or DNS rebinding); None if it does not."""
        host = headers.get("host", "")
        if self._loopback_only and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return f"without [[http.client]] entries this server answers to loopback names only, not to {host!r}"
        origin = headers.get("origin")
        if origin is not None and method not in ("GET", "HEAD") and urlsplit(origin).netloc.lower() != host.lower():
            return f"a page of {origin} may not act here"
        return None

    def _count(self, scope: Scope, status: int) -> None:
        route = scope.get("route")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._answers[(method, getattr(route, "path", "other"), str(status))] += 1
