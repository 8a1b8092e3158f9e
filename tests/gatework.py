"""A gate without radio, for tests of the ledger: the real core, told of records as a till would, and of passages at once.

`offline` is what the gate should have said, from the whole history at once; it shares no code with the core.
"""

from collections.abc import Iterable, Sequence

import msgspec
from walks import T0, config

from rfidguard.alarm import OPEN_STATES
from rfidguard.core_state import from_snapshot, to_snapshot
from rfidguard.effects import AlarmChanged, BindCredit, Decided, Effect
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Ledger, Read, Tick
from rfidguard.exits import tags_judged
from rfidguard.found import Found
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet, binding
from rfidguard.runner import Runner

ITEMS = ("812345", "812346")
EPCS = tuple(encode_sgtin_96("0614141", item, serial) for item in ITEMS for serial in (1, 2))
GTINS = tuple(dict.fromkeys(identify(epc).gtin or "" for epc in EPCS))
GTIN_OF = {epc: identify(epc).gtin or "" for epc in EPCS}
TTL_S = 900.0
GRACE_S = 120.0
LEAVES = ("sold", "shipped", "released", "retired")
WAITS = ("unpaid", "pending", "unverified")

Exit = tuple[str, float]
"""An EPC, and when it left."""


def policy(**changes: object) -> dict[str, object]:
    return {
        "ledger": {"unknown_epc": "strict", "credit_ttl_s": TTL_S, "credit_grace_s": GRACE_S, **changes},
        "alarms": {"escalate_s": 86_000, "expire_s": 86_400},
    }


class Gate:
    """The core with a ledger in memory. `exits`: everything that left, in order, with the time of its verdict."""

    def __init__(self, company_prefixes: Sequence[str] = ("0614141",), **changes: object) -> None:
        site = {"id": "0001", "company_prefixes": company_prefixes}
        self.layout = layout_from(config(site=site, **policy(**changes)))
        self.database = RecordSet()
        self.runner = Runner(self.layout, self.find)
        self.exits: list[Exit] = []
        self.effects: list[Effect] = []
        self.heard: list[Ledger] = []

    def find(self, keys: tuple[str, ...]) -> tuple[Ledger, ...]:
        return self.database.find(keys)

    def hear(self, record: Ledger, at: float) -> None:
        """A till reports a record at `at` (seconds after T0)."""
        self.database.add(record)
        self.heard.append(record)
        self.tell(record, at)

    def tell(self, record: Ledger, at: float) -> None:
        """The core hears of a record that the database has."""
        self._carry_out(self.runner.feed(msgspec.structs.replace(record, received=T0 + at)))

    def leave(self, epc: str, at: float, direction: str = "out") -> None:
        """An item is carried through the gate at `at`."""
        now = T0 + at
        read = Read(at=now, gate="front", reader="front-1", antenna=1, epc=epc, rssi_dbm=-60.0)
        self._carry_out(self.runner.feed(read))
        state = self.runner.state
        track = state.tracks["front"][epc]
        found = Found(direction, now, now, 0.99, {})
        effects = tags_judged(self.layout, state, self.layout.gates["front"], state.gates["front"], [(track, found)], now)
        if direction == "out":
            self.exits.append((epc, state.verdict_at))
        self._carry_out(effects)

    def pass_by(self, at: float, count: int) -> None:
        """Items of an article of their own are heard for a moment."""
        for serial in range(count):
            epc = encode_sgtin_96("0614141", "099999", round(at) * 100 + serial)
            self.wait(at)
            read = Read(at=T0 + at, gate="front", reader="front-1", antenna=1, epc=epc, rssi_dbm=-60.0)
            self._carry_out(self.runner.feed(read))

    def wait(self, at: float) -> None:
        self._carry_out(self.runner.feed(Tick(at=T0 + at)))

    def restart(self) -> None:
        """The core dies and comes back from its last snapshot, and asks the ledger what it missed."""
        frozen = msgspec.json.decode(msgspec.json.encode(to_snapshot(self.runner.state)))
        self.runner = Runner(self.layout, self.find, state=from_snapshot(self.layout, frozen))
        self._carry_out(self.runner.recheck())

    def unpaid(self) -> list[Exit]:
        """Who left without paying, as it stands: alarms less retractions, and what was let go and is doubted since."""
        state = self.runner.state
        ringing = [
            (item.epc, item.decided_at)
            for incident in state.incidents.values()
            if incident.alarm.state in OPEN_STATES
            for item in incident.alarm.items
            if item.state in WAITS
        ]
        return sorted(ringing + [(left.epc, left.at) for left in state.departed if left.doubted])

    def verdicts(self) -> list[str]:
        return [effect.verdict for effect in self.effects if isinstance(effect, Decided) and effect.direction == "out"]

    def changes_since(self, place: int) -> list[AlarmChanged]:
        return [effect for effect in self.effects[place:] if isinstance(effect, AlarmChanged)]

    def changes(self, event_type: str) -> list[AlarmChanged]:
        return [effect for effect in self.effects if isinstance(effect, AlarmChanged) and effect.event_type == event_type]

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, BindCredit):
                self.database.add(binding(effect.credit, effect.unit, effect.epc, effect.at))


