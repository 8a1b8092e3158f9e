"""An item's story for people: every record of it in order of time, and what the ledger says of it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from rfidguard.alarm import utc_text
from rfidguard.catalogue_db import articles_for
from rfidguard.epc import Identity, credit_key, identify, normal_epc, normal_gtin
from rfidguard.errors import ConfigError, RefusedInput
from rfidguard.events import Article, Ledger
from rfidguard.layout import Layout
from rfidguard.ledger import BOUND, FOREIGN, LedgerAnswer, answer, document_of, record_key
from rfidguard.ledger_db import records_for

_GTIN_LENGTHS = (8, 12, 13, 14)


class Story(msgspec.Struct, frozen=True):
    """What is known of `identity` at time `at`; `name` is how a person would call it."""

    name: str
    identity: Identity
    at: float
    answer: LedgerAnswer
    records: tuple[Ledger, ...]
    article: Article | None = None
    """What the catalogue calls it."""


def named(key: str) -> Identity:
    """ "GTIN", "GTIN.serial" or EPC hex -> who that is. Digits that are a valid GTIN are one. Raises ConfigError."""
    text = key.strip()
    gtin, dot, serial = text.partition(".")
    try:
        if dot:
            return Identity("", "key", normal_gtin(gtin), serial)
        if gtin.isdigit() and len(gtin) in _GTIN_LENGTHS and _is_gtin(gtin):
            return Identity("", "key", normal_gtin(gtin))
        return identify(normal_epc(text))
    except RefusedInput as error:
        raise ConfigError([f"{key}: an EPC (hex), a GTIN or GTIN.SERIAL is needed: {error}"]) from error


def story_of(conn: Connection, key: str, layout: Layout, at: float, credit_ttl_s: float | None = None) -> Story:
    """Everything known at `at` (Unix seconds) of the item or article that `key` names. Raises ConfigError for a bad key.

    `credit_ttl_s`: what the gates have learned, instead of what is configured.
    """
    identity = named(key)
    article = [] if identity.gtin is None else [credit_key(identity.gtin)]
    whole_article = identity.gtin is not None and identity.serial is None
    keys = article if whole_article else [identity.key, *article]
    records = tuple(record for record in records_for(conn, keys) if record.at <= at)
    policy = layout.policy if credit_ttl_s is None else msgspec.structs.replace(layout.policy, credit_ttl_s=credit_ttl_s)
    found = answer(records, identity, policy, at)
    if found.state == "unknown" and not layout.owns(identity):
        found = FOREIGN
    told = records if whole_article else tuple(_own(records, identity, found))
    return Story(_name(identity), identity, at, found, told, next(iter(articles_for(conn, article)), None))


def story_message(story: Story) -> dict[str, Any]:
    """The story as a JSON object."""
    identity, known = story.identity, story.answer
    return {
        "key": identity.key if identity.serial is not None or identity.gtin is None else identity.gtin,
        "epc": identity.epc or None,
        "gtin": identity.gtin,
        "serial": identity.serial,
        "name": story.article.name if story.article else None,
        "price": story.article.price if story.article else None,
        "at": utc_text(story.at),
        "state": known.state,
        "by": known.by,
        "credit": None if known.credit is None else {"id": known.credit, "unit": known.unit},
        "story": [_entry(record) for record in story.records],
    }


def _own(records: tuple[Ledger, ...], identity: Identity, found: LedgerAnswer) -> Iterator[Ledger]:
    """What concerns the item itself: of its article's credits only one that it used, or could use."""
    used = {record.ref for record in records if record.kind == BOUND and identify(record.epc or "00").key == identity.key}
    mine = {record.id for record in records if record_key(record) == identity.key or record.id in used or record.id == found.by}
    for record in records:
        bound_to_it = record.kind == BOUND and record.ref in used and identify(record.epc or "00").key == identity.key
        undoes_it = record.kind == "void" and not mine.isdisjoint((record.ref, *_below(mine, record.ref)))
        if record.id in mine or bound_to_it or undoes_it:
            yield record


def _below(ids: set[str], document: str | None) -> Iterator[str]:
    return (name for name in ids if document_of(name) == document)


def _entry(record: Ledger) -> dict[str, Any]:
    body = {name: value for name, value in msgspec.structs.asdict(record).items() if value is not None}
    body["at"] = utc_text(record.at)
    if record.received is not None:
        body["received"] = utc_text(record.received)
    return body


def _is_gtin(digits: str) -> bool:
    try:
        normal_gtin(digits)
    except RefusedInput:
        return False
    return True


def _name(identity: Identity) -> str:
    if identity.gtin is None:
        return f"EPC {identity.epc}"
    serial = f" serial {identity.serial}" if identity.serial is not None else ""
    return f"GTIN {identity.gtin}{serial}" + (f", EPC {identity.epc}" if identity.epc else "")
