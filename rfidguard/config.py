"""The shapes of the one TOML file. Unknown keys are errors; secrets never stand here, `*_file` keys name where they are.

Reading the file, environment overrides and messages for people are in config_file.py.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from rfidguard.config_chain import Chain
from rfidguard.item_list import entry
from rfidguard.opening import spans

Level = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=64)]
"""A name that is also an MQTT topic level."""

Lane = Annotated[str, StringConstraints(pattern=r"^[^+#/\s]{1,64}$")]
"""A till's lane, as in the topic pos/<lane>/sale."""

Source = Annotated[str, StringConstraints(pattern=r"^[^\s]{1,64}$")]
"""Who brings ledger records: "mqtt", "mqtt:3", the name of a client, the id of a feed."""

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{4,14}$")]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]+$", max_length=128), AfterValidator(str.upper)]
Seconds = Annotated[float, Field(ge=0, le=86_400 * 366, allow_inf_nan=False)]
Zone = Literal["inside", "threshold", "outside"]
GateMode = Literal["observe", "handheld", "light", "siren"]
Severity = Literal["info", "warning", "critical"]


def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone is called {name!r}; use a name like Europe/Berlin")
    return name


def _opening_times(text: str) -> str:
    spans(text)
    return text


def _item_entry(text: str) -> str:
    if entry(text)[0] == "gtin":
        raise ValueError("a badge is no article: write its EPC, or how it begins")
    return text


class Section(BaseModel):
    """Base of every section: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Site(Section):
    id: Level
    timezone: Annotated[str, AfterValidator(_known_timezone)] = "UTC"
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "EUR"
    company_prefixes: tuple[Digits, ...] = ()
    own_epcs: tuple[Hex, ...] = ()
    open: Annotated[str, AfterValidator(_opening_times)] | None = None
    """When sales are normal, "mon-sat 08:00-20:00, sun 13:00-18:00"; others are told to people. None: no such check."""
    counting: Annotated[str, AfterValidator(_opening_times)] | None = None
    """When stock is counted, written like `open`: the gates watch then and do not ring."""

    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Database(Section):
    url: str = "sqlite:///rfidguard.db"


class Mqtt(Section):
    url: Annotated[str, StringConstraints(pattern=r"^mqtts?://[^/\s]+$")] = "mqtt://127.0.0.1:1883"
    prefix: Annotated[str, StringConstraints(pattern=r"^[^+#\s/]+(/[^+#\s/]+)*$")] = "rfidguard"
    protocol: Literal["5", "3.1.1"] = "5"
    client_id: str | None = None
    username: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class HttpClient(Section):
    name: Level
    token_file: Path
    scope: Literal["till", "staff", "read", "admin"]
    lanes: tuple[Lane, ...] = ()
    """Of a till: the lanes that it may report sales of. Without any: its own name, or what follows a dash in it."""


class Http(Section):
    listen: Annotated[str, StringConstraints(pattern=r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}$")] = "127.0.0.1:8080"
    cert_file: Path | None = None
    """With `key_file`: https instead of http."""
    key_file: Path | None = None
    ca_file: Path | None = None
    """Only callers with a certificate of this authority are let in; their tokens are asked for all the same."""
    client: tuple[HttpClient, ...] = ()


class LedgerPolicy(Section):
    mode: Literal["serialised", "gtin", "mixed"] = "mixed"
    unknown_epc: Literal["observe", "stock_only", "strict"] = "observe"
    credit_ttl_s: Seconds = 900.0
    """Until enough walks from till to door were seen; then what 99 of 100 of them take, within the two bounds below."""
    credit_ttl_learn: bool = True
    credit_ttl_min_s: Seconds = 300.0
    credit_ttl_max_s: Seconds = 3600.0
    credit_grace_s: Seconds = 120.0
    """How long after an item left a sale of its article may still pay for it: late news, not the next customer."""
    credit_authority: tuple[Source, ...] = ()
    """The sources ("mqtt", a client, a feed) whose lines without an EPC count; none: those of all of them."""
    swap_tolerance: Literal["recent", "seen", "any", "off"] = "seen"
    """Another item of the same article was sold and has not left: a quiet word if it is heard to stand there (seen), also if it
    was sold in the last two minutes and no gate heard it carried (recent), always, never.
    """
    late_sale_hold_s: Seconds = 0.0
    carried_in: Literal["silent", "note", "alarm"] = "silent"
    """What leaves again and nobody here ever sold or stocked: own clothes. note: staff are told, no light and no siren."""
    carried_in_s: Annotated[float, Field(ge=0, le=172_800, allow_inf_nan=False)] = 43_200.0
    """For how long it is remembered that somebody brought it in."""
    stale_after_s: Seconds = 120.0
    on_stale: Literal["suppress", "alarm"] = "suppress"
    fold_after_days: Annotated[int, Field(ge=0, le=36_500)] = 400
    """Records older than this leave their item's last state only; 0 keeps all. A return may come a year after its sale."""
    max_units_per_minute: Annotated[int, Field(ge=0)] = 600
    """A till that sells more items than this in a minute, or has more sales, is told to people; 0 switches it off."""
    max_sales_per_minute: Annotated[int, Field(ge=0)] = 60


