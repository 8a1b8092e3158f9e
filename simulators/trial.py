"""One scene of a suite: simulated, run through the program's own core and the baselines, scored. No files, no processes."""

import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

from rfidguard.baselines import rings
from rfidguard.config import Config
from rfidguard.direction_score import read_decisions, score_directions
from rfidguard.evaluate import Truth, during, read_alarms, read_truth, score, score_rings
from rfidguard.events import Event, Read
from rfidguard.layout import layout_from
from rfidguard.replay import replay
from rfidguard.tally import Tally
from simulators.scenario import build_scene
from simulators.scene_cache import Played, cached
from simulators.suites import Suite, suite

PROGRAM = "rfidguard"


def run_trial(name: str, seed: int, baselines: tuple[str, ...], cache: Path | None) -> dict[str, Tally]:
    """The outcome of the scene that `seed` is in suite `name`, for this program and each baseline. The same for the same seed."""
    return judged(played_seed(suite(name), seed, cache), baselines)


def played_seed(of: Suite, seed: int, cache: Path | None) -> Played:
    """The scene that `seed` is in a suite, from `cache` where it lies there. A made-up world takes a second, and is made anew."""
    make = of.scene
    if make is None:
        assert of.world is not None
        return of.world(seed)
    return cached(cache, f"{of.name}-{seed}", lambda: build_scene(make(seed), seed))


def judged(scene: Played, baselines: tuple[str, ...]) -> dict[str, Tally]:
    """A played scene's outcome."""
    config = Config.model_validate(tomllib.loads(scene.config_text))
    truth = read_truth(msgspec.json.encode(scene.truth), "the scene's truth")
    outcome = {PROGRAM: _by_program(config, scene.events, truth) + _load(scene.events, truth)}
    for baseline in baselines:
        outcome[baseline] = score_rings(truth, rings(baseline, layout_from(config), scene.events), during)
    return outcome


def _by_program(config: Config, events: Iterable[Event], truth: Truth) -> Tally:
    alarms: list[bytes] = []
    decisions: list[bytes] = []
    replay(config, events, alarms=alarms.append, decisions=decisions.append)
    return score(truth, read_alarms(alarms, "alarms")) + score_directions(truth, read_decisions(decisions, "decisions"))


def _load(events: Iterable[Event], truth: Truth) -> Tally:
    """How busy the reader was, and how much of it with goods that only stood there."""
    standing = frozenset(truth.standing)
    reads = [event.epc in standing for event in events if isinstance(event, Read)]
    return Tally(reads=len(reads), reads_standing=sum(reads))
