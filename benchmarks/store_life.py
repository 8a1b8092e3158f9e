"""A day of a shop, as fast as the machine can: does memory stay flat, and what is written to the disk?

    python -m benchmarks.store_life [--hours 24] [--dir .cache]

Time is the events' own. The core, the journal with its packing, the ledger, the outbox with its publisher, answers, repeats
and the database are the real ones, in one process; radio, sockets, web and broker are not (one that takes everything at
once stands in for it). Simulated: 100 tags on racks by the gate are read once a second, day and night; from 8 to 20 o'clock
somebody leaves every 7.2 s with two items, one in 40 without paying.
"""

import argparse
import math
import random
import resource
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.table import write_grid
from rfidguard.alarm import utc_text
from rfidguard.answer_desk import AnswerDesk
from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.dispatch import Dispatch
from rfidguard.effects import AlarmChanged, Effect
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Device, Event, Read, ReadBatch
from rfidguard.intake import take_sale
from rfidguard.layout import layout_from
from rfidguard.ledger_desk import LedgerDesk
from rfidguard.mqtt_wire import Acked
from rfidguard.publisher import Publisher
from rfidguard.recorder import Recorder
from rfidguard.repeat import Repeater
from rfidguard.runner import Runner
from rfidguard.service_db import DAEMON, beat
from rfidguard.state_board import StateBoard
from rfidguard.store import Store
from rfidguard.web.live import Broadcast

MIDNIGHT = 1_790_035_200.0
OPEN_H, CLOSE_H = 8, 20
RACK_TAGS = 100
GROUP_EVERY_S = 7.2
UNPAID_EVERY = 40
WALK_S = 6.0
SHAPES = 40
HOUR_S = 3600


class LifeClock:
    """Runs with the events."""

    def __init__(self) -> None:
        self.at = MIDNIGHT

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


class Life:
    """The daemon's parts around the core, on one thread (the store writes and the journal packs on their own)."""

    def __init__(self, folder: Path) -> None:
        self.clock = LifeClock()
        config = _config(folder)
        layout = layout_from(config)
        self.store = Store(config.database.url, self.clock)
        self.store.open()
        self.heard: deque[Event] = deque()
        self.ledger = LedgerDesk(self.store, self._hear, self.clock, 86_400.0)
        self.desk = AnswerDesk(self.store, self._hear, self.clock)
        self.recorder = Recorder(config.journal, config.privacy, lambda epc: layout.owns(identify(epc)), self.clock, site="0001")
        self.runner = Runner(layout, self.ledger.find)
        self.publisher = Publisher(self.store, StateBoard(), lambda topic: topic, self.clock, lambda: None)
        self.dispatch = Dispatch(
            self.store, self.desk, Broadcast(), lambda *_: True, lambda *_: None, self.publisher.look
        )  # fmt: skip
        self.repeater = Repeater(self.store, lambda: [i.alarm for i in list(self.runner.state.incidents.values())], self.clock)
        self.counts: Counter[str] = Counter()
        self._sent: list[int] = []
        self._mid = 0

    def start(self) -> None:
        self.recorder.rotate(self.runner.snapshot(self.clock.at))
        self.runner.record_to(self.recorder.write)
        self.publisher.connected(self._send, 20, None)
        self.feed(Device(at=self.clock.at, device="front-1", state="online"))

    def feed(self, event: Event) -> None:
        self.clock.at = max(self.clock.at, event.at)
        self._carry_out(self.runner.feed(event))

    def second(self) -> None:
        """What the daemon does once a second, and once a minute."""
        while self.heard:
            self.feed(self.heard.popleft())
        self.store.write(partial(beat, name=DAEMON, session="life", pid=1, at=self.clock.at))
        self.repeater.turn()
        self.publisher.look()
        self.publisher.pump()
        while self._sent:
            self.publisher.acked(Acked(self._sent.pop(0), 0))
            self.publisher.pump()
        if int(self.clock.at) % 60 == 0:
            self.publisher.housekeep()
        if self.recorder.due_rotation():
            self.recorder.rotate(self.runner.snapshot(self.clock.at))
        self.recorder.flush()

    def sell(self, number: int, epcs: list[str]) -> None:
        lines = [{"line": at, "kind": "sold", "epc": epc} for at, epc in enumerate(epcs, 1)]
        body = {
            "id": f"0001-3-{number}",
            "at": utc_text(self.clock.at),
            "kind": "sale",
            "transaction": str(number),
            "lines": lines,
        }
        reply = take_sale(
            self.store, msgspec.json.encode(body), source="mqtt:3", lane="3", now=self.clock.at, emit=self.ledger.take
        )  # fmt: skip
        self.counts[f"sales {reply.status}"] += 1

    def stop(self) -> None:
        self.recorder.close()
        self.store.close()

    def _hear(self, item: Event | ReadBatch) -> None:
        self.heard.append(item)  # type: ignore[arg-type]

    def _carry_out(self, effects: list[Effect]) -> None:
        self.dispatch(effects)
        for effect in effects:
            if isinstance(effect, AlarmChanged):
                self.counts[f"alarms {effect.event_type}"] += 1
                if effect.event_type == "raised":
                    self._answer(effect.alarm.id, "received")
                    self._answer(effect.alarm.id, "resolve")

    def _answer(self, alarm: str, action: str) -> None:
        body = {
            "id": f"{alarm}-{action}",
            "alarm": alarm,
            "action": action,
            "at": utc_text(self.clock.at),
            "outcome": "recovered",
        }
        self.desk.submit(msgspec.json.encode(body), "staff-1")

    def _send(self, *_message: Any) -> int:
        self._mid += 1
        self._sent.append(self._mid)
        return self._mid


