"""What state the shop is in: open or closed by its hours, and whether stock is being counted, by schedule or by hand."""

from collections.abc import Callable

import msgspec
from sqlalchemy import Connection, select

from rfidguard.config import Site
from rfidguard.opening import Opening
from rfidguard.schema import snapshots
from rfidguard.upsert import insert_into

COUNT_S = 4 * 3600.0
"""A count that nobody ends is over by then: a forgotten one must not blind the gates."""
LONGEST_COUNT_S = 86_400.0
_NAME = "stock_count"


class SiteHours:
    """The hours of the configuration."""

    def __init__(self, site: Site) -> None:
        zone = site.zone()
        self._open = None if site.open is None else Opening(site.open, zone).is_open
        self._counting = None if site.counting is None else Opening(site.counting, zone).is_open

    def is_open(self, now: float, margin_s: float = 0.0) -> bool | None:
        """None where no hours are configured."""
        return None if self._open is None else self._open(now, margin_s)

    def is_counting(self, now: float, until: float) -> bool:
        """`until`: when a count that was begun by hand ends."""
        return now < until or (self._counting is not None and self._counting(now))


def begin_count(conn: Connection, now: float, seconds: float = COUNT_S) -> float:
    """From now on stock is being counted. When that is taken to be over (Unix seconds)."""
    until = now + min(seconds, LONGEST_COUNT_S)
    _keep(conn, now, until)
    return until


def end_count(conn: Connection, now: float) -> None:
    """The count that was begun by hand is over."""
    _keep(conn, now, 0.0)


def count_until(conn: Connection) -> float:
    """When a count that was begun by hand ends (Unix seconds); 0: there is none."""
    body = conn.execute(select(snapshots.c.body).where(snapshots.c.name == _NAME)).scalar()
    return 0.0 if body is None else msgspec.json.decode(body, type=float)


def site_lines(hours: SiteHours, now: float, until: float, local: Callable[[float], str]) -> list[str]:
    """For people. `local`: Unix seconds in words."""
    is_open = hours.is_open(now)
    doors = "no opening hours are configured (site.open)" if is_open is None else f"the shop is {'open' if is_open else 'closed'}"
    if not hours.is_counting(now, until):
        return [doors, "no stock count is in progress"]
    by_hand = f"until {local(until)}, or rfidguard site count --end" if now < until else "by schedule (site.counting)"
    return [doors, f"stock is being counted ({by_hand}): the gates watch and do not ring"]


def _keep(conn: Connection, now: float, until: float) -> None:
    body = msgspec.json.encode(until)
    statement = insert_into(conn, snapshots).values(name=_NAME, at=now, body=body)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": now, "body": body}))
