"""A scene becomes rows: the signs of a tag at one look, and what a score should have said of it then.

The gate is watched as the program watches it (the same reads, places, signs, rests), but nothing is judged: rows must not depend
on the tables that are made from them.
"""

import hashlib
import tomllib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from rfidguard.around import around_of
from rfidguard.config import Config
from rfidguard.core_state import GateState, new_state
from rfidguard.evaluate import Passage, Truth
from rfidguard.events import Count, Device, Event, Read, heard_at
from rfidguard.layout import GateLayout, Layout, layout_from
from rfidguard.looking import MISSING_TENTHS
from rfidguard.overlook import vanished
from rfidguard.passage import Seen, next_look, rested, wants_look, watched
from rfidguard.pipeline import step
from rfidguard.shelf import TENTHS
from rfidguard.standing import missed, overdue, went_out
from rfidguard.track import Track
from simulators.learn.labels import come_in, gone_out
from simulators.learn.scenes import Counting, heard_as
from simulators.scene_cache import Played

_LOOKS_KEPT = 1.0 / 3.0
"""Looks a tenth of a second apart say nearly the same."""
_STANDING_KEPT = 0.12
"""Shelf tags give most of the looks and teach little; those kept weigh as much as all of them."""
_MOST_TAGS = 12
"""Somebody with more tags than this gives as many rows as with so many: one full rack must not outweigh a hundred people."""

Look = tuple[Track, Seen, float]
"""A tag, what is seen of it, and when."""


@dataclass
class Rows:
    """Rows of one scene. `values`: of all `signs`, row after row. `out`, `come`: labels. `weights`: of how many looks."""

    signs: tuple[str, ...] = ()
    values: "array[float]" = field(default_factory=lambda: array("f"))
    out: "array[int]" = field(default_factory=lambda: array("b"))
    come: "array[int]" = field(default_factory=lambda: array("b"))
    weights: "array[float]" = field(default_factory=lambda: array("f"))

    def add(self, signs: Mapping[str, float], out: int, come: int, weight: float) -> None:
        """Raises ValueError where the signs are others than those of the rows before."""
        names = tuple(sorted(signs))
        if names != (self.signs or names):
            raise ValueError(f"rows of two kinds of gates: {sorted(set(names) ^ set(self.signs))}")
        self.signs = names
        self.values.extend(signs[name] for name in names)
        self.out.append(out)
        self.come.append(come)
        self.weights.append(weight)


def rows_of(scene: Played, counting: Counting, weighs: float = 1.0) -> Rows:
    """The rows of a scene at one gate, heard with counters as `counting` says; each counts `weighs` times. The same scene always
    gives the same rows.
    """
    layout = layout_from(Config.model_validate(tomllib.loads(scene.config_text)))
    (gate,) = layout.gates.values()
    of_tag = carried(msgspec.convert(scene.truth, Truth))
    rows = Rows()
    for track, seen, now in looks(layout, gate, heard_as(scene.events, counting)):
        passages = of_tag.get(track.epc, ())
        share, weight = _share(passages)
        if drawn(f"{track.epc} {round(now * 10)}") < share:
            rows.add(seen.signs, gone_out(passages, now), come_in(passages, now), weighs * weight)
    return rows


def looks(layout: Layout, gate: GateLayout, events: Iterable[Event]) -> Iterator[Look]:
    """Every look at a tag that does not stand, as the pipeline would take it if no tag were ever judged to have passed.

    Sales, orders and pedestals play no part in signs, and are left out.
    """
    state = new_state(layout)
    memory = state.gates[gate.id]
    for event in events:
        if not isinstance(event, Read | Count | Device):
            continue
        heard = heard_at(event)
        while memory.next_look is not None and memory.next_look <= heard:
            state.now = max(state.now, memory.next_look)
            yield from _looked(gate, memory, list(state.tracks[gate.id].values()), state.now)
        state.now = max(state.now, heard)
        step(layout, state, event)


def _looked(gate: GateLayout, memory: GateState, tracks: Sequence[Track], now: float) -> Iterator[Look]:
    """One look at a gate (pipeline._look without its judgement)."""
    active = [track for track in tracks if not track.gone]
    if round(now * TENTHS) % MISSING_TENTHS == 0 and went_out(memory.presence, now):
        for track in [track for track in active if track.state == "standing" and overdue(track, now)]:
            missed(track)
    around = around_of(active, memory.floor_db, now)
    for track in active:
        if not wants_look(track, memory.presence, now):
            continue
        seen = watched(track, gate, memory.presence, around, now)
        if seen is None:
            continue
        yield track, seen, now
        if vanished(track, now):
            track.gone = True
        else:
            rested(track, seen, now)
    memory.next_look = next_look(now) if any(not track.gone for track in active) else None


def carried(truth: Truth) -> dict[str, tuple[Passage, ...]]:
    """EPC -> the passages of its tag."""
    found: dict[str, tuple[Passage, ...]] = {}
    for passage in truth.passages:
        for epc in passage.tags:
            found[epc] = (*found.get(epc, ()), passage)
    return found


def _share(passages: Sequence[Passage]) -> tuple[float, float]:
    """Which share of a tag's looks become rows, and what each weighs."""
    if not passages:
        return _LOOKS_KEPT * _STANDING_KEPT, 1.0 / _STANDING_KEPT
    return _LOOKS_KEPT * min(1.0, _MOST_TAGS / max(len(passage.tags) for passage in passages)), 1.0


def drawn(what: str) -> float:
    """0 to 1, evenly; always the same for the same tag and moment."""
    digest = hashlib.blake2b(what.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32
