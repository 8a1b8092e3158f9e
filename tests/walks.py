"""Small hand-made journals for tests of the core: one gate, two antennas, free-space loss, a little seeded noise.

Simpler than the simulators on purpose: what fails here fails for a reason that can be seen.
"""

import itertools
import math
import random
from collections.abc import Iterable, Sequence

from rfidguard.config import Config
from rfidguard.effects import AlarmChanged, Decided, Effect
from rfidguard.epc import encode_sgtin_96
from rfidguard.events import Event, Read, heard_at
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner

T0 = 1_800_000_000.0
ANTENNAS = {1: -0.4, 2: 0.4}
WAVE_M = 0.3456


def own(serial: int, item: str = "812345") -> str:
    return encode_sgtin_96("0614141", item, serial)


def foreign(serial: int) -> str:
    return encode_sgtin_96("4012345", "067890", serial)


def config(**changes: object) -> Config:
    body: dict[str, object] = {
        "site": {"id": "0001", "company_prefixes": ["0614141"]},
        "ledger": {"unknown_epc": "strict"},
        "gate": [
            {
                "id": "front",
                "mode": "siren",
                "reader": [{"id": "front-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}],
                "output": [{"id": "front-light", "reader": "front-1", "pin": 1}],
            }
        ],
    }
    return Config.model_validate(body | changes)


def walk(
    epc: str,
    points: Sequence[tuple[float, float]],
    *,
    rate_hz: float = 30.0,
    seed: int = 1,
    noise_db: float = 1.5,
    side_m: float = 0.7,
    antennas: dict[int, float] = ANTENNAS,
    reach_db: float = -68.0,
) -> list[Read]:
    """Reads of a tag that goes through `points` (seconds after T0, metres along the way out; the threshold is 0)."""
    rng = random.Random(f"{epc}{seed}")
    reads = []
    at = points[0][0]
    while at < points[-1][0]:
        place = _place(points, at)
        for port, where in antennas.items():
            distance = math.hypot(place - where, side_m)
            behind = 3.0 if (place - where) * (1 if where > 0 else -1) < 0 else 0.0
            rssi = -42.0 - 22 * math.log10(distance) - behind + rng.gauss(0, noise_db)
            if rssi >= reach_db:
                phase = (4 * math.pi * distance / WAVE_M + rng.gauss(0, 0.1)) % (2 * math.pi)
                reads.append(
                    Read(
                        at=round(T0 + at + port * 0.003, 4), gate="front", reader="front-1", antenna=port, epc=epc,
                        rssi_dbm=round(rssi * 2) / 2, phase_rad=phase, channel=1,
                    )
                )  # fmt: skip
        at += 1.0 / rate_hz * rng.uniform(0.7, 1.3)
    return reads


def leave(epc: str, at: float = 0.0, speed: float = 1.2, **more: object) -> list[Read]:
    return walk(epc, [(at, -3.0), (at + 6.0 / speed, 3.0)], **more)  # type: ignore[arg-type]


def crossing_of(at: float = 0.0, speed: float = 1.2) -> float:
    return T0 + at + 3.0 / speed


def stand(epc: str, seconds: float, place: float = -1.5, at: float = 0.0, **more: object) -> list[Read]:
    return walk(epc, [(at, place), (at + seconds, place)], **more)  # type: ignore[arg-type]


def run(events: Iterable[Event], cfg: Config | None = None, ledger: RecordSet | None = None) -> list[Effect]:
    """All effects of `events`, ordered by when they were heard, up to the last open deadline."""
    runner = Runner(layout_from(cfg or config()), (ledger or RecordSet()).find)
    effects: list[Effect] = []
    for event in sorted(events, key=heard_at):
        effects += runner.feed(event)
    return effects + runner.finish()


def alarms(effects: Iterable[Effect], kind: str = "raised") -> list[AlarmChanged]:
    return [effect for effect in effects if isinstance(effect, AlarmChanged) and effect.event_type == kind]


def decisions(effects: Iterable[Effect], epc: str) -> list[Decided]:
    return [effect for effect in effects if isinstance(effect, Decided) and effect.epc == epc]


def _place(points: Sequence[tuple[float, float]], at: float) -> float:
    for (t0, y0), (t1, y1) in itertools.pairwise(points):
        if t0 <= at <= t1:
            return y0 + (y1 - y0) * (at - t0) / (t1 - t0)
    return points[-1][1]
