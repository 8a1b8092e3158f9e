"""The feed contract. A source of sales that is asked is one class with `poll`; one that sends (a webhook) is one with `heard`.

What both promise: nothing leaves them but DeviceLost (the source cannot be asked now; try again later), RefusedInput (what it
said as a whole is wrong) and OSError. They never store, wait or count: that is done by `feed_thread` and `feed_desk`.
Ids of records are stable: the same thing told again is a duplicate, so that any page may be asked for again.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from typing import Any, Protocol

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from rfidguard.clock import Clock
from rfidguard.errors import RfidguardError
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.record_intake import RecordCounts
from rfidguard.registry import registry


class FeedSettings(BaseModel):
    """Base of every feed's settings: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    vital: bool = True
    """While it is silent the ledger is not believed (`ledger.on_stale`). False for one that only repairs another."""


class PollSettings(FeedSettings):
    every_s: float = Field(10.0, ge=0.2, le=86_400)
    """How often it is asked."""


class Page(msgspec.Struct, frozen=True):
    """One answer of a source. `cursor`: where to go on once this is stored, None: as before. `more`: ask again at once."""

    taken: tuple[Taken, ...] = ()
    cursor: str | None = None
    more: bool = False


class Context(msgspec.Struct, frozen=True):
    """What a feed may use: the shop's zone, the clock, and the GTINs of codes (SKUs) that the catalogue knows."""

    feed: str
    zone: tzinfo
    clock: Clock
    gtins: Callable[[Sequence[str]], Mapping[str, str]]


class Source(Protocol):
    """A feed that is asked. It goes on from `cursor` (None: from the start)."""

    proves_life: bool
    """An answer without news says that the shop's system is alive. False for a folder, which is empty either way."""

    def poll(self, cursor: str | None) -> Page: ...

    def stored(self, page: Page, counts: RecordCounts) -> None:
        """The page and its cursor are on disk."""
        ...

    def close(self) -> None:
        """It is not asked any more; another one may be built."""
        ...

    def doctor(self) -> str:
        """One look at the source: what was found, in words. Raises like `poll`."""
        ...


class Hook(Protocol):
    """A feed that sends."""

    def heard(self, headers: Mapping[str, str], body: bytes) -> Sequence[Taken]:
        """What one call means; names of headers are lower case. Raises Unsigned too."""
        ...

    def doctor(self) -> str: ...


class Unsigned(RfidguardError):
    """A call that does not prove who sent it."""


class FeedClass(Protocol):
    """What a registry entry ("module:Class") must name."""

    Settings: type[FeedSettings]

    def __call__(self, settings: Any, context: Context) -> Any: ...


def feed_names() -> dict[str, str]:
    """Every driver that a [[feed]] may name."""
    return registry("rfidguard.feeds", "rfidguard.feeds")


def load_feed(name: str) -> FeedClass:
    """The class called `name`. Raises RfidguardError with the known names when there is none."""
    known = feed_names()
    if name not in known:
        raise RfidguardError(f"no feed driver is called {name!r}; known: {', '.join(sorted(known))}")
    module, _, attribute = known[name].partition(":")
    loaded: FeedClass = getattr(importlib.import_module(module), attribute)
    return loaded
