"""The shape of a scenario file (TOML): a store, its shelves, and who walks where with what. Unknown keys are errors."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from rfidguard.errors import ConfigError

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+$", max_length=64)]
Metres = Annotated[float, Field(ge=-20, le=20, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=-86_400 * 30, le=86_400, allow_inf_nan=False)]
Pause = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Speed = Annotated[float, Field(gt=0.05, le=8, allow_inf_nan=False)]

Does = Literal[
    "exit", "enter", "turn_back", "pause", "linger", "pass_outside", "pass_inside", "restock", "pick_out", "pick_back", "path",
]  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Store(_Part):
    """The shop and its one gate. `link` is the Gen2 mode, `dwell_s` the longest visit to one antenna."""

    site: Name = "0001"
    gate: Name = "front"
    timezone: str = "Europe/Berlin"
    company_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,12}$")] = "0614141"
    layout: str = "four"
    region: Literal["fcc", "etsi"] = "etsi"
    link: Literal["fm0", "m2", "m4", "m4_dense", "m8"] = "m4_dense"
    session: Annotated[int, Field(ge=0, le=3)] = 0
    dual_target: bool = True
    dwell_s: Annotated[float, Field(gt=0.02, le=10)] = 0.2
    rssi_step_db: Annotated[float, Field(gt=0, le=2)] = 0.5
    phase: bool = True
    counter: bool = True
    clock_error_s: Annotated[float, Field(ge=-60, le=60)] = 0.0
    latency_s: Annotated[float, Field(ge=0, le=60)] = 0.0
    counter_directional: bool = True
    counter_misses: Annotated[float, Field(ge=0, le=1)] = 0.02
    pedestal: bool = True
    mode: Literal["observe", "handheld", "light", "siren"] = "siren"
    unknown_epc: Literal["observe", "stock_only", "strict"] = "strict"
    stock_list: bool = False


class Antenna(_Part):
    """One antenna of a layout of the scenario's own: a 9 dBic ceiling patch, or a 6 dBic one inside a pedestal (`slim`)."""

    port: Annotated[int, Field(ge=1, le=16)]
    zone: Literal["inside", "threshold", "outside"]
    at: tuple[Metres, Metres, Metres]
    looks_at: tuple[Metres, Metres, Metres]
    slim: bool = False


class DoorLeaf(_Part):
    """A door leaf; a negative `width` hangs it to the left of its hinge. `swings`: when it opens."""

    hinge: tuple[Metres, Metres]
    width: Annotated[float, Field(ge=-3, le=3)] = 0.9
    swings: tuple[Moment, ...] = ()


class Fault(_Part):
    """Something fails from `since` to `until`: a jammer, one antenna, the reader's or the counter's link."""

    kind: Literal["jam", "antenna_dead", "reader_offline", "counter_offline"]
    since: Moment
    until: Moment = 86_400.0
    port: int | None = None


class Article(_Part):
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


class Shelf(_Part):
    """Standing tags in a box around `at` (x, y), `size` wide and deep, between two heights."""

    id: Name
    at: tuple[Metres, Metres]
    size: tuple[Metres, Metres] = (0.9, 0.4)
    height: tuple[Metres, Metres] = (0.4, 1.6)
    tags: Annotated[int, Field(ge=1, le=5000)]
    article: tuple[Name, ...] = ()


class Carry(_Part):
    """What a person carries. `sale_s` rung up, `receipt_s` heard of, `returned_s` taken back: seconds from the crossing."""

    article: Name | None = None
    item: Name | None = None
    count: Annotated[int, Field(ge=1, le=200)] = 1
    place: Literal["hand", "bag", "backpack", "body", "cart", "foil"] = "bag"
    paid: bool = False
    by: Literal["epc", "gtin"] = "epc"
    sale_s: Moment = -40.0
    receipt_s: Moment | None = None
    returned_s: Moment | None = None
    lane: Name = "3"
    label: Literal["none", "live"] = "none"
    tag: bool = True


class Person(_Part):
    """`at`: when the body crosses the threshold, turns, or is nearest to the gate. `carries` rides along the whole way."""

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
    kind: str | None = None


class Answer(_Part):
    """A staff member's part: `after_s` seconds after the alarm for what person `to` carries, `by` does `action`."""

    to: Name
    after_s: Pause
    by: Name
    action: Literal["received", "acknowledge", "resolve", "escalate"]
    outcome: str | None = None
    note: str | None = None


Awkward = Literal[
    "run", "cart", "pause", "pair", "in_out", "wear", "enter", "turn_back", "linger", "pass_inside", "pass_outside", "pick_back",
]  # fmt: skip


class RandomPeople(_Part):
    """Passages drawn at random, one after another. Shares are of exits, what is left over carries nothing.

    `awkward_share` of the passages are drawn evenly from `awkward`.
    """

    passages: Annotated[int, Field(ge=1, le=100_000)]
    unpaid_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    paid_share: Annotated[float, Field(ge=0, le=1)] = 0.3
    foreign_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    awkward_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    awkward: tuple[Awkward, ...] = get_args(Awkward)
    headway_s: tuple[Pause, Pause] = (5.0, 12.0)
    article: tuple[Name, ...] = ()


class ScenarioFile(_Part):
    """One scenario. Times are seconds from its start."""

    name: str = "scenario"
    about: str = ""
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    store: Store = Store()
    article: tuple[Article, ...] = ()
    antenna: tuple[Antenna, ...] = ()
    door: tuple[DoorLeaf, ...] = ()
    fault: tuple[Fault, ...] = ()
    shelf: tuple[Shelf, ...] = ()
    person: tuple[Person, ...] = ()
    answer: tuple[Answer, ...] = ()
    random: RandomPeople | None = None

    @model_validator(mode="after")
    def _names_are_sound(self) -> Self:
        """Ids are unique in their section, and answers name a person."""
        for section in ("article", "shelf", "person"):
            ids = [part.id for part in getattr(self, section)]
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"{section}: more than one is called {', '.join(twice)}")
        strangers = sorted({answer.to for answer in self.answer} - {person.id for person in self.person})
        if strangers:
            raise ValueError(f"answer.to: no person is called {', '.join(strangers)}")
        return self


def builtin_names() -> tuple[str, ...]:
    """The scenarios that come with the program."""
    folder = files("simulators") / "scenarios"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def read_scenario(name_or_path: str) -> ScenarioFile:
    """A built-in by name, else a file by path. Raises ConfigError with one line for each mistake."""
    if name_or_path in builtin_names():
        return parse_scenario((files("simulators") / "scenarios" / f"{name_or_path}.toml").read_text("utf-8"), name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(builtin_names())
        raise ConfigError([f"no scenario is called {name_or_path!r} and no such file exists; built in: {known}"])
    return parse_scenario(path.read_text("utf-8"), str(path))


def parse_scenario(text: str, source: str) -> ScenarioFile:
    """TOML text -> the scenario. `source` stands in the messages. Raises ConfigError."""
    try:
        return ScenarioFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{source}: not TOML: {error}"]) from error
    except ValidationError as error:
        raise ConfigError([_problem(source, dict(found)) for found in error.errors()]) from error


def _problem(source: str, found: dict[str, object]) -> str:
    place = found["loc"] if isinstance(found["loc"], tuple) else ()
    where = ".".join(str(part) for part in place)
    if not where:
        return f"{source}: {found['msg']}"
    return f"{source}: {where}: {found['msg']} (given: {str(found['input'])[:80]})"
