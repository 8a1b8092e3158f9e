"""One GET to another server: a time limit, a size limit, a bearer token from a file; every failure is DeviceLost in words."""

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from rfidguard.errors import DeviceLost

TIMEOUT_S = 20.0


class Answered(DeviceLost):
    """The server is there and says no; `code` is its HTTP status."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token is not carried to wherever an answer points."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def get(url: str, headers: Mapping[str, str], token_file: Path | None, limit_bytes: int) -> tuple[bytes, Mapping[str, str]]:
    """The body and the headers (lower case). Raises DeviceLost, Answered where the server says no."""
    sent = dict(headers)
    if token_file is not None:
        try:
            sent["Authorization"] = f"Bearer {token_file.read_text('utf-8').strip()}"
        except OSError as error:
            raise DeviceLost(f"{token_file} cannot be read: {error.strerror}") from error
    try:
        with _opener.open(urllib.request.Request(url, headers=sent), timeout=TIMEOUT_S) as reply:
            body = reply.read(limit_bytes + 1)
            if len(body) > limit_bytes:
                raise DeviceLost(f"the answer has more than {limit_bytes} bytes")
            return body, {name.lower(): value for name, value in reply.headers.items()}
    except urllib.error.HTTPError as error:
        raise Answered(error.code, f"the server answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise DeviceLost(f"the server cannot be reached: {getattr(error, 'reason', None) or error}") from error
