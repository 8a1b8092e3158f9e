"""How the ledger stands: what it holds, from whom, and when each till was last heard."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
from sqlalchemy import Connection

from rfidguard.alarm import utc_text
from rfidguard.dead_letter import buried
from rfidguard.intake import last_heard, last_sales
from rfidguard.ledger_db import Tally, tallies


class LedgerStatus(msgspec.Struct, frozen=True):
    """Tallies by source and kind; lane -> last heartbeat and last sale (Unix seconds); refused inputs by reason."""

    tallies: list[Tally]
    heartbeats: dict[str, float]
    sales: dict[str, float]
    refused: dict[str, int]


def ledger_status(conn: Connection) -> LedgerStatus:
    """Reads it."""
    return LedgerStatus(tallies(conn), last_heard(conn), last_sales(conn), buried(conn))


def status_message(status: LedgerStatus) -> dict[str, Any]:
    """The status as a JSON object."""
    return {
        "records": _total(status.tallies),
        "first_at": _text(min((tally.first_at for tally in status.tallies), default=None)),
        "last_at": _text(max((tally.last_at for tally in status.tallies), default=None)),
        "sources": [
            {"source": tally.source, "kind": tally.kind, "records": tally.records, "first_at": _text(tally.first_at),
             "last_at": _text(tally.last_at), "recorded_at": _text(tally.recorded_at)}
            for tally in status.tallies
        ],
        "lanes": {
            lane: {"heartbeat_at": _text(status.heartbeats.get(lane)), "sale_at": _text(status.sales.get(lane))}
            for lane in sorted({*status.heartbeats, *status.sales})
        },
        "refused": status.refused,
    }  # fmt: skip


def status_lines(status: LedgerStatus, zone: tzinfo) -> list[str]:
    """The status for people, times in the shop's zone."""
    if not status.tallies:
        return ["the ledger is empty", *_heard(status, zone)]
    first = min(tally.first_at for tally in status.tallies)
    last = max(tally.last_at for tally in status.tallies)
    return [
        f"{_total(status.tallies)} records, from {_local(first, zone)} to {_local(last, zone)}",
        *(
            f"  {tally.source or '(no source)'}: {tally.records} {tally.kind}, last {_local(tally.last_at, zone)}"
            for tally in status.tallies
        ),
        *_heard(status, zone),
    ]


def _heard(status: LedgerStatus, zone: tzinfo) -> Iterable[str]:
    for lane in sorted({*status.heartbeats, *status.sales}):
        heard = [
            f"last {word} {_local(times[lane], zone)}"
            for word, times in (("heartbeat", status.heartbeats), ("sale", status.sales))
            if lane in times
        ]
        yield f"  {f'lane {lane}' if lane else 'no lane'}: {', '.join(heard)}"
    for reason, count in sorted(status.refused.items()):
        yield f"  {count} refused inputs kept: {reason}"


def _total(found: list[Tally]) -> int:
    return sum(tally.records for tally in found)


def _text(at: float | None) -> str | None:
    return None if at is None else utc_text(at)


def _local(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
