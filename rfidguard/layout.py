"""The shop as the core sees it: gates, zones, policies and rules, made once from the configuration. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache

from rfidguard.alarm import SEVERITIES
from rfidguard.config import Action, Config, Gate
from rfidguard.epc import Identity
from rfidguard.item_list import ItemList, item_list
from rfidguard.ledger import Policy
from rfidguard.opening import Opening
from rfidguard.rule import DEFAULT_RULES, Rule, RuleParams, load_rule

ZONES = {"inside": -1, "threshold": 0, "outside": 1}
"""A zone's place along the way out."""

LOUDNESS = {
    "observe": frozenset({"log"}),
    "handheld": frozenset({"log", "handheld"}),
    "light": frozenset({"log", "handheld", "light"}),
    "siren": frozenset({"log", "handheld", "light", "siren"}),
}
"""The most that a gate of each mode may do."""


@dataclass(frozen=True, slots=True)
class Output:
    """A light or siren on a reader's output pin."""

    id: str
    reader: str
    pin: int
    seconds: float
    sounds: bool


@dataclass(frozen=True, slots=True)
class GateLayout:
    """One gate. `zones`: "reader/antenna" -> -1 inside, 0 threshold, 1 outside."""

    id: str
    mode: str
    zones: dict[str, int]
    counters: tuple[str, ...] = ()
    pedestals: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    unknown_direction: str = "auto"
    near: int = 0
    far: int = 0
    canaries: frozenset[str] = frozenset()
    hours: Opening | None = None
    after_hours: str = "guard"

    def is_open(self, at: float) -> bool:
        """Whether this gate is open to customers at `at`; one without hours always is."""
        return self.hours is None or self.hours.is_open(at)

    def tells_direction(self) -> bool:
        """True where antennas look at more than one place along the way out."""
        return self.near < self.far

    def unknown_counts_as_out(self) -> bool:
        """The policy for a passage without a direction."""
        if self.unknown_direction == "auto":
            return not self.tells_direction()
        return self.unknown_direction == "out"


@dataclass(frozen=True, slots=True)
class Critical:
    """From where on an alarm is critical; 0: never by this."""

    items: int = 5
    value: Decimal = Decimal(300)
    same_article: int = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything the core needs to know that never changes while it runs."""

    site: str
    currency: str
    timezone: tzinfo
    prefixes: tuple[str, ...]
    own_epcs: tuple[str, ...]
    policy: Policy
    late_sale_hold_s: float
    on_stale: str
    swap_tolerance: str
    escalate_s: float
    expire_s: float
    gates: dict[str, GateLayout]
    rules: tuple[tuple[Rule, RuleParams], ...]
    actions: tuple[Action, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    """Users of handhelds, in the order in which they are told; none: everybody at once."""
    escalate_to: str = "siren"
    catalogue: frozenset[str] = frozenset()
    """GTINs (14 digits) in the catalogue: own goods, whatever their prefix."""
    devices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Device id -> the gates that it serves."""
    critical: Critical = Critical()
    badges: ItemList = field(default_factory=ItemList)
    movement_s: float = 120.0
    carried_in: str = "silent"
    carried_in_s: float = 43_200.0

    def owns(self, identity: Identity) -> bool:
        """True for goods of this shop: by prefix or catalogue, or because a rule wants to judge them."""
        if identity.gtin in self.catalogue or self._has_own_prefix(identity):
            return True
        return any(params.claims(identity.epc) for _, params in self.rules) or self.is_fixture(identity.epc)

    def is_fixture(self, epc: str) -> bool:
        """True for tags that are no goods but ours: staff badges, canaries."""
        return self.badges.holds(epc) or any(epc in gate.canaries for gate in self.gates.values())

    def _has_own_prefix(self, identity: Identity) -> bool:
        if self.own_epcs and identity.epc.startswith(self.own_epcs):
            return True
        if identity.gtin is None or not self.prefixes or not identity.gtin[1:].startswith(self.prefixes):
            return False
        return identity.prefix is None or identity.prefix.startswith(self.prefixes)

    def deeds(self, gate: str, kind: str, severity: str, certainty: float, at: float) -> frozenset[str]:
        """What is done about an alarm: the actions that match, capped by the gate's mode."""
        allowed = LOUDNESS[self.gates[gate].mode]
        if not self.actions:
            return allowed if kind in ("unpaid_items", "bulk") else allowed - {"light", "siren"}
        wanted = {deed for action in self.actions if self._matches(action, kind, severity, certainty, at) for deed in action.do}
        return allowed & wanted

    def last_resort(self, gate: str) -> frozenset[str]:
        """What rings at a gate for an alarm that reached no handheld, whatever the actions say; its mode caps that too."""
        return LOUDNESS[self.gates[gate].mode] & LOUDNESS[self.escalate_to]

    def _matches(self, action: Action, kind: str, severity: str, certainty: float, at: float) -> bool:
        return (
            (action.kind in (None, kind) or (action.kind == "unpaid_items" and kind == "bulk"))
            and (action.severity is None or SEVERITIES.index(severity) >= SEVERITIES.index(action.severity))
            and certainty >= action.certainty_min
            and (action.schedule is None or within(action.schedule, at, self.timezone))
        )


