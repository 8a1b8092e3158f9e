"""What the other devices of a gate say: people counter beams, pedestal alarms, tills. Scene in, journal events out."""

from collections.abc import Iterator
from random import Random

from rfidguard.events import Command, Count, Device, Eas, Event, Ledger
from simulators.cast import Actor, Cast, Holding
from simulators.layouts import Layout
from simulators.scenario_file import ScenarioFile
from simulators.scenario_parts import Store


def device_events(scenario: ScenarioFile, layout: Layout, epoch: float) -> Iterator[Event]:
    """Every device comes up at the start; those that a fault takes away go and come back."""
    store = scenario.store
    kinds = [
        (f"{store.gate}-1", "reader_offline", True),
        (f"{store.gate}-eas", "", store.pedestal),
        *((f"{gate}-count", "counter_offline", store.counter) for gate in (store.gate, *(name for name, _ in layout.side_gates))),
    ]
    for name, failing, there in kinds:
        if there:
            yield Device(at=epoch, device=name, state="online")
        for fault in scenario.fault:
            if there and fault.kind == failing:
                yield Device(at=epoch + fault.since, device=name, state="offline", reason="link lost")
                yield Device(at=epoch + fault.until, device=name, state="online")


def command_events(scenario: ScenarioFile, epoch: float) -> Iterator[Event]:
    """What staff order the daemon to do."""
    for number, order in enumerate(scenario.command, 1):
        yield Command(at=epoch + order.at, id=f"order-{number}", name=order.name, seconds=order.seconds, by=order.by)


def count_events(cast: Cast, scenario: ScenarioFile, epoch: float, rng: Random) -> Iterator[Event]:
    """One line for each body through the beams, a moment after it; some are missed."""
    store = scenario.store
    passed = [(*crossing, actor.person.gate or store.gate) for actor in cast.actors for crossing in actor.walk.crossings()]
    for at, direction, gate in sorted(passed):
        seen, when = rng.random() >= store.counter_misses, at + rng.uniform(0.03, 0.15)
        if store.counter and seen and not _out_of_order("counter_offline", scenario, at):
            way = direction if store.counter_directional else "unknown"
            yield Count(at=round(epoch + when, 3), gate=gate, counter=f"{gate}-count", direction=way)


def pedestal_events(cast: Cast, scenario: ScenarioFile, epoch: float, rng: Random) -> Iterator[Event]:
    """A live label between the pedestals gives one alarm; a foil bag shows as metal; a jammer is noticed after 2 s."""
    store = scenario.store
    if not store.pedestal:
        return
    for actor in cast.actors:
        when = actor.mark + rng.uniform(-0.15, 0.2)
        if actor.cross is not None:
            yield from (_eas(store, epoch + when, kind) for kind in _pedestal_kinds(actor))
    yield from (_eas(store, epoch + fault.since + 2.0, "jammer") for fault in scenario.fault if fault.kind == "jam")


def ledger_events(cast: Cast, store: Store, epoch: float) -> Iterator[Event]:
    """The stock list where the shop keeps one, and every sale once: by EPC, or as GTIN and quantity."""
    if store.stock_list:
        for number, item in enumerate(cast.stock):
            yield Ledger(at=epoch - 3600.0, id=f"stock-{number:05}", kind="stock_in", epc=item.epc, source="stock")
    told: set[str] = set()
    for number, actor in enumerate(cast.actors, 4700):
        fresh = [holding for holding in actor.holdings if holding.sold_at is not None and holding.item.epc not in told]
        told.update(holding.item.epc for holding in fresh)
        yield from _sales(fresh, f"{store.site}-{number}", str(number), epoch)
        yield from _returns(actor, f"{store.site}-{number}-back", epoch)


def expected_alarms(cast: Cast, epoch: float) -> list[dict[str, object]]:
    """Alarms other than unpaid items that a right system raises: sold goods with a live label, a live label without a tag."""
    return [found for actor in cast.actors if (found := _expected(actor, epoch)) is not None]


def _out_of_order(kind: str, scenario: ScenarioFile, at: float) -> bool:
    return any(fault.kind == kind and fault.since <= at < fault.until for fault in scenario.fault)


def _pedestal_kinds(actor: Actor) -> list[str]:
    found = ["alarm"] if any(holding.carry.label == "live" for holding in actor.holdings) else []
    return found + (["metal"] if any(holding.carry.place == "foil" for holding in actor.holdings) else [])


def _eas(store: Store, at: float, kind: str) -> Eas:
    return Eas(at=round(at, 3), gate=store.gate, pedestal=f"{store.gate}-eas", kind=kind)


def _sales(holdings: list[Holding], document: str, transaction: str, epoch: float) -> Iterator[Ledger]:
    line = 0
    credited: dict[tuple[str, str, float, float], int] = {}
    for holding in holdings:
        sold, heard = holding.sold_at or 0.0, holding.sale_heard_at or 0.0
        if holding.carry.by == "gtin":
            key = (holding.item.gtin, holding.carry.lane, sold, heard)
            credited[key] = credited.get(key, 0) + 1
            continue
        line += 1
        yield _sale(f"{document}/{line}", transaction, holding.carry.lane, epoch + sold, epoch + heard, epc=holding.item.epc)
    for (gtin, lane, sold, heard), quantity in credited.items():
        line += 1
        yield _sale(f"{document}/{line}", transaction, lane, epoch + sold, epoch + heard, gtin=gtin, quantity=quantity)


def _returns(actor: Actor, document: str, epoch: float) -> Iterator[Ledger]:
    for line, holding in enumerate(actor.holdings, 1):
        if holding.carry.returned_s is not None:
            at = round(epoch + actor.mark + holding.carry.returned_s, 3)
            yield Ledger(at=at, id=f"{document}/{line}", kind="returned", epc=holding.item.epc, source="desk", lane="desk")


def _sale(
    name: str,
    transaction: str,
    lane: str,
    at: float,
    heard: float,
    *,
    epc: str | None = None,
    gtin: str | None = None,
    quantity: int = 1,
) -> Ledger:
    return Ledger(
        at=round(at, 3),
        received=round(heard, 3),
        id=name,
        kind="sold",
        epc=epc,
        gtin=gtin,
        quantity=quantity,
        transaction=transaction,
        source=f"till-{lane}",
        lane=lane,
    )


def _expected(actor: Actor, epoch: float) -> dict[str, object] | None:
    live = [holding for holding in actor.holdings if holding.carry.label == "live"]
    if actor.cross is None or not live:
        return None
    tagged = [holding.item.epc for holding in live if holding.carry.tag]
    if any(holding.carry.tag and holding.sold_at is None for holding in live):
        return None
    kind = "tag_not_deactivated" if tagged else "eas_unidentified"
    return {"kind": kind, "passage": actor.person.id, "at": round(epoch + actor.cross, 3), "items": tagged}
