"""The core's view of the ledger: what it says of items that leave, and what a later record changes for those that left. Pure.

Who left stands in the state until it no longer matters: unpaid in an open alarm, let go in `departed`. Whatever comes in
later, the two together say what they would say had everything been known at once.
"""

import math
from collections.abc import Iterable

import msgspec

from rfidguard import swap
from rfidguard.alarm import OPEN_STATES, Alarm, utc_text
from rfidguard.core_state import CoreState, Departed
from rfidguard.effects import BindCredit, Effect, Noted
from rfidguard.epc import identify
from rfidguard.events import Ledger, Lookup
from rfidguard.forget import ledger_keys
from rfidguard.incident import sale_heard
from rfidguard.layout import Layout
from rfidguard.ledger import BOUND, LedgerAnswer, Policy, answer, binding, document_of, record_key

WAITING = ("unpaid", "pending", "unverified")
"""States of an alarm's item that a sale may still clear."""

DEPARTED_KEPT_S = 1800.0
DEPARTED_KEPT = 1000
CARRIED_IN_KEPT = 20_000
UNPAID_OUT_KEPT = 20_000
INNOCENT = ("own_property", "foreign_tag", "paid_late", "stray", "phantom", "checked_nothing_found", "device_fault", "drill")
LOOSE_VOIDS_KEPT = 2000
"""Voids that came before what they undo. The newest of them; the database has them all."""


def moment(state: CoreState) -> float:
    """The time of the next verdict: now, but later than every verdict before it, so that verdicts have an order."""
    state.verdict_at = max(state.now, math.nextafter(state.verdict_at, math.inf))
    return state.verdict_at


def ledger_answer(layout: Layout, state: CoreState, epc: str, at: float, credit_ttl_s: float | None = None) -> LedgerAnswer:
    """What the view says of an item that left, or leaves, at `at` (Unix seconds). `credit_ttl_s`: another than that of now."""
    identity = identify(epc)
    others = [] if identity.gtin is None else _left(state, identity.gtin)
    keys = dict.fromkeys((*ledger_keys(epc), *(identify(other).key for other, _ in others)))
    known = answer(state.view.find(keys), identity, _policy(layout, state, credit_ttl_s), at, others)
    of_its_own = known.by is not None and known.credit is None
    return LedgerAnswer("personal") if not of_its_own and _is_personal(layout, state, epc) else known


def _policy(layout: Layout, state: CoreState, credit_ttl_s: float | None) -> Policy:
    ttl_s = state.site.credit_ttl_s if credit_ttl_s is None else credit_ttl_s
    return layout.policy if ttl_s is None else msgspec.structs.replace(layout.policy, credit_ttl_s=ttl_s)


def bind(state: CoreState, known: LedgerAnswer, epc: str, at: float) -> list[Effect]:
    """Binds a credit's unit to the EPC that left at `at`, here and in the database."""
    if known.credit is None or known.unit is None:
        return []
    state.view.add(binding(known.credit, known.unit, epc, at))
    return [BindCredit(known.credit, known.unit, epc, at)]


def use(layout: Layout, state: CoreState, known: LedgerAnswer, epc: str, at: float) -> list[Effect]:
    """Binds a credit's unit to an item that leaves, and looks again at those who may have lost it by that."""
    bound = bind(state, known, epc, at)
    if not known.takes_over or known.by is None:
        return bound
    return [*bound, *recheck(layout, state, [state.view.records[known.by]])]


def let_go(state: CoreState, epc: str, gate: str, at: float) -> None:
    """Remembers an item that left as sold: a void may still undo its sale."""
    state.unpaid_out.pop(epc, None)
    state.departed = [left for left in state.departed if state.now - left.at < DEPARTED_KEPT_S][1 - DEPARTED_KEPT :]
    state.departed.append(Departed(epc, gate, at))


def left_before(state: CoreState, epc: str, crossing: float) -> float | None:
    """When an item that leaves at `crossing` was last let go as sold, if nobody has brought it in since."""
    earlier = [left for left in state.departed if left.epc == epc and left.at < crossing]
    return earlier[-1].at if earlier and not earlier[-1].back else None


def came_back(state: CoreState, epc: str) -> None:
    """An item that had left is carried in: when it leaves again that is no wonder."""
    for left in state.departed:
        if left.epc == epc:
            left.back = True


def brought_in(state: CoreState, known: LedgerAnswer, epc: str) -> None:
    """Somebody carried in an item that the ledger has no record of: it is theirs, unless it had left unpaid before."""
    of_its_own = known.by is not None and known.credit is None
    if of_its_own or epc in state.unpaid_out:
        return
    _remember(state.carried_in, epc, state.now, CARRIED_IN_KEPT)


def left_unpaid(state: CoreState, epc: str) -> None:
    """An item left unpaid: whoever brings it back brings nothing of their own."""
    state.carried_in.pop(epc, None)
    _remember(state.unpaid_out, epc, state.now, UNPAID_OUT_KEPT)


def known_better(state: CoreState, alarm: Alarm) -> None:
    """Staff looked: what they say is somebody's own, or a mistake of ours, had not left unpaid."""
    for item in alarm.items:
        if item.outcome in INNOCENT:
            state.unpaid_out.pop(item.epc, None)


