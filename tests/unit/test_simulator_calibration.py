"""The simulator against recordings: the same statistics, worked out by the same code where the recording may be shipped.

ECD (tests/data/ecd, CC0): a Zebra FX7500, one antenna, tags that stand or creep past. The R420 figures are of walks with a tag in
hand in a room of four antennas (RFID-Locate, no licence, so only its numbers stand here). A tolerance of a factor of two means:
a model of a room that nobody measured cannot do better, and a detector must not depend on more.
"""

import cmath
import csv
import itertools
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from rfidguard.events import Read
from simulators.air import Air, RadioTraits
from simulators.carried import Carried
from simulators.gen2 import MODES, Plan
from simulators.layouts import Antenna, Layout, ceiling_patch, towards
from simulators.people import Walk
from simulators.tags import Stay, new_tag, random_axis

RECORDINGS = Path(__file__).parents[1] / "data" / "ecd"
ROOM = Layout(
    "corners",
    "four antennas in the corners of a room",
    2.5,
    tuple(
        Antenna(port, "threshold", (x, y, 1.2), towards((x, y, 1.2), (0.0, 0.0, 1.2)), 32.0, -45.0)
        for port, (x, y) in enumerate(((-2.2, -2.2), (-2.2, 2.2), (2.2, 2.2), (2.2, -2.2)), 1)
    ),
)
ABOVE = Layout("one", "one antenna above", 1.0, (ceiling_patch(1, "threshold", (0.0, 0.0, 2.0), (0.0, 0.0, 0.0)),))
WALK_S = 7.7
RUNS = 24


class Second(NamedTuple):
    """One tag's reads in a second: how many, RSSI standard deviation (dB), circular variance of a channel's doubled phase."""

    reads: int
    level_sd: float
    turn: float


def second(reads: Sequence[tuple[float, float, object]]) -> Second:
    """Of (RSSI, phase in radians, channel)."""
    channels: dict[object, list[float]] = defaultdict(list)
    for _, phase, channel in reads:
        channels[channel].append(phase)
    turns = [1 - abs(sum(cmath.exp(2j * phase) for phase in part)) / len(part) for part in channels.values() if len(part) >= 8]
    return Second(len(reads), statistics.pstdev(rssi for rssi, _, _ in reads), max(turns, default=math.nan))


def recorded(kind: str) -> list[Second]:
    found = []
    for path in sorted(RECORDINGS.glob(f"{kind}-*.csv")):
        seconds: dict[tuple[str, int], list[dict[str, str]]] = defaultdict(list)
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                seconds[row["epc"], int(float(row["time"]))].append(row)
        for rows in seconds.values():
            if len(rows) >= 8 and float(rows[-1]["time"]) - float(rows[0]["time"]) >= 0.5:
                found.append(
                    second([(float(r["rssi_dbm"]), math.radians(float(r["phase_deg"])), r["channel_mhz"]) for r in rows])
                )
    return found


def simulated(layout: Layout, stays: list[Stay], people: list[Walk], seed: int, traits: RadioTraits) -> list[Read]:
    air = Air(layout, (new_tag("3034", tuple(stays), Random(seed)),), tuple(people), (), traits, str(seed), 0.0)
    plan = Plan(tuple(antenna.port for antenna in layout.antennas), MODES["m4_dense"])
    return list(air.reads(plan, "g", "r", 0.0, WALK_S))


def walk(seed: int, speed: float) -> tuple[list[Stay], list[Walk]]:
    """A tag in a hand across the room."""
    rng = Random(seed)
    path = Walk((0.0, 3.5 / speed), ((-1.75, rng.uniform(-1.5, 1.5)), (1.75, rng.uniform(-1.5, 1.5))))
    return [Stay(0.0, Carried(path, "hand", (0.0, 0.0, 0.1), random_axis(rng), 1.0))], [path]


