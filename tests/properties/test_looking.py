"""Whom a gate looks at is found without asking everybody, and what standing tags miss is made up for: nothing changes by that.

Beside the core runs one whose index lets no tag wait: before every look it has all tags in view looked after.
"""

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from walks import T0, config, own, walk

from rfidguard.bins import binned
from rfidguard.core_state import CoreState, catch_up, from_snapshot, to_snapshot
from rfidguard.effects import AskLedger, Effect
from rfidguard.events import Count, Device, Eas, Event, Pace, Read, Tick, heard_at
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.looking import stirred
from rfidguard.pipeline import advance, due, step
from rfidguard.runner import Runner

LAYOUT = layout_from(config())
END_S = 60.0
FEW = settings(max_examples=settings().max_examples // 2, deadline=None)

PLACES = st.sampled_from([-3.0, -1.5, -1.5, -0.6, 0.8, 3.0])
SECONDS = st.one_of(st.floats(0.5, 9.0), st.floats(15.0, 30.0))
STAYS = st.lists(st.tuples(SECONDS, PLACES, st.sampled_from([0.0, 0.0, 1.0, 3.2, 7.0])), min_size=1, max_size=5)
TAGS = st.tuples(st.floats(0.0, 12.0), PLACES, STAYS, st.sampled_from([0.4, 0.9, 3.0, 12.0]), st.integers(0, 9))
HAPPENINGS = st.sampled_from(["out", "in", "metal", "offline", "online", "slow", "fast", "restart"])

ALL_STAND_AND_ONE_GOES_ALONG = [
    (0.0, -3.0, [(0.5, -3.0, 0.0), (0.5, -3.0, 0.0), (15.0, -3.0, 0.0), (15.0, -1.5, 0.0)], 0.4, 1),
    (0.0, -3.0, [(1.0, -3.0, 0.0)], 0.4, 0),
]
"""Nothing is lively when what stood is found to have left with somebody who was counted."""


def heard(
    serial: int, start: float, place: float, stays: list[tuple[float, float, float]], rate_hz: float, seed: int
) -> list[Read]:
    """Reads of a tag that goes from place to place, a second each way, stands there, and may be hidden afterwards."""
    reads: list[Read] = []
    at = start
    for seconds, next_place, hidden_s in stays:
        points = [(at, place), (at + 1.0, next_place), (at + 1.0 + seconds, next_place)]
        reads += walk(own(serial), points, rate_hz=rate_hz, seed=seed)
        place, at = next_place, at + 1.0 + seconds + hidden_s
    return reads


def happening(kind: str, at: float) -> Event:
    when = T0 + at
    match kind:
        case "out" | "in":
            return Count(at=when, gate="front", counter="beam", direction=kind)
        case "metal":
            return Eas(at=when, gate="front", pedestal="left", kind="metal")
        case "slow":
            return Pace(at=when, heard=2, quiet=20)
        case "fast":
            return Pace(at=when, heard=1, quiet=1)
        case _:
            return Device(at=when, device="front-1", state=kind)


def plainly(events: list[Event]) -> tuple[list[Effect], CoreState]:
    """What comes of looking after everybody."""
    state = Runner(LAYOUT, RecordSet().find).state
    effects: list[Effect] = []
    for event in events:
        while (at := due(LAYOUT, state)) is not None and at <= heard_at(event):
            for name, gate in state.gates.items():
                for track in [track for track in state.tracks[name].values() if not track.gone]:
                    stirred(gate.looking, track)
            effects += advance(LAYOUT, state, at)
        state.now = max(state.now, heard_at(event))
        if not isinstance(event, Tick):
            effects += step(LAYOUT, state, event)
    return [effect for effect in effects if not isinstance(effect, AskLedger)], state


def indexed(events: list[Event], restarts: list[float]) -> tuple[list[Effect], CoreState]:
    """What the core makes of the events, if it is restored from a snapshot now and then."""
    runner = Runner(LAYOUT, RecordSet().find)
    effects: list[Effect] = []
    left = sorted(restarts)
    for event in events:
        if left and heard_at(event) - T0 >= left[0]:
            left.pop(0)
            frozen = msgspec.json.decode(msgspec.json.encode(to_snapshot(runner.state)))
            runner = Runner(LAYOUT, RecordSet().find, state=from_snapshot(LAYOUT, frozen))
        effects += runner.feed(event)
    return effects, runner.state


@FEW
@given(st.lists(TAGS, min_size=1, max_size=5), st.lists(st.tuples(st.floats(0.0, 50.0), HAPPENINGS), max_size=8))
@example(ALL_STAND_AND_ONE_GOES_ALONG, [(33.0, "out")])
def test_looking_only_where_there_is_something_to_see_changes_nothing(tags: list, others: list) -> None:
    events: list[Event] = [read for serial, tag in enumerate(tags) for read in heard(serial, *tag)]
    events += [happening(kind, at) for at, kind in others if kind != "restart"]
    events = [*sorted(events, key=heard_at), Tick(at=T0 + END_S)]
    told, state = plainly(events)
    found, known = indexed(events, [at for at, kind in others if kind == "restart"])
    assert found == told
    catch_up(known, "front")
    for track in (*known.tracks["front"].values(), *state.tracks["front"].values()):
        binned(track)
    assert known.tracks == state.tracks
    assert known.gates["front"].watch == state.gates["front"].watch
    assert known.counts == state.counts