def _is_personal(layout: Layout, state: CoreState, epc: str) -> bool:
    at = state.carried_in.get(epc)
    return at is not None and layout.carried_in != "alarm" and state.now - at <= layout.carried_in_s


def _remember(memory: dict[str, float], epc: str, now: float, most: int) -> None:
    """The newest `most` EPCs, oldest first."""
    memory.pop(epc, None)
    memory[epc] = now
    while len(memory) > most:
        del memory[next(iter(memory))]


def record_heard(layout: Layout, state: CoreState, record: Ledger) -> list[Effect]:
    """A new record: taken into the view where it concerns what the view follows."""
    swap.heard(state, record)
    key = record_key(record)
    if key is None:
        return _void_heard(layout, state, record)
    if key not in state.asked or not state.view.add(record):
        return []
    return recheck(layout, state, [record])


def lookup_heard(layout: Layout, state: CoreState, lookup: Lookup) -> list[Effect]:
    """The ledger's answer: what it knows of some keys, and of their articles. Of articles that nobody follows it is no news."""
    if lookup.keys and not any(key in state.asked or not key.startswith("gtin:") for key in lookup.keys):
        return []
    for article in lookup.articles:
        state.articles[article.gtin] = article
    if lookup.articles and any(key not in state.asked for key in lookup.keys):
        _owned_since(state, lookup)
    news = [record for record in lookup.records if state.view.add(record)]
    for record in lookup.records:
        if record.kind == BOUND and record.epc is not None:
            state.asked.setdefault(identify(record.epc).key, 1)
    return recheck(layout, state, news) if news else []


def recheck(layout: Layout, state: CoreState, news: Iterable[Ledger]) -> list[Effect]:
    """The ledger knows more than before: unpaid items that it now calls sold are cleared, and items let go too early are told."""
    effects: list[Effect] = []
    goods = {article for record in news for article in _goods(state, record)}
    for incident in list(state.incidents.values()):
        alarm = incident.alarm
        paid: dict[str, LedgerAnswer] = {}
        for item in alarm.items if alarm.state in OPEN_STATES else ():
            if item.state not in WAITING or (item.gtin or item.epc) not in goods:
                continue
            known = ledger_answer(layout, state, item.epc, item.decided_at)
            if known.state == "sold":
                paid[item.epc] = known
                effects += bind(state, known, item.epc, item.decided_at)
                let_go(state, item.epc, alarm.gate, item.decided_at)
        effects += sale_heard(layout, incident, paid, state.now)
    for left in [left for left in state.departed if (identify(left.epc).gtin or left.epc) in goods]:
        effects += _reconsidered(layout, state, left)
    return effects


def _goods(state: CoreState, record: Ledger) -> Iterable[str]:
    """The articles (GTIN, or the EPC of what has none) that a record is about."""
    if record.kind == "void":
        undone = (known for known in state.view.records.values() if record.ref in (known.id, document_of(known.id)))
        return [article for known in undone if known.kind != "void" for article in _goods(state, known)]
    identity = None if record.epc is None else identify(record.epc)
    return [record.gtin or ""] if identity is None else [identity.gtin or identity.epc]


def _left(state: CoreState, gtin: str) -> list[tuple[str, float]]:
    """EPCs of an article that left, and when: those that ring and those that were let go."""
    unpaid = [
        (item.epc, item.decided_at)
        for incident in state.incidents.values()
        if incident.alarm.state in OPEN_STATES
        for item in incident.alarm.items
        if item.gtin == gtin and item.state in WAITING
    ]
    return unpaid + [(left.epc, left.at) for left in state.departed if identify(left.epc).gtin == gtin]


def _void_heard(layout: Layout, state: CoreState, void: Ledger) -> list[Effect]:
    """A void may come before what it undoes; it is kept for that."""
    if not state.view.add(void):
        return []
    if state.view.hits(void):
        return recheck(layout, state, [void])
    state.loose_voids.append(void.id)
    for name in state.loose_voids[:-LOOSE_VOIDS_KEPT]:
        state.view.drop_void(name)
    del state.loose_voids[:-LOOSE_VOIDS_KEPT]
    return []


def _reconsidered(layout: Layout, state: CoreState, left: Departed) -> list[Effect]:
    """An item that was let go: no siren calls it back, but people are told that its sale does not stand (or does again)."""
    known = ledger_answer(layout, state, left.epc, left.at)
    sold = known.state in ("sold", "personal")
    bound = bind(state, known, left.epc, left.at)
    if sold != left.doubted:
        return bound
    left.doubted = not sold
    body = {"kind": "sale_restored" if sold else "sale_undone", "at": state.now, "epc": left.epc, "gate": left.gate}
    return [*bound, Noted("ledger", {**body, "left_at": utc_text(left.at), "id": known.by})]


def _owned_since(state: CoreState, lookup: Lookup) -> None:
    """Tags that are ours by the catalogue, which a replay does not have: the answer to a question about them says so."""
    gtins = {article.gtin for article in lookup.articles}
    for track in [track for tracks in state.tracks.values() for track in tracks.values() if not track.own]:
        identity = identify(track.epc)
        if identity.gtin in gtins and identity.key in lookup.keys:
            track.own = True
            state.asked |= dict.fromkeys(ledger_keys(track.epc), 1)
