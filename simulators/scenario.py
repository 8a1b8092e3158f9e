"""A scene: scenario and seed in, the journal's events, the truth and a configuration out. The same seed gives the same bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from rfidguard.errors import ConfigError
from rfidguard.events import Event, Ledger, Read, heard_at
from simulators.air import Air, Noise, RadioTraits, Silence
from simulators.cast import Cast, assemble
from simulators.delivery import Delivery, delivered
from simulators.gen2 import MODES, Plan
from simulators.layouts import Layout, ceiling_patch, slim_patch
from simulators.people import Door
from simulators.random_layouts import layout_named
from simulators.random_people import with_random_people
from simulators.scenario_file import ScenarioFile, read_scenario
from simulators.scenario_parts import Answer
from simulators.sensors import command_events, count_events, device_events, ledger_events, pedestal_events
from simulators.site_config import config_text
from simulators.truth import truth_of

EPOCH = 1_795_342_500.0
"""2026-11-22T10:15:00Z."""
_TAIL_S = 5.0

Progress = Callable[[float, float], None]
"""Told the scene seconds done so far, and how many there are."""


@dataclass(frozen=True)
class Scene:
    """One simulated stretch of store time. `events` are in order of receipt; `truth` has the shape of truth.json."""

    name: str
    scenario: ScenarioFile
    layout: Layout
    cast: Cast
    epoch: float
    seconds: float
    events: list[Event]
    truth: dict[str, Any]
    config_text: str
    answers: tuple[Answer, ...]


def build(
    name_or_path: str, seed: int = 1, *, epoch: float = EPOCH, layout: str | None = None, progress: Progress | None = None
) -> Scene:
    """The scene of a built-in scenario or a file, on another gate `layout` if one is named.

    Raises ConfigError with one line for each mistake in it.
    """
    scenario = read_scenario(name_or_path)
    if layout is not None:
        moved = scenario.store.model_copy(update={"layout": layout})
        scenario = scenario.model_copy(update={"store": moved, "antenna": ()})
    return build_scene(scenario, seed, epoch=epoch, progress=progress)


def build_scene(scenario: ScenarioFile, seed: int = 1, *, epoch: float = EPOCH, progress: Progress | None = None) -> Scene:
    """The scene of a scenario that is already read."""
    layout = _layout(scenario)
    scenario = _at_their_gates(with_random_people(scenario, layout, Random(f"{seed}/people")), layout)
    cast = assemble(scenario, Random(f"{seed}/cast"))
    seconds = scenario.seconds or max((actor.walk.end for actor in cast.actors), default=30.0) + _TAIL_S
    reads = _reads(scenario, layout, cast, seed, epoch, seconds, progress)
    sent = delivered(reads, _delivery(scenario), epoch, Random(f"{seed}/delivery"))
    events: list[Event] = [*device_events(scenario, layout, epoch), *command_events(scenario, epoch), *sent]
    events += count_events(cast, scenario, epoch, Random(f"{seed}/count"))
    events += pedestal_events(cast, scenario, epoch, Random(f"{seed}/pedestal"))
    events += ledger_events(cast, scenario.store, epoch)
    end = epoch + seconds
    events = sorted((event for event in events if heard_at(event) <= end or isinstance(event, Ledger)), key=heard_at)
    return Scene(
        name=scenario.name,
        scenario=scenario,
        layout=layout,
        cast=cast,
        epoch=epoch,
        seconds=round(seconds, 3),
        events=events,
        truth=truth_of(cast, reads, epoch, round(seconds, 3), _mix(scenario, layout, cast, seed), scenario.store.gate),
        config_text=config_text(scenario, layout),
        answers=scenario.answer,
    )


def _layout(scenario: ScenarioFile) -> Layout:
    if scenario.antenna:
        antennas = tuple(
            (slim_patch if antenna.slim else ceiling_patch)(antenna.port, antenna.zone, antenna.at, antenna.looks_at)
            for antenna in scenario.antenna
        )
        return Layout("own", "a layout of the scenario's own", max(abs(antenna.at[0]) for antenna in antennas) or 0.6, antennas)
    return layout_named(scenario.store.layout)


def _at_their_gates(scenario: ScenarioFile, layout: Layout) -> ScenarioFile:
    """People of a side gate moved over to it."""
    middles = {scenario.store.gate: 0.0} | dict(layout.side_gates)
    lost = sorted({person.gate for person in scenario.person if person.gate is not None} - set(middles))
    if lost:
        raise ConfigError([f"person.gate: layout {layout.name} has no gate {', '.join(lost)}; it has {', '.join(middles)}"])
    moved = tuple(
        person.model_copy(update={"x": person.x + middles[person.gate]}) if person.gate else person for person in scenario.person
    )
    return scenario.model_copy(update={"person": moved})


def _reads(
    scenario: ScenarioFile, layout: Layout, cast: Cast, seed: int, epoch: float, seconds: float, progress: Progress | None
) -> list[Read]:
    store = scenario.store
    people = tuple(actor.walk for actor in cast.actors)
    doors = tuple(Door(door.hinge, door.width, tuple(sorted(door.swings))) for door in scenario.door)
    air = Air(layout, cast.tags, people, doors, _traits(scenario), str(seed), epoch)
    ports = tuple(antenna.port for antenna in layout.antennas)
    inside = frozenset(antenna.port for antenna in layout.antennas if antenna.zone == "inside")
    plan = Plan(ports, MODES[store.link], store.dwell_s, store.session, store.dual_target, store.newcomers, inside)
    found: list[Read] = []
    told = 0.0
    for read in air.reads(plan, store.gate, f"{store.gate}-1", 0.0, seconds):
        found.append(read)
        if progress is not None and read.at - epoch > told + 1.0:
            told = read.at - epoch
            progress(told, seconds)
    return found


def _traits(scenario: ScenarioFile) -> RadioTraits:
    store = scenario.store
    silencing = [fault for fault in scenario.fault if fault.kind in ("jam", "antenna_dead", "reader_offline")]
    return RadioTraits(
        region=store.region,
        rssi_step_db=store.rssi_step_db,
        phase=store.phase,
        drift_x=store.drift_x,
        silences=tuple(
            Silence(fault.since, fault.until, fault.port if fault.kind == "antenna_dead" else None) for fault in silencing
        ),
        noises=tuple(
            Noise(fault.since, fault.until, fault.rise_db, fault.ramp_s) for fault in scenario.fault if fault.kind == "noise"
        ),
    )


def _delivery(scenario: ScenarioFile) -> Delivery:
    store = scenario.store
    return Delivery(
        clock_error_s=store.clock_error_s,
        clock_drift_ppm=store.clock_drift_ppm,
        latency_s=store.latency_s,
        duplicates=store.duplicates,
        late_share=store.late_share,
        late_s=store.late_s,
    )


def _mix(scenario: ScenarioFile, layout: Layout, cast: Cast, seed: int) -> str:
    store = scenario.store
    return (
        f"simulated scene {scenario.name!r}, seed {seed}: {layout.name} ({layout.about}), {len(cast.actors)} people, "
        f"{len(cast.standing)} standing tags, {store.region.upper()}, {store.link}, "
        f"{f'session S{store.session}' if store.newcomers == 'no' else f'newcomers first by {store.newcomers}'}"
    )
