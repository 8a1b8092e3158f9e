"""Whether the ledger's silence can be believed: feeds that fell silent, and a feed that is alive but says nothing true. Pure.

A dead feed makes every customer look like a thief. While it lasts, unpaid items are only `unverified`: staff are told, no light
and no siren (`ledger.on_stale`).
"""

from rfidguard.core_state import CoreState, Flow
from rfidguard.effects import Effect, Noted
from rfidguard.events import Feed
from rfidguard.layout import Layout
from rfidguard.rule import Verdict

USUAL_SEEN = 30.0
"""So many items must have left before anything is usual; older ones fade."""
USUAL_SHARE = 0.8
"""Of those, this share left sold. A gate where it is lower has thieves, or a test, and no suspect feed."""
MEMORY = 200.0
ROW_ITEMS = 6
ROW_DEPARTURES = 5
ROW_S = 900.0
"""So many different items, in so many departures, unsold one after the other within this time: no sale in between."""
DEPARTURE_GAP_S = 5.0


def feed_heard(state: CoreState, event: Feed) -> list[Effect]:
    """A feed of sales fell silent, or is back."""
    name = feed_name(event.source, event.lane)
    if (name in state.stale_feeds) == (event.state == "stale"):
        return []
    if event.state == "stale":
        state.stale_feeds[name] = event.reason or "silent"
    else:
        del state.stale_feeds[name]
    body = {"kind": event.state, "at": event.at, "source": event.source, "lane": event.lane, "reason": event.reason}
    return [Noted("ledger", body)]


def feed_name(source: str, lane: str | None) -> str:
    """How a feed is called: "mqtt:3 3", or "shop" where it has no lanes."""
    return f"{source} {lane}" if lane else source


def doubts(state: CoreState) -> dict[str, str]:
    """Why the ledger's silence is not to be believed now, by feed; empty where it is."""
    return {**state.stale_feeds, **({"ledger": "suspect"} if state.flow.suspect else {})}


def believed(layout: Layout, state: CoreState, verdict: Verdict) -> Verdict:
    """The verdict, or what is left of it while feeds are silent."""
    if verdict.state != "unpaid" or layout.on_stale == "alarm" or not doubts(state):
        return verdict
    return Verdict("unverified", "ledger_stale", verdict.kind, "info")


def seen_leaving(state: CoreState, epc: str, sold: bool, crossing: float) -> list[Effect]:
    """An own item left, sold or not: how goods usually leave, and whether they suddenly do not."""
    flow = state.flow
    scale = 1.0 - 1.0 / MEMORY
    if sold:
        flow.sold, flow.seen = flow.sold * scale + 1.0, flow.seen * scale + 1.0
        flow.row, flow.departures = {}, 0
        return _suspicion(state, False)
    if epc not in flow.row:
        flow.seen = flow.seen * scale + 1.0
    _lengthen(flow, epc, crossing)
    usual = flow.seen >= USUAL_SEEN and flow.sold >= USUAL_SHARE * flow.seen
    return _suspicion(state, True) if usual and len(flow.row) >= ROW_ITEMS and flow.departures >= ROW_DEPARTURES else []


def _lengthen(flow: Flow, epc: str, crossing: float) -> None:
    if flow.row and crossing - min(flow.row.values()) > ROW_S:
        flow.row, flow.departures = {}, 0
    if not flow.row or crossing - max(flow.row.values()) > DEPARTURE_GAP_S:
        flow.departures += 1
    flow.row[epc] = crossing


def _suspicion(state: CoreState, suspect: bool) -> list[Effect]:
    if state.flow.suspect == suspect:
        return []
    state.flow.suspect = suspect
    kind, reason = ("suspect", "many items in a row left without a sale") if suspect else ("fresh", "items leave sold again")
    return [Noted("ledger", {"kind": kind, "at": state.now, "source": "ledger", "lane": None, "reason": reason})]