def reads_of_day(life: Life, seconds: int, rng: random.Random) -> Iterator[tuple[int, list[Read]]]:
    """The reads of each second, in order; sales happen on the way."""
    shapes = [_shape(rng) for _ in range(SHAPES)]
    rack = [encode_sgtin_96("0614141", "812345", serial) for serial in range(RACK_TAGS)]
    levels = [rng.uniform(-70, -58) for _ in rack]
    waiting: dict[int, list[Read]] = {}
    serial, groups, next_group = 1_000_000, 0, MIDNIGHT
    for second in range(seconds):
        at = MIDNIGHT + second
        for epc, level in zip(rack, levels, strict=True):
            moment = at + rng.random()
            waiting.setdefault(second, []).append(_read(epc, moment, 1, level + rng.gauss(0, 1.0), 1.0))
        if not OPEN_H <= second / HOUR_S % 24 < CLOSE_H:
            next_group = at + 1.0
        while next_group <= at:
            groups += 1
            epcs = [encode_sgtin_96("0614141", "899999", serial + item) for item in range(2)]
            serial += 2
            if groups % UNPAID_EVERY:
                life.sell(groups, epcs)
            for epc in epcs:
                for read in _walk(epc, next_group + 30.0, rng.choice(shapes)):
                    waiting.setdefault(int(read.at - MIDNIGHT), []).append(read)
            next_group += GROUP_EVERY_S
        yield second, sorted(waiting.pop(second, []), key=lambda read: read.at)


def _shape(rng: random.Random) -> list[tuple[float, int, float, float]]:
    """One way out past both antennas: seconds, antenna, level, phase. Free space, a body behind, noise."""
    reads, at, speed = [], 0.0, rng.uniform(0.8, 1.4)
    while at < WALK_S / speed:
        place = -3.0 + at * speed
        for antenna, where in ((1, -0.4), (2, 0.4)):
            distance = math.hypot(place - where, 0.7)
            behind = 3.0 if (place - where) * (1 if where > 0 else -1) < 0 else 0.0
            level = -42.0 - 22 * math.log10(distance) - behind + rng.gauss(0, 1.5)
            if level >= -68.0:
                reads.append((at + antenna * 0.003, antenna, level, (4 * math.pi * distance / 0.3456) % (2 * math.pi)))
        at += 1 / 25 * rng.uniform(0.7, 1.3)
    return reads


