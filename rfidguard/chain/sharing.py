"""What of a ledger record concerns whom, and how it is called elsewhere. Pure.

Boxes of one shop share everything: a credit used at one door is used up at the other. Another shop hears only what was sold,
came back or is no longer guarded, and only by item: an article that was sold there pays for nothing here, and what is in stock
there is not in stock here.
"""

from collections.abc import Iterable

import msgspec

from rfidguard.chain.contract import Shared
from rfidguard.events import Ledger
from rfidguard.ledger import BOUND, record_key

EVERYWHERE = ("sold", "returned", "released", "retired")
SOURCE = "chain:"
"""What the source of another shop's record begins with; its site follows."""
MAX_ID = 200


def concerns_all(record: Ledger) -> bool:
    """True for a record that other shops hear of."""
    if record.kind == "void":
        return True
    key = record_key(record)
    return record.kind in EVERYWHERE and key is not None and not key.startswith("gtin:")


def own_name(shared: Shared, site: str) -> Ledger | None:
    """The record as it is called in the shop `site`; None where it is none of its concern, or `too_long`."""
    record = shared.record
    if shared.site == site:
        return record
    if not concerns_all(record) or record.kind == BOUND:
        return None
    name = f"{shared.site}:{record.id}"
    ref = None if record.ref is None else f"{shared.site}:{record.ref}"
    if too_long(shared):
        return None
    return msgspec.structs.replace(record, id=name, ref=ref, source=f"{SOURCE}{shared.site}"[:64], lane=None)


def too_long(shared: Shared) -> bool:
    """True where another shop has no room for the name of a record, or of what it undoes."""
    return len(shared.site) + 1 + max(len(shared.record.id), len(shared.record.ref or "")) > MAX_ID


def as_told(record: Ledger, site: str, box: str, region: str) -> Shared:
    """A record of this box's ledger as it goes to others, back under its first name where it came from another shop."""
    if record.source is None or not record.source.startswith(SOURCE):
        return Shared(site, box, region, record)
    first = record.source.removeprefix(SOURCE)
    name = record.id.removeprefix(f"{first}:")
    ref = None if record.ref is None else record.ref.removeprefix(f"{first}:")
    return Shared(first, "", region, msgspec.structs.replace(record, id=name, ref=ref, source=None))


def renamed(found: Iterable[Shared], site: str) -> list[Ledger]:
    """What concerns the shop `site`, under its names there."""
    return [record for shared in found if (record := own_name(shared, site)) is not None]


def left_out(found: Iterable[Shared], site: str) -> int:
    """How many records would concern the shop `site` and have names that are too long for it."""
    return sum(shared.site != site and concerns_all(shared.record) and too_long(shared) for shared in found)
