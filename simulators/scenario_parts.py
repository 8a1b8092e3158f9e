"""The parts of a scenario file: store, shelves, doors, faults, and who walks where with what. Unknown keys are errors."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from simulators.gen2 import ASKED_LINK, Newcomers

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=64)]
Metres = Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=-86_400 * 30, le=86_400, allow_inf_nan=False)]
Pause = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Speed = Annotated[float, Field(gt=0.05, le=8, allow_inf_nan=False)]

Share = Annotated[float, Field(ge=0, le=1)]

Does = Literal[
    "exit", "enter", "weave", "turn_back", "pause", "wait_back", "linger", "wander", "pass_outside", "pass_inside",
    "restock", "pick_out", "pick_back", "browse", "path",
]  # fmt: skip
Place = Literal["hand", "swing", "bag", "backpack", "body", "cart", "pram", "rack", "foil"]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Store(Part):
    """The shop and its gate. `link` is the Gen2 mode (as a rule the one that the LLRP driver asks for), `dwell_s` the longest
    visit to one antenna, `newcomers` how the reader asks these first (gen2.py), `drift_x` how many times faster levels drift than
    they do, `late_share` of the reads come up to `late_s` late, `swapped` are ports wired crosswise.
    """

    site: Name = "0001"
    gate: Name = "front"
    timezone: str = "Europe/Berlin"
    company_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,12}$")] = "0614141"
    layout: str = "four"
    region: Literal["fcc", "etsi"] = "etsi"
    link: Literal["fm0", "m2", "m4", "m4_dense", "m8"] = ASKED_LINK
    session: Annotated[int, Field(ge=0, le=3)] = 0
    dual_target: bool = True
    dwell_s: Annotated[float, Field(gt=0.02, le=10)] = 0.2
    newcomers: Newcomers = "no"
    rssi_step_db: Annotated[float, Field(gt=0, le=2)] = 0.5
    phase: bool = True
    counter: bool = True
    clock_error_s: Annotated[float, Field(ge=-60, le=60)] = 0.0
    clock_drift_ppm: Annotated[float, Field(ge=-500, le=500)] = 0.0
    latency_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    duplicates: Share = 0.0
    late_share: Share = 0.0
    late_s: Annotated[float, Field(ge=0, le=600)] = 3.0
    drift_x: Annotated[float, Field(gt=0, le=100_000)] = 1.0
    swapped: tuple[int, int] | None = None
    counter_directional: bool = True
    counter_misses: Annotated[float, Field(ge=0, le=1)] = 0.02
    pedestal: bool = True
    mode: Literal["observe", "handheld", "light", "siren"] = "siren"
    unknown_epc: Literal["observe", "stock_only", "strict"] = "strict"
    stock_list: bool = False


class Antenna(Part):
    """One antenna of a layout of the scenario's own: a 9 dBic ceiling patch, or a 6 dBic one inside a pedestal (`slim`)."""

    port: Annotated[int, Field(ge=1, le=16)]
    zone: Literal["inside", "threshold", "outside"]
    at: tuple[Metres, Metres, Metres]
    looks_at: tuple[Metres, Metres, Metres]
    slim: bool = False


class DoorLeaf(Part):
    """A door leaf; a negative `width` hangs it to the left of its hinge. `swings`: when it opens."""

    hinge: tuple[Metres, Metres]
    width: Annotated[float, Field(ge=-3, le=3)] = 0.9
    swings: tuple[Moment, ...] = ()


class Fault(Part):
    """Something fails from `since` to `until`: a jammer, one antenna, the reader's or the counter's link; or the noise rises
    by `rise_db` within `ramp_s`, which takes the weak reads first.
    """

    kind: Literal["jam", "noise", "antenna_dead", "reader_offline", "counter_offline"]
    since: Moment
    until: Moment = 86_400.0
    port: int | None = None
    rise_db: Annotated[float, Field(ge=0, le=60)] = 20.0
    ramp_s: Annotated[float, Field(gt=0, le=3600)] = 5.0


class Order(Part):
    """A command to the daemon at a moment, as staff give them: mute, arm, disarm, …"""

    at: Moment
    name: Name
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
    by: str = "staff"


