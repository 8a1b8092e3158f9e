"""A small EPCIS repository on a real port: events with recording times, told page by page by token (EPCIS 2.0, 12.7 and 12.8)."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from feed_documents import ARTICLES, epcis_document, epcis_event


class Repository:
    """`asked`: every query. `failing`: the statuses of the next answers; `garbage`: bodies that the next answers have instead.

    `forgets`: whether it knows no token any more.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.asked: list[dict[str, str]] = []
        self.failing: list[int] = []
        self.garbage: list[bytes] = []
        self.forgets = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v2/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def record(self, serial: int, time: str, **more: object) -> None:
        """A sale that was recorded at `time`."""
        event = epcis_event("sale", [(ARTICLES[0], serial)], "2026-11-22T10:14:02Z", 0, eventID=f"urn:uuid:{serial}")
        self.events.append({**event, "recordTime": time, **more})

    def tokens(self) -> list[str | None]:
        """The tokens of all queries so far."""
        return [query.get("nextPageToken") for query in self.asked]

    def _answer(self, call: BaseHTTPRequestHandler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(call.path).query).items()}
        self.asked.append({**query, "authorization": call.headers.get("Authorization", "")})
        if "nextPageToken" in query and self.forgets:
            return self._say(call, 400, b"{}")
        if self.failing:
            return self._say(call, self.failing.pop(0), b"")
        if self.garbage:
            return self._say(call, 200, self.garbage.pop(0))
        since, size = query.get("GE_recordTime", ""), int(query["perPage"])
        known = sorted((e for e in self.events if e["recordTime"][:19] >= since[:19]), key=lambda e: e["recordTime"])
        start = int(query.get("nextPageToken", "0"))
        body = json.dumps(epcis_document(known[start : start + size], query=True)).encode()
        return self._say(call, 200, body, start + size if start + size < len(known) else None)

    def _say(self, call: BaseHTTPRequestHandler, status: int, body: bytes, follows: int | None = None) -> None:
        call.send_response(status)
        if follows is not None:
            call.send_header("Link", f'<https://elsewhere.example/events?nextPageToken={follows}>; rel="next"')
        call.send_header("Content-Length", str(len(body)))
        call.end_headers()
        call.wfile.write(body)
