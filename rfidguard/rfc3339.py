"""Times as outside programs write them: RFC 3339 with a zone, to Unix seconds. Pure."""

import re
from datetime import datetime

_FORM = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LEAP_SECOND = 60


def unix_seconds(text: str) -> float:
    """ "2026-11-22T10:14:02.5+01:00" -> Unix seconds. Raises ValueError that says how to mend it."""
    found = _FORM.fullmatch(text)
    if found is None:
        zone = " (the zone is missing)" if _FORM.fullmatch(f"{text}Z") else ""
        raise ValueError(f"must be an RFC 3339 time with zone, like 2026-11-22T10:14:02Z, not {text[:40]!r}{zone}")
    day, minute, second, fraction, zone = found.groups()
    leap = int(second) == _LEAP_SECOND
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}:{'59' if leap else second}{zone.upper().replace('Z', '+00:00')}")
    except ValueError as error:
        raise ValueError(f"{text!r} is no time: {error}") from error
    return moment.timestamp() + leap + float(fraction or 0)
