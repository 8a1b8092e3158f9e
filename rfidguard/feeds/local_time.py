"""Times of tills, with a zone or in the shop's own. Pure."""

from datetime import datetime, tzinfo

from rfidguard.rfc3339 import unix_seconds

EARLIEST_AT = 978_307_200.0
"""2001-01-01: a clock that nobody set stands in 1970, 1980 or on 2000-01-01."""

NO_CLOCK = "is before 2001: is the clock set?"
_SKEW_S = 60.0


def local_seconds(text: str, zone: tzinfo, now: float) -> float:
    """Unix seconds of an xs:dateTime. Raises ValueError.

    A time without zone is local to `zone`. In the hour that comes twice in autumn the later reading counts, unless that
    is still to come: of a till's sales, the newest decide at the gate.
    """
    text = text.strip()
    try:
        return unix_seconds(text)
    except ValueError as error:
        moment = _naive(text, error)
    first, second = (moment.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    return second if first < second <= now + _SKEW_S else first


def _naive(text: str, error: ValueError) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise error from None
    if moment.tzinfo is not None or len(text) < len("2026-11-22T10:14"):
        raise error
    return moment