def _walk(epc: str, start: float, shape: list[tuple[float, int, float, float]]) -> Iterator[Read]:
    for at, antenna, level, phase in shape:
        yield _read(epc, start + at, antenna, level, phase)


def _read(epc: str, at: float, antenna: int, level: float, phase: float) -> Read:
    return Read(
        at=round(at, 4), gate="front", reader="front-1", antenna=antenna, epc=epc, rssi_dbm=round(level * 2) / 2,
        phase_rad=round(phase, 3), channel=1,
    )  # fmt: skip


def _config(folder: Path) -> Config:
    reader = {"id": "front-1", "driver": "replay", "antennas": {1: "inside", 2: "outside"}}
    return Config.model_validate(
        {
            "site": {"id": "0001", "company_prefixes": ["0614141"]},
            "database": {"url": f"sqlite:///{folder / 'rfidguard.db'}"},
            "journal": {"dir": str(folder / "journal")},
            "ledger": {"unknown_epc": "strict"},
            "gate": [{"id": "front", "mode": "siren", "reader": [reader]}],
        }
    )


def _proc(name: str, key: str) -> int:
    for line in Path(f"/proc/self/{name}").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    return 0


def _sample(reads: int) -> list[float]:
    files = len(list(Path("/proc/self/fd").iterdir()))
    return [reads / 1e6, _proc("status", "VmRSS") / 1024, threading.active_count(), files, _proc("io", "write_bytes") / 1e6]


def _slope(values: list[float]) -> float:
    """Least squares, per step."""
    middle = (len(values) - 1) / 2
    mean = sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in range(len(values)))
    return sum((at - middle) * (value - mean) for at, value in enumerate(values)) / spread if spread else 0.0


def live(folder: Path, hours: float, told: Callable[[str], None]) -> tuple[Life, list[list[float]]]:
    """Lives through so many hours; a sample at the end of each."""
    life, rng, reads = Life(folder), random.Random(1), 0
    life.start()
    samples = []
    for second, batch in reads_of_day(life, round(hours * HOUR_S), rng):
        for read in batch:
            life.feed(read)
        reads += len(batch)
        life.second()
        if (second + 1) % HOUR_S == 0:
            samples.append(_sample(reads))
            told(f"hour {(second + 1) // HOUR_S}: {reads / 1e6:.2f} M reads, {samples[-1][1]:.0f} MB")
    life.stop()
    return life, samples


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--dir", type=Path, default=Path(".cache"), help="on a real disk: a tmpfs writes nothing")
    arguments = parser.parse_args()
    arguments.dir.mkdir(exist_ok=True)
    clock = SystemClock()
    since = clock.monotonic()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as name:
        folder = Path(name)
        before = _proc("io", "write_bytes") / 1e6
        life, samples = live(folder, arguments.hours, lambda text: print(text, flush=True))
        sizes = {part: sum(file.stat().st_size for file in folder.glob(part)) / 1e6 for part in ("rfidguard.db*", "journal/*")}
    took_s = clock.monotonic() - since
    late = samples[len(samples) // 3 :]
    cpu = resource.getrusage(resource.RUSAGE_SELF)
    grid = [
        (f"{hour}", f"{s[0]:.2f}", f"{s[1]:.0f}", f"{s[2]:.0f}", f"{s[3]:.0f}", f"{s[4] - before:.0f}")
        for hour, s in enumerate(samples, 1)
    ]
    remark = (
        f"{took_s:.0f} s ({cpu.ru_utime + cpu.ru_stime:.0f} s of CPU). {dict(sorted(life.counts.items()))}\n\n"
        f"Memory: {_slope([s[1] for s in late]):+.2f} MB an hour over the last two thirds, {samples[-1][1]:.0f} MB at the end. "
        f"On disk at the end: database {sizes['rfidguard.db*']:.1f} MB, journal {sizes['journal/*']:.1f} MB."
    )
    head = ("hour", "reads so far, M", "memory, MB", "threads", "open files", "written to disk so far, MB")
    write_grid("store-life", f"{arguments.hours:g} hours of a shop", head, grid, remark)


if __name__ == "__main__":
    main()
