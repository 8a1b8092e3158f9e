"""What an unpaid item's alarm is before anything rings: a theft, or something that people should look at without noise. Pure."""

from datetime import UTC, datetime, tzinfo

import msgspec

from rfidguard import swap
from rfidguard.alarm import OPEN_STATES
from rfidguard.core_state import CoreState, SoldLately
from rfidguard.effects import Effect, Noted
from rfidguard.events import Site
from rfidguard.incident import announced
from rfidguard.layout import Layout
from rfidguard.ledger_view import ledger_answer
from rfidguard.rule import Verdict

WRONG_ITEM, SOLD_TODAY, COUNTING = "wrong_item_scanned", "article_sold_today", "stock_count"
STILL_HERE = "sold_item_still_here"
RECENT_S = 120.0
"""From the till to the door. Whoever waits for a customer to buy the twin of what he steals mostly leaves later."""


def second_look(layout: Layout, state: CoreState, verdict: Verdict, epc: str, at: float) -> Verdict:
    """The verdict on an item that leaves at `at`, or what is left of it: while stock is counted nothing rings, and where a sale
    of the same article probably was for this item, people get a note (`unverified`, info) and no siren. A firm verdict
    is not explained away.
    """
    if verdict.state != "unpaid":
        return verdict
    if state.site.counting:
        return Verdict(verdict.state, COUNTING)
    if verdict.firm:
        return verdict
    reason = _explanation(layout, state, epc, at)
    return verdict if reason is None else Verdict("unverified", reason, verdict.kind, "info")


def swapped_back(layout: Layout, state: CoreState, epc: str) -> list[Effect]:
    """A sold item leaves. Where its sale had explained another one, that one has none now, and rings if it still can."""
    sold = swap.has_left(state, epc)
    effects: list[Effect] = []
    for incident in list(state.incidents.values()) if sold is not None and sold.used_by is not None else ():
        alarm = incident.alarm
        if alarm.state not in OPEN_STATES:
            continue
        items = tuple(
            msgspec.structs.replace(item, state="unpaid", reason="unpaid_exit")
            if sold is not None and item.epc == sold.used_by and item.reason == WRONG_ITEM
            else item
            for item in alarm.items
        )
        if items != alarm.items:
            incident.alarm = msgspec.structs.replace(alarm, items=items)
            effects += announced(layout, incident, "updated", max(state.now, alarm.updated_at))
    return effects


def site_heard(state: CoreState, event: Site) -> list[Effect]:
    """The shop is another than before: told on event/ledger."""
    site, told = state.site, {}
    for name in ("counting", "open", "credit_ttl_s"):
        value = getattr(event, name)
        if value is not None and value != getattr(site, name):
            setattr(site, name, value)
            told[name] = value
    return [Noted("ledger", {"kind": "site", "at": event.at, **told})] if told else []


def midnight(at: float, zone: tzinfo) -> float:
    """When the day of `at` began in the shop (Unix seconds)."""
    local = datetime.fromtimestamp(at, UTC).astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()


def _explanation(layout: Layout, state: CoreState, epc: str, at: float) -> str | None:
    ttl_s = state.site.credit_ttl_s or layout.policy.credit_ttl_s
    sold = _swapped(layout.swap_tolerance, state, epc, at, ttl_s)
    if sold is not None:
        sold.used_by = epc
        return WRONG_ITEM
    here = swap.wrongly_let_go(state, epc, since=at - ttl_s) if layout.swap_tolerance != "off" else None
    if here is not None:
        here.paid_for = epc
        return STILL_HERE
    today = ledger_answer(layout, state, epc, at, at - midnight(at, layout.timezone))
    return SOLD_TODAY if today.state == "sold" else None


def _swapped(tolerance: str, state: CoreState, epc: str, at: float, ttl_s: float) -> SoldLately | None:
    """The sale of another item that explains this one, as far as the site's tolerance goes."""
    if tolerance == "off":
        return None
    stands = swap.explained_by(state, epc, at, since=at - ttl_s, belief="any" if tolerance == "any" else "stands")
    if stands is not None or tolerance != "recent":
        return stands
    return swap.explained_by(state, epc, at, since=at - RECENT_S, belief="not_carried")