def standing(seed: int) -> tuple[list[Stay], list[Walk]]:
    """A tag on one of 64 places of a grid; in every other run somebody walks by."""
    cell = seed * 5 % 64
    place = -1.75 + 0.5 * (cell % 8), -1.75 + 0.5 * (cell // 8), 1.0
    passer_by = [Walk((0.0, 8.0), ((-3.0, 1.0 - seed / 12), (3.0, seed / 12 - 1.0)))] if seed % 2 else []
    return [Stay(-math.inf, place)], passer_by


def spreads(reads: Sequence[Read]) -> list[float]:
    """RSSI standard deviation of each antenna's 1 s windows."""
    windows: dict[tuple[int, int], list[float]] = defaultdict(list)
    for read in reads:
        windows[read.antenna, int(read.at)].append(read.rssi_dbm)
    return [statistics.pstdev(levels) for levels in windows.values() if len(levels) >= 3]


def quantile(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[int(part * (len(ordered) - 1))]


@pytest.fixture(scope="module")
def carried_runs() -> list[list[Read]]:
    return [simulated(ROOM, *walk(seed, 0.45), seed, RadioTraits()) for seed in range(RUNS)]


@pytest.fixture(scope="module")
def standing_runs() -> list[list[Read]]:
    return [simulated(ROOM, *standing(seed), seed, RadioTraits()) for seed in range(RUNS)]


def zebra(kind: str) -> list[Second]:
    """The simulated counterpart of ECD."""
    traits, found = RadioTraits(region="etsi", rssi_step_db=1.0), []
    for seed in range(RUNS):
        scene = walk(seed, 0.3) if kind == "moving" else ([Stay(-math.inf, (0.3, -0.2 * (seed % 8), 1.0))], [])
        windows: dict[int, list[Read]] = defaultdict(list)
        for read in simulated(ABOVE, *scene, seed, traits):
            windows[int(read.at)].append(read)
        for reads in windows.values():
            if len(reads) >= 8:
                found.append(second([(read.rssi_dbm, read.phase_rad or 0.0, read.channel) for read in reads]))
    return found


def test_reads_a_second_of_standing_and_carried_tags(standing_runs: list[list[Read]], carried_runs: list[list[Read]]) -> None:
    still = statistics.median(len(reads) / WALK_S for reads in standing_runs)
    moving = statistics.median(len(reads) / WALK_S for reads in carried_runs)
    assert still == pytest.approx(23, rel=0.2), "23 a second were recorded"
    assert moving == pytest.approx(14, rel=0.2), "14 a second were recorded"


def test_longest_gaps_of_carried_tags(carried_runs: list[list[Read]]) -> None:
    gaps = [max(b.at - a.at for a, b in itertools.pairwise(reads)) for reads in carried_runs]
    assert 0.41 / 2 < statistics.median(gaps) < 0.41 * 2
    assert 0.62 / 2 < quantile(gaps, 0.9) < 0.62 * 2
    assert 1.28 / 2 < max(gaps) < 1.28 * 2


def test_level_spread_of_a_second(standing_runs: list[list[Read]], carried_runs: list[list[Read]]) -> None:
    still = [spread for reads in standing_runs for spread in spreads(reads)]
    moving = [spread for reads in carried_runs for spread in spreads(reads)]
    assert statistics.median(still) == pytest.approx(1.5, rel=0.35), "recorded: 1.5 dB, 3.1 in one of ten"
    assert quantile(still, 0.9) == pytest.approx(3.1, rel=0.35)
    assert statistics.median(moving) == pytest.approx(2.4, rel=0.35), "recorded: 2.4 dB, 4.1 in one of ten"
    assert quantile(moving, 0.9) == pytest.approx(4.1, rel=0.35)


def test_standing_tags_are_as_still_as_on_the_recordings() -> None:
    real, ours = recorded("static"), zebra("static")
    real_turn, our_turn = ([one.turn for one in part if not math.isnan(one.turn)] for part in (real, ours))
    assert statistics.median(our_turn) == pytest.approx(statistics.median(real_turn), rel=0.5)
    assert quantile(our_turn, 0.9) == pytest.approx(quantile(real_turn, 0.9), rel=0.6)
    assert abs(statistics.median(one.level_sd for one in ours) - statistics.median(one.level_sd for one in real)) < 0.35


def test_moving_tags_turn_as_far_as_on_the_recordings() -> None:
    real, ours = recorded("moving"), zebra("moving")
    real_turn, our_turn = ([one.turn for one in part if not math.isnan(one.turn)] for part in (real, ours))
    assert statistics.median(our_turn) == pytest.approx(statistics.median(real_turn), rel=0.3)
    assert statistics.median(one.level_sd for one in ours) == pytest.approx(
        statistics.median(one.level_sd for one in real), rel=0.5
    ), "recorded at 0-10 cm, where the level changes faster"


def test_standing_tags_give_more_reads_than_moving_ones_in_both() -> None:
    assert statistics.median(s.reads for s in recorded("static")) > statistics.median(s.reads for s in recorded("moving"))


def test_a_hop_costs_as_much_as_recorded() -> None:
    runs = [simulated(ABOVE, [Stay(-math.inf, (0.0, 0.0, 1.0))], [], seed, RadioTraits()) for seed in range(8)]
    pairs = [pair for reads in runs for pair in itertools.pairwise(reads)]
    within = [b.at - a.at for a, b in pairs if a.channel == b.channel]
    across = [b.at - a.at for a, b in pairs if a.channel != b.channel]
    assert statistics.median(within) == pytest.approx(0.014, rel=0.1)
    assert statistics.median(across) == pytest.approx(0.020, rel=0.25)
