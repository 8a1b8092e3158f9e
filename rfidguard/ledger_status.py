"""How the ledger stands: what it holds, from whom, and when each till was last heard."""

from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from typing import Any

import msgspec
from sqlalchemy import Connection

from rfidguard.alarm import utc_text
from rfidguard.catalogue_db import FULL, StockCount, catalogue_mark, last_counts
from rfidguard.config import Config, LedgerPolicy
from rfidguard.credit_time import credit_time
from rfidguard.dead_letter import buried
from rfidguard.exit_tally import DAYS, Passed, advice, passed_lately
from rfidguard.feed_standing import Standing, standing_message, standings
from rfidguard.intake import last_heard, last_sales
from rfidguard.ledger_db import Tally, tallies
from rfidguard.ledger_items_db import folded_items, newest_fold
from rfidguard.walk_watch import known_walks


class LedgerStatus(msgspec.Struct, frozen=True):
    """Tallies by source and kind; lane -> last heartbeat and last sale (Unix seconds); refused inputs by reason."""

    tallies: list[Tally]
    heartbeats: dict[str, float]
    sales: dict[str, float]
    refused: dict[str, int]
    articles: int = 0
    counts: dict[str, StockCount] = {}
    passed: Passed = Passed()
    folded: tuple[int, float] | None = None
    """Items whose story is folded, and before when (Unix seconds)."""
    walks: dict[int, float] = {}
    feeds: list[Standing] = []


def ledger_status(conn: Connection, config: Config, now: float) -> LedgerStatus:
    """Reads it, at `now` (Unix seconds)."""
    today = _local(now, config.site.zone())[:10]
    return LedgerStatus(
        tallies(conn), last_heard(conn), last_sales(conn), buried(conn),
        catalogue_mark(conn)[0], last_counts(conn), passed_lately(conn, today),
        _folded(conn), known_walks(conn), standings(conn, config, now),
    )  # fmt: skip


def _folded(conn: Connection) -> tuple[int, float] | None:
    done = newest_fold(conn)
    return None if done is None else (folded_items(conn), done[0])


def status_message(status: LedgerStatus, policy: LedgerPolicy) -> dict[str, Any]:
    """The status as a JSON object."""
    ttl = credit_time(status.walks, policy)
    return {
        "credit_ttl": {"seconds": ttl.seconds, "learned": ttl.learned, "walks": ttl.walks},
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
        "feeds": [standing_message(feed) for feed in status.feeds],
        "refused": status.refused,
        "folded": None if status.folded is None else {"items": status.folded[0], "before": _text(status.folded[1])},
        "articles": status.articles,
        "stock_counts": {
            scope: {"at": _text(count.at), "items": count.items, "source": count.source} for scope, count in status.counts.items()
        },
        "passed": {
            "days": DAYS, "sold": status.passed.sold, "unsold": status.passed.unsold, "unknown": status.passed.unknown,
            "foreign": status.passed.foreign,
            "known_share": status.passed.known_share, "sold_share": status.passed.sold_share,
        },
    }  # fmt: skip


def status_lines(status: LedgerStatus, zone: tzinfo, policy: LedgerPolicy) -> list[str]:
    """The status for people, times in the shop's zone. `policy` is to fit it."""
    more = [*_fold_line(status, zone), *_heard(status, zone), *_stock(status, zone), *_passed(status, policy.unknown_epc)]
    if not status.tallies:
        return ["the ledger is empty" if status.folded is None else "no record is younger than what was folded", *more]
    first = min(tally.first_at for tally in status.tallies)
    last = max(tally.last_at for tally in status.tallies)
    return [
        f"{_total(status.tallies)} records, from {_local(first, zone)} to {_local(last, zone)}",
        *(
            f"  {tally.source or '(no source)'}: {tally.records} {tally.kind}, last {_local(tally.last_at, zone)}"
            for tally in status.tallies
        ),
        *more,
        f"  {credit_time(status.walks, policy).text}",
    ]


def _fold_line(status: LedgerStatus, zone: tzinfo) -> Iterable[str]:
    if status.folded is not None:
        items, before = status.folded
        yield f"  {items} items keep their last state of before {_local(before, zone)}; the records are folded"


def _stock(status: LedgerStatus, zone: tzinfo) -> Iterable[str]:
    if status.articles:
        yield f"  {status.articles} articles in the catalogue"
    for scope, count in sorted(status.counts.items(), reverse=True):
        yield f"  {scope} stock count of {count.items} items, {_local(count.at, zone)} ({count.source})"


def _passed(status: LedgerStatus, unknown_epc: str) -> Iterable[str]:
    passed = status.passed
    if not passed.total and not passed.foreign:
        return
    yield (
        f"  through the gates in {DAYS} days: {passed.sold} items sold, {passed.unsold} unsold,"
        f" {passed.unknown} that the ledger does not know; {passed.foreign} foreign goods"
    )
    yield f"  {advice(passed, unknown_epc, FULL in status.counts)[1]}"


def _heard(status: LedgerStatus, zone: tzinfo) -> Iterable[str]:
    for lane in sorted({*status.heartbeats, *status.sales}):
        heard = [
            f"last {word} {_local(times[lane], zone)}"
            for word, times in (("heartbeat", status.heartbeats), ("sale", status.sales))
            if lane in times
        ]
        yield f"  {f'lane {lane}' if lane else 'no lane'}: {', '.join(heard)}"
    for feed in status.feeds:
        if feed.driver is not None or feed.stale is not None:
            yield _feed_line(feed, zone)
    for reason, count in sorted(status.refused.items()):
        yield f"  {count} refused inputs kept: {reason}"


def _feed_line(feed: Standing, zone: tzinfo) -> str:
    """A configured feed, or a till that is silent."""
    if feed.driver is None:
        return f"  {feed.name} is silent: {feed.stale}"
    told = [f"last answer {_local(feed.answered_at, zone)}" if feed.answered_at else "not heard yet"]
    told += [f"last sale {_local(feed.sale_at, zone)}"] if feed.sale_at else []
    told += [f"heard {feed.lag_s:.0f} s late"] if feed.lag_s is not None else []
    told += [f"silent: {feed.stale}"] if feed.stale else []
    if feed.refused is not None:
        told += [f"{feed.refused.total} refused ({', '.join(f'{n} {why}' for why, n in sorted(feed.refused.reasons.items()))})"]
    return f"  feed {feed.name} ({feed.driver}): {', '.join(told)}"


def _total(found: list[Tally]) -> int:
    return sum(tally.records for tally in found)


def _text(at: float | None) -> str | None:
    return None if at is None else utc_text(at)


def _local(at: float, zone: tzinfo) -> str:
    return datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
