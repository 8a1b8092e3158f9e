"""Real recordings (tests/data/ecd, CC0): the core's own motion terms tell a moving tag from a stray one within one second.

One antenna and tags that creep past it: only the terms that look at single seconds apply (no rise and fall, no zones).
"""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from rfidguard.motion import evidence
from rfidguard.track import Track, add_read

RECORDINGS = Path(__file__).parents[1] / "data" / "ecd"
ENOUGH_READS = 5


def windows(recording: Path) -> Iterator[float]:
    """What every second of every tag in a recording says of motion: turn of the phase and ripple of the level."""
    seconds: dict[tuple[str, int], list[dict[str, str]]] = defaultdict(list)
    with recording.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            seconds[row["epc"], int(float(row["time"]))].append(row)
    for (epc, second), rows in seconds.items():
        if len(rows) >= ENOUGH_READS:
            track = Track(gate="front", epc=epc, first_at=second, last_at=second, start_at=second)
            for row in rows:
                phase = math.radians(float(row["phase_deg"])) % (2 * math.pi)
                add_read(track, row["antenna"], float(row["time"]), float(row["rssi_dbm"]), float(row["channel_mhz"]), phase, 1)
            terms = evidence(track, second + 1.0).terms
            yield terms["turn"] + terms["ripple"]


def separation(moving: list[float], standing: list[float]) -> float:
    """The share of pairs in which the moving one scores higher (the area under the ROC curve)."""
    wins = sum((m > s) + 0.5 * (m == s) for m in moving for s in standing)
    return wins / (len(moving) * len(standing))


def test_moving_tags_score_above_stray_ones_on_real_recordings() -> None:
    moving = [score for path in sorted(RECORDINGS.glob("moving-*.csv")) for score in windows(path)]
    standing = [score for path in sorted(RECORDINGS.glob("static-*.csv")) for score in windows(path)]
    assert len(moving) > 30
    assert len(standing) > 10
    assert separation(moving, standing) >= 0.99
