"""Asks an EPCIS 2.0 repository for what it recorded since the last time (standard, sections 12.7 and 12.8).

Recording times leave gaps (an event may be recorded while a later one is already told), so that each poll goes back a little;
what is told twice is a duplicate.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
from pydantic import AfterValidator, Field, StringConstraints

from rfidguard.feeds.contract import Context, Page, PollSettings
from rfidguard.feeds.epcis_json import epcis_json_taken
from rfidguard.feeds.http_get import Answered, get
from rfidguard.record_intake import RecordCounts

MAX_PAGE_BYTES = 16_000_000
FORGOTTEN = (400, 404, 410)
"""What a token that is too old is answered with."""
_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*rel="?next"?')
_HEADERS = {"Accept": "application/json", "GS1-EPCIS-Version": "2.0.0", "GS1-CBV-Version": "2.0.0"}


def _time(text: str) -> str:
    if not _zoned(text):
        raise ValueError(f"must be a time with a zone, like 2026-11-22T00:00:00Z, not {text!r}")
    return text


class EpcisSettings(PollSettings):
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s?#]+$")]
    """Where the repository's events are, like https://epcis.example/v2/events."""
    token_file: Path | None = None
    parameters: dict[str, str] = Field(default_factory=dict)
    """More parameters of the query, like EQ_bizLocation."""
    per_page: int = Field(500, ge=1, le=10_000)
    overlap_s: float = Field(60.0, ge=0, le=86_400)
    start: Annotated[str, AfterValidator(_time)] | None = None
    """The first recording time of interest, like 2026-11-22T00:00:00Z; else from the beginning."""


class EpcisPoll:
    """A Source. The cursor: since when, the newest recording time seen, and the token of the next page where there is one."""

    Settings = EpcisSettings
    proves_life = True

    def __init__(self, settings: EpcisSettings, context: Context) -> None:
        self._settings, self._context = settings, context

    def poll(self, cursor: str | None) -> Page:
        """One page. Raises DeviceLost; RefusedInput where the answer is no EPCIS document."""
        since, newest, token = json.loads(cursor) if cursor else (self._settings.start, None, None)
        body, headers = self._asked(since, token)
        taken = tuple(epcis_json_taken(body)) if body.strip() else ()
        newest = max([time for time in (newest, _newest(body)) if time is not None], default=None, key=datetime.fromisoformat)
        follows = _next_token(headers.get("link", ""))
        if follows is not None and follows != token:
            return Page(taken, json.dumps([since, newest, follows]), more=True)
        return Page(taken, json.dumps([self._back(since, newest), None, None]))

    def stored(self, page: Page, counts: RecordCounts) -> None:
        """The repository keeps no account of us."""

    def close(self) -> None:
        """Nothing is kept open between two polls."""

    def doctor(self) -> str:
        """Raises DeviceLost, RefusedInput."""
        return f"{self._settings.url} answers with {len(self.poll(None).taken)} entries"

    def _asked(self, since: str | None, token: str | None) -> tuple[bytes, Mapping[str, str]]:
        """A page; the first one again where the repository does not know the token any more."""
        try:
            return self._got(since, token)
        except Answered as error:
            if token is None or error.code not in FORGOTTEN:
                raise
        return self._got(since, None)

    def _got(self, since: str | None, token: str | None) -> tuple[bytes, Mapping[str, str]]:
        return get(self._address(since, token), _HEADERS, self._settings.token_file, MAX_PAGE_BYTES)

    def _address(self, since: str | None, token: str | None) -> str:
        query = {**self._settings.parameters, "perPage": str(self._settings.per_page)}
        query |= {"orderBy": "recordTime", "orderDirection": "ASC"}
        query |= {"GE_recordTime": since} if since else {}
        query |= {"nextPageToken": token} if token else {}
        return f"{self._settings.url}?{urlencode(query)}"

    def _back(self, since: str | None, newest: str | None) -> str | None:
        """Where the next poll begins; never before this one did."""
        if newest is None:
            return since
        back = datetime.fromisoformat(newest) - timedelta(seconds=self._settings.overlap_s)
        return max([since, back.isoformat()] if since else [back.isoformat()], key=datetime.fromisoformat)


def _newest(body: bytes) -> str | None:
    """The greatest recordTime with a zone in a page."""
    times = []
    for event in _event_list(body):
        text = event.get("recordTime") if isinstance(event, dict) else None
        if isinstance(text, str) and _zoned(text):
            times.append(text)
    return max(times, default=None, key=datetime.fromisoformat)


def _zoned(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _event_list(body: bytes) -> list[Any]:
    try:
        found: Any = msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, RecursionError):
        return []
    for step in ("epcisBody", "queryResults", "resultsBody", "eventList"):
        if isinstance(found, dict):
            found = found.get(step, found)
    return found if isinstance(found, list) else []


def _next_token(link: str) -> str | None:
    """The token of the next page. Only it is taken from the address: whom we ask is not for the answer to say."""
    found = _NEXT.search(link)
    tokens = parse_qs(urlsplit(found[1]).query).get("nextPageToken") if found else None
    return tokens[0] if tokens else None
