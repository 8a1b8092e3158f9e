"""What really happened in a scene, in the format of truth.json: the passages, who carried what unpaid, what stood still."""

from collections.abc import Iterable
from typing import Any

from rfidguard.events import Read
from simulators.cast import Actor, Cast, Holding
from simulators.sensors import expected_alarms

_ZONE_M = 2.5
LATE_SALE_S = 1.0
"""A sale that is heard of later than this after the crossing comes too late: the item left unpaid, as far as anyone knew."""


def truth_of(cast: Cast, reads: Iterable[Read], epoch: float, seconds: float, mix: str, gate: str) -> dict[str, Any]:
    """The truth. Beyond the contract: a passage's `reads` (EPC -> how many, while it was carried) and `late` (EPC -> when
    its sale was heard of) and `gate`; `expected` (other alarms), `simulated`, and the `mix` in words.
    """
    times = _times(cast, reads)
    return {
        "passages": [_passage(actor, times, epoch, gate) for actor in cast.actors],
        "standing": list(cast.standing),
        "seconds": seconds,
        "expected": expected_alarms(cast, epoch),
        "simulated": True,
        "mix": mix,
    }


def _passage(actor: Actor, times: dict[str, list[float]], epoch: float, gate: str) -> dict[str, Any]:
    start, end = actor.walk.near(_ZONE_M)
    unpaid = [holding for holding in actor.holdings if _is_unpaid(actor, holding)]
    late = {
        holding.item.epc: round(epoch + (holding.sale_heard_at or 0.0), 3)
        for holding in actor.holdings
        if holding.sale_heard_at is not None and actor.direction == "out" and holding.sale_heard_at > actor.mark
    }
    tags = [(holding.item.epc, max(start, holding.since)) for holding in actor.holdings if holding.carry.tag]
    body: dict[str, Any] = {
        "passage": actor.person.id,
        "kind": _kind(actor, bool(unpaid)),
        "gate": actor.person.gate or gate,
        "start": round(epoch + start, 3),
        "end": round(epoch + end, 3),
        "cross": None if actor.cross is None else round(epoch + actor.cross, 3),
        "direction": actor.direction,
        "unpaid": [holding.item.epc for holding in unpaid],
        "tags": [epc for epc, _ in tags],
        "reads": {epc: sum(since <= at - epoch <= end for at in times.get(epc, ())) for epc, since in tags},
    }
    return body | {"late": late} if late else body


def _times(cast: Cast, reads: Iterable[Read]) -> dict[str, list[float]]:
    """When each carried tag was read."""
    times: dict[str, list[float]] = {holding.item.epc: [] for actor in cast.actors for holding in actor.holdings}
    for read in reads:
        if read.epc in times:
            times[read.epc].append(read.at)
    return times


def _is_unpaid(actor: Actor, holding: Holding) -> bool:
    """Own tagged goods that leave, not moved by staff, not brought in, and whose sale nobody had heard of."""
    if actor.direction != "out" or actor.person.staff or not holding.item.own or not holding.carry.tag or holding.brought_in:
        return False
    return holding.sale_heard_at is None or holding.sale_heard_at > actor.mark + LATE_SALE_S


def _kind(actor: Actor, unpaid: bool) -> str:
    """A word for reports: what was done, and with what."""
    if not actor.holdings:
        with_what = "empty"
    elif unpaid:
        with_what = "unpaid"
    elif any(holding.sold_at is not None for holding in actor.holdings):
        with_what = "paid"
    elif all(not holding.item.own for holding in actor.holdings):
        with_what = "foreign"
    else:
        with_what = "own"
    return f"{actor.person.kind or actor.person.does}_{with_what}"
