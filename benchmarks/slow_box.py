"""What a box too slow for its gates misses: the scenes of a suite at every pace that rfidguard/pace.py knows, from the best on.

    python -m benchmarks.slow_box [--suite awkward-zoned] [--seeds 1000-1003] [--steps 0,2,4,6,7]

A box comes to a pace by itself, for as long as it needs it; here a scene is held at one from its first line to its last.
"""

import argparse
import time
import tomllib
from collections.abc import Sequence

import msgspec

from benchmarks import scene
from benchmarks.table import percentile, write_grid
from rfidguard.config import Config
from rfidguard.evaluate import read_alarms, read_truth, score
from rfidguard.events import Pace, heard_at
from rfidguard.pace import STEPS, TENTHS
from rfidguard.replay import replay
from rfidguard.tally import Tally
from simulators.scene_cache import Played
from simulators.suites import seeds_of, suite
from simulators.trial import played_seed

ENOUGH = "of those read at least four times"


def outcome(played: Played, step: int) -> tuple[Tally, float]:
    """What came of a scene at this pace, and the CPU seconds that it took."""
    heard, quiet = STEPS[step]
    config = Config.model_validate(tomllib.loads(played.config_text))
    pace = Pace(at=heard_at(played.events[0]), heard=heard, quiet=quiet)
    lines: list[bytes] = []
    start = time.process_time()
    replay(config, [pace, *played.events], alarms=lines.append)
    took = time.process_time() - start
    return score(read_truth(msgspec.json.encode(played.truth), "truth"), read_alarms(lines, "alarms")), took


def row(step: int, found: Sequence[tuple[Tally, float]]) -> list[str]:
    """One row of the table."""
    tally = sum((each for each, _ in found), Tally())
    delays = [delay for delay in tally.delays_s if delay == delay]
    heard, quiet = (tenths / TENTHS for tenths in STEPS[step])
    return [
        f"{heard:g} / {quiet:g} s",
        f"{tally.thefts_read_found} of {tally.thefts_read}",
        f"{tally.false_alarms} of {tally.clean}",
        f"{percentile(delays, 0.5):.2f} / {percentile(delays, 0.95):.2f} s" if delays else "-",
        f"{sum(took for _, took in found) / tally.seconds * 100:.1f} %",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--suite", default="awkward-zoned")
    parser.add_argument("--seeds", default="1000-1003")
    parser.add_argument("--steps", default="0,2,4,6,7")
    given = parser.parse_args()
    entry, steps = suite(given.suite), [int(step) for step in given.steps.split(",")]
    found: dict[int, list[tuple[Tally, float]]] = {step: [] for step in steps}
    for seed in seeds_of(given.seeds, 0):
        played = played_seed(entry, seed, scene.CACHE / "suites")
        for step in steps:
            found[step].append(outcome(played, step))
    head = ["heard / other tags looked at every", f"thefts that ring, {ENOUGH}", "false alarms, clean passages"]
    head += ["crossing to ring p50 / p95", "CPU of one gate"]
    remark = f"Simulated: suite {given.suite}, seeds {given.seeds}, each held at one pace from beginning to end."
    write_grid("slow-box", "What a slow box misses", head, [row(step, found[step]) for step in steps], remark)


if __name__ == "__main__":
    main()
