"""What boxes share sales by: a centre that is told (`Sink`), heard (`Source`) and asked (`Lookup`). Engines are one class each.

What all three promise: nothing leaves them but DeviceLost (the centre cannot be reached now; try again later) and RefusedInput.
Everything comes at least once; ids make a repetition harmless. They never store, wait for news or count.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from rfidguard.config_chain import Chain
from rfidguard.errors import RfidguardError
from rfidguard.events import Ledger
from rfidguard.registry import registry

PAGE = 500
"""Records in one page, and in one commit: a sale that comes meanwhile waits for no more than that."""


class Shared(msgspec.Struct, frozen=True):
    """A ledger record and where it is from. Its ids are unique within `site` only."""

    site: str
    box: str
    region: str
    record: Ledger


class Batch(msgspec.Struct, frozen=True):
    """One answer of a source. `cursor`: where to go on once this is stored, None: as before. `more`: ask again at once.

    `restored`: the centre knows less than when it was asked last (an older copy, or a new one): tell it everything again.
    `unreadable`: records that were left out because they are none.
    """

    shared: tuple[Shared, ...] = ()
    cursor: str | None = None
    more: bool = False
    restored: bool = False
    unreadable: int = 0


Answer = Callable[[Sequence[str]], Sequence[Shared]]
"""What a box knows of ledger keys, for others who ask."""


class Source(Protocol):
    """What others told, in the order in which it was told. A cursor is the engine's own word, stored with what came before it."""

    def poll(self, cursor: str, /) -> Batch:
        """What came after `cursor`."""
        ...

    def snapshot(self, cursor: str | None, /) -> Batch:
        """For a cold start: what matters of all that is known, page by page; the cursor of the last page is one for `poll`.

        `cursor`: None, or of the page before.
        """
        ...

    def is_snapshot(self, cursor: str, /) -> bool:
        """True for a cursor that goes on with a snapshot."""
        ...


class Lookup(Protocol):
    """What the centre knows of single items, for those that no list here has."""

    def state(self, keys: Sequence[str], deadline_s: float) -> Mapping[str, tuple[Shared, ...]]:
        """The records of each ledger key and the voids that hit them; a key that nobody knows is left out.

        Raises DeviceLost where there is no answer by `deadline_s`.
        """
        ...


class Sink(Protocol):
    """Where this box tells what it heard."""

    def tell(self, shared: Sequence[Shared]) -> None:
        """Returns once the centre has it for good."""
        ...


class Centre(Source, Lookup, Sink, Protocol):
    """All three in one, and what a daemon needs of it besides."""

    def serve(self, answer: Answer) -> None:
        """Answers what others ask by `state`, from now on; nothing to do where the centre answers by itself."""
        ...

    def doctor(self) -> str:
        """One look at the centre: what was found, in words. Raises DeviceLost."""
        ...

    def close(self) -> None: ...


class CentreClass(Protocol):
    """What a registry entry ("module:Class") must name. Nothing is opened yet."""

    def __call__(self, url: str, chain: Chain, site: str) -> Centre: ...


def build_centre(chain: Chain, site: str) -> Centre:
    """The centre that `chain.url` names. Raises RfidguardError where its kind is unknown or not installed."""
    url = chain.address()
    scheme = url.partition("://")[0]
    known = registry("rfidguard.chain", "rfidguard.chain")
    if scheme not in known:
        raise RfidguardError(f"chain.url: {scheme!r} is no kind of centre; known: {', '.join(sorted(known))}")
    module, _, name = known[scheme].partition(":")
    try:
        kind: CentreClass = getattr(importlib.import_module(module), name)
        return kind(url, chain, site)
    except ImportError as error:
        extra = "nats" if scheme in ("nats", "tls") else "postgres"
        raise RfidguardError(
            f'chain.url: the driver of {scheme} is not installed ({error}); pip install "rfidguard[{extra}]"'
        ) from error
