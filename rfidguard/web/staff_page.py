"""The staff page: its files, kept in memory. Who is not signed in gets the sign-in form."""

import hashlib
from importlib.resources import files

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from rfidguard.web.gatekeeper import Gatekeeper
from rfidguard.web.replies import Refused

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}


class PageFile(msgspec.Struct, frozen=True):
    """One file of the page in memory, with its media type and an ETag."""

    body: bytes
    media_type: str
    etag: str

    def reply(self, request: Request, status: int = 200, extra: dict[str, str] | None = None) -> Response:
        """The file; 304 to a browser that has it already."""
        headers = {**(extra or {}), "ETag": self.etag, "Cache-Control": "no-cache"}
        if status == 200 and request.headers.get("if-none-match") == self.etag:
            return Response(status_code=304, headers=headers)
        return Response(self.body, status, headers, self.media_type)


def load_page() -> dict[str, PageFile]:
    """File name -> file, of everything in rfidguard/web/page."""
    entries = [entry for entry in files("rfidguard.web").joinpath("page").iterdir() if entry.is_file()]
    return {entry.name: _page_file(entry.name, entry.read_bytes()) for entry in entries if _suffix(entry.name) in _TYPES}


def page_router(gatekeeper: Gatekeeper) -> APIRouter:
    """`/`, and its files below `/page/`."""
    router = APIRouter(tags=["staff page"])
    page = load_page()

    @router.get("/", include_in_schema=False)
    async def get_page(request: Request) -> Response:
        try:
            gatekeeper.admit(request, "page")
        except Refused as refused:
            return page["sign-in.html"].reply(request, refused.status, refused.headers)
        return page["index.html"].reply(request)

    @router.get("/page/{name}", include_in_schema=False)
    async def get_file(request: Request, name: str) -> Response:
        if name not in page:
            raise Refused(404, "not_found", f"the page has no file {name[:80]!a}")
        return page[name].reply(request)

    return router


def _page_file(name: str, body: bytes) -> PageFile:
    return PageFile(body, _TYPES[_suffix(name)], f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]