def layout_from(config: Config, catalogue: frozenset[str] = frozenset()) -> Layout:
    """The layout of a checked configuration. `catalogue`: the GTINs that are own goods beside the prefixes."""
    return Layout(
        site=config.site.id,
        currency=config.site.currency,
        timezone=config.site.zone(),
        prefixes=config.site.company_prefixes,
        own_epcs=config.site.own_epcs,
        policy=Policy(
            mode=config.ledger.mode,
            unknown_epc=config.ledger.unknown_epc,
            credit_ttl_s=config.ledger.credit_ttl_s,
            credit_grace_s=config.ledger.credit_grace_s,
            credit_authority=config.ledger.credit_authority,
        ),
        swap_tolerance=config.ledger.swap_tolerance,
        late_sale_hold_s=config.ledger.late_sale_hold_s,
        on_stale=config.ledger.on_stale,
        escalate_s=config.alarms.escalate_s,
        expire_s=config.alarms.expire_s,
        gates={gate.id: _gate(gate, config) for gate in config.gate},
        rules=_rules(config),
        actions=config.action,
        groups=tuple(group.users for group in config.group),
        escalate_to=config.alarms.escalate_to,
        catalogue=catalogue,
        devices=_devices(config.gate),
        badges=item_list(config.goods_movement.badges),
        movement_s=config.goods_movement.seconds,
        carried_in=config.ledger.carried_in,
        carried_in_s=config.ledger.carried_in_s,
        critical=Critical(
            items=config.alarms.critical_items,
            value=Decimal(str(config.alarms.critical_value)),
            same_article=config.alarms.critical_same_article,
        ),
    )


@lru_cache(maxsize=4096)  # asked at every read
def antenna_slot(reader: str, antenna: int) -> str:
    """What `GateLayout.zones` and a track call an antenna."""
    return f"{reader}/{antenna}"


def within(schedule: str, at: float, zone: tzinfo) -> bool:
    """True where the local time of `at` lies in "HH:MM-HH:MM"; a span past midnight is meant as such."""
    local = datetime.fromtimestamp(at, UTC).astimezone(zone).strftime("%H:%M")
    start, _, end = schedule.partition("-")
    return start <= local < end if start <= end else local >= start or local < end


def _gate(gate: Gate, config: Config) -> GateLayout:
    hours = gate.hours or config.site.open
    zones = {
        f"{reader.id}/{port}": ZONES[zone]
        for owner in config.gate
        for reader in owner.reader
        for port, (served, zone) in reader.places(owner.id).items()
        if served == gate.id
    }
    return GateLayout(
        id=gate.id,
        mode=gate.mode,
        zones=zones,
        counters=tuple(counter.id for counter in gate.counter),
        pedestals=tuple(pedestal.id for pedestal in gate.pedestal),
        outputs=tuple(Output(o.id, o.reader, o.pin, o.seconds, o.sounds()) for o in gate.output),
        unknown_direction=gate.unknown_direction,
        near=min(zones.values(), default=0),
        far=max(zones.values(), default=0),
        canaries=frozenset(gate.canaries),
        hours=None if hours is None else Opening(hours, config.site.zone()),
        after_hours=gate.after_hours,
    )


def _rules(config: Config) -> tuple[tuple[Rule, RuleParams], ...]:
    if not config.rule:
        return tuple((rule, rule.Params()) for rule in map(load_rule, DEFAULT_RULES))
    listed = [(load_rule(entry.use), entry.params()) for entry in config.rule]
    return tuple((rule, rule.Params(**params)) for rule, params in listed)


def _devices(gates: Sequence[Gate]) -> dict[str, tuple[str, ...]]:
    served: dict[str, tuple[str, ...]] = {}
    for gate in gates:
        for reader in gate.reader:
            served[reader.id] = tuple(dict.fromkeys(place[0] for place in reader.places(gate.id).values())) or (gate.id,)
        for device in (*gate.pedestal, *gate.counter):
            served[device.id] = (gate.id,)
    return served
