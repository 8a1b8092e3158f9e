"""The wrong item scanned: a pad or a hand read the neighbour, so item A is sold and B, of the same article, is carried out. Pure.

While A has not left, its sale explains B: staff are told quietly. Once A leaves too, B has no explanation any more.
"""

from collections.abc import Iterator
from typing import Literal

from rfidguard.core_state import CoreState, Departed, SoldLately
from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.ledger import document_of, record_key
from rfidguard.track import Track

Belief = Literal["stands", "not_carried", "any"]

KEPT = 20_000
KEPT_S = 4 * 3600.0
"""Items sold and not yet gone; what leaves unheard by any gate is forgotten after so long."""
HEARD_ON_S = 15.0
"""Who has left is out of hearing by then, but for those who wait in front of the door."""


def heard(state: CoreState, record: Ledger) -> None:
    """A record of the ledger came in: something was sold by its own number, or a sale is no more."""
    if record.kind == "void":
        for sold in list(state.sold_lately.values()):
            if record.ref in (sold.id, document_of(sold.id)):
                del state.sold_lately[sold.key]
        return
    key = record_key(record)
    gtin = record.gtin if record.epc is None else identify(record.epc).gtin
    if key is None or gtin is None or key.startswith("gtin:"):
        return
    state.sold_lately.pop(key, None)
    if record.kind == "sold":
        state.sold_lately[key] = SoldLately(record.id, key, gtin, record.at)
    _forget(state)


def explained_by(state: CoreState, epc: str, at: float, *, since: float, belief: Belief) -> SoldLately | None:
    """The oldest sale since `since` of another item of the article of `epc` that has not left and explains no other item.

    `belief`: that it is still here. stands: a gate has heard it stand after its sale; not_carried: no gate has heard it carried
    since; any. An item that is being carried is none.
    """
    gtin = identify(epc).gtin
    for sold in state.sold_lately.values():
        if sold.gtin != gtin or sold.used_by not in (None, epc) or not since <= sold.at <= at:
            continue
        tracks = list(_tracks(state, sold.key))
        if any(_moves(track) for track in tracks):
            continue
        stood = [_stood(track) for track in tracks if track.last_at > sold.at]
        if belief == "any" or (all(stood) if belief == "not_carried" else any(stood)):
            return sold
    return None


def wrongly_let_go(state: CoreState, epc: str, *, since: float) -> Departed | None:
    """Another item of the article of `epc` that was let go since `since`, and yet is heard on and on: it has not left, and its
    sale explains this one. Each explains one. What was carried in again had left.
    """
    gtin = identify(epc).gtin
    for left in state.departed:
        if left.at < since or left.back or left.paid_for not in (None, epc) or identify(left.epc).gtin != gtin:
            continue
        heard_on = (track for track in _tracks(state, identify(left.epc).key) if track.last_at - left.at >= HEARD_ON_S)
        if left.epc != epc and any(track.state == "standing" or not track.gone for track in heard_on):
            return left
    return None


def has_left(state: CoreState, epc: str) -> SoldLately | None:
    """A sold item leaves: it stands here no more. What was known of it."""
    return state.sold_lately.pop(identify(epc).key, None)


def _tracks(state: CoreState, key: str) -> Iterator[Track]:
    return (
        track for tracks in state.tracks.values() for track in tracks.values() if track.own and identify(track.epc).key == key
    )


def _moves(track: Track) -> bool:
    return not track.gone and track.state != "standing"


def _stood(track: Track) -> bool:
    """What came into view, moved and is not heard any more was carried: it may well have left without being judged to."""
    return not track.gone or track.state == "standing" or bool(track.base)


def _forget(state: CoreState) -> None:
    """The oldest first; they stand in the order in which they were heard of."""
    while state.sold_lately:
        oldest = next(iter(state.sold_lately.values()))
        if len(state.sold_lately) <= KEPT and state.now - oldest.at <= KEPT_S:
            return
        del state.sold_lately[oldest.key]
