"""What a box hears from its chain goes to disk in one transaction with the place to go on from, then to the core."""

import re
from collections.abc import Iterable, Sequence
from functools import partial

import msgspec
from sqlalchemy import Connection

from rfidguard import crash_points
from rfidguard.catalogue_db import leave_word
from rfidguard.chain.contract import Shared
from rfidguard.chain.sharing import as_told, left_out, renamed
from rfidguard.driver import Emit
from rfidguard.effects import BindCredit
from rfidguard.epc import credit_key, identify
from rfidguard.events import Ledger, Lookup
from rfidguard.feeds.feed_store import NEWS_S, move
from rfidguard.intake import hear, not_in_the_future
from rfidguard.ledger import BOUND
from rfidguard.ledger_db import bind_credit, records_for, store_records
from rfidguard.store import Store

FEED = "chain"
"""The name under which the centre's news counts as a feed."""
_BINDING = re.compile(r"(.+)#(\d{1,9})@([0-9A-F]+):.+")
"""The name of a binding, see `ledger.binding`."""


class Member(msgspec.Struct, frozen=True):
    """Who this box is in its chain."""

    site: str
    box: str
    region: str
    vital: bool = False


class Heard(msgspec.Struct, frozen=True):
    """New records, new bindings of credits, and how many records could not be kept, by reason."""

    records: tuple[Ledger, ...] = ()
    bound: tuple[Ledger, ...] = ()
    refused: dict[str, int] = {}


def take_shared(
    store: Store, shared: Sequence[Shared], me: Member, cursor: str | None, now: float, emit: Emit, *, asked: bool = False
) -> Heard:
    """Stores what is new and tells the core of it. Raises StoreUnavailable: bring the same again.

    What this box told itself comes back to one that has lost its database; to any other it is a duplicate.
    `asked`: the answer to a question about items in view, news to the core whatever its age.
    """
    told = renamed(shared, me.site)
    crash_points.reached("feed_before_commit")
    heard = store.write(partial(_store, told=told, me=me, cursor=cursor, now=now)).result()
    crash_points.reached("feed_after_commit")
    for record in heard.records:
        if asked or now - record.at < NEWS_S:
            emit(record)
    for record in heard.bound:
        if now - record.at < NEWS_S:
            emit(_about_credit(store, record, now))
    too_long = left_out(shared, me.site)
    return msgspec.structs.replace(heard, refused={**heard.refused, "name_too_long": too_long}) if too_long else heard


def known_here(store: Store, keys: Iterable[str], me: Member) -> list[Shared]:
    """What this box knows of ledger keys, for others who ask."""
    records = store.read(partial(records_for, keys=list(keys)))
    return [as_told(record, me.site, me.box, me.region) for record in records if record.kind != BOUND]


def _store(conn: Connection, *, told: list[Ledger], me: Member, cursor: str | None, now: float) -> Heard:
    records = not_in_the_future([record for record in told if record.kind != BOUND], now)
    statuses = store_records(conn, records, now, tell=False)
    fresh = [record for record, status in zip(records, statuses, strict=True) if status == "stored"]
    bindings = [(record, _bound_by(record)) for record in told if record.kind == BOUND]
    bound = [record for record, effect in bindings if effect is not None and bind_credit(conn, effect, tell=False)]
    odd = sum(effect is None for _, effect in bindings)
    if any(now - record.at >= NEWS_S for record in fresh):
        leave_word(conn, now)
    if me.vital:
        hear(conn, source=FEED, lane="", now=now, column="heartbeat_at")
    if cursor is not None or fresh:
        move(conn, FEED, cursor, now, fresh)
    return Heard(tuple(fresh), tuple(bound), {"no_binding": odd} if odd else {})


def _bound_by(record: Ledger) -> BindCredit | None:
    """None where the record only calls itself a binding."""
    found = _BINDING.fullmatch(record.id)
    if found is None or (record.ref, record.epc) != (found[1], found[3]):
        return None
    return BindCredit(found[1], int(found[2]), found[3], record.at)


def _about_credit(store: Store, record: Ledger, now: float) -> Lookup:
    """Everything of the article whose credit was used: the core hears it where it follows that article."""
    key = credit_key(identify(record.epc or "00").gtin or "")
    return Lookup(at=now, keys=(key,), records=tuple(store.read(partial(records_for, keys=[key], credits_since=now - NEWS_S))))