class Journal(Section):
    dir: Path = Path("journal")
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 14
    max_mb: Annotated[int, Field(ge=1)] = 4096


class Privacy(Section):
    foreign_epc: Literal["hash", "keep", "drop"] = "hash"


class Alarms(Section):
    escalate_s: Seconds = 20.0
    """An alarm that nobody acknowledged by then escalates; while no handheld has received it, again after each such time."""
    escalate_to: Literal["handheld", "light", "siren"] = "siren"
    """The loudest that an alarm may do at the gate that no handheld of any group received; the gate's mode caps it."""
    expire_s: Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)] = 180.0
    critical_items: Annotated[int, Field(ge=0)] = 5
    """An alarm with so many unpaid items is critical, as is one with so much `critical_value`; 0 switches a limit off."""
    critical_value: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 300.0
    critical_same_article: Annotated[int, Field(ge=0)] = 3
    """So many unpaid items of one article: nobody forgets to pay for one thing three times."""


class Antenna(Section):
    zone: Zone
    gate: Level | None = None


class DeviceSection(BaseModel):
    """A device: `id` and `driver`; every other key belongs to the driver and is checked against its settings model."""

    model_config = ConfigDict(extra="allow", frozen=True)
    id: Level
    driver: str

    def settings(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class FeedSection(DeviceSection):
    """A source of sales: `id` and `driver`; every other key belongs to the driver."""


class Reader(DeviceSection):
    antennas: dict[Annotated[int, Field(ge=1, le=255)], Zone | Antenna] = Field(
        default_factory=lambda: {1: "threshold"}, validate_default=True
    )

    def places(self, gate: str) -> dict[int, tuple[str, Zone]]:
        """Antenna port -> (gate, zone)."""
        return {
            port: (gate, place) if isinstance(place, str) else (place.gate or gate, place.zone)
            for port, place in self.antennas.items()
        }


class Pedestal(DeviceSection):
    pass


class Counter(DeviceSection):
    pass


class Output(Section):
    id: Level
    reader: Level
    pin: Annotated[int, Field(ge=1, le=64)]
    seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 5.0
    kind: Literal["light", "siren"] | None = None

    def sounds(self) -> bool:
        """True for a siren. Unless `kind` says so, an output whose id names a siren is one; every other is a light."""
        return (self.kind or ("siren" if "siren" in self.id else "light")) == "siren"


class Gate(Section):
    id: Level
    mode: GateMode = "handheld"
    hours: Annotated[str, AfterValidator(_opening_times)] | None = None
    """When this gate is open, as in `site.open`, which holds where nothing is said here."""
    after_hours: Literal["guard", "disarm", "critical"] = "guard"
    """At other times: guard as always, record only, or take any own item that leaves unsold for critical."""
    unknown_direction: Literal["auto", "out", "ignore"] = "auto"
    """What a passage without a direction counts as. auto: out where no antenna layout could tell, else ignore."""
    canaries: tuple[Hex, ...] = ()
    """Tags that hang in the frame for good: while none of them is heard, the gate is blind. They never ring."""
    reader: tuple[Reader, ...] = ()
    pedestal: tuple[Pedestal, ...] = ()
    counter: tuple[Counter, ...] = ()
    output: tuple[Output, ...] = ()


class GoodsMovement(Section):
    """Staff who move goods: a badge that leaves makes its gate quiet for `seconds`."""

    badges: tuple[Annotated[str, AfterValidator(_item_entry)], ...] = ()
    """EPCs of badges, or how they begin ("3034257BFF*")."""
    seconds: Annotated[float, Field(gt=0, le=14_400, allow_inf_nan=False)] = 120.0


class Action(Section):
    """Who is told of what. Where any action is listed, only listed ones act; a gate's mode still caps them."""

    kind: str | None = None
    severity: Severity | None = None
    certainty_min: Annotated[float, Field(ge=0, le=1)] = 0.0
    schedule: Annotated[str, StringConstraints(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] | None = None
    do: tuple[Literal["light", "siren", "handheld", "log"], ...]


class Group(Section):
    """Handhelds that ring together. The first group is told at once, the next ones where nobody answers; none: everybody."""

    id: Level
    users: Annotated[tuple[Level, ...], Field(min_length=1)]


class Rule(BaseModel):
    """`use` names the rule; every other key is a parameter, checked against the rule's own model."""

    model_config = ConfigDict(extra="allow", frozen=True)
    use: str

    def params(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Config(Section):
    site: Site
    database: Database = Database()
    mqtt: Mqtt = Mqtt()
    http: Http = Http()
    ledger: LedgerPolicy = LedgerPolicy()
    journal: Journal = Journal()
    privacy: Privacy = Privacy()
    alarms: Alarms = Alarms()
    feed: tuple[FeedSection, ...] = ()
    chain: Chain | None = None
    goods_movement: GoodsMovement = GoodsMovement()
    gate: tuple[Gate, ...] = ()
    group: tuple[Group, ...] = ()
    action: tuple[Action, ...] = ()
    rule: tuple[Rule, ...] = ()