class Article(Part):
    """One article. `item` is indicator + item reference, as many digits as the prefix leaves of 13. `prefix` makes it foreign.

    `variants`: so many sizes and colours, each a GTIN of its own, counted up from `item`.
    """

    id: Name
    name: str
    item: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,7}$")]
    price: Annotated[str, StringConstraints(pattern=r"^[0-9]+\.[0-9]{2}$")] = "19.90"
    prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,12}$")] | None = None
    scheme: Literal["sgtin-96", "sgtin-198"] = "sgtin-96"
    variants: Annotated[int, Field(ge=1, le=1000)] = 1


class Shelf(Part):
    """Standing tags in a box around `at` (x, y), `size` wide and deep, between two heights."""

    id: Name
    at: tuple[Metres, Metres]
    size: tuple[Metres, Metres] = (0.9, 0.4)
    height: tuple[Metres, Metres] = (0.4, 1.6)
    tags: Annotated[int, Field(ge=1, le=5000)]
    article: tuple[Name, ...] = ()


class Carry(Part):
    """What a person carries. `sale_s` rung up, `receipt_s` heard of, `returned_s` taken back: seconds from the crossing."""

    article: Name | None = None
    item: Name | None = None
    count: Annotated[int, Field(ge=1, le=200)] = 1
    place: Place = "bag"
    paid: bool = False
    by: Literal["epc", "gtin"] = "epc"
    sale_s: Moment = -40.0
    receipt_s: Moment | None = None
    returned_s: Moment | None = None
    lane: Name = "3"
    label: Literal["none", "live"] = "none"
    tag: bool = True


class Person(Part):
    """`at`: when the body crosses the threshold, turns, or is nearest to the gate. `carries` rides along the whole way.

    `kind` replaces `does` in the truth's word for the passage; `gate` is which of two gates; what `staff` move is not unpaid.
    """

    id: Name
    does: Does
    at: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]
    x: Metres = 0.0
    speed: Speed = 1.3
    wait_s: Pause = 4.0
    nearest_y: Metres | None = None
    shelf: Name | None = None
    path: tuple[tuple[Metres, Metres, Speed, Pause], ...] = ()
    carries: tuple[Carry, ...] = ()
    kind: Name | None = None
    height: Annotated[float, Field(ge=0.6, le=2.3)] = 1.75
    pushes: Literal["cart", "pram", "rack"] | None = None
    gate: Name | None = None
    staff: bool = False


class Answer(Part):
    """A staff member's part: `after_s` seconds after the alarm for what person `to` carries, `by` does `action`."""

    to: Name
    after_s: Pause
    by: Name
    action: Literal["received", "acknowledge", "resolve", "escalate"]
    outcome: str | None = None
    note: str | None = None


Awkward = Literal[
    "run", "cart", "pram", "child", "pause", "wait", "wait_back", "pair", "group", "in_out", "wear", "return", "enter",
    "turn_back", "linger", "wander", "pass_inside", "pass_outside", "pick_back", "pick_out", "browse", "restock", "rack_by",
]  # fmt: skip


class RandomPeople(Part):
    """Passages drawn at random, one after another. Shares are of exits, what is left over carries nothing.

    `awkward_share` of the passages are drawn evenly from `awkward`; with `empty` nobody at all carries anything. They come
    `headway_s` apart; with `per_day` as at a gate with so many passages in twelve hours, in rush hours and quiet ones, pauses
    cut at `longest_gap_s`. `group_share` of the plain passages are two or three people.
    """

    passages: Annotated[int, Field(ge=1, le=100_000)]
    unpaid_share: Share = 0.05
    paid_share: Share = 0.3
    foreign_share: Share = 0.05
    awkward_share: Share = 0.2
    awkward: tuple[Awkward, ...] = get_args(Awkward)
    group_share: Share = 0.0
    empty: bool = False
    headway_s: tuple[Pause, Pause] = (5.0, 12.0)
    per_day: Annotated[float, Field(gt=0, le=100_000)] | None = None
    longest_gap_s: Pause = 20.0
    rack_tags: Annotated[int, Field(ge=1, le=1000)] = 200
    article: tuple[Name, ...] = ()
