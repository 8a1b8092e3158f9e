"""Step 1 of the data path: every input of the core, frozen. One class is one journal line type.

Times are Unix seconds UTC. `at` is when it happened (for a read: the reader's clock, corrected), `received` when this
box heard of it; `received` is None where the two do not differ. EPCs are upper-case hex. The JSON names of fields are
those of the journal (`rssi`, `phase`); the Python names carry units.
"""

from typing import Any

import msgspec

LEDGER_KINDS = ("sold", "returned", "void", "stock_in", "reserved", "shipped", "released", "retired")
EAS_KINDS = ("alarm", "alarm_in", "alarm_out", "metal", "jammer", "fault", "tamper", "power", "ok")
FEED_STATES = ("fresh", "stale")
DEVICE_STATES = ("online", "degraded", "offline")
COUNT_DIRECTIONS = ("in", "out", "unknown")
ANSWER_ACTIONS = ("received", "acknowledge", "resolve", "escalate")


class _Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    at: float
    received: float | None = None


class Read(
    _Event,
    frozen=True,
    tag="read",
    gc=False,  # by far the most numerous, and it can hold no cycle
    rename={"rssi_dbm": "rssi", "phase_rad": "phase", "doppler_hz": "doppler"},
):
    """One tag seen once (or `count` times) by one antenna."""

    gate: str
    reader: str
    antenna: int
    epc: str
    rssi_dbm: float
    phase_rad: float | None = None
    doppler_hz: float | None = None
    channel: int | float | None = None
    count: int = 1
    tid: str | None = None


class Ledger(_Event, frozen=True, tag="ledger"):
    """One record of the sold-items ledger. `id` is its idempotency key; a void names the id it undoes in `ref`."""

    id: str
    kind: str
    epc: str | None = None
    gtin: str | None = None
    serial: str | None = None
    quantity: int = 1
    transaction: str | None = None
    source: str | None = None
    lane: str | None = None
    ref: str | None = None


class Eas(_Event, frozen=True, tag="eas"):
    """A pedestal spoke. `kind` is one of EAS_KINDS."""

    gate: str
    pedestal: str
    kind: str


class Count(_Event, frozen=True, tag="count"):
    """People passed a counter or light barrier."""

    gate: str
    counter: str
    direction: str
    people: int = 1


class Device(_Event, frozen=True, tag="device"):
    """A device changed state. `online` means it truly reads, not merely that a connection stands."""

    device: str
    state: str
    reason: str | None = None


class Answer(_Event, frozen=True, tag="answer"):
    """A person answered an alarm. `by` is the topic level or the HTTP client's name, never taken from the payload."""

    id: str
    alarm: str
    action: str
    by: str
    outcome: str | None = None
    note: str | None = None
    items: tuple[dict[str, str], ...] = ()


class Command(_Event, frozen=True, tag="command"):
    """An order to the daemon: mute, unmute, arm, disarm, test, reload, rebirth."""

    id: str
    name: str
    gate: str | None = None
    seconds: float | None = None
    by: str | None = None
    reason: str | None = None


class Gpi(_Event, frozen=True, tag="gpi"):
    """An input pin of a reader changed. The gpi driver turns these into counts and pedestal events."""

    device: str
    pin: int
    high: bool


class OutputDone(_Event, frozen=True, tag="output"):
    """A driver's answer to an order for an output: the pin was set and read back, or why it was not."""

    device: str
    id: str
    pin: int
    on: bool
    ok: bool
    reason: str | None = None


class Article(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the catalogue says of an article. `gtin` has 14 digits, `price` is a decimal in the site's currency."""

    gtin: str
    name: str | None = None
    price: str | None = None


class Lookup(_Event, frozen=True, tag="lookup"):
    """What the ledger and the catalogue knew of `keys` when the core asked; recorded so that a replay needs no database."""

    keys: tuple[str, ...]
    records: tuple[Ledger, ...] = ()
    articles: tuple[Article, ...] = ()


class Feed(_Event, frozen=True, tag="feed"):
    """A feed of sales fell silent (`stale`) or is heard again (`fresh`). `source` and `lane` name it as its records do."""

    source: str
    state: str
    lane: str | None = None
    reason: str | None = None


class Site(_Event, frozen=True, tag="site"):
    """What the shop is like now; None where it is as before. `counting`: stock is being counted, `open`: the doors are open,
    `credit_ttl_s`: how long a sale of an article pays for an item that leaves, as learned.
    """

    counting: bool | None = None
    open: bool | None = None
    credit_ttl_s: float | None = None


class Pace(_Event, frozen=True, tag="pace"):
    """From now on this box looks at tags that it hears every `heard` tenths of a second, at others every `quiet`: it is slow, and
    its gates are busy. 1 and 1 is the best there is.
    """

    heard: int
    quiet: int


class Tick(_Event, frozen=True, tag="tick"):
    """Time passed; nothing else happened."""


class State(_Event, frozen=True, tag="state"):
    """A snapshot of the core, complete: a core restored from it goes on exactly as the one that wrote it."""

    snapshot: dict[str, Any]


Event = Read | Ledger | Eas | Count | Device | Answer | Command | Gpi | OutputDone | Lookup | Feed | Site | Pace | Tick | State


class ReadBatch(msgspec.Struct, frozen=True):
    """Reads that a driver emits as one item; the only kind of item that may be dropped (and counted) when the box is late."""

    reads: tuple[Read, ...]


def heard_at(event: Event) -> float:
    """When this box heard of the event: `received`, else `at`."""
    return event.at if event.received is None else event.received
