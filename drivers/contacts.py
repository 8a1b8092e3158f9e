"""Dry contacts, pure: from levels of wires to what a pedestal says. Used on modem lines (eas_serial) and on reader inputs (gpi).

A wire is high when the line is asserted or the input pin is active. Times are seconds of any one clock.
"""

from collections.abc import Hashable, Mapping
from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict

EasKind = Literal["alarm", "alarm_in", "alarm_out", "metal", "jammer", "fault", "tamper", "power", "ok"]
Normally = Literal["open", "closed"]

TROUBLES = frozenset(("fault", "tamper", "power"))
"""Kinds that say that the pedestal itself does not work as it should."""

CONDITIONS = TROUBLES | {"jammer"}
"""Kinds that last: when the last of their contacts is released the pedestal is `ok`. The others are moments."""

K = TypeVar("K", bound=Hashable)


class Contact(BaseModel):
    """What one contact means. `normally` open: a high wire speaks; closed: a low wire speaks (and so does a cut cable)."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: EasKind
    normally: Normally = "open"

    def speaks(self, high: bool) -> bool:
        """True when the wire at this level means `kind`."""
        return high == (self.normally == "open")


ContactSetting = Annotated[Contact, BeforeValidator(lambda given: {"kind": given} if isinstance(given, str) else given)]
"""A setting: `"alarm"`, or `{ kind = "alarm", normally = "closed" }`."""


class Change(msgspec.Struct, frozen=True):
    """A wire truly changed: at the first edge, and it stayed for the whole debounce time."""

    at: float
    high: bool


class Debounce:
    """One wire. A change counts once it has lasted `debounce_s`; anything shorter never was."""

    def __init__(self, debounce_s: float, high: bool = False) -> None:
        self.high = high
        self.since: float | None = None
        """When the level that is not yet believed began."""
        self._debounce_s = debounce_s

    def edge(self, at: float, high: bool) -> Change | None:
        """The wire went to `high` at `at`, and it had kept its level until then."""
        settled = self.settle(at)
        self._look(at, high)
        return settled or self.settle(at)

    def sample(self, at: float, high: bool) -> Change | None:
        """The wire was seen at `high`; what it did since the last look is not known."""
        self._look(at, high)
        return self.settle(at)

    def settle(self, at: float) -> Change | None:
        """The change that has lasted long enough by `at`, if one has."""
        if self.since is None or at < self.since + self._debounce_s:
            return None
        change = Change(self.since, not self.high)
        self.high, self.since = change.high, None
        return change

    def deadline(self) -> float | None:
        """When the level seen last becomes a change, if nothing else happens."""
        return None if self.since is None else self.since + self._debounce_s

    def _look(self, at: float, high: bool) -> None:
        if high == self.high:
            self.since = None
        elif self.since is None:
            self.since = at


class Said(msgspec.Struct, frozen=True):
    """A contact spoke."""

    at: float
    kind: str


class ContactDecoder(Generic[K]):
    """Several contacts of one pedestal, named by `K`. All count as silent at the start, so one that is not speaks at once."""

    def __init__(self, contacts: Mapping[K, Contact], debounce_s: float) -> None:
        self._contacts = dict(contacts)
        self._wires = {name: Debounce(debounce_s, high=contact.normally == "closed") for name, contact in contacts.items()}

    def edge(self, at: float, name: K, high: bool) -> list[Said]:
        """One wire changed at `at`; every other kept its level. Names that are no contact say nothing."""
        said = self.settle(at)
        wire = self._wires.get(name)
        return said if wire is None else said + self._heard({name: wire.edge(at, high)})

    def sample(self, at: float, levels: Mapping[K, bool]) -> list[Said]:
        """All wires were looked at."""
        return self._heard({name: wire.sample(at, levels[name]) for name, wire in self._wires.items()})

    def settle(self, at: float) -> list[Said]:
        """Time passed."""
        return self._heard({name: wire.settle(at) for name, wire in self._wires.items()})

    def deadline(self) -> float | None:
        """When `settle` will next have something to look at."""
        return min((due for wire in self._wires.values() if (due := wire.deadline()) is not None), default=None)

    def trouble(self, _now: float) -> str | None:
        """What the contacts that speak of a fault, tampering or lost power say, if one does."""
        kinds = [contact.kind for name, contact in self._contacts.items() if contact.speaks(self._wires[name].high)]
        return next((f"the pedestal says {kind}" for kind in kinds if kind in TROUBLES), None)

    def _heard(self, changes: Mapping[K, Change | None]) -> list[Said]:
        found = sorted(((change.at, name) for name, change in changes.items() if change), key=lambda pair: pair[0])
        return [Said(at, kind) for at, name in found if (kind := self._kind(name)) is not None]

    def _kind(self, name: K) -> str | None:
        """What the change of this wire says: its kind, `ok` when the last condition ended, or nothing."""
        contact = self._contacts[name]
        if contact.speaks(self._wires[name].high):
            return contact.kind
        return "ok" if contact.kind in CONDITIONS and not self._in_trouble() else None

    def _in_trouble(self) -> bool:
        return any(
            contact.kind in CONDITIONS and contact.speaks(self._wires[name].high) for name, contact in self._contacts.items()
        )
