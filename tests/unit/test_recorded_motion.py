"""Real recordings (tests/data/ecd, CC0): the core's own signs of motion tell a moving tag from a stray one within one second.

One antenna and tags that creep past it: only the signs of single seconds apply (no rise and fall, no zones). Added up as
logarithms: a tag that turns or wavers twice as much is that much likelier to move.
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rfidguard.add_read import add_read
from rfidguard.motion import level_spread, phase_spread
from rfidguard.track import Track

RECORDINGS = Path(__file__).parents[1] / "data" / "ecd"
ENOUGH_READS = 5
HALF_S = 0.5
"""A second in which a tag was heard for less is a glimpse: within 0.1 s a creeping tag does not move."""


def windows(kind: str, heard_s: float) -> list[float]:
    """What the seconds of every tag in the recordings of a kind say of motion: turn of the phase and ripple of the level."""
    return [score for path in sorted(RECORDINGS.glob(f"{kind}-*.csv")) for score in scores(path, heard_s)]


def scores(recording: Path, heard_s: float) -> Iterator[float]:
    seconds: dict[tuple[str, int], list[dict[str, str]]] = defaultdict(list)
    with recording.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            seconds[row["epc"], int(float(row["time"]))].append(row)
    for (epc, second), rows in seconds.items():
        if len(rows) >= ENOUGH_READS and float(rows[-1]["time"]) - float(rows[0]["time"]) >= heard_s:
            track = Track(gate="front", epc=epc, first_at=second, last_at=second, start_at=second)
            for row in rows:
                phase = math.radians(float(row["phase_deg"])) % (2 * math.pi)
                add_read(track, row["antenna"], float(row["time"]), float(row["rssi_dbm"]), float(row["channel_mhz"]), phase, 1)
            turn, ripple = phase_spread(track.bins), level_spread(track.bins)
            yield clipped(turn, 0.5, 0.05, -2.5) + clipped(ripple, 0.8, 1.3, -1.5)


def clipped(sign: float | None, weight: float, even: float, least: float) -> float:
    return 0.0 if sign is None else min(max(weight * math.log(max(sign, 1e-4) / even), least), 1.0)


def separation(moving: list[float], standing: list[float]) -> float:
    """The share of pairs in which the moving one scores higher (the area under the ROC curve)."""
    wins = sum((m > s) + 0.5 * (m == s) for m in moving for s in standing)
    return wins / (len(moving) * len(standing))


def test_moving_tags_score_above_stray_ones_on_real_recordings() -> None:
    moving, standing = windows("moving", HALF_S), windows("static", HALF_S)
    assert len(moving) > 120
    assert len(standing) > 40
    assert separation(moving, standing) >= 0.995


def test_even_glimpses_of_a_moment_tell_moving_tags_mostly_right() -> None:
    moving, standing = windows("moving", 0.0), windows("static", 0.0)
    assert len(moving) > 300
    assert len(standing) > 90
    assert separation(moving, standing) >= 0.985
