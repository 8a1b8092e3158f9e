"""A glance sees what a look sees, only less of it; and it hides no look that would have found something."""

import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard import overlook, passage
from rfidguard.add_read import add_read
from rfidguard.around import Around
from rfidguard.config import Config
from rfidguard.effects import Decided
from rfidguard.events import Tick, heard_at
from rfidguard.glance import glanced
from rfidguard.layout import GateLayout, layout_from
from rfidguard.ledger import RecordSet
from rfidguard.passage import watched
from rfidguard.path import Presence
from rfidguard.runner import Runner
from rfidguard.track import Track
from rfidguard.trees import table
from simulators.learn.plain_world import plain_world
from simulators.scene_cache import Played

NOW = 1000.0
ZONES = GateLayout("g", "observe", {"r/1": -1, "r/2": 1, "r/3": 0}, near=-1, far=1)
PLANE = GateLayout("g", "observe", {"r/1": 0, "r/2": 0}, near=0, far=0)
reads = st.lists(
    st.tuples(st.floats(0.0, 9.0), st.sampled_from(["r/1", "r/2", "r/3"]), st.floats(-80.0, -40.0)), min_size=1, max_size=40
)
counts = st.lists(st.tuples(st.floats(NOW - 9.0, NOW), st.sampled_from(["in", "out", "unknown"])), max_size=4)


def heard(given_reads: list[tuple[float, str, float]], started_s: float) -> Track:
    ages = sorted(given_reads, key=lambda read: -read[0])
    track = Track(gate="g", epc="E1", first_at=NOW - 9.0, last_at=NOW - 9.0, start_at=NOW - started_s)
    for age, slot, level in ages:
        add_read(track, slot, NOW - age, level, None, None, 1)
    return track


@given(reads, counts, st.floats(0.1, 9.0), st.sampled_from([ZONES, PLANE]))
def test_a_glance_sees_each_sign_as_a_look_does(
    given_reads: list[tuple[float, str, float]], who: list[tuple[float, str]], started_s: float, gate: GateLayout
) -> None:
    track, presence, around = heard(given_reads, started_s), Presence(sorted(who), True), Around(3, 2, 1, -75.0)
    seen = watched(track, gate, presence, around, NOW)
    assert seen is not None
    told = glanced(track, gate, presence, around, NOW)
    assert told == pytest.approx({name: seen.signs[name] for name in told})


@given(reads, st.floats(0.1, 9.0))
def test_without_a_glance_nothing_is_overlooked(given_reads: list[tuple[float, str, float]], started_s: float) -> None:
    track = heard(given_reads, started_s)
    before = msgspec.json.encode(track)
    bare = msgspec.structs.replace(table("plane-out"), glance=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlook, "tables", lambda *_: (bare, bare))
        assert not overlook.overlooked(track, PLANE, Presence(), Around(), NOW)
    assert msgspec.json.encode(track) == before


def left(world: Played) -> dict[str, float]:
    """When each tag was first judged to have gone out."""
    runner = Runner(layout_from(Config.model_validate(tomllib.loads(world.config_text))), RecordSet().find)
    found: dict[str, float] = {}
    for event in (*world.events, Tick(at=heard_at(world.events[-1]) + 10.0)):
        for effect in runner.feed(event):
            if isinstance(effect, Decided) and effect.direction == "out":
                found.setdefault(effect.epc, runner.state.now)
    return found


@pytest.mark.parametrize(("zoned", "worlds_n"), [(True, 7), (False, 21)])
def test_a_glance_hides_next_to_no_look_that_would_have_found_something(
    zoned: bool, worlds_n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain worlds that no shipped table was learnt from."""
    worlds = [plain_world(seed, zoned) for seed in range(901, 901 + worlds_n)]
    glanced_at = [left(world) for world in worlds]
    monkeypatch.setattr(passage, "overlooked", lambda *_: False)
    looked_at = [left(world) for world in worlds]
    all_left = {(seed, epc): at for seed, found in enumerate(looked_at) for epc, at in found.items()}
    glimpsed = {(seed, epc): at for seed, found in enumerate(glanced_at) for epc, at in found.items()}
    assert len(all_left) > 10
    assert len(all_left.keys() ^ glimpsed.keys()) <= 0.05 * len(all_left)
    late = [key for key in all_left.keys() & glimpsed.keys() if glimpsed[key] > all_left[key] + 0.25]
    assert len(late) <= 0.05 * len(all_left)
