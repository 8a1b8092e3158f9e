"""What the made-up worlds (learn/plain_world.py, rough/world.py) share: one gate, its configuration, the shape of their truth."""

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from rfidguard.events import Count, Read
from simulators.learn.plain_walks import Way

EPOCH = 1_800_000_000.0
GATE = "front"
PREFIX = "0614141"
ZONES = {-1: "inside", 0: "threshold", 1: "outside"}
_COUNTER_MISSES = 0.03


def times_of(reads: Iterable[Read]) -> dict[str, list[float]]:
    """EPC -> when it was read, in scene seconds."""
    times: dict[str, list[float]] = {}
    for read in reads:
        times.setdefault(read.epc, []).append(read.at - EPOCH)
    return times


def counts(rng: Random, ways: Iterable[Way], earliest_s: float, latest_s: float) -> list[Count]:
    """Who crosses, counted from `earliest_s` to `latest_s` after the crossing, but for a few whom the counter misses."""
    return [
        Count(
            at=round(EPOCH + way.cross + rng.uniform(earliest_s, latest_s), 3),
            gate=GATE,
            counter=f"{GATE}-count",
            direction=way.direction,
        )
        for way in ways
        if way.cross is not None and rng.random() >= _COUNTER_MISSES
    ]


def told(
    name: str, kind: str, way: Way, epcs: Sequence[str], times: Mapping[str, Sequence[float]], *, unpaid: bool
) -> dict[str, Any]:
    """One passage of truth.json. `unpaid`: its items ring if they go out."""
    return {
        "passage": name,
        "kind": kind,
        "start": round(EPOCH + way.start, 3),
        "end": round(EPOCH + way.end, 3),
        "cross": None if way.cross is None else round(EPOCH + way.cross, 3),
        "direction": way.direction,
        "unpaid": list(epcs) if way.direction == "out" and unpaid else [],
        "tags": list(epcs),
        "reads": {epc: sum(way.start <= at <= way.end for at in times.get(epc, ())) for epc in epcs},
    }


def truth_of(passages: list[dict[str, Any]], standing: list[str], end: float, world: str) -> dict[str, Any]:
    """truth.json of a scene of `end` seconds."""
    return {
        "passages": passages,
        "standing": standing,
        "seconds": round(end, 3),
        "simulated": True,
        "mix": f"simulated, {world} world",
    }


def config_text(sides: Mapping[int, int]) -> str:
    """rfidguard.toml. `sides`: antenna port -> -1 inside, 0 threshold, 1 outside."""
    zones = ", ".join(f'{port} = "{ZONES[side]}"' for port, side in sides.items())
    return "\n".join((
        f'[site]\nid = "0001"\ncompany_prefixes = ["{PREFIX}"]',
        '[ledger]\nunknown_epc = "strict"',
        f'[[gate]]\nid = "{GATE}"\nmode = "siren"',
        f'[[gate.reader]]\nid = "{GATE}-1"\ndriver = "replay"\nantennas = {{ {zones} }}',
        f'[[gate.counter]]\nid = "{GATE}-count"\ndriver = "replay"\n',
    ))  # fmt: skip
