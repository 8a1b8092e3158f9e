"""Shop systems that call a webhook, as they do it: signed bodies, and for Square the API that it is asked at in return."""

import base64
import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = "shpss_a-secret-of-the-shop"
TIME = "2026-11-22T10:14:02Z"


def signature(signed: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), signed, hashlib.sha256)).decode()


def shopify_call(topic: str, body: object, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a call by Shopify."""
    content = json.dumps(body).encode()
    return content, {"X-Shopify-Topic": topic, "X-Shopify-Hmac-Sha256": signature(content, secret)}


def shopify_order(number: int, *lines: dict[str, Any], **more: object) -> dict[str, Any]:
    return {
        "id": number, "name": f"#{number}", "device_id": 3,
        "source_name": "pos", "financial_status": "paid", "processed_at": TIME,
        "customer": {"first_name": "Frau", "last_name": "Geheim"},
        "line_items": [{"id": number * 10 + at, "quantity": 1, **line} for at, line in enumerate(lines)], **more,
    }  # fmt: skip


def square_call(called_at: str, body: object, secret: str = SECRET) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a call by Square, which signs the address too."""
    content = json.dumps(body).encode()
    return content, {"X-Square-HmacSha256-Signature": signature(called_at.encode() + content, secret)}


def square_payment(order: str, status: str = "COMPLETED") -> dict[str, Any]:
    return {"type": "payment.updated", "data": {"object": {"payment": {"order_id": order, "status": status}}}}


def square_order(name: str, *lines: dict[str, Any], **more: object) -> dict[str, Any]:
    items = [{"uid": f"L{at}", "quantity": "1", **line} for at, line in enumerate(lines)]
    return {"id": name, "state": "COMPLETED", "closed_at": TIME, "location_id": "HERE", "line_items": items, **more}


class SquareApi:
    """`orders` by id; `asked`: path and token of every call; `status`: what it answers with."""

    def __init__(self) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, call: BaseHTTPRequestHandler) -> None:
        self.asked.append((call.path, call.headers.get("Authorization", "")))
        order = self.orders.get(call.path.rpartition("/")[2])
        body = {"order": order} if order is not None else {"locations": []}
        content = json.dumps(body).encode()
        call.send_response(self.status)
        call.send_header("Content-Length", str(len(content)))
        call.end_headers()
        call.wfile.write(content)