def offline(records: Sequence[Ledger], exits: Sequence[Exit]) -> list[Exit]:
    """Who left without paying, with everything known."""
    voided = {record.ref for record in records if record.kind == "void"}
    once = {record.id: record for record in records if record.kind != "void"}
    valid = [r for r in once.values() if r.id not in voided and r.id.rpartition("/")[0] not in voided]
    unpaid = [leaving for leaving in exits if not _sold_itself(valid, *leaving)[0]]
    for gtin in GTINS:
        for paid in _by_credit(valid, gtin, [leaving for leaving in unpaid if GTIN_OF[leaving[0]] == gtin]):
            unpaid.remove(paid)
    return sorted(unpaid)


def _sold_itself(valid: Sequence[Ledger], epc: str, at: float) -> tuple[bool, float]:
    """Whether the item's own records let it leave at `at`; and when it was last armed."""
    story = sorted((r for r in valid if r.epc == epc), key=lambda r: (r.at, r.kind in LEAVES, r.id))
    past = [r for r in story if r.at <= at]
    if past and past[-1].kind in LEAVES:
        return True, past[-1].at
    future = sorted((r for r in story if r.at > at), key=lambda r: (r.at, r.kind not in LEAVES, r.id))
    return bool(future) and future[0].kind in LEAVES, past[-1].at if past else -1.0


def _by_credit(valid: Sequence[Ledger], gtin: str, exits: Sequence[Exit]) -> list[Exit]:
    """Which exits an article's credits pay for: a day at the shop, minute by minute; then those who left before the sale."""
    lines = [r for r in valid if r.gtin == gtin and r.epc is None]
    units = [[sale.at, sale.id, n, None] for sale in lines if sale.kind == "sold" for n in range(sale.quantity)]
    units.sort(key=lambda unit: unit[:3])
    armed = {leaving: _sold_itself(valid, *leaving)[1] for leaving in exits}

    def pays(epc: str, at: float, last: float) -> bool:
        since = armed[epc, at]
        has = [u for u in units if u[3] == (epc, since)]
        free = [u for u in units if u[3] is None and max(since, at - TTL_S) <= u[0] <= last]
        for unit in has or free[:1]:
            unit[3] = (epc, since)
            return bool(unit[0] <= last)
        return False

    paid: list[Exit] = []
    moments = [(at, 0, epc, None) for epc, at in exits] + [(r.at, 1, r.id, r) for r in lines if r.kind == "returned"]
    for at, _, name, back in sorted(moments, key=lambda m: m[:3]):
        if back is None:
            paid += [(name, at)] if pays(name, at, at) else []
        else:
            for unit in [u for u in units if u[3] is None and u[0] <= at][-back.quantity :]:
                unit[3] = ("back", back.at)
    early = sorted((at, epc) for epc, at in exits if (epc, at) not in paid)
    return paid + [(epc, at) for at, epc in early if pays(epc, at, at + GRACE_S)]
